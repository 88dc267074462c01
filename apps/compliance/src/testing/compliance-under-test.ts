import { AuditOwner, AuditTrail } from '#libs/audit/index.js';
import { type PayloadOf, type MessageName } from '#libs/contracts/index.js';
import { type Transactions, type Tx } from '#libs/database/index.js';
import { type Json, type LongJob, MessageCatalogue, Outbox, sealText } from '#libs/messaging/index.js';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { AlertsRepository } from '../alerts/alerts.repository.js';
import { Alerts } from '../alerts/alerts.service.js';
import { ApiClientsRepository } from '../api-clients/api-clients.repository.js';
import { ApiClients } from '../api-clients/api-clients.service.js';
import { ApprovalDecisions } from '../approvals/approval-decisions.service.js';
import { ApprovalsRepository } from '../approvals/approvals.repository.js';
import { Approvals } from '../approvals/approvals.service.js';
import { BusinessDays } from '../business-days/business-days.service.js';
import { ComplianceConfig } from '../compliance.config.js';
import { ListVersions } from '../lists/list-versions.service.js';
import { ListsRepository } from '../lists/lists.repository.js';
import { type ListFiles, Lists } from '../lists/lists.service.js';
import { PartiesRepository } from '../parties/parties.repository.js';
import { Parties } from '../parties/parties.service.js';
import { PartyRegister } from '../parties/party-register.service.js';
import { ListIndexes } from '../screening/list-indexes.service.js';
import { ScreeningProcessor } from '../screening/screening.processor.js';
import { ScreeningRepository } from '../screening/screening.repository.js';
import { Screening } from '../screening/screening.service.js';

/** A process of compliance: its own caches, the one database. */
export function processOf(transactions: Transactions) {
  const config = new ComplianceConfig();
  const audit = new AuditTrail(new AuditOwner('compliance'));
  const outbox = new Outbox(new MessageCatalogue(), { ring: () => undefined } as never);
  const workItems = new WorkItems();
  const businessDays = new BusinessDays(config);
  const partiesRepository = new PartiesRepository();
  const approvalsRepository = new ApprovalsRepository();
  const alertsRepository = new AlertsRepository();
  const listsRepository = new ListsRepository();
  const screeningRepository = new ScreeningRepository();
  const register = new PartyRegister(partiesRepository);
  const listVersions = new ListVersions(listsRepository);
  const indexes = new ListIndexes(listVersions);
  const approvals = new Approvals(approvalsRepository, businessDays, outbox, audit);
  const alerts = new Alerts(alertsRepository, approvals, register, businessDays, workItems, outbox, audit, config);
  const screening = new Screening(screeningRepository, register, listVersions, indexes);
  const parties = new Parties(partiesRepository, screening, alerts, outbox, audit);
  const lists = new Lists(listsRepository, indexes, screening, register, alerts, outbox, audit);
  const decisions = new ApprovalDecisions(approvals, approvalsRepository, alerts);
  const screeningProcessor = new ScreeningProcessor(screening, alerts, outbox);
  const apiClients = new ApiClients(new ApiClientsRepository(), transactions, audit, config);
  return {
    config,
    audit,
    outbox,
    businessDays,
    partiesRepository,
    approvalsRepository,
    alertsRepository,
    listsRepository,
    screeningRepository,
    approvals,
    alerts,
    screening,
    parties,
    lists,
    decisions,
    screeningProcessor,
    apiClients,
  };
}

export type ComplianceProcess = ReturnType<typeof processOf>;

export interface ComplianceUnderTest extends ComplianceProcess {
  readonly database: TestDatabase;
  readonly transactions: Transactions;
  run<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Messages that left, oldest first. */
  sent<Name extends MessageName>(name: Name): Promise<PayloadOf<Name>[]>;
  /** Receives a list and does the whole of its activation. */
  load(files: Partial<ListFiles> & { content: string }): Promise<string>;
  registerParties(
    parties: readonly { partyId: string; name: string; kind?: string; book?: string }[],
    importId?: string,
  ): Promise<void>;
  screenNames(
    batchId: string,
    names: Readonly<Record<string, string>>,
    objectKind?: 'TRADE' | 'PAYMENT',
  ): Promise<void>;
}

export async function complianceUnderTest(startsAt = '2026-11-25T08:00:00Z'): Promise<ComplianceUnderTest> {
  process.env.MESSAGE_SEAL_KEY ??= Buffer.alloc(32, 7).toString('base64');
  const database = await createTestDatabase({ startsAt });
  const transactions = database.transactions('compliance');
  const running = processOf(transactions);
  const run = <T>(work: (tx: Tx) => Promise<T>) => transactions.run(work);
  return {
    ...running,
    database,
    transactions,
    run,
    async sent(name) {
      const { rows } = await database
        .pool('owner')
        .query('SELECT payload FROM messaging.message WHERE name = $1 ORDER BY sequence', [name]);
      return rows.map(({ payload }: { payload: never }) => payload);
    },
    async load(files) {
      const received = await run((tx) =>
        running.lists.receive(tx, { name: 'sample', source: 'SAMPLE', ...files }, 'tester'),
      );
      if (!received.listVersion) throw new Error(JSON.stringify(received.problems));
      await running.lists.activate(received.listVersion.listVersionId, jobIn(transactions));
      return received.listVersion.listVersionId;
    },
    async registerParties(parties, importId = 'imp-1') {
      const rows = parties.map((party) => ({ kind: 'CLIENT', legalForm: 'NATURAL', book: 'NGEU', ...party }));
      await run((tx) =>
        running.parties.applyCutOver(tx, {
          importId,
          kind: 'parties',
          chunk: 0,
          sealedRows: sealText(JSON.stringify(rows)),
        }),
      );
    },
    async screenNames(batchId, names, objectKind = 'PAYMENT') {
      const items = Object.entries(names).map(([objectId, name]) => ({
        objectKind,
        objectId,
        reference: `ref-${objectId}`,
        book: 'NGEU',
        names: [{ role: 'CREDITOR' as const, sealedName: sealText(name) }],
      }));
      await run((tx) => running.screeningProcessor.screenObjects(tx, { batchId, items }));
    },
  };
}

/** A long job without a queue: each step is a transaction; `failAfter` steps it dies, and may be taken up again from `saved`. */
export function jobIn(
  transactions: Transactions,
  { saved, failAfter = Infinity }: { saved?: Json; failAfter?: number } = {},
): LongJob & { kept(): Json | undefined } {
  let kept = saved;
  let steps = 0;
  const step = async <T>(work: (tx: Tx) => Promise<T>): Promise<T> => {
    if (steps >= failAfter) throw new Error('the worker is gone');
    steps += 1;
    return transactions.run(work);
  };
  const job = {
    saved,
    step,
    finish: step,
    progress: () => undefined,
    checkpoint: (value: Json) => {
      kept = value;
    },
    kept: () => kept,
  };
  return job as unknown as LongJob & { kept(): Json | undefined };
}
