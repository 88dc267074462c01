import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EntryOutcome, type EventToPost } from '#libs/contracts/index.js';
import { type Transactions } from '#libs/database/index.js';
import { type TestDatabase } from '#libs/testing/index.js';
import { ChangesService } from './changes/changes.service.js';
import { ClosuresService } from './changes/closures.service.js';
import { PreviewsService } from './changes/previews.service.js';
import { DayProcessor } from './day/day.processor.js';
import { ExchangeFolders } from './exchange/exchange-folders.js';
import { ExchangeHandlersService } from './exchange/exchange-handlers.service.js';
import { ExchangeOutboxService } from './exchange/exchange-outbox.service.js';
import { ExchangeReaderService } from './exchange/exchange-reader.service.js';
import { ExchangeWriterService } from './exchange/exchange-writer.service.js';
import { ExchangeRepository } from './exchange/exchange.repository.js';
import { FileLinesService } from './files/file-lines.service.js';
import { FilesRepository } from './files/files.repository.js';
import { HoldDecisionsRepository } from './holds/hold-decisions.repository.js';
import { HoldsProcessor } from './holds/holds.processor.js';
import { HoldsService } from './holds/holds.service.js';
import { InstructionChangesService } from './instructions/instruction-changes.service.js';
import { InstructionDatesService } from './instructions/instruction-dates.service.js';
import { InstructionsRepository } from './instructions/instructions.repository.js';
import { InstructionsService } from './instructions/instructions.service.js';
import { SettlementsService } from './instructions/settlements.service.js';
import { InternalSettlementService } from './internal-settlement/internal-settlement.service.js';
import { LedgerRepository } from './ledger/ledger.repository.js';
import { LedgerService } from './ledger/ledger.service.js';
import { AgentPaymentsService } from './payments/agent-payments.service.js';
import { PaymentChangesService } from './payments/payment-changes.service.js';
import { PaymentFileService } from './payments/payment-file.service.js';
import { PaymentsRepository } from './payments/payments.repository.js';
import { PaymentsService } from './payments/payments.service.js';
import { PositionsService } from './positions/positions.service.js';
import { DepotStatementsService } from './statements/depot-statements.service.js';
import { StatedAccountsService } from './statements/stated-accounts.service.js';
import { StatementsService } from './statements/statements.service.js';
import { intakeForTests } from './trades/for-tests.js';

/** Settlement's services wired by hand around one database and one exchange folder, for tests without a process around them. */
export function settlementForTests(transactions: Transactions) {
  const intake = intakeForTests();
  const root = mkdtempSync(join(tmpdir(), 'exchange-'));
  const folders = new ExchangeFolders(root);
  const exchangeRepository = new ExchangeRepository();
  const handlers = new ExchangeHandlersService();
  const exchange = new ExchangeOutboxService(exchangeRepository);
  const newReader = () =>
    new ExchangeReaderService(transactions, exchangeRepository, folders, handlers, intake.workItems);
  const newWriter = () => new ExchangeWriterService(transactions, exchangeRepository, folders);
  const instructionRows = new InstructionsRepository();
  const instructionChanges = new InstructionChangesService(instructionRows, intake.audit);
  const instructions = new InstructionsService(
    instructionRows,
    instructionChanges,
    intake.trades,
    exchange,
    handlers,
    intake.outbox,
    intake.workItems,
    intake.dueTimes,
  );
  const instructionDates = new InstructionDatesService(intake.audit, intake.workItems);
  const closures = new ClosuresService(
    intake.calendars,
    intake.bookDays,
    intake.staticData,
    intake.tradeDates,
    instructionDates,
  );
  const changes = new ChangesService(intake.staticData, intake.trades, closures, intake.outbox, intake.audit);
  const previews = new PreviewsService(changes, closures, intake.staticData, intake.tradeDates, instructionDates);
  const ledger = new LedgerService(new LedgerRepository(), intake.outbox, intake.audit);
  const settlements = new SettlementsService(
    instructionRows,
    instructionChanges,
    intake.trades,
    handlers,
    ledger,
    intake.workItems,
  );
  const paymentRows = new PaymentsRepository();
  const paymentChanges = new PaymentChangesService(paymentRows, intake.audit);
  const agentPayments = new AgentPaymentsService(
    paymentRows,
    paymentChanges,
    intake.trades,
    exchange,
    handlers,
    ledger,
    intake.workItems,
  );
  const payments = new PaymentsService(
    paymentRows,
    paymentChanges,
    intake.trades,
    intake.staticData,
    intake.outbox,
    ledger,
    agentPayments,
  );
  const paymentFiles = new PaymentFileService(intake.readers, new FileLinesService(new FilesRepository()), payments);
  const stated = new StatedAccountsService(intake.outbox, intake.staticData);
  const statements = new StatementsService(
    handlers,
    intake.readers,
    intake.expected,
    intake.audit,
    intake.workItems,
    stated,
  );
  const depotStatements = new DepotStatementsService(
    handlers,
    intake.staticData,
    stated,
    intake.audit,
    intake.workItems,
  );
  for (const feature of [instructions, settlements, agentPayments, paymentFiles, statements, depotStatements])
    feature.onModuleInit();
  const holds = new HoldsService(
    instructions,
    instructionChanges,
    intake.trades,
    exchange,
    intake.outbox,
    intake.workItems,
  );
  const answers = new HoldsProcessor(
    holds,
    new HoldDecisionsRepository(),
    intake.trades,
    payments,
    settlements,
    ledger,
  );
  const internal = new InternalSettlementService(instructionChanges, instructions, ledger);
  const reader = newReader();
  const writer = newWriter();
  const day = new DayProcessor(
    intake.outbox,
    intake.trades,
    payments,
    agentPayments,
    instructions,
    internal,
    ledger,
    intake.expected,
    writer,
    reader,
  );
  return {
    ...intake,
    root,
    folders,
    handlers,
    exchange,
    exchangeRepository,
    reader,
    writer,
    newReader,
    newWriter,
    changes,
    closures,
    previews,
    instructionDates,
    instructions,
    instructionRows,
    settlements,
    ledger,
    payments,
    agentPayments,
    paymentRows,
    paymentFiles,
    statements,
    holds,
    answers,
    internal,
    day,
    positions: new PositionsService(),
  };
}

interface Command {
  readonly sequence: string;
  readonly payload: { batchId: string; items: EventToPost[] };
}

/**
 * Plays accounting: takes what was added for it since the last call, in order, and answers as `decide`
 * says; without a word from it, everything is booked.
 */
export function accountingForTests(
  database: TestDatabase,
  decide: (entry: EventToPost) => Partial<Extract<EntryOutcome, { outcome: 'REFUSED' }>> | undefined = () => undefined,
) {
  let seen = 0n;
  const entries: EventToPost[] = [];
  return {
    entries,
    /** What earlier tests sent is none of this one's. */
    async skipEarlier(): Promise<void> {
      const { rows } = await database
        .pool('owner')
        .query<{ last: string }>('SELECT coalesce(max(sequence), 0) AS last FROM messaging.message');
      seen = BigInt(rows[0]?.last ?? 0);
    },
    async answer(): Promise<EntryOutcome[]> {
      const { rows } = await database
        .pool('owner')
        .query<Command>(
          `SELECT sequence, payload FROM messaging.message WHERE name = 'accounting.post-entries.v1' AND sequence > $1 ORDER BY sequence`,
          [seen.toString()],
        );
      const outcomes: EntryOutcome[] = [];
      for (const { sequence, payload } of rows) {
        seen = BigInt(sequence);
        for (const entry of payload.items) {
          entries.push(entry);
          const refusal = decide(entry);
          outcomes.push(
            refusal === undefined
              ? { outcome: 'POSTED', key: entry.key, entryId: `ent_${entries.length}`, subject: entry.subject }
              : {
                  outcome: 'REFUSED',
                  key: entry.key,
                  subject: entry.subject,
                  code: 'INSUFFICIENT_FUNDS',
                  message: 'not enough',
                  ...refusal,
                },
          );
        }
      }
      return outcomes;
    },
  };
}

/** A job without a queue behind it. */
export function plainJob(transactions: Transactions) {
  const finished: string[] = [];
  return {
    finished,
    job: {
      signal: new AbortController().signal,
      saved: undefined,
      step: <T>(work: Parameters<typeof transactions.run<T>>[0]) => transactions.run(work),
      finish: async <T>(work: Parameters<typeof transactions.run<T>>[0]) => {
        finished.push('finished');
        return transactions.run(work);
      },
      progress: () => undefined,
      checkpoint: () => undefined,
    } as never,
  };
}
