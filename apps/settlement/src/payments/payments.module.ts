import { Module } from '@nestjs/common';
import { ExchangeModule } from '../exchange/exchange.module.js';
import { FilesModule } from '../files/files.module.js';
import { TradesModule } from '../trades/trades.module.js';
import { PaymentFigures } from './payment-figures.js';
import { PaymentSubmission } from './payment-submission.js';
import { PaymentFileReader } from './payment-file.reader.js';
import { PaymentResolver, PaymentsResolver } from './payments.resolver.js';
import { PaymentsRepository } from './payments.repository.js';
import { PaymentsService } from './payments.service.js';

@Module({
  imports: [ExchangeModule, FilesModule, TradesModule],
  providers: [
    PaymentsRepository,
    PaymentsService,
    PaymentFileReader,
    PaymentSubmission,
    PaymentFigures,
    PaymentsResolver,
    PaymentResolver,
  ],
  exports: [PaymentsService, PaymentFigures],
})
export class PaymentsModule {}
