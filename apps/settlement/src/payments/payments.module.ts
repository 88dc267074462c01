import { Module } from '@nestjs/common';
import { ExchangeModule } from '../exchange/exchange.module.js';
import { FilesModule } from '../files/files.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { StaticDataModule } from '../static-data/static-data.module.js';
import { TradesModule } from '../trades/trades.module.js';
import { AgentPaymentsService } from './agent-payments.service.js';
import { PaymentFigures } from './payment.figures.js';
import { PaymentChangesService } from './payment-changes.service.js';
import { PaymentSubmissionService } from './payment-submission.service.js';
import { PaymentFileService } from './payment-file.service.js';
import { PaymentResolver, PaymentsResolver } from './payments.resolver.js';
import { PaymentsRepository } from './payments.repository.js';
import { PaymentsService } from './payments.service.js';

@Module({
  imports: [ExchangeModule, FilesModule, LedgerModule, StaticDataModule, TradesModule],
  providers: [
    PaymentsRepository,
    PaymentsService,
    AgentPaymentsService,
    PaymentFileService,
    PaymentChangesService,
    PaymentSubmissionService,
    PaymentFigures,
    PaymentsResolver,
    PaymentResolver,
  ],
  exports: [AgentPaymentsService, PaymentsService, PaymentFigures],
})
export class PaymentsModule {}
