import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DemoRole } from './access.js';
import { type Api, patiently, until } from './api.js';
import { coverShortfalls, releasePayment, runApprovals } from './approvals.js';
import { receiveList } from './institution.js';
import { type OwnFile, type OwnFiles } from './own-files.js';
import { type Progress } from './progress.js';
import { type DayScript, type DayStep } from './script.js';

export interface DayContext {
  api: Api;
  progress: Progress;
  sampleDirectory: string;
  simulatorUrl: string;
  /** Moves the database's business clock; only a sample installation has one that can be moved. */
  setClock: (localTime: string) => Promise<void>;
  /** The caller's own: trades take the place of the sample's, a statement and a list come besides. */
  ownFiles: OwnFiles;
  /** Called as each step begins; the fault tests aim from there. */
  onStep?: (step: DayStep) => void;
  /** What an earlier start did of this day, and where this one writes down what it does. */
  memory?: DayMemory;
}

/** Survives the end of the launcher, so that an interrupted day goes on where it stopped. */
export interface DayMemory {
  stepsDone: number;
  stepDone: () => void;
  /** Gives what was noted under the name before; else notes the text, for good, before it is used. */
  once: (name: string, text: string) => string;
}

const forgetful: DayMemory = { stepsDone: 0, stepDone: () => undefined, once: (_, text) => text };

/**
 * Plays everyone around the back office for one day: front office, operations, compliance, and the market's clock.
 * Steps done before are left out; the one that was interrupted is done again, as every request carries its key.
 */
export async function runBusinessDay(context: DayContext, script: DayScript): Promise<void> {
  const memory = context.memory ?? forgetful;
  for (const step of script.steps.slice(memory.stepsDone)) {
    await context.setClock(`${script.date}T${step.at}`);
    context.onStep?.(step);
    await perform(context, script, step);
    memory.stepDone();
  }
}

async function perform(context: DayContext, script: DayScript, step: DayStep): Promise<void> {
  const { api, progress } = context;
  const said = (text: string) => {
    progress.step(`${step.at}  ${text}`);
  };
  switch (step.action) {
    case 'OPEN':
      progress.begin('startOfDay', `Start of day ${script.date}: ${step.books.join(', ')}`);
      // Before any name of the day comes in, and before the day waits for a list of its own.
      await receiveOwnList(context, script.date, said);
      for (const book of step.books) await openDay(api, book, script.date);
      await runPhases(context, script, 'START_OF_DAY', 1);
      said('books open, what is due is eligible');
      progress.begin('intake', 'Intake');
      return;
    case 'FILE': {
      const own = step.kind === 'TRADES' ? context.ownFiles.trades : undefined;
      if (!own) {
        const content = readFileSync(join(context.sampleDirectory, step.file), 'utf8');
        said(`${step.name}: ${await receiveFile(api, step.kind, step.name, content)}`);
      } else if (script.steps.find((one) => one.action === 'FILE' && one.kind === 'TRADES') === step) {
        said(`${own.name}, in place of the sample's: ${await receiveOwnFile(api, 'TRADES', own, script.date)}`);
      }
      return;
    }
    case 'PAYMENTS': {
      const all = JSON.parse(readFileSync(join(context.sampleDirectory, step.file), 'utf8')) as Record<
        string,
        SubmittedPayment[]
      >;
      const payments = all[step.part] ?? [];
      const { replayed, refused } = await submitPayments(api, payments);
      said(
        `${payments.length === 1 ? 'one payment' : `${payments.length} payments`} by the front office${replayed > 0 ? `, ${replayed} of them replays without effect` : ''}${refused > 0 ? `, ${refused} refused` : ''}`,
      );
      return;
    }
    case 'RELEASE_PAYMENT':
      await releasePayment(api, step.endToEndId);
      said('one held payment released by a second person');
      return;
    case 'SANCTIONS_LIST': {
      const read = (file: string) => readFileSync(join(context.sampleDirectory, file), 'utf8');
      await receiveList(api, {
        name: step.name,
        source: 'SAMPLE',
        content: read(step.files.primary),
        altContent: read(step.files.alternateNames),
        addContent: read(step.files.addresses),
      });
      said('sanctions list updated, parties screened again');
      return;
    }
    case 'PHASE': {
      const names = {
        GATE: 'gate',
        AFFIRM: 'affirm',
        INSTRUCT: 'instruct',
        SETTLE: 'settle',
        CUT_OFF: 'endOfDay',
        FAIL_SNAPSHOT: 'endOfDay',
      } as const;
      const name = names[step.phase];
      if (step.phase === 'GATE') progress.begin(name, 'Compliance gate, affirmation, instruction, settlement');
      else if (step.phase === 'CUT_OFF') progress.begin(name, 'End of day');
      else progress.begin(name);
      await runPhases(context, script, step.phase, step.cycle);
      said(phaseTitles[step.phase]);
      return;
    }
    case 'ADVANCE_MARKET': {
      const files = await advanceMarket(context, `${script.date}T${step.at}`);
      said(files === 1 ? 'the market answered with one file' : `the market answered with ${files} files`);
      return;
    }
    case 'APPROVALS':
      progress.begin('approvals', 'Approvals');
      said(
        await runApprovals(
          api,
          // The price to be overridden is one of the sample's trades.
          (
            JSON.parse(
              readFileSync(join(context.sampleDirectory, 'days', script.date, 'approvals.json'), 'utf8'),
            ) as Parameters<typeof runApprovals>[1]
          ).filter(({ kind }) => kind !== 'PRICE_OVERRIDE' || !context.ownFiles.trades),
          context.setClock,
          script.date,
          (context.memory ?? forgetful).once,
        ),
      );
      progress.begin('settle', 'Settlement, second half of the day');
      return;
    case 'COVER_SHORTFALLS': {
      const covered = await coverShortfalls(api);
      said(
        `${covered === 1 ? 'one shortfall' : `${covered} shortfalls`} of client assets covered by two people, open until cured`,
      );
      return;
    }
    case 'CLOSE':
      progress.begin('endOfDay');
      if (context.ownFiles.statement) {
        const own = context.ownFiles.statement;
        said(`${own.name}: ${await receiveOwnFile(api, 'STATEMENT', own, script.date)}`);
      }
      if (context.ownFiles.sanctions) said(await hitsOfOwnList(api, script.date));
      for (const phase of ['CONTROL_TOTALS', 'TRIAL_BALANCE', 'SEAL', 'ROLL'] as const)
        await runPhases(context, script, phase, 1);
      said('control totals agree, trial balance kept, day sealed, date rolled');
      progress.end();
      return;
  }
}

const phaseTitles = {
  GATE: 'gate passed: everything is screened',
  AFFIRM: 'confirmed trades affirmed',
  INSTRUCT: 'instructions sent to the places',
  SETTLE: 'settlement cycle run between our own clients',
  CUT_OFF: 'cut-offs passed, expected files checked',
  FAIL_SNAPSHOT: 'fails snapshot taken',
} as const;

type Phase = keyof typeof phaseTitles | 'START_OF_DAY' | 'CONTROL_TOTALS' | 'TRIAL_BALANCE' | 'SEAL' | 'ROLL';

async function receiveOwnList(
  { api, ownFiles: { sanctions: own } }: DayContext,
  date: string,
  said: (text: string) => void,
): Promise<void> {
  if (!own) return;
  const { entryCount, partyHitCount } = await receiveList(api, {
    name: own.name,
    source: 'OWN',
    content: own.content,
    key: `${date}-${own.hash}`,
  });
  said(`${own.name}: ${entryCount} entries in force besides the sample's, ${partyHitCount ?? 0} more parties held`);
}

interface Hit {
  reference: string;
  entryName: string | null;
  listVersionId: string;
}

/** Who was stopped by the caller's own list alone, by name. */
async function hitsOfOwnList(api: Api, date: string): Promise<string> {
  const versions = await api.send<{ listVersions: { edges: { node: { id: string } }[] } }>(
    'compliance',
    'query OwnLists { listVersions(source: "OWN", first: 100) { edges { node { id } } } }',
  );
  const own = new Set(versions.listVersions.edges.map(({ node }) => node.id));
  const hits: Hit[] = [];
  let after: string | null = null;
  do {
    const { alerts }: { alerts: { edges: { node: Hit }[]; pageInfo: { hasNextPage: boolean; endCursor: string } } } =
      await api.send(
        'compliance',
        'query Hits($date: Date!, $after: String) { alerts(first: 100, after: $after, filter: { businessDate: $date }) { edges { node { reference entryName listVersionId } } pageInfo { hasNextPage endCursor } } }',
        { date, after },
      );
    hits.push(...alerts.edges.map(({ node }) => node).filter(({ listVersionId }) => own.has(listVersionId)));
    after = alerts.pageInfo.hasNextPage ? alerts.pageInfo.endCursor : null;
  } while (after !== null);
  if (hits.length === 0) return 'your own list stopped nobody';
  return `your own list stopped ${hits.map(({ reference, entryName }) => `${reference} (${entryName ?? 'an entry since deleted'})`).join(', ')}`;
}

async function openDay(api: Api, book: string, businessDate: string): Promise<void> {
  await api.mutate(
    'operations',
    'openBusinessDay',
    { book, businessDate, idempotencyKey: `open-${book}-${businessDate}` },
    'businessDay { book businessDate state }',
    'OpenBusinessDayInput',
  );
}

/** Starts a phase in every open book and waits until each is done. */
async function runPhases(context: DayContext, script: DayScript, phase: Phase, cycle: number): Promise<void> {
  const { api, progress } = context;
  for (const book of script.books) {
    await api.mutate(
      'operations',
      'runBusinessDayPhase',
      {
        book,
        businessDate: script.date,
        phase,
        cycle,
        idempotencyKey: `phase-${book}-${script.date}-${phase}-${cycle}`,
      },
      'phaseRun { id state }',
      'RunBusinessDayPhaseInput',
    );
    await until(`${phase} of ${book}`, async () => {
      const data = await api.send<{
        businessDay: {
          phaseRuns: { phase: string; cycle: number; state: string; problems: { code: string; message: string }[] }[];
        } | null;
      }>(
        'operations',
        'query Day($book: String!, $businessDate: Date!) { businessDay(book: $book, businessDate: $businessDate) { phaseRuns { phase cycle state problems { code message } } } }',
        { book, businessDate: script.date },
      );
      const run = data.businessDay?.phaseRuns.find((one) => one.phase === phase && one.cycle === cycle);
      progress.note(`${phase} ${book}: ${run?.state ?? 'not started'}`);
      if (run?.state === 'STOPPED' || run?.state === 'FAILED')
        throw new Error(
          `${phase} of ${book} stopped: ${run.problems.map((one) => `${one.code} ${one.message}`).join('; ')}`,
        );
      return run?.state === 'COMPLETED' ? true : undefined;
    });
  }
}

interface FileState {
  state: string;
  counts: Record<string, number> | null;
  problems: { code: string; message: string }[];
}

interface ImportJob {
  id: string;
  state: string;
  error: { code: string; message: string } | null;
}

const receiveOwnFile = (api: Api, kind: string, { name, content, hash }: OwnFile, date: string): Promise<string> =>
  receiveFile(api, kind, name, content, `file-${name}-${date}-${hash}`);

async function receiveFile(
  api: Api,
  kind: string,
  name: string,
  content: string,
  idempotencyKey = `file-${name}`,
): Promise<string> {
  const role: DemoRole = kind === 'STATEMENT' ? 'partner' : 'front-office';
  const { file } = await api.mutate<{ file: { id: string }; problems: [] }>(
    role,
    'receiveFile',
    { kind, name, content, idempotencyKey },
    'file { id }',
    'ReceiveFileInput',
  );
  const done = await until(`the import of ${name}`, async () => {
    const data = await api.send<{ file: FileState | null; settlementJobRuns: { edges: { node: ImportJob }[] } }>(
      'operations',
      `query File($id: String!, $name: String!) {
        file(id: $id) { state counts problems { code message } }
        settlementJobRuns(first: 1, filter: { name: "settlement.import-file.v1", businessKey: $name }) { edges { node { id state error { code message } } } }
      }`,
      { id: file.id, name },
    );
    // Given up after all its attempts: nobody goes on by himself, so waiting would be in vain.
    const job = data.settlementJobRuns.edges[0]?.node;
    if (job?.state === 'FAILED')
      throw new Error(
        `The import of ${name} failed: ${job.error?.code ?? ''} ${job.error?.message ?? ''}. Its job is ${job.id}: the log of settlement says more, and once the cause is gone retrySettlementJob runs it again.`,
      );
    return data.file && !['RECEIVED', 'IMPORTING'].includes(data.file.state) ? data.file : undefined;
  });
  const counts = Object.entries(done.counts ?? {}).map(([what, count]) => `${count} ${what.toLowerCase()}`);
  const why = done.problems.slice(0, 5).map(({ message }) => message.replace(/\.$/, ''));
  return `${done.state.toLowerCase()} ${counts.join(', ')}${why.length > 0 ? ` (${why.join('; ')})` : ''}`.trim();
}

interface SubmittedPayment {
  endToEndId: string;
  book: string;
  debtorAccount: string;
  creditorName: string;
  creditorIban: string;
  creditorCountry: string;
  currency: string;
  amount: string;
}

async function submitPayments(
  api: Api,
  payments: readonly SubmittedPayment[],
): Promise<{ replayed: number; refused: number }> {
  const items = payments.map((one) => ({
    idempotencyKey: one.endToEndId,
    endToEndId: one.endToEndId,
    debtorAccount: one.debtorAccount,
    creditorName: one.creditorName,
    creditorIban: one.creditorIban,
    creditorCountry: one.creditorCountry,
    amount: one.amount,
    currency: one.currency,
  }));
  const payload = await api.tryMutate<{ results: { replayed: boolean; problems: { code: string }[] }[] }>(
    'front-office',
    'submitPayments',
    { payments: items },
    'results { replayed problems { code } }',
    'SubmitPaymentsInput',
  );
  return {
    replayed: payload.results.filter((one) => one.replayed).length,
    refused: payload.results.filter((one) => one.problems.length > 0).length,
  };
}

/** Lets everything of ours out, moves the market's clock, and lets everything of theirs in. */
async function advanceMarket(context: DayContext, to: string): Promise<number> {
  await exchangeEmpty(context);
  // Asked again after a fault of transport, the market does nothing twice: it goes on from where its journal ends.
  const response = await patiently(() =>
    fetch(`${context.simulatorUrl}/advance`, { method: 'POST', body: JSON.stringify({ to }) }),
  );
  const answer = (await response.json()) as { written?: object[]; message?: string };
  if (!response.ok)
    throw new Error(`The market simulator refused to advance to ${to}: ${answer.message ?? response.status}`);
  await exchangeEmpty(context);
  return answer.written?.length ?? 0;
}

/** Nothing is on its way any more: neither to or from the market, nor between the services. */
async function exchangeEmpty({ api, progress }: DayContext): Promise<void> {
  await until('the exchange with the market', async () => {
    const { exchangeBacklog } = await api.send<{
      exchangeBacklog: { outbound: number; inbound: number; messages: number };
    }>('operations', 'query Backlog { exchangeBacklog { outbound inbound messages } }');
    const { outbound, inbound, messages } = exchangeBacklog;
    progress.note(`${outbound} messages to write, ${inbound} files to read, ${messages} messages between services`);
    return outbound + inbound + messages === 0 ? true : undefined;
  });
}
