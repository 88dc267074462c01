import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type EntryOutcome, type EventToPost } from '#libs/contracts/index.js';
import { type Transactions } from '#libs/database/index.js';
import { makeIban } from '#libs/identifiers/index.js';
import { writeExchange, writePaymentReturns } from '#libs/iso20022/index.js';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { confirms } from '../instructions/for-tests.js';
import { accountingForTests, plainJob, settlementForTests } from '../settlement-for-tests.js';
import { goodLine, seedStaticData } from '../trades/for-tests.js';

// What belongs to a date that closes before it is booked: it is never lost, and never booked twice.

let database: TestDatabase;
let transactions: Transactions;
let settlement: ReturnType<typeof settlementForTests>;
let accounting: ReturnType<typeof accountingForTests>;
/** The dates that the ledger of the test books on. */
let openDates: string[];

beforeAll(async () => {
  database = await createTestDatabase({ startsAt: '2026-11-25T09:00:00Z' });
  transactions = database.transactions('settlement');
  await seedStaticData(transactions);
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database
    .pool('owner')
    .query(
      `TRUNCATE settlement.payment, settlement.payment_status_history, settlement.fact_entry, settlement.exchange_file, settlement.exchange_message, settlement.work_item CASCADE`,
    );
  settlement = settlementForTests(transactions);
  await settlement.folders.prepare();
  openDates = ['2026-11-25'];
  accounting = accountingForTests(database, ({ businessDate }) =>
    openDates.includes(businessDate) ? undefined : { code: 'PERIOD_CLOSED', message: 'The business date is closed.' },
  );
  await accounting.skipEarlier();
  await day('2026-11-25', 'OPEN', '2026-11-26');
  await database.setClock('2026-11-25T09:00:00Z');
});

const all = async <T>(sql: string, params: unknown[] = []) =>
  (await database.pool('owner').query(sql, params)).rows as T[];
const day = (businessDate: string, state: string, next: string) =>
  database
    .pool('owner')
    .query(
      `UPDATE settlement.book_day SET business_date = $1, state = $2, next_business_date = $3 WHERE book_id = 'NGEU'`,
      [businessDate, state, next],
    );
async function submit(endToEndId: string, hit = false): Promise<string> {
  const [result] = await transactions.run((tx) =>
    settlement.payments.submit(
      tx,
      [
        {
          endToEndId,
          debtorAccount: 'C000001-CASH',
          creditorName: 'Anna Muster',
          creditorIban: makeIban('DE', '370400440532013000'),
          amount: '125.50',
          currency: 'EUR',
        },
      ],
      { source: 'front', submittedBy: 'front', fileId: null },
    ),
  );
  const paymentId = result?.paymentId ?? '';
  await transactions.run((tx) =>
    settlement.answers.screened(tx, {
      batchId: 'b',
      items: [
        {
          objectKind: 'PAYMENT',
          objectId: paymentId,
          outcome: hit ? 'HIT' : 'CLEAR',
          screeningId: `scr_${endToEndId}`,
          listVersionId: 'lst_1',
          ...(hit ? { alertId: `alr_${endToEndId}` } : {}),
        },
      ],
    }),
  );
  return paymentId;
}
const release = (paymentId: string, endToEndId: string) =>
  transactions.run((tx) =>
    settlement.answers.decided(tx, {
      alertId: `alr_${endToEndId}`,
      objectKind: 'PAYMENT',
      objectId: paymentId,
      decision: 'RELEASED',
      decidedBy: 'bob',
    }),
  );
const tell = (items: EntryOutcome[]) =>
  transactions.run((tx) => settlement.answers.entriesDecided(tx, { batchId: 'b', items }));
/** The ledger decides what waits for it; answers what it booked. */
async function ledgerWorks(): Promise<EventToPost[]> {
  const before = accounting.entries.length;
  const items = await accounting.answer();
  if (items.length > 0) await tell(items);
  return accounting.entries.slice(before).filter((_, n) => items[n]?.outcome === 'POSTED');
}
const startOfDay = (businessDate: string) =>
  settlement.day.runPhase(
    {
      phaseRunId: `run_${businessDate}`,
      book: 'NGEU',
      businessDate,
      phase: 'START_OF_DAY',
      cycle: 1,
      barrierSequence: '1',
    },
    plainJob(transactions).job,
  );
const payment = async (paymentId: string) =>
  (
    await all<{ status: string; business_date: string; missed_dates: number; entry_id: string | null }>(
      `SELECT status, business_date, missed_dates, entry_id FROM settlement.payment WHERE payment_id = $1`,
      [paymentId],
    )
  )[0];
const openItems = () =>
  all<{ key: string; reason: string }>(
    `SELECT key, reason_code AS reason FROM settlement.work_item WHERE state = 'OPEN' AND owner_team <> '' AND due_at IS NOT NULL ORDER BY key`,
  );
async function arrives(channel: string, id: string, type: string, document: string) {
  writeFileSync(
    join(settlement.root, channel, 'from', `${id}.xml`),
    writeExchange([{ messageId: id, type, document }]),
  );
  await settlement.reader.drain();
}

describe('a payment whose date passed', () => {
  it('held over the roll, it is booked, valued and executed on the date it is released on', async () => {
    const id = await submit('HELD', true);
    await day('2026-11-26', 'OPEN', '2026-11-27');
    openDates = ['2026-11-26'];
    await database.setClock('2026-11-26T09:00:00Z');
    await release(id, 'HELD');
    const booked = await ledgerWorks();
    expect(booked).toMatchObject([
      { key: `pay:${id}`, businessDate: '2026-11-26', valueDate: '2026-11-26', subject: { id } },
    ]);
    expect(await payment(id)).toMatchObject({ status: 'BOOKED', business_date: '2026-11-26', missed_dates: 0 });
  });

  it('released after the cut-off of its currency, it goes to the date after, and is booked when that opens', async () => {
    const id = await submit('LATE', true);
    await day('2026-11-26', 'OPEN', '2026-11-27');
    await database.setClock('2026-11-26T15:30:00Z');
    openDates = ['2026-11-26', '2026-11-27'];
    await release(id, 'LATE');
    expect(await ledgerWorks()).toEqual([]);
    expect(await payment(id)).toMatchObject({ status: 'READY', business_date: '2026-11-27' });
    await day('2026-11-27', 'OPEN', '2026-11-30');
    await database.setClock('2026-11-27T06:00:00Z');
    await startOfDay('2026-11-27');
    expect(await ledgerWorks()).toMatchObject([{ businessDate: '2026-11-27' }]);
  });

  it('refused because its date was closing, it is tried again with the next, once, under a key of its own', async () => {
    const id = await submit('CLOSING');
    openDates = [];
    await day('2026-11-25', 'CUT_OFF', '2026-11-26');
    const refused = await accounting.answer();
    await tell(refused);
    await tell(refused);
    expect(await payment(id)).toMatchObject({ status: 'READY', business_date: '2026-11-26', missed_dates: 1 });
    expect(await ledgerWorks()).toEqual([]);
    await day('2026-11-26', 'OPEN', '2026-11-27');
    openDates = ['2026-11-26'];
    await startOfDay('2026-11-26');
    await startOfDay('2026-11-26');
    expect(await ledgerWorks()).toMatchObject([
      { key: `pay:${id}:2`, businessDate: '2026-11-26', valueDate: '2026-11-26' },
    ]);
    // The refusal of the first attempt, told late, changes nothing.
    await tell(refused);
    expect(await payment(id)).toMatchObject({ status: 'BOOKED', missed_dates: 1 });
    expect(
      await all(
        `SELECT count(*)::int AS n FROM settlement.audit_leaf WHERE object_id = '${id}' AND action = 'payment.redated'`,
      ),
    ).toEqual([{ n: 1 }]);
  });

  it('refused when the next date is open already, it is booked there at once', async () => {
    const id = await submit('OVERTAKEN');
    await day('2026-11-26', 'OPEN', '2026-11-27');
    await database.setClock('2026-11-26T08:00:00Z');
    openDates = ['2026-11-26'];
    expect(await ledgerWorks()).toEqual([]);
    expect(await ledgerWorks()).toMatchObject([{ key: `pay:${id}:2`, businessDate: '2026-11-26' }]);
    expect(await payment(id)).toMatchObject({ status: 'BOOKED' });
  });

  it.each([
    ['back to an earlier date', `business_date = business_date - 1`],
    ['to another date once it is booked', `business_date = business_date + 1`],
    ['to a second entry', `entry_id = 'ent_other'`],
    ['to attempts it never made', `missed_dates = missed_dates + 1`],
  ])('the database moves none %s', async (_name, set) => {
    const id = await submit('ATTACK');
    await ledgerWorks();
    await expect(
      transactions.run((tx) => tx.execute(`UPDATE settlement.payment SET ${set} WHERE payment_id = $1`, [id])),
    ).rejects.toThrow(/^payment pay_/);
  });
});

describe('a fact that comes when its date is closed', () => {
  async function executed(): Promise<string> {
    const id = await submit('P-1');
    await ledgerWorks();
    return id;
  }
  const returned = (id: string, date?: string) =>
    arrives(
      'AGENT-EUR',
      id,
      'pacs.004.001.13',
      writePaymentReturns({
        messageId: id,
        createdAt: '2026-11-25T18:00:00Z',
        originalMessageId: '',
        returns: [
          {
            returnId: 'x',
            endToEndId: 'P-1',
            amount: { currency: 'EUR', amountMinor: 12_550n },
            reason: 'AC04',
            ...(date ? { settlementDate: date } : {}),
          },
        ],
      }),
    );
  const returnEntryOf = async (id: string) =>
    (
      await all<{ return_entry_id: string | null }>(
        `SELECT return_entry_id FROM settlement.payment WHERE payment_id = $1`,
        [id],
      )
    )[0]?.return_entry_id;

  it('a return after the control totals is booked on the next date, with the value date of the agent', async () => {
    const id = await executed();
    openDates = [];
    await day('2026-11-25', 'CUT_OFF', '2026-11-26');
    await returned('r1', '2026-11-25');
    expect(await ledgerWorks()).toEqual([]);
    await day('2026-11-25', 'CLOSED', '2026-11-26');
    await startOfDay('2026-11-25');
    expect(await ledgerWorks()).toEqual([]);
    await day('2026-11-26', 'OPEN', '2026-11-27');
    openDates = ['2026-11-26'];
    await startOfDay('2026-11-26');
    await startOfDay('2026-11-26');
    expect(await ledgerWorks()).toMatchObject([
      { key: `return:${id}:2`, businessDate: '2026-11-26', valueDate: '2026-11-25', event: { kind: 'PAYMENT_RETURN' } },
    ]);
    expect(await returnEntryOf(id)).not.toBeNull();
    expect(await openItems()).toEqual([]);
  });

  it('a return after the roll waits, and nothing is asked of a date that is not open', async () => {
    const id = await executed();
    await day('2026-11-25', 'CLOSED', '2026-11-26');
    const before = accounting.entries.length;
    await returned('r1');
    expect(await accounting.answer()).toEqual([]);
    expect(accounting.entries.length).toBe(before);
    await day('2026-11-26', 'OPEN', '2026-11-27');
    openDates = ['2026-11-26'];
    await startOfDay('2026-11-26');
    expect(await ledgerWorks()).toMatchObject([{ key: `return:${id}`, businessDate: '2026-11-26' }]);
    expect(await returnEntryOf(id)).not.toBeNull();
  });

  it('what the ledger refuses for another reason is asked about', async () => {
    const id = await executed();
    await returned('r1');
    const [asked] = await accounting.answer();
    await tell([
      {
        outcome: 'REFUSED',
        key: asked?.key ?? '',
        subject: { kind: 'PAYMENT', id },
        code: 'ACCOUNT_NOT_FOUND',
        message: 'no',
      },
    ]);
    expect(await openItems()).toEqual([{ key: `confirmation:return:${id}`, reason: 'ACCOUNT_NOT_FOUND' }]);
  });

  it('a confirmation of a place is booked on the next date, and what it settled is of that date', async () => {
    await transactions.run((tx) =>
      settlement.trades.capture(tx, [goodLine({ executionId: 'LATE-1' })], { fileId: null, capturedBy: 'tester' }),
    );
    await database
      .pool('owner')
      .query(
        `UPDATE settlement.trade SET state = 'AFFIRMED', settlement_date = '2026-11-25' WHERE execution_id = 'LATE-1'`,
      );
    await transactions.run((tx) => settlement.instructions.instruct(tx, 'NGEU', '2026-11-25', null, 100));
    openDates = [];
    await day('2026-11-25', 'CUT_OFF', '2026-11-26');
    const { id, type, document } = confirms('c1', 'LATE-1', '10', 101_500n);
    await arrives('T2S', id, type, document);
    expect(await ledgerWorks()).toEqual([]);
    const stands = () =>
      all<{ settled: string; state: string; date: string }>(
        `SELECT i.settlement_status AS settled, s.state, s.business_date AS date FROM settlement.instruction i
           JOIN settlement.instruction_settlement s USING (instruction_id) WHERE i.execution_id = 'LATE-1'`,
      );
    expect(await stands()).toEqual([{ settled: 'PENDING', state: 'REQUESTED', date: '2026-11-25' }]);
    await day('2026-11-26', 'OPEN', '2026-11-27');
    openDates = ['2026-11-26'];
    await startOfDay('2026-11-26');
    expect(await ledgerWorks()).toMatchObject([{ businessDate: '2026-11-26', valueDate: '2026-11-25' }]);
    expect(await stands()).toEqual([{ settled: 'SETTLED', state: 'BOOKED', date: '2026-11-26' }]);
    expect(await openItems()).toEqual([]);
  });

  it.each([
    ['is booked back', `state = 'WAITING', entry_id = NULL`],
    ['is booked on an earlier date', `business_date = business_date - 1`],
  ])('the database lets none change that %s', async (_name, set) => {
    await executed();
    await returned('r1');
    await ledgerWorks();
    await expect(transactions.run((tx) => tx.execute(`UPDATE settlement.fact_entry SET ${set}`))).rejects.toThrow(
      /^fact return:/,
    );
    await expect(transactions.run((tx) => tx.execute(`UPDATE settlement.fact_entry SET entry = '{}'`))).rejects.toThrow(
      'permission denied',
    );
    await expect(transactions.run((tx) => tx.execute(`DELETE FROM settlement.fact_entry`))).rejects.toThrow(
      'permission denied',
    );
  });
});
