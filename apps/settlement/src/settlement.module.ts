import { Global, Module } from '@nestjs/common';
import { AuditModule } from '#libs/audit/index.js';
import { DatabaseModule } from '#libs/database/index.js';
import { SubgraphModule } from '#libs/graphql/index.js';
import { IdempotencyModule } from '#libs/idempotency/index.js';
import { DeadLetterSink, JobRunsModule, MessagingModule } from '#libs/messaging/index.js';
import { DeadLetterWork, dueWithinHours, WorkItems, WorkItemsModule } from '#libs/work-items/index.js';
import { ChangesModule } from './changes/changes.module.js';
import { CutOverModule } from './cut-over/cut-over.module.js';
import { DayModule } from './day/day.module.js';
import { ExchangeModule } from './exchange/exchange.module.js';
import { FiguresModule } from './figures/figures.module.js';
import { FilesModule } from './files/files.module.js';
import { HoldsModule } from './holds/holds.module.js';
import { InstructionsModule } from './instructions/instructions.module.js';
import { InternalSettlementModule } from './internal-settlement/internal-settlement.module.js';
import { PaymentsModule } from './payments/payments.module.js';
import { PositionsModule } from './positions/positions.module.js';
import { StatementsModule } from './statements/statements.module.js';
import { StaticDataModule } from './static-data/static-data.module.js';
import { TradesModule } from './trades/trades.module.js';

@Global()
@Module({
  imports: [
    DatabaseModule.forService({ service: 'settlement' }),
    MessagingModule.forService('settlement'),
    JobRunsModule.forService('settlement'),
    SubgraphModule.forService('settlement'),
    AuditModule.forService('settlement'),
    WorkItemsModule.forService('settlement'),
    IdempotencyModule,
    StaticDataModule,
    TradesModule,
    FilesModule,
    ChangesModule,
    CutOverModule,
    FiguresModule,
    ExchangeModule,
    InstructionsModule,
    InternalSettlementModule,
    PositionsModule,
    PaymentsModule,
    StatementsModule,
    HoldsModule,
    DayModule,
  ],
  providers: [
    {
      provide: DeadLetterSink,
      useFactory: (workItems: WorkItems) => new DeadLetterWork(workItems, dueWithinHours(2)),
      inject: [WorkItems],
    },
  ],
  exports: [DeadLetterSink],
})
export class SettlementModule {}
