import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AccountsRepository } from '../accounts/accounts.repository.js';
import { AssetsRepository } from '../assets/assets.repository.js';
import { PostingService } from '../journal/posting.service.js';
import { foldRollups } from '../rollup/rollup.repository.js';
import { accountOf } from '../testing/bench.js';
import { type ServiceUnderTest, startService } from '../testing/service.js';
import { transferOf } from '../journal/posting.js';
import { HistoryRepository } from './history.repository.js';

const numbers = ['A-CASH', 'B-CASH', 'NOSTRO-EUR'];
const days = ['2026-11-25', '2026-11-26', '2026-11-27'];
let service: ServiceUnderTest;
let posted = 0;

beforeAll(async () => {
  service = await startService('2026-11-25T06:00:00Z');
  await service.run(async (tx) => {
    await service.app.get(AssetsRepository, { strict: false }).ensureCurrencies(tx, ['EUR']);
    const accounts = service.app.get(AccountsRepository, { strict: false });
    await accounts.open(tx, [
      accountOf('A-CASH', 'CLIENT_CASH'),
      accountOf('B-CASH', 'CLIENT_CASH'),
      accountOf('NOSTRO-EUR', 'NOSTRO', { currency: 'EUR' }),
    ]);
    await accounts.setLimits(
      tx,
      ['A-CASH', 'B-CASH'].map((number) => ({
        book: 'NGEU',
        number,
        asset: 'EUR',
        overdraftUnits: '1000000',
        paymentLimitUnits: null,
      })),
    );
  });
  await post('2026-11-24', [{ from: 0, to: 2, units: 5, value: 0 }], 'OPENING_BALANCE');
});
afterAll(async () => {
  await service.stop();
});

interface Move {
  from: number;
  to: number;
  units: number;
  value: number;
}
async function post(businessDate: string, moves: readonly Move[], kind = 'FEE'): Promise<void> {
  await service.run(async (tx) => {
    const results = await service.app.get(PostingService, { strict: false }).post(tx, {
      requestedBy: 'test',
      items: moves.map(({ from, to, units, value }) => ({
        op: 'ENTRY',
        key: `p-${(posted += 1)}`,
        book: 'NGEU',
        kind,
        businessDate,
        valueDate: `2026-11-${20 + value}`,
        description: 'x',
        subject: { kind: 'TEST', id: 'x' },
        postings: transferOf(numbers[from] ?? '', numbers[to] ?? '', 'EUR', String(units)),
      })),
    });
    expect(results.map(({ code }) => code)).toEqual(moves.map(() => undefined));
  });
}
const clockTo = (moment: string) => service.database.pool('owner').query('SELECT kernel.set_clock($1)', [moment]);
const day = (sql: string, parameters: unknown[]) => service.run((tx) => tx.execute(sql, parameters));
const openDay = (date: string, next: string) =>
  day(
    `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date, opened_at) VALUES ('NGEU', $1, 'OPEN', $2, kernel.now())`,
    [date, next],
  );
const closeDay = (date: string) =>
  day(`UPDATE accounting.business_day SET state = 'CLOSED', closed_at = kernel.now() WHERE business_date = $1`, [date]);

interface Told {
  balanceAt: { balance: string; debit: string; credit: string } | null;
}
const ask = async (account: string, valueDate: string | null, knownAt: string | null) => {
  const { data, errors } = await service.ask(
    `query($account: String!, $valueDate: Date, $knownAt: DateTime) {
       balanceAt(book: "NGEU", account: $account, asset: "EUR", valueDate: $valueDate, knownAt: $knownAt) { balance debit credit } }`,
    { account, valueDate, knownAt },
  );
  if (errors) throw new Error(JSON.stringify(errors));
  return (data as unknown as Told).balanceAt;
};
/** The same from every posting there is. */
const byHand = async (account: string, valueDate: string | null, knownAt: string | null) =>
  (await service.run((tx) =>
    tx.row<{ debit: string; credit: string }>(
      `SELECT coalesce(sum(greatest(p.units, 0)), 0) AS debit, coalesce(sum(greatest(-p.units, 0)), 0) AS credit
         FROM accounting.posting p JOIN accounting.journal_entry e USING (entry_id) JOIN accounting.ledger_account l USING (ledger_account_id)
        WHERE l.number = $1 AND ($2::date IS NULL OR p.value_date <= $2) AND ($3::timestamptz IS NULL OR e.booked_at <= $3)`,
      [account, valueDate, knownAt],
    ),
  ))!;
const cents = (text: string) => String(BigInt(text.replace('.', '')));
const moment = (date: number, hour: number) => `${days[date] ?? '2026-11-30'}T${String(hour).padStart(2, '0')}:00:00Z`;

describe('a balance on both axes', () => {
  it('is what every posting of that value date, booked by that moment, adds up to; folded or not', async () => {
    const move = fc.record({
      from: fc.integer({ min: 0, max: 1 }),
      to: fc.constant(2),
      units: fc.integer({ min: 1, max: 900 }),
      value: fc.integer({ min: 0, max: 9 }),
    });
    const seed = Number(process.env.PROPERTY_SEED ?? 20261202);
    const batches = fc.sample(fc.array(move, { minLength: 1, maxLength: 6 }), { numRuns: 24, seed });
    let at = 0;
    for (const [n, date] of days.entries()) {
      await clockTo(moment(n, 7));
      await openDay(date, days[n + 1] ?? '2026-11-30');
      for (const hour of [8, 10, 12, 14, 16]) {
        await clockTo(moment(n, hour));
        await post(date, batches[at] ?? []);
        at += 1;
        if (hour === 12) await service.run(foldRollups);
      }
      if (n === days.length - 1) break;
      await clockTo(moment(n, 20));
      await closeDay(date);
    }
    const repository = new HistoryRepository();
    const ids = await service.run((tx) =>
      tx.rows<{ id: string; number: string }>('SELECT ledger_account_id AS id, number FROM accounting.ledger_account'),
    );
    const moments = [0, 1, 2].flatMap((n) => [moment(n, 6), moment(n, 8), moment(n, 13), moment(n, 20)]);
    let compared = 0;
    for (const { id, number } of ids) {
      for (const valueDate of [null, '2026-11-19', '2026-11-22', '2026-11-25', '2026-11-30']) {
        for (const knownAt of [null, '2026-11-01T00:00:00Z', ...moments]) {
          const { debit, credit } = await service.run((tx) =>
            repository.balanceAt(tx, id, valueDate, knownAt === null ? null : new Date(knownAt)),
          );
          expect({ number, valueDate, knownAt, debit: String(debit), credit: String(credit) }).toEqual({
            number,
            valueDate,
            knownAt,
            ...(await byHand(number, valueDate, knownAt)),
          });
          compared += 1;
        }
      }
    }
    expect(compared).toBe(210);
    const told = await ask('NOSTRO-EUR', '2026-11-22', moment(1, 13));
    const expected = await byHand('NOSTRO-EUR', '2026-11-22', moment(1, 13));
    expect([cents(told?.debit ?? ''), cents(told?.credit ?? '')]).toEqual([expected.debit, expected.credit]);
    expect(await ask('A-CASH', null, null)).not.toEqual(await ask('A-CASH', null, moment(1, 9)));
  });

  it('of what the account never held there is none', async () => {
    const { data } = await service.ask('{ balanceAt(book: "NGEU", account: "A-CASH", asset: "USD") { balance } }');
    expect(data).toEqual({ balanceAt: null });
  });

  it('does not trust the order of the dates on an account: what the range lacks is looked for everywhere', async () => {
    const owner = await service.database.pool('owner').connect();
    const repository = new HistoryRepository();
    try {
      const account = await service.run((tx) =>
        tx.row<{ id: string }>(`SELECT ledger_account_id AS id FROM accounting.ledger_account WHERE number = 'A-CASH'`),
      );
      const before = await service.run((tx) =>
        repository.balanceAt(tx, account?.id ?? '', null, new Date(moment(2, 20))),
      );
      // One posting of the last day stands before those of the first.
      await owner.query(
        `BEGIN; SET LOCAL session_replication_role = replica;
        UPDATE accounting.posting SET account_sequence = -account_sequence WHERE ledger_account_id = ${account?.id ?? ''};
        UPDATE accounting.posting p SET account_sequence = t.place FROM (
          SELECT entry_id, n, row_number() OVER (ORDER BY units, entry_id) AS place FROM accounting.posting WHERE ledger_account_id = ${account?.id ?? ''}) t
         WHERE t.entry_id = p.entry_id AND t.n = p.n; COMMIT`.replace(
          'account_sequence = -account_sequence',
          'account_sequence = account_sequence + 1000000',
        ),
      );
      expect(
        await service.run((tx) => repository.balanceAt(tx, account?.id ?? '', null, new Date(moment(2, 20)))),
      ).toEqual(before);
    } finally {
      owner.release();
    }
  });
});

describe('the history of an account', () => {
  it('is read page by page, the newest first, each posting with the balance it led to', async () => {
    interface Page {
      accountHistory: {
        edges: { node: { sequence: string; balanceAfter: string; side: string; amount: string } }[];
        pageInfo: { endCursor: string | null; hasNextPage: boolean };
      };
    }
    const nodes: Page['accountHistory']['edges'][number]['node'][] = [];
    for (let after: string | null = null; ;) {
      const { data, errors } = await service.ask(
        `query($after: String) { accountHistory(book: "NGEU", account: "NOSTRO-EUR", asset: "EUR", first: 7, after: $after) {
           edges { node { sequence balanceAfter side amount } } pageInfo { endCursor hasNextPage } } }`,
        { after },
      );
      expect(errors).toBeUndefined();
      const { edges, pageInfo } = (data as unknown as Page).accountHistory;
      nodes.push(...edges.map(({ node }) => node));
      if (!pageInfo.hasNextPage) break;
      after = pageInfo.endCursor;
    }
    expect(nodes.map(({ sequence }) => Number(sequence))).toEqual(
      Array.from({ length: nodes.length }, (_, n) => nodes.length - n),
    );
    let balance = 0n;
    for (const { side, amount, balanceAfter } of nodes.reverse()) {
      balance += side === 'DEBIT' ? BigInt(cents(amount)) : -BigInt(cents(amount));
      expect(cents(balanceAfter)).toBe(String(balance));
    }
    const { data } = await service.ask('{ balanceAt(book: "NGEU", account: "NOSTRO-EUR", asset: "EUR") { balance } }');
    expect(cents((data as unknown as Told).balanceAt?.balance ?? '')).toBe(String(balance));
  });
});
