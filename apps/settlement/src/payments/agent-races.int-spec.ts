import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Transactions } from '#libs/database/index.js';
import { makeIban } from '#libs/identifiers/index.js';
import { readExchange, writeExchange, writePaymentReturns, writePaymentStatusReport } from '#libs/iso20022/index.js';
import { createTestDatabase, type TestDatabase, waitFor } from '#libs/testing/index.js';
import { type InboundMessage } from '../exchange/exchange-handlers.service.js';
import { accountingForTests, settlementForTests } from '../settlement-for-tests.js';
import { seedStaticData } from '../trades/for-tests.js';
import { paymentIdOf } from './payment.js';

// Two messages at once about one payment: the money comes back once, whoever of them is first, and who is second is told.

let database: TestDatabase;
let transactions: Transactions;
let settlement: ReturnType<typeof settlementForTests>;
let accounting: ReturnType<typeof accountingForTests>;
const id = paymentIdOf('TEST', 'P');

beforeAll(async () => {
  database = await createTestDatabase({ startsAt: '2026-11-25T09:00:00Z' });
  transactions = database.transactions('settlement');
  await seedStaticData(transactions);
  await all(
    `UPDATE settlement.book_day SET business_date = '2026-11-25', state = 'OPEN', next_business_date = '2026-11-26' WHERE book_id = 'NGEU'`,
  );
});
afterAll(() => database.drop());
beforeEach(async () => {
  await all(
    'TRUNCATE settlement.payment, settlement.payment_status_history, settlement.fact_entry, settlement.work_item, settlement.exchange_message CASCADE',
  );
  settlement = settlementForTests(transactions);
  accounting = accountingForTests(database);
  await accounting.skipEarlier();
  await transactions.run((tx) =>
    settlement.payments.submit(
      tx,
      [
        {
          endToEndId: 'P',
          debtorAccount: 'C000001-CASH',
          creditorName: 'Anna Muster',
          creditorIban: makeIban('DE', '370400440532013000'),
          amount: '10.00',
          currency: 'EUR',
        },
      ],
      { source: 'TEST', submittedBy: 'tester', fileId: null },
    ),
  );
  await transactions.run((tx) =>
    settlement.answers.screened(tx, {
      batchId: 'b',
      items: [{ objectKind: 'PAYMENT', objectId: id, outcome: 'CLEAR', screeningId: 'scr_P', listVersionId: 'lst_1' }],
    }),
  );
  await books();
});

const all = async <T>(sql: string, params: unknown[] = []) =>
  (await database.pool('owner').query(sql, params)).rows as T[];
async function books(): Promise<string[]> {
  const items = await accounting.answer();
  if (items.length > 0) await transactions.run((tx) => settlement.answers.entriesDecided(tx, { batchId: 'b', items }));
  return items.map(({ key }) => key);
}
const status = async () => (await all<{ status: string }>(`SELECT status FROM settlement.payment`))[0]?.status;

type Work = Parameters<typeof transactions.run<string[]>>[0];
const codesOf = (refused: ReadonlyMap<string, readonly { code: string }[]>) =>
  [...refused.values()].flat().map(({ code }) => code);
const arrived = (messageId: string, type: string, document: string): InboundMessage => {
  const read = readExchange(writeExchange([{ messageId, type, document }]), `${messageId}.xml`);
  const [message] = read.ok ? read.value : [];
  if (message === undefined) throw new Error('the message cannot be read');
  return { ...message, channel: 'AGENT-EUR', fileName: `${messageId}.xml` };
};
const returns =
  (messageId: string, amountMinor = 1_000n): Work =>
  async (tx) =>
    codesOf(
      await settlement.agentPayments.receiveReturns(tx, [
        arrived(
          messageId,
          'pacs.004.001.13',
          writePaymentReturns({
            messageId,
            createdAt: '2026-11-25T15:00:00Z',
            originalMessageId: '',
            returns: [
              {
                returnId: 'x',
                endToEndId: 'P',
                instructionId: id,
                amount: { currency: 'EUR', amountMinor },
                reason: 'AC04',
              },
            ],
          }),
        ),
      ]),
    );
const says =
  (messageId: string, said: 'ACSC' | 'RJCT'): Work =>
  async (tx) =>
    codesOf(
      await settlement.agentPayments.receiveStatuses(tx, [
        arrived(
          messageId,
          'pacs.002.001.14',
          writePaymentStatusReport({
            messageId,
            createdAt: '2026-11-25T15:00:00Z',
            originalMessageId: '',
            statuses: [
              { endToEndId: 'P', instructionId: id, status: said, ...(said === 'RJCT' ? { reason: 'AC01' } : {}) },
            ],
          }),
        ),
      ]),
    );

/** The second begins when the first has done its work, and the first ends (well or not) when the second waits for it. */
async function atOnce(first: Work, second: Work, isFirstLost = false): Promise<string[][]> {
  let done = (): void => undefined;
  let end = (): void => undefined;
  const isDone = new Promise<void>((resolve) => (done = resolve));
  const ended = new Promise<void>((resolve) => (end = resolve));
  const earlier = transactions
    .run(async (tx) => {
      const answer = await first(tx);
      done();
      await ended;
      if (isFirstLost) throw new Error('the first is lost');
      return answer;
    })
    .catch((error: unknown) => {
      if (!isFirstLost) throw error;
      return ['lost'];
    });
  await Promise.race([isDone, earlier]);
  const later = transactions.run(second);
  await waitFor(
    async () =>
      (
        await all<{ n: number }>(
          `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        )
      )[0]?.n === 1,
    { what: 'the second message behind the first' },
  );
  end();
  return Promise.all([earlier, later]);
}

describe('two messages of agents at once about one payment', () => {
  it('bring its money back twice: the first alone is booked, the second is refused', async () => {
    expect(await atOnce(returns('r1', 900n), returns('r2', 1_000n))).toEqual([[], ['ALREADY_RETURNED']]);
    expect(await books()).toEqual([`return:${id}`]);
    expect(accounting.entries.at(-1)?.event.facts).toMatchObject({ amount: '900' });
    expect(await status()).toBe('RETURNED');
  });

  it('bring it back twice, and the first is lost: the second is booked', async () => {
    expect(await atOnce(returns('r1', 900n), returns('r2', 1_000n), true)).toEqual([['lost'], []]);
    expect(await books()).toEqual([`return:${id}`]);
    expect(accounting.entries.at(-1)?.event.facts).toMatchObject({ amount: '1000' });
  });

  it('refuse it and bring it back: its money is booked once', async () => {
    expect(await atOnce(says('s1', 'RJCT'), returns('r1'))).toEqual([[], ['ALREADY_RETURNED']]);
    expect(await books()).toEqual([`return:${id}`]);
    expect(await status()).toBe('RETURNED');
  });

  it('say that it is executed and bring it back, in either order: it is returned', async () => {
    expect(await atOnce(says('s1', 'ACSC'), returns('r1'))).toEqual([[], []]);
    expect(await status()).toBe('RETURNED');
    expect(await books()).toEqual([`return:${id}`]);
  });

  it('bring it back before they say that it was executed: it stays returned', async () => {
    expect(await atOnce(returns('r1'), says('s1', 'ACSC'))).toEqual([[], []]);
    expect(await status()).toBe('RETURNED');
    expect(
      await all(
        `SELECT to_status AS s FROM settlement.payment_status_history WHERE payment_id = $1 ORDER BY sequence`,
        [id],
      ),
    ).toEqual(['SCREENING', 'READY', 'BOOKING', 'BOOKED', 'RETURNED'].map((s) => ({ s })));
  });
});
