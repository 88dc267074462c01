import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { accountingInvariants, type Ask } from '../accounting.invariants.js';
import { AccountsRepository } from '../accounts/accounts.repository.js';
import { ApprovalsProcessor } from '../accounts/approvals.processor.js';
import { AssetsProcessor } from '../assets/assets.processor.js';
import { type PostingItem, transferOf } from '../journal/posting.js';
import { PostingService } from '../journal/posting.service.js';
import { accountOf } from '../testing/bench.js';
import { type ServiceUnderTest, startService } from '../testing/service.js';
import { type Adjustment, adjustmentOf } from './periods.js';
import { Periods } from './periods.service.js';

let service: ServiceUnderTest;
const today = '2027-01-04';
beforeAll(async () => {
  service = await startService();
  await service.run(async (tx) => {
    await service.app.get(AssetsProcessor, { strict: false }).register(tx, {
      items: [{ asset: 'EUR', kind: 'CURRENCY', scale: 2, name: 'Euro' }],
    });
    await service.app
      .get(AccountsRepository, { strict: false })
      .open(tx, [
        accountOf('A-CASH', 'CLIENT_CASH'),
        accountOf('NOSTRO-EUR', 'NOSTRO', { currency: 'EUR' }),
        accountOf('FEES', 'INCOME'),
        accountOf('SUSPENSE', 'SUSPENSE'),
      ]);
    await works(tx, '2026-11-30');
  });
});
afterAll(async () => {
  await service.stop();
});

type Run = Parameters<Parameters<ServiceUnderTest['run']>[0]>[0];
async function works(tx: Run, date: string): Promise<void> {
  await tx.execute(`UPDATE accounting.business_day SET state = 'CLOSED' WHERE book_id = 'NGEU' AND state = 'OPEN'`);
  await tx.execute(
    `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', $1, 'OPEN', $1::date + 1)`,
    [date],
  );
}
const item = (key: string, units: number, businessDate = today): PostingItem => ({
  op: 'ENTRY',
  key,
  book: 'NGEU',
  kind: 'CORRECTION',
  businessDate,
  valueDate: businessDate,
  description: 'test',
  subject: { kind: 'TEST', id: key },
  postings: transferOf('NOSTRO-EUR', 'A-CASH', 'EUR', String(units)),
});
const post = (...items: PostingItem[]) =>
  service.run((tx) => service.app.get(PostingService, { strict: false }).post(tx, { items, requestedBy: 'test' }));
const into = (key: string, units: number, adjustment: Adjustment, mayPostByHand = true) =>
  service.run((tx) =>
    service.app
      .get(Periods, { strict: false })
      .postInto(tx, { items: [item(key, units)], requestedBy: 'test' }, adjustment, mayPostByHand),
  );
const inDecember: Adjustment = { accountingDate: '2026-12-30', period: '2026-12', purpose: 'ADJUSTMENT' };

const messageOf = (error: unknown): string => (error as Error).message;

type Answered = { problems: { code: string; path: string | null }[] };
const codes = ({ problems }: { problems: readonly { code: string }[] }) => problems.map(({ code }) => code);
interface Closed extends Answered {
  period: { state: string; version: number; closings: number; snapshotHash: string | null } | null;
}
let keys = 0;
const close = (how: 'soft' | 'hard', period: string, as?: Parameters<ServiceUnderTest['mutate']>[4]) =>
  service.mutate<Closed>(
    `${how}ClosePeriod`,
    'ClosePeriodInput',
    { book: 'NGEU', period, reason: 'month end', idempotencyKey: `close-${(keys += 1)}` },
    'period { state version closings snapshotHash }',
    as,
  );
interface Reopening extends Answered {
  reopening: { id: string; payloadHash: string; state: string } | null;
}
const propose = (period: string) =>
  service.mutate<Reopening>(
    'proposePeriodReopening',
    'ProposePeriodReopeningInput',
    { book: 'NGEU', period, reason: 'a bill came late', idempotencyKey: `open-${(keys += 1)}` },
    'reopening { id payloadHash state }',
    { subject: 'person:olga' },
  );
const decide = (approvalId: string, payloadHash: string, decidedBy = 'person:piet') =>
  service.run((tx) =>
    service.app.get(ApprovalsProcessor, { strict: false }).decided(tx, {
      approvalId,
      kind: 'PERIOD_REOPENING',
      service: 'accounting',
      objectKind: 'PERIOD',
      objectId: 'NGEU',
      payloadHash,
      outcome: 'APPROVED',
      decidedBy,
      reason: 'seen',
    }),
  );
const reopeningOf = async (id: string) =>
  (await service.ask(`{ periodReopening(id: "${id}") { state refusalCode decidedBy } }`)).data?.periodReopening;
const periods = async () =>
  (await service.ask(`{ periods(book: "NGEU") { period kind state } }`)).data?.periods as {
    period: string;
    state: string;
  }[];
const stateOf = async (period: string) => (await periods()).find((one) => one.period === period)?.state;

const ask: Ask = async (sql, parameters) =>
  (await service.database.pool('verify').query(sql, parameters)).rows as never;
const broken = async () => {
  const found = [];
  for (const invariant of accountingInvariants.filter(({ number }) => number === 3))
    found.push(...(await invariant.check(ask)).broken);
  return found;
};
/** As the owner of the tables, seeing every book; undone whatever happens. */
async function asOwner<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await service.database.pool('owner').connect();
  try {
    await client.query(`BEGIN; SET LOCAL app.books = '*'`);
    return await work(client);
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}
const attack = (sql: string) => asOwner((client) => client.query(sql)).then(() => 'done', messageOf);

describe('the periods of a book', () => {
  it('are its months from its first date on, and one more for each year', async () => {
    await post(item('nov', 1_000, '2026-11-30'));
    await service.run(async (tx) => {
      await works(tx, '2026-12-31');
    });
    await post(item('dec', 200, '2026-12-31'));
    expect(await periods()).toEqual([
      { period: '2026-13', kind: 'ADJUSTMENT', state: 'OPEN' },
      { period: '2026-12', kind: 'MONTH', state: 'OPEN' },
      { period: '2026-11', kind: 'MONTH', state: 'OPEN' },
    ]);
  });

  it('are refused to close with all that stands against it', async () => {
    expect(codes(await close('soft', '2026-12'))).toEqual([
      'EARLIER_PERIOD_OPEN',
      'DATE_NOT_CLOSED',
      'PERIOD_NOT_OVER',
    ]);
    expect(codes(await close('hard', '2026-12'))).toEqual(['PERIOD_NOT_SOFT_CLOSED']);
    expect(codes(await close('soft', '2025-07'))).toEqual(['PERIOD_NOT_FOUND']);
    expect(codes(await close('soft', '2026-11', { books: ['NGUS'] }))).toEqual(['PERIOD_NOT_FOUND']);
    expect((await propose('2026-12')).problems).toMatchObject([{ code: 'PERIOD_NOT_CLOSED', path: 'period' }]);
  });

  it('close softly in their order, each once', async () => {
    expect((await close('soft', '2026-11')).period).toMatchObject({ state: 'SOFT_CLOSED', version: 2, closings: 0 });
    expect(codes(await close('soft', '2026-11'))).toEqual(['PERIOD_ALREADY_CLOSED']);
    await service.run((tx) => works(tx, today));
    expect(codes(await close('soft', '2026-13'))).toEqual(['EARLIER_PERIOD_OPEN']);
  });
});

describe('entries of an earlier date', () => {
  it('come into an open period from anybody, and into a soft closed one from who posts by hand', async () => {
    expect((await into('adj-1', 30, inDecember, false)).problems).toEqual([]);
    expect((await close('soft', '2026-12')).period?.state).toBe('SOFT_CLOSED');
    expect(codes(await into('adj-2', 5, inDecember, false))).toEqual(['PERIOD_CLOSED']);
    const { results, problems } = await into('adj-2', 5, inDecember);
    expect([codes({ problems }), results[0]?.outcome]).toEqual([[], 'POSTED']);
    // Told again, it is the same entry, shifted once.
    expect((await into('adj-2', 5, inDecember)).results[0]).toMatchObject({ replayed: true });
    const year = adjustmentOf('2026-12-31', today, { isYearEnd: true })!;
    expect((await into('adj-3', 7, year)).problems).toEqual([]);
    expect(codes(await into('adj-4', 7, { ...year, accountingDate: '2026-12-30' }))).toEqual(['NOT_THE_YEAR_END']);
    expect(codes(await into('adj-4', 7, { ...inDecember, accountingDate: '2027-12-30' }))).toEqual([
      'ACCOUNTING_DATE_LATER',
    ]);
    expect(codes(await into('adj-4', 7, { ...inDecember, period: '2025-12', accountingDate: '2025-12-30' }))).toEqual([
      'PERIOD_NOT_FOUND',
    ]);
    const { data } = await service.ask(
      `{ journalEntry(id: "${results[0]!.id!}") { businessDate accountingDate { accountingDate period purpose } } }`,
    );
    expect(data?.journalEntry).toEqual({ businessDate: today, accountingDate: inDecember });
    const shifts = await service.run((tx) =>
      tx.rows(
        `SELECT l.number, s.period, s.accounting_date AS at, s.debit, s.credit FROM accounting.accounting_shift s JOIN accounting.ledger_account l USING (ledger_account_id) ORDER BY 2, 1`,
      ),
    );
    expect(shifts).toEqual([
      { number: 'A-CASH', period: '2026-12', at: '2026-12-30', debit: '0', credit: '35' },
      { number: 'NOSTRO-EUR', period: '2026-12', at: '2026-12-30', debit: '35', credit: '0' },
      { number: 'A-CASH', period: '2026-13', at: '2026-12-31', debit: '0', credit: '7' },
      { number: 'NOSTRO-EUR', period: '2026-13', at: '2026-12-31', debit: '7', credit: '0' },
    ]);
    expect(await broken()).toEqual([]);
  });

  it('are kept by the tables, whoever writes them', async () => {
    const insert = (entry: string, more: string) =>
      `INSERT INTO accounting.entry_accounting_date (entry_id, book_id, accounting_date, period, purpose, authority)
       SELECT entry_id, book_id, ${more} FROM accounting.journal_entry WHERE idempotency_key = '${entry}'`;
    // An entry that stands already never moves.
    expect(await attack(insert('nov', `date '2026-11-29', '2026-11', 'ADJUSTMENT', 'ledger:post'`))).toMatch(
      /comes with the entry or never/,
    );
    expect(await attack(`UPDATE accounting.entry_accounting_date SET purpose = 'CLOSING'`)).toMatch(/not allowed/);
    expect(await attack(`DELETE FROM accounting.entry_accounting_date`)).toMatch(/not allowed/);
    expect(await attack(`UPDATE accounting.accounting_shift SET debit = debit + 1`)).toMatch(/only/);
    expect(await attack(`DELETE FROM accounting.accounting_shift`)).toMatch(/only/);
    const withEntry = (date: string, period: string, scope: string | null) =>
      service
        .run(async (tx) => {
          const [result] = await service.app
            .get(PostingService, { strict: false })
            .post(tx, { items: [item('attack', 1)], requestedBy: 'test' });
          await tx.execute('SELECT accounting.keep_accounting_dates(ARRAY[$1], $2::date, $3, $4, $5)', [
            result!.id,
            date,
            period,
            'ADJUSTMENT',
            scope,
          ]);
          throw new Error('let in');
        })
        .catch(messageOf);
    expect(await withEntry('2026-12-30', '2026-12', null)).toMatch(/is closed/);
    expect(await withEntry('2026-12-30', '2026-11', 'ledger:post')).toMatch(/does not have/);
    expect(await withEntry(today, '2027-01', 'ledger:post')).toMatch(/business date or to one before/);
    expect(await withEntry('2026-12-30', '2026-12', 'days:operate')).toMatch(/check constraint/);
    expect(await withEntry('2026-12-30', '2026-12', 'ledger:post')).toBe('let in');
  });
});

describe('a hard close', () => {
  it('keeps the trial balance, and nothing comes in any more', async () => {
    expect(codes(await close('hard', '2026-12'))).toEqual(['EARLIER_PERIOD_OPEN']);
    expect((await close('hard', '2026-11')).period).toMatchObject({ state: 'HARD_CLOSED', version: 3, closings: 1 });
    const { period } = await close('hard', '2026-12');
    const lines = ['A-CASH|EUR|0|1235', 'NOSTRO-EUR|EUR|1235|0'].join('\n');
    const { createHash } = await import('node:crypto');
    expect(period?.snapshotHash).toBe(createHash('sha256').update(lines).digest('hex'));
    expect(codes(await close('hard', '2026-12'))).toEqual(['PERIOD_ALREADY_CLOSED']);
    expect(codes(await into('adj-5', 5, inDecember))).toEqual(['PERIOD_CLOSED']);
    expect(await broken()).toEqual([]);
  });

  it('is held by the tables', async () => {
    expect(
      await attack(
        `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', '2026-12-29', 'NEXT', '2026-12-30')`,
      ),
    ).toMatch(/is closed/);
    expect(
      await attack(`UPDATE accounting.business_day SET state = 'OPEN' WHERE business_date = '2026-12-31'`),
    ).toMatch(/is closed/);
    expect(
      await attack(
        `INSERT INTO accounting.period (book_id, period, kind, first_date, last_date) VALUES ('NGEU', '2026-10', 'MONTH', '2026-10-01', '2026-10-31')`,
      ),
    ).toMatch(/before one that is closed/);
    expect(await attack(`DELETE FROM accounting.period`)).toMatch(/not allowed/);
    const set = (period: string, more: string) =>
      `UPDATE accounting.period SET version = version + 1, changed_by = 'x', reason = 'x', ${more} WHERE book_id = 'NGEU' AND period = '${period}'`;
    expect(await attack(set('2026-12', `state = 'SOFT_CLOSED', snapshot_hash = NULL`))).toMatch(/two people only/);
    expect(await attack(set('2026-11', `state = 'SOFT_CLOSED', snapshot_hash = NULL`))).toMatch(
      /the last is opened first/,
    );
    expect(await attack(set('2026-12', `state = 'OPEN', snapshot_hash = NULL`))).toMatch(
      /does not go from HARD_CLOSED to OPEN/,
    );
    expect(await attack(set('2027-01', `state = 'SOFT_CLOSED'`))).toMatch(/before 2027-01 is open/);
    expect(
      await attack(set('2026-13', `state = 'HARD_CLOSED', closings = closings + 1, snapshot_hash = repeat('0', 64)`)),
    ).toMatch(/does not go from OPEN/);
    expect(await attack(`UPDATE accounting.period SET closings = 7`)).toMatch(/by its state only/);
    const twice = `UPDATE accounting.period SET version = version + 1, changed_by = 'x', reason = 'x', state = 'SOFT_CLOSED' WHERE period = '2026-13';`;
    expect(
      await attack(
        `${twice} ${set('2026-13', `state = 'HARD_CLOSED', closings = closings + 1, snapshot_hash = repeat('0', 64)`)}`,
      ),
    ).toMatch(/is not its trial balance/);
    // The service itself may not touch the table at all.
    const own = await service.run((tx) => tx.execute(`UPDATE accounting.period SET reason = 'x'`)).catch(messageOf);
    expect(own).toMatch(/permission denied/);
  });

  it('is found by verify when its trial balance is another all the same', async () => {
    const found = await asOwner(async (client) => {
      await client.query(`ALTER TABLE accounting.daily_bucket DISABLE TRIGGER USER`);
      await client.query(
        `UPDATE accounting.daily_bucket SET debit = debit + 1 WHERE business_date = '2026-11-30' AND debit > 0`,
      );
      const { rows } = await client.query<{ now: string }>(
        `SELECT accounting.period_snapshot('NGEU', '2026-12') <> snapshot_hash AS now FROM accounting.period WHERE period = '2026-12'`,
      );
      return rows[0]?.now;
    });
    expect(found).toBe(true);
  });
});

describe('a reopening', () => {
  it('needs two people, the last period, and the state they spoke of', async () => {
    expect(codes(await propose('2026-11'))).toEqual(['LATER_PERIOD_CLOSED']);
    const { reopening } = await propose('2026-12');
    expect((await service.messages('compliance.request-approval.v1')).at(-1)).toMatchObject({
      approvalId: reopening!.id,
      kind: 'PERIOD_REOPENING',
      summary: 'Reopen 2026-12 of NGEU, hard closed: a bill came late',
      requestedBy: 'person:olga',
    });
    await decide(reopening!.id, reopening!.payloadHash, 'person:olga');
    expect(await reopeningOf(reopening!.id)).toMatchObject({ state: 'REFUSED', refusalCode: 'SECOND_PERSON_NEEDED' });
    const stale = (await propose('2026-12')).reopening!;
    await decide(stale.id, 'f'.repeat(64));
    expect(await reopeningOf(stale.id)).toMatchObject({ state: 'STALE' });
    expect(await stateOf('2026-12')).toBe('HARD_CLOSED');
    const [first, second] = [(await propose('2026-12')).reopening!, (await propose('2026-12')).reopening!];
    await decide(first.id, first.payloadHash);
    await decide(second.id, second.payloadHash);
    expect(await reopeningOf(first.id)).toEqual({ state: 'APPLIED', refusalCode: null, decidedBy: 'person:piet' });
    expect(await reopeningOf(second.id)).toMatchObject({ state: 'REFUSED', refusalCode: 'PERIOD_CHANGED' });
    expect(await stateOf('2026-12')).toBe('SOFT_CLOSED');
    const alone = `UPDATE accounting.period_reopening SET state = 'APPLIED', decided_by = requested_by WHERE approval_id = '${(await propose('2026-12')).reopening!.id}'`;
    expect(await attack(alone)).toMatch(/reopened_by_two/);
    expect(await attack(`UPDATE accounting.period_reopening SET state = 'PROPOSED' WHERE state = 'APPLIED'`)).toMatch(
      /decided once/,
    );
  });

  it('lets entries in again, and the next hard close counts on', async () => {
    expect((await into('adj-6', 2, inDecember)).problems).toEqual([]);
    expect((await close('hard', '2026-12')).period).toMatchObject({ state: 'HARD_CLOSED', version: 5, closings: 2 });
    const { data } = await service.ask(
      `{ period(book: "NGEU", period: "2026-12") { changes { version fromState toState changedBy reason approvalId } } }`,
    );
    expect((data?.period as { changes: object[] }).changes).toMatchObject([
      { version: 2, fromState: 'OPEN', toState: 'SOFT_CLOSED', changedBy: 'person:controller', reason: 'month end' },
      { version: 3, toState: 'HARD_CLOSED', approvalId: null },
      {
        version: 4,
        fromState: 'HARD_CLOSED',
        toState: 'SOFT_CLOSED',
        changedBy: 'person:piet',
        reason: 'a bill came late',
      },
      { version: 5, toState: 'HARD_CLOSED' },
    ]);
    const { data: audited } = await service.ask(
      `{ accountingAuditEntries(first: 50, objectKind: "PERIOD", objectId: "NGEU/2026-12") { edges { node { action } } } }`,
      {},
      { role: 'auditor' },
    );
    expect(JSON.stringify(audited)).toMatch(/PERIOD_REOPENED/);
    expect(await broken()).toEqual([]);
  });
});

describe('an entry and a close at the same moment', () => {
  const pidOf = async (client: pg.PoolClient) =>
    (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]!.pid;
  async function waits(pid: number): Promise<void> {
    const until = Date.now() + 10_000;
    for (;;) {
      const { rows } = await service.database
        .pool('owner')
        .query<{ n: number }>('SELECT cardinality(pg_blocking_pids($1)) AS n', [pid]);
      if (rows[0]?.n !== 0) return;
      if (Date.now() > until) throw new Error('waits for nobody');
    }
  }
  const begin = async () => {
    const client = await service.database.pool('accounting').connect();
    await client.query(`BEGIN; SET LOCAL app.books = '*'`);
    return client;
  };
  const take = `SELECT accounting.take_period('NGEU', '2026-13') AS state`;
  const change = (to: string) =>
    `SELECT accounting.change_period('NGEU', '2026-13', '${to}', 'person:a', 'year end', NULL)`;

  it('are one after the other: the close waits for the entry', async () => {
    expect((await close('soft', '2026-13')).period?.state).toBe('SOFT_CLOSED');
    const [entry, closing] = [await begin(), await begin()];
    try {
      expect((await entry.query<{ state: string }>(take)).rows[0]?.state).toBe('SOFT_CLOSED');
      const pid = await pidOf(closing);
      const closed = closing.query(change('HARD_CLOSED'));
      await waits(pid);
      await entry.query('COMMIT');
      await closed;
    } finally {
      await closing.query('ROLLBACK');
      entry.release();
      closing.release();
    }
  });

  it('are one after the other: the entry waits for the close, and is told', async () => {
    const [entry, closing] = [await begin(), await begin()];
    try {
      await closing.query(change('HARD_CLOSED'));
      const pid = await pidOf(entry);
      const taken = entry.query<{ state: string }>(take);
      await waits(pid);
      await closing.query('COMMIT');
      expect((await taken).rows[0]?.state).toBe('HARD_CLOSED');
    } finally {
      await entry.query('ROLLBACK');
      entry.release();
      closing.release();
    }
    expect(
      codes(await into('late', 1, { accountingDate: '2026-12-31', period: '2026-13', purpose: 'ADJUSTMENT' })),
    ).toEqual(['PERIOD_CLOSED']);
    expect(await broken()).toEqual([]);
  });

  it('a date is opened and its month closed only one after the other', async () => {
    const [day, closing] = [await begin(), await begin()];
    try {
      await day.query(`UPDATE accounting.business_day SET state = 'CLOSING' WHERE business_date = '${today}'`);
      const pid = await pidOf(closing);
      const closed = closing
        .query(`SELECT accounting.change_period('NGEU', '2027-01', 'SOFT_CLOSED', 'person:a', 'too soon', NULL)`)
        .then(() => 'closed', messageOf);
      await waits(pid);
      await day.query('COMMIT');
      expect(await closed).toMatch(/are not over/);
    } finally {
      await closing.query('ROLLBACK');
      day.release();
      closing.release();
    }
  });
});
