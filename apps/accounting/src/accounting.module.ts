import { Global, Module } from '@nestjs/common';
import { AuditModule } from '#libs/audit/index.js';
import { DatabaseModule } from '#libs/database/index.js';
import { SubgraphModule } from '#libs/graphql/index.js';
import { IdempotencyModule } from '#libs/idempotency/index.js';
import { DeadLetterSink, JobRunsModule, MessagingModule } from '#libs/messaging/index.js';
import { DeadLetterWork, dueWithinHours, WorkItems, WorkItemsModule } from '#libs/work-items/index.js';
import { AccountsRepository } from './accounts/accounts.repository.js';
import { AccountsResolver, PartyAccountsResolver } from './accounts/accounts.resolver.js';
import { Accounts } from './accounts/accounts.service.js';
import { ApprovalsProcessor } from './accounts/approvals.processor.js';
import { LimitChanges } from './accounts/limit-changes.service.js';
import { AssetsProcessor } from './assets/assets.processor.js';
import { AssetsRepository } from './assets/assets.repository.js';
import { Assets } from './assets/assets.service.js';
import { BillsRepository } from './bills/bills.repository.js';
import { BillsResolver } from './bills/bills.resolver.js';
import { Bills } from './bills/bills.service.js';
import { BlocksRepository } from './blocks/blocks.repository.js';
import { BlocksResolver } from './blocks/blocks.resolver.js';
import { Blocks } from './blocks/blocks.service.js';
import { BusinessDaysRepository } from './business-days/business-days.repository.js';
import { BusinessDaysResolver } from './business-days/business-days.resolver.js';
import { BusinessDays } from './business-days/business-days.service.js';
import { ControlTotalsRepository } from './business-days/control-totals.repository.js';
import { DayCalendarsProcessor } from './business-days/day-calendars.processor.js';
import { DayCalendarsService } from './business-days/day-calendars.service.js';
import { DayRevisions } from './business-days/day-revisions.service.js';
import { EndOfDay } from './business-days/end-of-day.service.js';
import { PhaseStarter } from './business-days/phase-starter.service.js';
import { PhasesProcessor } from './business-days/phases.processor.js';
import { ChartsRepository } from './chart/charts.repository.js';
import { ChartsResolver } from './chart/charts.resolver.js';
import { Charts } from './chart/charts.service.js';
import { AgentStatementsProcessor } from './client-assets/agent-statements.processor.js';
import { AgentStatementsRepository } from './client-assets/agent-statements.repository.js';
import { CloseCalendarRepository } from './close-calendar/close-calendar.repository.js';
import { CloseCalendarResolver } from './close-calendar/close-calendar.resolver.js';
import { CloseCalendar } from './close-calendar/close-calendar.service.js';
import { ClientAssetViewsRepository } from './client-assets/client-asset-views.repository.js';
import { ClientAssetsRepository } from './client-assets/client-assets.repository.js';
import {
  ClientAssetLineResolver,
  ClientAssetsResolver,
  StockRecordResolver,
} from './client-assets/client-assets.resolver.js';
import { ClientAssets } from './client-assets/client-assets.service.js';
import { ShortfallCoversRepository } from './client-assets/shortfall-covers.repository.js';
import { ShortfallCovers } from './client-assets/shortfall-covers.service.js';
import { ShortfallsRepository } from './client-assets/shortfalls.repository.js';
import { ShortfallsResolver } from './client-assets/shortfalls.resolver.js';
import { ClosingsResolver } from './closings/closings.resolver.js';
import { CorrectionsProcessor } from './corrections/corrections.processor.js';
import { CorrectionsRepository } from './corrections/corrections.repository.js';
import { CorrectionsResolver } from './corrections/corrections.resolver.js';
import { Corrections } from './corrections/corrections.service.js';
import { CutOverProcessor } from './cut-over/cut-over.processor.js';
import { CutOverRepository } from './cut-over/cut-over.repository.js';
import { CutOver } from './cut-over/cut-over.service.js';
import { CustomerOperationsResolver } from './customer-operations/customer-operations.resolver.js';
import { CustomerOperations } from './customer-operations/customer-operations.service.js';
import { DimensionsRepository } from './dimensions/dimensions.repository.js';
import { DimensionsResolver } from './dimensions/dimensions.resolver.js';
import { Dimensions } from './dimensions/dimensions.service.js';
import { FiguresResolver } from './figures/figures.resolver.js';
import { ForeignExchangeRepository } from './foreign-exchange/foreign-exchange.repository.js';
import { ForeignExchange } from './foreign-exchange/foreign-exchange.service.js';
import { HistoryRepository } from './history/history.repository.js';
import { HistoryResolver } from './history/history.resolver.js';
import { HoldsRepository } from './holds/holds.repository.js';
import { HoldsResolver } from './holds/holds.resolver.js';
import { InterbookRepository } from './interbook/interbook.repository.js';
import { InterbookResolver } from './interbook/interbook.resolver.js';
import { Interbook } from './interbook/interbook.service.js';
import { JournalRepository } from './journal/journal.repository.js';
import { JournalResolver, PostingsResolver, ReversalsResolver } from './journal/journal.resolver.js';
import { Journal } from './journal/journal.service.js';
import { PostingProcessor } from './journal/posting.processor.js';
import { PostingService } from './journal/posting.service.js';
import { Reversals } from './journal/reversals.service.js';
import { JournalFilesProcessor } from './manual-journals/journal-files.processor.js';
import { JournalFiles } from './manual-journals/journal-files.service.js';
import { JournalSettings } from './manual-journals/journal-settings.service.js';
import { ManualJournalsRepository } from './manual-journals/manual-journals.repository.js';
import { ManualJournalsResolver } from './manual-journals/manual-journals.resolver.js';
import { ManualJournals } from './manual-journals/manual-journals.service.js';
import { LotsRepository } from './lots/lots.repository.js';
import { LotsResolver } from './lots/lots.resolver.js';
import { OwnSecuritiesRepository } from './lots/own-securities.repository.js';
import { OwnSecurities } from './lots/own-securities.service.js';
import { Mutations } from './mutations.js';
import { ClosingEntries } from './periods/closing-entries.service.js';
import { PeriodEvents } from './periods/period-events.service.js';
import { PeriodsRepository } from './periods/periods.repository.js';
import { EntryAccountingDateResolver, PeriodsResolver } from './periods/periods.resolver.js';
import { Periods } from './periods/periods.service.js';
import { Reopenings } from './periods/reopenings.service.js';
import { DryRuns } from './posting-rules/dry-runs.service.js';
import { PostingRulesProcessor } from './posting-rules/posting-rules.processor.js';
import { PostingRulesRepository } from './posting-rules/posting-rules.repository.js';
import {
  DryRunResolver,
  EntryEventResolver,
  PostingEventResolver,
  PostingRulesResolver,
} from './posting-rules/posting-rules.resolver.js';
import { PostingRules } from './posting-rules/posting-rules.service.js';
import { RuleChanges } from './posting-rules/rule-changes.service.js';
import { JournalExports } from './plain-text/journal-exports.service.js';
import { JournalImports } from './plain-text/journal-imports.service.js';
import { PlainTextProcessor } from './plain-text/plain-text.processor.js';
import { PlainTextRepository } from './plain-text/plain-text.repository.js';
import { PlainTextResolver } from './plain-text/plain-text.resolver.js';
import { ReportFilesRepository } from './report-files/report-files.repository.js';
import { ReportFilesResolver } from './report-files/report-files.resolver.js';
import { ReportFiles } from './report-files/report-files.service.js';
import { RatesProcessor } from './rates/rates.processor.js';
import { RatesRepository } from './rates/rates.repository.js';
import { RatesResolver } from './rates/rates.resolver.js';
import { Rates } from './rates/rates.service.js';
import { IssuedReportsProcessor } from './reports/issued-reports.processor.js';
import { IssuedReportsResolver } from './reports/issued-reports.resolver.js';
import { IssuedReports } from './reports/issued-reports.service.js';
import { ReportsRepository } from './reports/reports.repository.js';
import { ReportsResolver } from './reports/reports.resolver.js';
import { Reports } from './reports/reports.service.js';
import { RollupFolder } from './rollup/rollup-folder.service.js';
import { IssuedStatementsProcessor } from './statements/issued-statements.processor.js';
import { IssuedStatementsRepository } from './statements/issued-statements.repository.js';
import { IssuedStatementsResolver } from './statements/issued-statements.resolver.js';
import { IssuedStatements } from './statements/issued-statements.service.js';
import { StatementsRepository } from './statements/statements.repository.js';
import { StatementsResolver } from './statements/statements.resolver.js';
import { Statements } from './statements/statements.service.js';
import { ValuationsProcessor } from './valuation/valuations.processor.js';
import { ValuationsResolver } from './valuation/valuations.resolver.js';
import { Valuations } from './valuation/valuations.service.js';
import { SuspenseProcessor } from './suspense/suspense.processor.js';
import { SuspenseRepository } from './suspense/suspense.repository.js';
import { SuspenseResolver } from './suspense/suspense.resolver.js';
import { Suspense } from './suspense/suspense.service.js';

const providers = [
  Accounts,
  AccountsRepository,
  AgentStatementsRepository,
  Assets,
  AssetsRepository,
  Bills,
  BillsRepository,
  Blocks,
  BlocksRepository,
  BusinessDaysRepository,
  BusinessDays,
  Charts,
  ChartsRepository,
  CloseCalendar,
  CloseCalendarRepository,
  ClosingEntries,
  ClientAssets,
  ClientAssetsRepository,
  ClientAssetViewsRepository,
  ControlTotalsRepository,
  Corrections,
  CorrectionsRepository,
  CustomerOperations,
  CutOverRepository,
  CutOver,
  DayCalendarsService,
  DayRevisions,
  Dimensions,
  DimensionsRepository,
  DryRuns,
  EndOfDay,
  ForeignExchange,
  ForeignExchangeRepository,
  HistoryRepository,
  HoldsRepository,
  Interbook,
  InterbookRepository,
  IssuedReports,
  IssuedStatements,
  IssuedStatementsRepository,
  Journal,
  JournalExports,
  JournalFiles,
  JournalImports,
  JournalRepository,
  JournalSettings,
  LimitChanges,
  ManualJournals,
  ManualJournalsRepository,
  PeriodEvents,
  LotsRepository,
  Mutations,
  OwnSecurities,
  OwnSecuritiesRepository,
  Periods,
  PeriodsRepository,
  PlainTextRepository,
  PostingRules,
  PostingRulesRepository,
  PostingService,
  Reopenings,
  ReportFiles,
  ReportFilesRepository,
  Rates,
  RatesRepository,
  Reports,
  ReportsRepository,
  Reversals,
  RuleChanges,
  ShortfallCovers,
  ShortfallCoversRepository,
  ShortfallsRepository,
  Statements,
  StatementsRepository,
  Valuations,
  Suspense,
  SuspenseRepository,
];

const processors = [
  JournalFilesProcessor,
  SuspenseProcessor,
  AgentStatementsProcessor,
  ApprovalsProcessor,
  AssetsProcessor,
  CorrectionsProcessor,
  CutOverProcessor,
  DayCalendarsProcessor,
  IssuedReportsProcessor,
  IssuedStatementsProcessor,
  PhasesProcessor,
  PlainTextProcessor,
  PostingProcessor,
  PostingRulesProcessor,
  RatesProcessor,
  PhaseStarter,
  RollupFolder,
  ValuationsProcessor,
];

const resolvers = [
  ManualJournalsResolver,
  SuspenseResolver,
  AccountsResolver,
  BillsResolver,
  BlocksResolver,
  BusinessDaysResolver,
  CloseCalendarResolver,
  ChartsResolver,
  ClientAssetLineResolver,
  ClientAssetsResolver,
  ClosingsResolver,
  CorrectionsResolver,
  CustomerOperationsResolver,
  DimensionsResolver,
  DryRunResolver,
  EntryAccountingDateResolver,
  EntryEventResolver,
  FiguresResolver,
  HistoryResolver,
  HoldsResolver,
  IssuedReportsResolver,
  InterbookResolver,
  IssuedStatementsResolver,
  JournalResolver,
  LotsResolver,
  PartyAccountsResolver,
  PeriodsResolver,
  PlainTextResolver,
  PostingEventResolver,
  PostingRulesResolver,
  PostingsResolver,
  ReportFilesResolver,
  RatesResolver,
  ReportsResolver,
  ReversalsResolver,
  ShortfallsResolver,
  StatementsResolver,
  ValuationsResolver,
  StockRecordResolver,
];

@Global()
@Module({
  imports: [
    DatabaseModule.forService({ service: 'accounting' }),
    MessagingModule.forService('accounting'),
    SubgraphModule.forService('accounting'),
    AuditModule.forService('accounting'),
    WorkItemsModule.forService('accounting'),
    JobRunsModule.forService('accounting'),
    IdempotencyModule,
  ],
  providers: [
    {
      provide: DeadLetterSink,
      useFactory: (workItems: WorkItems) => new DeadLetterWork(workItems, dueWithinHours(4)),
      inject: [WorkItems],
    },
    ...providers,
    ...processors,
    ...resolvers,
  ],
  exports: [DeadLetterSink],
})
export class AccountingModule {}
