import { Global, Module } from '@nestjs/common';
import { AuditModule } from '#libs/audit/index.js';
import { DatabaseModule } from '#libs/database/index.js';
import { SubgraphModule } from '#libs/graphql/index.js';
import { IdempotencyModule } from '#libs/idempotency/index.js';
import { DeadLetterSink, JobRunsModule, MessagingModule } from '#libs/messaging/index.js';
import { DeadLetterWork, WorkItems, WorkItemsModule } from '#libs/work-items/index.js';
import { AlertsProcessor } from './alerts/alerts.processor.js';
import { AlertsRepository } from './alerts/alerts.repository.js';
import { AlertsResolver } from './alerts/alerts.resolver.js';
import { Alerts } from './alerts/alerts.service.js';
import { ApiClientsRepository } from './api-clients/api-clients.repository.js';
import { ApiClientsResolver } from './api-clients/api-clients.resolver.js';
import { ApiClients } from './api-clients/api-clients.service.js';
import { ApprovalDecisions } from './approvals/approval-decisions.service.js';
import { ApprovalsProcessor } from './approvals/approvals.processor.js';
import { ApprovalsRepository } from './approvals/approvals.repository.js';
import { ApprovalsResolver } from './approvals/approvals.resolver.js';
import { Approvals } from './approvals/approvals.service.js';
import { alertDueAt } from './alerts/alerts.js';
import { BusinessDays } from './business-days/business-days.service.js';
import { ComplianceConfig } from './compliance.config.js';
import { FiguresResolver } from './figures/figures.resolver.js';
import { ListVersions } from './lists/list-versions.service.js';
import { ListsProcessor } from './lists/lists.processor.js';
import { ListsRepository } from './lists/lists.repository.js';
import { ListsResolver } from './lists/lists.resolver.js';
import { Lists } from './lists/lists.service.js';
import { Mutations } from './mutations.js';
import { PartiesProcessor } from './parties/parties.processor.js';
import { PartiesRepository } from './parties/parties.repository.js';
import { PartiesResolver } from './parties/parties.resolver.js';
import { Parties } from './parties/parties.service.js';
import { PartyRegister } from './parties/party-register.service.js';
import { ListIndexes } from './screening/list-indexes.service.js';
import { ScreeningProcessor } from './screening/screening.processor.js';
import { ScreeningRepository } from './screening/screening.repository.js';
import {
  PaymentScreeningsResolver,
  ScreeningResolver,
  TradeScreeningsResolver,
} from './screening/screening.resolver.js';
import { Screening } from './screening/screening.service.js';

/** The rules of compliance and their storage; what a test of the service needs beside a database and an outbox. */
export const complianceProviders = [
  AlertsRepository,
  Alerts,
  ApiClientsRepository,
  ApiClients,
  ApprovalDecisions,
  ApprovalsRepository,
  Approvals,
  BusinessDays,
  ListsRepository,
  Lists,
  ListIndexes,
  ListVersions,
  Mutations,
  PartiesRepository,
  Parties,
  PartyRegister,
  ScreeningRepository,
  Screening,
];

const processors = [AlertsProcessor, ApprovalsProcessor, ListsProcessor, PartiesProcessor, ScreeningProcessor];

const resolvers = [
  AlertsResolver,
  ApiClientsResolver,
  ApprovalsResolver,
  FiguresResolver,
  ListsResolver,
  PartiesResolver,
  PaymentScreeningsResolver,
  ScreeningResolver,
  TradeScreeningsResolver,
];

@Global()
@Module({
  imports: [
    DatabaseModule.forService({ service: 'compliance' }),
    MessagingModule.forService('compliance'),
    SubgraphModule.forService('compliance'),
    AuditModule.forService('compliance'),
    JobRunsModule.forService('compliance'),
    WorkItemsModule.forService('compliance'),
    IdempotencyModule,
  ],
  providers: [
    { provide: ComplianceConfig, useFactory: () => ComplianceConfig.fromEnvironment() },
    {
      provide: DeadLetterSink,
      useFactory: (workItems: WorkItems, businessDays: BusinessDays, config: ComplianceConfig) =>
        new DeadLetterWork(workItems, async (tx) => alertDueAt(await businessDays.now(tx), config)),
      inject: [WorkItems, BusinessDays, ComplianceConfig],
    },
    ...complianceProviders,
    ...processors,
    ...resolvers,
  ],
  exports: [DeadLetterSink],
})
export class ComplianceModule {}
