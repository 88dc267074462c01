import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type DayPhase } from '#libs/contracts/index.js';
import { waitFor } from '#libs/testing/index.js';
import { CutOver } from '../cut-over/cut-over.service.js';
import { MerkleRoot } from '../journal/merkle.js';
import { type ServiceUnderTest, startService } from '../testing/service.js';
import { BusinessDays } from './business-days.service.js';

let service: ServiceUnderTest;
const clock = { calendar: 'TARGET', zone: 'Europe/Berlin' };
const operations = { role: 'operations' as const };

beforeAll(async () => {
  service = await startService();
  const cutOver = service.app.get(CutOver, { strict: false });
  await service.run(async (tx) => {
    const rows = ['MIGRATION', 'SUSPENSE'].map((account) => ({
      account,
      book: 'NGEU',
      kind: account,
      currency: '',
      agentBic: '',
      statementChannel: '',
    }));
    const nostro = {
      account: 'NOSTRO-EUR',
      book: 'NGEU',
      kind: 'NOSTRO',
      currency: 'EUR',
      agentBic: '',
      statementChannel: '',
    };
    await cutOver.apply(tx, { importId: 'imp_1', kind: 'nostros', chunk: 0, rows: [...rows, nostro] });
    const client = (account: string) => ({
      account,
      partyId: 'P1',
      book: 'NGEU',
      kind: 'CLIENT_CASH',
      currency: 'EUR',
      overdraftLimit: '0.00',
      paymentLimit: '',
      state: 'OPEN',
      iban: '',
    });
    await cutOver.apply(tx, {
      importId: 'imp_1',
      kind: 'accounts',
      chunk: 0,
      rows: [client('C000001-CASH'), client('C000002-CASH')],
    });
    await cutOver.apply(tx, {
      importId: 'imp_1',
      kind: 'balances',
      chunk: 0,
      rows: ['C000001-CASH', 'NOSTRO-EUR'].map((account) => ({
        account,
        book: 'NGEU',
        currency: 'EUR',
        amount: '1000.00',
      })),
    });
    await cutOver.sign(tx, { importId: 'imp_1', books: ['NGEU'], signedBy: ['ann', 'bob'] });
  });
  await service.othersHeard();
});
afterAll(async () => {
  await service.stop();
});

interface Run {
  phase: string;
  cycle: number;
  state: string;
  waitingFor: number;
  problems: { code: string; message: string }[];
}
const ask = (phase: DayPhase, cycle = 1, businessDate: string | null = null) =>
  service.mutate<{ phaseRun: { id: string; state: string } | null }>(
    'runBusinessDayPhase',
    'RunBusinessDayPhaseInput',
    { book: 'NGEU', phase, cycle, businessDate },
    'phaseRun { id state }',
    operations,
  );
const open = (businessDate: string, book = 'NGEU') =>
  service.mutate<{ businessDay: { state: string } | null }>(
    'openBusinessDay',
    'OpenBusinessDayInput',
    { book, businessDate },
    'businessDay { state businessDate }',
    operations,
  );
const runOf = async (phase: DayPhase, cycle = 1, date: string | null = null): Promise<Run | undefined> => {
  const { data } = await service.ask(
    'query($date: Date) { businessDay(book: "NGEU", businessDate: $date) { state phaseRuns { phase cycle state waitingFor problems { code message } } } }',
    { date },
    operations,
  );
  return (data?.businessDay as { phaseRuns: Run[] } | null)?.phaseRuns.find(
    (run) => run.phase === phase && run.cycle === cycle,
  );
};
const reaches = (phase: DayPhase, state: string, cycle = 1, date: string | null = null) =>
  waitFor(async () => (await runOf(phase, cycle, date))?.state === state, {
    what: `${phase} ${state}`,
    timeoutMs: 20_000,
  });
/** What settlement would do: hear, work, tell. */
async function settlementWorks(phase: DayPhase, cycle = 1): Promise<void> {
  const { phaseRun } = await ask(phase, cycle);
  await service.othersHeard();
  await reaches(phase, 'RUNNING', cycle);
  await service.run((tx) =>
    service.app.get(BusinessDays, { strict: false }).complete(tx, phaseRun!.id, { worked: 1 }, []),
  );
  await service.othersHeard();
}
async function accountingWorks(phase: DayPhase, state = 'COMPLETED', date: string | null = null): Promise<void> {
  expect((await ask(phase, 1, date)).problems).toEqual([]);
  await service.othersHeard();
  await reaches(phase, state, 1, date);
}
const deposit = (key: string, amount: string) =>
  service.mutate<{ entry: { businessDate: string } | null }>(
    'postDeposit',
    'PostDepositInput',
    {
      book: 'NGEU',
      account: 'C000002-CASH',
      amount: { amount, currency: 'EUR' },
      description: 'cash',
      idempotencyKey: key,
    },
    'entry { businessDate }',
  );

describe('a business day', () => {
  it('opens once, and tells it', async () => {
    expect((await open('2026-11-25')).businessDay?.state).toBe('OPEN');
    expect((await open('2026-11-25')).problems).toEqual([]);
    expect((await open('2026-11-26')).problems.map(({ code }) => code)).toEqual(['DAY_STILL_OPEN']);
    expect(await service.messages('accounting.business-day-changed.v1')).toEqual([
      { book: 'NGEU', businessDate: '2026-11-25', state: 'OPEN', nextBusinessDate: '2026-11-26', ...clock },
    ]);
    expect(
      (
        await service.ask(
          'mutation { openBusinessDay(input: {book: "NGEU", businessDate: "2026-11-25"}) { problems { code } } }',
          {},
          { role: 'controller' },
        )
      ).errors?.[0]?.extensions?.code,
    ).toBe('FORBIDDEN');
  });

  it('waits for the barrier before a phase starts', async () => {
    expect((await ask('GATE')).problems.map(({ code }) => code)).toEqual(['PHASE_OUT_OF_ORDER']);
    const { phaseRun } = await ask('START_OF_DAY');
    await waitFor(async () => ((await runOf('START_OF_DAY'))?.waitingFor ?? 0) > 0, { what: 'the barrier' });
    expect((await runOf('START_OF_DAY'))?.state).toBe('WAITING');
    expect((await ask('GATE')).problems.map(({ code }) => code)).toEqual(['PHASE_RUNNING']);
    expect((await ask('START_OF_DAY')).phaseRun?.id).toBe(phaseRun?.id);
    await service.othersHeard();
    await reaches('START_OF_DAY', 'RUNNING');
    expect(await service.messages('settlement.run-phase.v1')).toHaveLength(1);
    await service.run((tx) => service.app.get(BusinessDays, { strict: false }).complete(tx, phaseRun!.id, {}, []));
    await service.othersHeard();
    expect((await ask('START_OF_DAY')).phaseRun?.state).toBe('COMPLETED');
  });

  it('runs the phases of settlement, its cycle twice', async () => {
    for (const phase of ['GATE', 'AFFIRM', 'INSTRUCT', 'SETTLE'] as const) await settlementWorks(phase);
    await settlementWorks('SETTLE', 2);
    for (const phase of ['CUT_OFF', 'FAIL_SNAPSHOT'] as const) await settlementWorks(phase);
    expect((await deposit('d-1', '5.00')).entry?.businessDate).toBe('2026-11-25');
  });

  it('stops at a control total that is broken, says where, and goes on when it is put right', async () => {
    const spoil = async (by: number) => {
      const owner = await service.database.pool('owner').connect();
      await owner.query(`BEGIN; SET LOCAL session_replication_role = replica;
        UPDATE accounting.balance SET posted_credit = posted_credit + ${by}
         WHERE ledger_account_id = (SELECT ledger_account_id FROM accounting.ledger_account WHERE number = 'C000001-CASH'); COMMIT`);
      owner.release();
    };
    await spoil(1);
    await accountingWorks('CONTROL_TOTALS', 'STOPPED');
    const stopped = await runOf('CONTROL_TOTALS');
    expect(stopped?.problems.map(({ message }) => message)).toEqual([
      'POSTED_SUMS_ZERO: EUR: debits 200500, credits 200501',
      'BALANCE_IS_POSTINGS: C000001-CASH in EUR: balance 0 / 100001, postings 0 / 100000',
      'BUCKETS_ARE_POSTINGS: C000001-CASH in EUR: daily buckets 0 / 100000, balance 0 / 100001',
    ]);
    expect((await ask('TRIAL_BALANCE')).problems.map(({ code }) => code)).toEqual(['PHASE_STOPPED']);
    expect((await deposit('d-2', '1.00')).problems).toEqual([]);
    await spoil(-1);
    await accountingWorks('CONTROL_TOTALS');
  });

  it('takes no more entries once its totals are proved', async () => {
    expect((await deposit('d-3', '1.00')).problems.map(({ code }) => code)).toEqual(['PERIOD_CLOSED']);
  });

  it('keeps the trial balance, seals the entries and rolls the date', async () => {
    for (const phase of ['TRIAL_BALANCE', 'SEAL', 'ROLL'] as const)
      await accountingWorks(phase, 'COMPLETED', '2026-11-25');
    const { data } = await service.ask(
      '{ trialBalance(book: "NGEU", businessDate: "2026-11-25") { sealedRoot sealedEntries assets { asset debit credit } lines { account debit credit } } }',
    );
    const { rows } = await service.database
      .pool('verify')
      .query<{ hash: string }>(
        `SELECT encode(entry_hash, 'hex') AS hash FROM accounting.journal_entry WHERE business_date = '2026-11-25' ORDER BY sequence`,
      );
    const tree = new MerkleRoot();
    for (const { hash } of rows) tree.add(hash);
    expect(data?.trialBalance).toEqual({
      sealedRoot: tree.hex(),
      sealedEntries: 2,
      assets: [{ asset: 'EUR', debit: '1006.00', credit: '1006.00' }],
      lines: [
        { account: 'C000001-CASH', debit: '0.00', credit: '1000.00' },
        { account: 'C000002-CASH', debit: '0.00', credit: '6.00' },
        { account: 'MIGRATION', debit: '0.00', credit: '0.00' },
        { account: 'NOSTRO-EUR', debit: '1006.00', credit: '0.00' },
      ],
    });
    const stored = await service.run((tx) => tx.rows('SELECT 1 FROM accounting.trial_balance_line'));
    expect(stored).toHaveLength(4);
    expect((await service.messages('accounting.business-day-changed.v1')).at(-1)).toEqual({
      book: 'NGEU',
      businessDate: '2026-11-25',
      state: 'CLOSED',
      nextBusinessDate: '2026-11-26',
      ...clock,
    });
    expect((await ask('ROLL', 1, '2026-11-25')).phaseRun?.state).toBe('COMPLETED');
    expect((await deposit('d-4', '1.00')).problems.map(({ code }) => code)).toEqual(['PERIOD_NOT_OPEN']);
  });

  it('opens the next one', async () => {
    expect((await open('2026-11-27')).problems.map(({ code }) => code)).toEqual(['NOT_THE_NEXT_DAY']);
    expect((await open('2026-11-26')).businessDay?.state).toBe('OPEN');
    expect((await deposit('d-5', '1.00')).entry?.businessDate).toBe('2026-11-26');
    const { data } = await service.ask(
      '{ businessDays(first: 5) { edges { node { businessDate state } } } }',
      {},
      operations,
    );
    expect(data?.businessDays).toEqual({
      edges: [
        { node: { businessDate: '2026-11-26', state: 'OPEN' } },
        { node: { businessDate: '2026-11-25', state: 'CLOSED' } },
      ],
    });
  });

  it('keeps two books on different dates, each with the cut-off of its own clock', async () => {
    await service.run((tx) =>
      service.app
        .get(CutOver, { strict: false })
        .sign(tx, { importId: 'imp_2', books: ['NGUS'], signedBy: ['ann', 'bob'] }),
    );
    // Closed on Thanksgiving; the day after it is a half day of its venue, and Frankfurt works both.
    expect((await open('2026-11-26', 'NGUS')).problems.map(({ code }) => code)).toEqual(['NOT_A_BUSINESS_DAY']);
    expect((await open('2026-11-27', 'NGUS')).problems).toEqual([]);
    const { data } = await service.ask(
      `{ businessDays { edges { node { book businessDate state isHalfDay cutOffLocalTime cutOffZone plannedCutOffAt revisedCutOffAt effectiveCutOffAt } } } }`,
    );
    const of = (businessDate: string, book: string) =>
      (data?.businessDays as { edges: { node: Record<string, unknown> }[] }).edges
        .map(({ node }) => node)
        .find((node) => node.businessDate === businessDate && node.book === book);
    const planned = { revisedCutOffAt: null, effectiveCutOffAt: null };
    expect(of('2026-11-27', 'NGUS')).toEqual({
      ...planned,
      book: 'NGUS',
      businessDate: '2026-11-27',
      state: 'OPEN',
      isHalfDay: true,
      cutOffLocalTime: '15:00',
      cutOffZone: 'America/New_York',
      plannedCutOffAt: '2026-11-27T20:00:00.000Z',
    });
    expect(of('2026-11-26', 'NGEU')).toEqual({
      ...planned,
      book: 'NGEU',
      businessDate: '2026-11-26',
      state: 'OPEN',
      isHalfDay: false,
      cutOffLocalTime: '18:00',
      cutOffZone: 'Europe/Berlin',
      plannedCutOffAt: '2026-11-26T17:00:00.000Z',
    });
    expect(of('2026-11-25', 'NGEU')).toMatchObject({
      plannedCutOffAt: '2026-11-25T17:00:00.000Z',
      effectiveCutOffAt: expect.any(String),
    });
    await expect(
      service.database
        .pool('owner')
        .query(`UPDATE accounting.business_day SET planned_cut_off_at = planned_cut_off_at + interval '1 hour'`),
    ).rejects.toThrow('cut_off_is_its_wall_time');
  });

  it('gives a statement that proves itself, day after day', async () => {
    const of = async (from: string, to: string) => {
      const { data } = await service.ask(
        `{ statement(account: "C000002-CASH", asset: "EUR", from: "${from}", to: "${to}") { statement { opening closing entries { amount balanceAfter } } problems { code } } }`,
      );
      return (data?.statement as { statement: { opening: string; closing: string; entries: object[] } }).statement;
    };
    const first = await of('2026-11-25', '2026-11-25');
    const second = await of('2026-11-26', '2026-11-26');
    expect(first).toMatchObject({ opening: '0.00', closing: '6.00' });
    expect(second).toMatchObject({ opening: first.closing, closing: '7.00' });
    expect(second.entries).toEqual([{ amount: '1.00', balanceAfter: '7.00' }]);
  });
});
