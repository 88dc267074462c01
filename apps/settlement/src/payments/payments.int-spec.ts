import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Principal } from '#libs/auth/index.js';
import { type Transactions } from '#libs/database/index.js';
import { makeIban } from '#libs/identifiers/index.js';
import { Idempotency } from '#libs/idempotency/index.js';
import {
  readCreditTransferInitiation,
  readExchange,
  writeExchange,
  writePaymentReturns,
  writePaymentStatusReport,
} from '#libs/iso20022/index.js';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { accountingForTests, plainJob, settlementForTests } from '../settlement-for-tests.js';
import { seedStaticData } from '../trades/for-tests.js';
import { PaymentFigures } from './payment.figures.js';
import { PaymentSubmissionService } from './payment-submission.service.js';
import { type SubmitPaymentInput } from './payments.graphql.js';

let database: TestDatabase;
let transactions: Transactions;
let settlement: ReturnType<typeof settlementForTests>;
let submission: PaymentSubmissionService;
const principal = {
  subject: 'front',
  kind: 'PERSON',
  roles: ['front-office'],
  scopes: ['payments:write'],
  books: ['NGEU'],
} as unknown as Principal;
const iban = makeIban('DE', '370400440532013000');

beforeAll(async () => {
  database = await createTestDatabase({ startsAt: '2026-11-25T09:00:00Z' });
  transactions = database.transactions('settlement');
  await seedStaticData(transactions);
});
afterAll(() => database.drop());
/** Every change stands in the audit log by a leaf of the transaction that made it. */
afterEach(async () => {
  const uncovered = await all<{ id: string }>(
    `SELECT DISTINCT h.payment_id AS id FROM settlement.payment_status_history h
      WHERE NOT EXISTS (SELECT 1 FROM settlement.audit_leaf l WHERE l.object_kind = 'PAYMENT' AND l.object_id = h.payment_id AND l.xmin = h.xmin)`,
  );
  expect(uncovered).toEqual([]);
});
beforeEach(async () => {
  await database
    .pool('owner')
    .query(
      `TRUNCATE settlement.payment, settlement.payment_status_history, settlement.payment_replay, settlement.idempotency, settlement.exchange_file, settlement.exchange_message CASCADE`,
    );
  await database
    .pool('owner')
    .query(
      `UPDATE settlement.book_day SET business_date = '2026-11-25', state = 'OPEN', next_business_date = '2026-11-26' WHERE book_id = 'NGEU'`,
    );
  await database.setClock('2026-11-25T09:00:00Z');
  settlement = settlementForTests(transactions);
  submission = new PaymentSubmissionService(transactions, new Idempotency(), settlement.payments);
});

const all = async <T>(sql: string, params: unknown[] = []) =>
  (await database.pool('owner').query(sql, params)).rows as T[];
const input = (endToEndId: string, change: Partial<SubmitPaymentInput> = {}): SubmitPaymentInput => ({
  endToEndId,
  debtorAccount: 'C000001-CASH',
  creditorName: 'Anna Muster',
  creditorIban: iban,
  creditorCountry: 'DE',
  amount: '125.50',
  currency: 'EUR',
  idempotencyKey: `key-${endToEndId}`,
  ...change,
});
const submit = async (...inputs: SubmitPaymentInput[]) => (await submission.submit(inputs, principal)).results;
const statusOf = async (endToEndId: string) =>
  (
    await all<Record<string, unknown>>(
      `SELECT status, refusal_code, business_date, entry_id FROM settlement.payment WHERE end_to_end_id = $1`,
      [endToEndId],
    )
  )[0];
async function screened(hits: string[] = []) {
  const rows = await all<{ payment_id: string; end_to_end_id: string }>(
    `SELECT payment_id, end_to_end_id FROM settlement.payment WHERE status = 'SCREENING' ORDER BY payment_id`,
  );
  if (rows.length === 0) return;
  await transactions.run((tx) =>
    settlement.answers.screened(tx, {
      batchId: 'b',
      items: rows.map(({ payment_id: objectId, end_to_end_id: reference }) => ({
        objectKind: 'PAYMENT',
        objectId,
        outcome: hits.includes(reference) ? 'HIT' : 'CLEAR',
        screeningId: `scr_${reference}`,
        listVersionId: 'lst_1',
        ...(hits.includes(reference) ? { alertId: `alr_${reference}` } : {}),
      })),
    }),
  );
}
async function booked(accounting: ReturnType<typeof accountingForTests>) {
  const items = await accounting.answer();
  if (items.length > 0) await transactions.run((tx) => settlement.answers.entriesDecided(tx, { batchId: 'b', items }));
  return items.length;
}
async function batches(channel = 'AGENT-EUR') {
  await settlement.writer.writeAll();
  const folder = join(settlement.root, channel, 'to');
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const read = readExchange(readFileSync(join(folder, name)), name);
      if (!read.ok) throw new Error('unreadable');
      return read.value.map(({ document }) => {
        const batch = readCreditTransferInitiation(document);
        if (!batch.ok) throw new Error(JSON.stringify(batch.problems));
        return batch.value;
      });
    });
}
async function fromAgent(id: string, type: string, document: string, channel = 'AGENT-EUR') {
  await settlement.folders.prepare();
  writeFileSync(
    join(settlement.root, channel, 'from', `${id}.xml`),
    writeExchange([{ messageId: id, type, document }]),
  );
  await settlement.reader.drain();
}
const figures = async () => {
  const rows = await transactions.run((tx) => new PaymentFigures().rows(tx, '2026-11-25'));
  return Object.fromEntries(rows.map(({ row, part, count, value }) => [`${row}.${part}`, [count, value]]));
};

describe('the life of a payment', () => {
  it('is screened, booked, sent, executed, and given back when it returns', async () => {
    const accounting = accountingForTests(database);
    await accounting.skipEarlier();
    await submit(input('P-1'), input('P-2'));
    expect(await statusOf('P-1')).toMatchObject({ status: 'SCREENING' });
    const [sentToScreening] = await all<{ payload: { items: { names: { sealedName: string }[] }[] } }>(
      `SELECT payload FROM messaging.message WHERE name = 'compliance.screen-objects.v1' ORDER BY sequence DESC LIMIT 1`,
    );
    expect(JSON.stringify(sentToScreening)).not.toContain('Muster');
    await screened();
    expect(await statusOf('P-1')).toMatchObject({ status: 'BOOKING' });
    expect(await booked(accounting)).toBe(2);
    expect(accounting.entries[0]).toMatchObject({
      businessDate: '2026-11-25',
      event: {
        kind: 'PAYMENT',
        facts: { client: 'C000001-CASH', nostro: 'NOSTRO-EUR', currency: 'EUR', amount: '12550' },
      },
    });
    expect(
      accounting.entries.map(({ event }) => (event.kind === 'PAYMENT' ? event.facts.endToEnd : event.kind)).sort(),
    ).toEqual(['P-1', 'P-2']);
    expect(accounting.entries[0]?.forced).toBeUndefined();
    const [batch, ...more] = await batches();
    expect(more).toEqual([]);
    expect(batch?.transfers.map(({ endToEndId, creditorName }) => [endToEndId, creditorName]).sort()).toEqual([
      ['P-1', 'Anna Muster'],
      ['P-2', 'Anna Muster'],
    ]);
    await fromAgent(
      'r1',
      'pacs.002.001.14',
      writePaymentStatusReport({
        messageId: 'r1',
        createdAt: '2026-11-25T12:00:00Z',
        originalMessageId: batch?.messageId ?? '',
        statuses: [
          { endToEndId: 'P-1', status: 'ACSC' },
          { endToEndId: 'P-2', status: 'ACSC' },
        ],
      }),
    );
    expect(await statusOf('P-2')).toMatchObject({ status: 'EXECUTED' });
    await fromAgent(
      'x1',
      'pacs.004.001.13',
      writePaymentReturns({
        messageId: 'x1',
        createdAt: '2026-11-25T15:00:00Z',
        originalMessageId: batch?.messageId ?? '',
        returns: [
          { returnId: 'x', endToEndId: 'P-2', amount: { currency: 'EUR', amountMinor: 12_550n }, reason: 'AC04' },
        ],
      }),
    );
    expect(await booked(accounting)).toBe(1);
    expect(accounting.entries[2]).toMatchObject({
      event: { kind: 'PAYMENT_RETURN', facts: { amount: '12550', endToEnd: 'P-2', reason: 'AC04' } },
      forced: { reason: 'returned by the agent: AC04' },
    });
    expect(await statusOf('P-2')).toMatchObject({ status: 'RETURNED' });
    expect(await figures()).toEqual({ 'payments.booked': [1, '125.50'], 'payments.returned': [1, '125.50'] });
  });

  it('a hit holds it, and only a person lets it go or stops it', async () => {
    const accounting = accountingForTests(database);
    await accounting.skipEarlier();
    await submit(input('P-1'), input('P-2'), input('P-3'));
    await screened(['P-1', 'P-2']);
    expect(await booked(accounting)).toBe(1);
    const ids = Object.fromEntries(
      (await all<{ e: string; id: string }>(`SELECT end_to_end_id AS e, payment_id AS id FROM settlement.payment`)).map(
        ({ e, id }) => [e, id],
      ),
    );
    const decide = (reference: string, decision: 'RELEASED' | 'CONFIRMED') =>
      transactions.run((tx) =>
        settlement.answers.decided(tx, {
          alertId: `alr_${reference}`,
          objectKind: 'PAYMENT',
          objectId: ids[reference] ?? '',
          decision,
          decidedBy: 'bob',
        }),
      );
    await decide('P-1', 'RELEASED');
    await decide('P-2', 'CONFIRMED');
    expect(await booked(accounting)).toBe(1);
    expect([await statusOf('P-1'), await statusOf('P-2'), await statusOf('P-3')]).toMatchObject([
      { status: 'BOOKED' },
      { status: 'STOPPED' },
      { status: 'BOOKED' },
    ]);
    await expect(
      transactions.run((tx) =>
        tx.execute(`UPDATE settlement.payment SET status = 'BOOKING' WHERE end_to_end_id = 'P-2'`),
      ),
    ).rejects.toThrow('from STOPPED to BOOKING');
  });

  it('a decision that overtakes the hit it decides takes effect when that comes', async () => {
    const accounting = accountingForTests(database);
    await accounting.skipEarlier();
    await submit(input('EARLY-1'), input('EARLY-2'));
    const rows = await all<{ e: string; id: string }>(
      `SELECT end_to_end_id AS e, payment_id AS id FROM settlement.payment WHERE end_to_end_id LIKE 'EARLY-%'`,
    );
    for (const { e, id } of rows)
      await transactions.run((tx) =>
        settlement.answers.decided(tx, {
          alertId: `alr_${e}`,
          objectKind: 'PAYMENT',
          objectId: id,
          decision: e === 'EARLY-1' ? 'RELEASED' : 'CONFIRMED',
          decidedBy: 'bob',
        }),
      );
    expect([await statusOf('EARLY-1'), await statusOf('EARLY-2')]).toMatchObject([
      { status: 'SCREENING' },
      { status: 'SCREENING' },
    ]);
    await screened(['EARLY-1', 'EARLY-2']);
    expect(await booked(accounting)).toBe(1);
    expect([await statusOf('EARLY-1'), await statusOf('EARLY-2')]).toMatchObject([
      { status: 'BOOKED' },
      { status: 'STOPPED' },
    ]);
  });

  it('the ledger refuses for want of funds, a closed account or a limit; a wrong IBAN is refused by us', async () => {
    const codes: Record<string, string> = {
      'P-1': 'INSUFFICIENT_FUNDS',
      'P-2': 'ACCOUNT_CLOSED',
      'P-3': 'LIMIT_EXCEEDED',
    };
    const accounting = accountingForTests(database, ({ event }) => ({
      code: codes[event.kind === 'PAYMENT' ? event.facts.endToEnd : ''] ?? '',
    }));
    await accounting.skipEarlier();
    const results = await submit(
      input('P-1'),
      input('P-2'),
      input('P-3'),
      input('P-4', { creditorIban: `DE00${iban.slice(4)}` }),
    );
    expect(results.map(({ paymentId, problems }) => [paymentId !== null, problems.map(({ code }) => code)])).toEqual([
      [true, []],
      [true, []],
      [true, []],
      [true, ['INVALID_IBAN']],
    ]);
    await screened();
    await booked(accounting);
    expect(await figures()).toEqual({
      'payments.refused.closedAccount': [1, '125.50'],
      'payments.refused.funds': [1, '125.50'],
      'payments.refused.iban': [1, '125.50'],
      'payments.refused.limit': [1, '125.50'],
    });
    expect(await batches('AGENT-EUR').catch(() => [])).toEqual([]);
  });

  it('every fault of the input at once, and nothing of it is kept', async () => {
    const [result] = await submit(
      input('P-1', {
        amount: '1.234',
        currency: 'EUR',
        debtorAccount: 'nobody',
        creditorName: ' ',
        creditorIban: null,
      }),
    );
    expect(result?.problems.map(({ code, path }) => `${code} ${path.join('.')}`).sort()).toEqual([
      'EXCESS_SCALE amount',
      'REQUIRED creditorIban',
      'REQUIRED creditorName',
      'UNKNOWN_ACCOUNT debtorAccount',
    ]);
    expect(await all('SELECT 1 FROM settlement.payment')).toEqual([]);
    expect((await submit(input('P-1')))[0]).toMatchObject({ problems: [], replayed: false });
  });
});

describe('many at once', () => {
  it('are none the worse for one that no column holds; it is answered with its path, and its key is free', async () => {
    const results = await submit(
      input('P-1'),
      input('P-2', { remittance: 'a\0' }),
      input('P-3', { creditorName: '\ud800', endToEndId: 'P\0' }),
      input('P-4'),
    );
    expect(
      results.map(({ paymentId, problems }) => [
        paymentId !== null,
        problems.map(({ code, path }) => `${code} ${path.join('.')}`).sort(),
      ]),
    ).toEqual([
      [true, []],
      [false, ['INVALID_TEXT remittance']],
      [false, ['INVALID_TEXT creditorName', 'INVALID_TEXT endToEndId']],
      [true, []],
    ]);
    expect(await all('SELECT end_to_end_id AS id FROM settlement.payment ORDER BY 1')).toEqual([
      { id: 'P-1' },
      { id: 'P-4' },
    ]);
    expect((await submit(input('P-2')))[0]).toMatchObject({ problems: [], replayed: false });
  });
});

describe('once', () => {
  it('a key again answers again, and counts; with another input it is refused, and counts', async () => {
    const first = await submit(input('P-1'));
    const again = await submit(input('P-1'));
    expect(again[0]).toEqual({ ...first[0], replayed: true });
    const reused = await submit(input('P-1', { amount: '125.51' }));
    expect(reused[0]?.problems[0]).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED', path: ['amount'] });
    expect(await all(`SELECT count(*)::int AS n FROM settlement.payment`)).toEqual([{ n: 1 }]);
    expect(await figures()).toMatchObject({
      'paymentReplays.replays': [1, null],
      'paymentReplays.keyReused': [1, null],
    });
  });
});

describe('the cut-off', () => {
  it.each([
    ['2026-11-25T14:59:59Z', '2026-11-25'],
    ['2026-11-25T15:00:00Z', '2026-11-26'],
  ])('at %s a payment in euros is of %s', async (now, businessDate) => {
    await database.setClock(now);
    await submit(input('P-1'));
    expect(await statusOf('P-1')).toMatchObject({ business_date: businessDate });
  });

  it('what came after it is screened at once and booked when its date opens', async () => {
    const accounting = accountingForTests(database);
    await accounting.skipEarlier();
    await database.setClock('2026-11-25T16:00:00Z');
    await submit(input('P-1'));
    await screened();
    expect(await statusOf('P-1')).toMatchObject({ status: 'READY' });
    expect(await booked(accounting)).toBe(0);
    expect(await figures()).toEqual({ 'payments.nextDate': [1, '125.50'] });
    await database
      .pool('owner')
      .query(
        `UPDATE settlement.book_day SET business_date = '2026-11-26', next_business_date = '2026-11-27' WHERE book_id = 'NGEU'`,
      );
    const { job } = plainJob(transactions);
    await settlement.day.runPhase(
      {
        phaseRunId: 'run_sod',
        book: 'NGEU',
        businessDate: '2026-11-26',
        phase: 'START_OF_DAY',
        cycle: 1,
        barrierSequence: '1',
      },
      job,
    );
    expect(await booked(accounting)).toBe(1);
    expect(accounting.entries[0]).toMatchObject({ businessDate: '2026-11-26' });
  });
});

describe('what an agent says', () => {
  /** Two sources that use one end-to-end id for different payments, both sent to one agent. */
  async function twoOfOneName() {
    const accounting = accountingForTests(database);
    await accounting.skipEarlier();
    const requests = [
      { source: 'SOURCE-A', amount: '10.00' },
      { source: 'SOURCE-B', amount: '20.00' },
    ];
    for (const { source, amount } of requests) {
      const { idempotencyKey: _key, ...request } = input('SAME', { amount });
      await transactions.run((tx) =>
        settlement.payments.submit(tx, [request], { source, submittedBy: 'front', fileId: null }),
      );
      await screened();
      await booked(accounting);
    }
    const rows = await all<{ source: string; id: string; batch: string }>(
      `SELECT source, payment_id AS id, batch_message_id AS batch FROM settlement.payment ORDER BY source`,
    );
    const [a, b] = rows;
    if (a === undefined || b === undefined) throw new Error('two payments were sent');
    return { a, b, accounting };
  }
  const statusesNow = async () =>
    (await all<{ status: string }>(`SELECT status FROM settlement.payment ORDER BY source`)).map(
      ({ status }) => status,
    );
  const openItems = () =>
    all<{ key: string; reason: string }>(
      `SELECT key, reason_code AS reason FROM settlement.work_item WHERE state = 'OPEN' AND owner_team <> '' AND due_at IS NOT NULL AND key LIKE 'exchange:%' ORDER BY key`,
    );
  beforeEach(() => database.pool('owner').query('TRUNCATE settlement.work_item, settlement.fact_entry CASCADE'));
  const executes = (id: string, originalMessageId: string, status: object) =>
    fromAgent(
      id,
      'pacs.002.001.14',
      writePaymentStatusReport({
        messageId: id,
        createdAt: '2026-11-25T12:00:00Z',
        originalMessageId,
        statuses: [{ endToEndId: 'SAME', status: 'ACSC', ...status }],
      }),
    );

  it('is matched by its message and our instruction id, where an end-to-end id stands for two payments', async () => {
    const { a, b, accounting } = await twoOfOneName();
    await executes('s1', a.batch, {});
    expect(await statusesNow()).toEqual(['EXECUTED', 'BOOKED']);
    await executes('s2', '', { instructionId: b.id });
    expect(await statusesNow()).toEqual(['EXECUTED', 'EXECUTED']);
    await fromAgent(
      'r1',
      'pacs.004.001.13',
      writePaymentReturns({
        messageId: 'r1',
        createdAt: '2026-11-25T15:00:00Z',
        originalMessageId: '',
        returns: [
          {
            returnId: 'x',
            endToEndId: 'SAME',
            instructionId: b.id,
            amount: { currency: 'EUR', amountMinor: 2_000n },
            reason: 'AC04',
          },
        ],
      }),
    );
    expect(await statusesNow()).toEqual(['EXECUTED', 'RETURNED']);
    expect(await booked(accounting)).toBe(1);
    expect(await openItems()).toEqual([]);
  });

  it('is asked about when money comes back a second time, and the first alone is booked', async () => {
    const { b, accounting } = await twoOfOneName();
    const returned = (id: string, ...amounts: bigint[]) =>
      fromAgent(
        id,
        'pacs.004.001.13',
        writePaymentReturns({
          messageId: id,
          createdAt: '2026-11-25T15:00:00Z',
          originalMessageId: b.batch,
          returns: amounts.map((amountMinor, n) => ({
            returnId: `x${n}`,
            endToEndId: 'SAME',
            instructionId: b.id,
            amount: { currency: 'EUR', amountMinor },
            reason: 'AC04',
          })),
        }),
      );
    await returned('r1', 1_500n, 500n);
    await returned('r2', 2_000n);
    expect(await statusesNow()).toEqual(['BOOKED', 'RETURNED']);
    expect(await booked(accounting)).toBe(1);
    expect(accounting.entries.at(-1)).toMatchObject({
      event: { kind: 'PAYMENT_RETURN', facts: { amount: '1500' } },
    });
    expect(await openItems()).toEqual([
      { key: 'exchange:AGENT-EUR:r1', reason: 'ALREADY_RETURNED' },
      { key: 'exchange:AGENT-EUR:r2', reason: 'ALREADY_RETURNED' },
    ]);
  });

  it('is refused and asked about when it could mean two payments, or says two things that do not meet', async () => {
    const { a, b } = await twoOfOneName();
    await executes('s1', '', {});
    await executes('s2', a.batch, { instructionId: b.id });
    expect(await statusesNow()).toEqual(['BOOKED', 'BOOKED']);
    expect(await openItems()).toEqual([
      { key: 'exchange:AGENT-EUR:s1', reason: 'AMBIGUOUS_PAYMENT' },
      { key: 'exchange:AGENT-EUR:s2', reason: 'UNKNOWN_PAYMENT' },
    ]);
  });

  it('is asked about when it cannot be read, speaks of no payment of ours, or returns another currency', async () => {
    const { a } = await twoOfOneName();
    await fromAgent(
      'u1',
      'pacs.002.001.14',
      '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.002.001.14"><X/></Document>',
    );
    await executes('u2', 'never-sent', {});
    const returned = (id: string, originalMessageId: string, currency: string) =>
      fromAgent(
        id,
        'pacs.004.001.13',
        writePaymentReturns({
          messageId: id,
          createdAt: '2026-11-25T15:00:00Z',
          originalMessageId,
          returns: [{ returnId: 'x', endToEndId: 'SAME', amount: { currency, amountMinor: 1_000n }, reason: 'AC04' }],
        }),
      );
    await returned('u3', 'never-sent', 'EUR');
    await returned('u4', a.batch, 'USD');
    expect(await statusesNow()).toEqual(['BOOKED', 'BOOKED']);
    expect(await openItems()).toEqual([
      { key: 'exchange:AGENT-EUR:u1', reason: 'MISSING_ELEMENT' },
      { key: 'exchange:AGENT-EUR:u2', reason: 'UNKNOWN_PAYMENT' },
      { key: 'exchange:AGENT-EUR:u3', reason: 'UNKNOWN_PAYMENT' },
      { key: 'exchange:AGENT-EUR:u4', reason: 'OTHER_CURRENCY' },
    ]);
  });
});
