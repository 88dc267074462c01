import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accountingInvariants, type Ask } from '../accounting.invariants.js';
import { AccountsRepository } from '../accounts/accounts.repository.js';
import { ApprovalsProcessor } from '../accounts/approvals.processor.js';
import { AssetsProcessor } from '../assets/assets.processor.js';
import { type PostingItem, transferOf } from '../journal/posting.js';
import { PostingService } from '../journal/posting.service.js';
import { accountOf } from '../testing/bench.js';
import { type ServiceUnderTest, startService } from '../testing/service.js';

let service: ServiceUnderTest;
const today = '2027-01-04';
beforeAll(async () => {
  service = await startService('2027-01-04T08:00:00Z');
  await service.run(async (tx) => {
    await service.app.get(AssetsProcessor, { strict: false }).register(tx, {
      items: [
        { asset: 'EUR', kind: 'CURRENCY', scale: 2, name: 'Euro' },
        { asset: 'USD', kind: 'CURRENCY', scale: 2, name: 'Dollar' },
      ],
    });
    await service.app
      .get(AccountsRepository, { strict: false })
      .open(tx, [
        accountOf('NOSTRO-EUR', 'NOSTRO', { currency: 'EUR' }),
        accountOf('NOSTRO-USD', 'NOSTRO', { currency: 'USD' }),
        accountOf('FEES', 'INCOME'),
        accountOf('RENT', 'EXPENSE'),
      ]);
    await tx.execute(
      `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', '2026-12-31', 'OPEN', $1)`,
      [today],
    );
  });
  await post(
    item('fees', 'NOSTRO-EUR', 'FEES', 'EUR', 900, '2026-12-31'),
    item('rent', 'RENT', 'NOSTRO-EUR', 'EUR', 250, '2026-12-31'),
    item('rent-usd', 'RENT', 'NOSTRO-USD', 'USD', 40, '2026-12-31'),
  );
  await service.run(async (tx) => {
    await tx.execute(`UPDATE accounting.business_day SET state = 'CLOSED'`);
    await tx.execute(
      `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', $1, 'OPEN', '2027-01-05')`,
      [today],
    );
  });
  // Of the new year: no part of the result that is closed.
  await post(item('fees-new', 'NOSTRO-EUR', 'FEES', 'EUR', 11, today));
});
afterAll(async () => {
  await service.stop();
});

const item = (key: string, debit: string, credit: string, asset: string, units: number, date: string): PostingItem => ({
  op: 'ENTRY',
  key,
  book: 'NGEU',
  kind: 'FEE',
  businessDate: date,
  valueDate: date,
  description: 'test',
  subject: { kind: 'TEST', id: key },
  postings: transferOf(debit, credit, asset, String(units)),
});
const post = async (...items: PostingItem[]) => {
  const results = await service.run((tx) =>
    service.app.get(PostingService, { strict: false }).post(tx, { items, requestedBy: 'test' }),
  );
  expect(results.map(({ outcome, code }) => code ?? outcome)).toEqual(items.map(() => 'POSTED'));
};
type Answered = { problems: { code: string; path: string | null }[] };
const codes = ({ problems }: Answered) => problems.map(({ code }) => code);
let keys = 0;
const key = () => `k-${(keys += 1)}`;
const olga = { subject: 'person:olga' };
const piet = { subject: 'person:piet' };
interface Closed extends Answered {
  period: { state: string; closings: number } | null;
}
const close = (how: 'soft' | 'hard', period: string) =>
  service.mutate<Closed>(
    `${how}ClosePeriod`,
    'ClosePeriodInput',
    { book: 'NGEU', period, reason: 'year end', idempotencyKey: key() },
    'period { state closings }',
  );
interface Stepped extends Answered {
  task: { state: string; evidence: { value: string }[] } | null;
}
const step = (
  how: 'prepare' | 'signOff',
  task: string,
  as: { subject: string },
  evidence: object[] = [],
  period = '2026-12',
) =>
  service.mutate<Stepped>(
    `${how}CloseTask`,
    'CloseTaskInput',
    { book: 'NGEU', period, task, evidence, idempotencyKey: key() },
    'task { state evidence { value } }',
    as,
  );
const store = (tasks: object[]) =>
  service.mutate<Answered & { template: { version: number } | null }>(
    'storeCloseTemplate',
    'StoreCloseTemplateInput',
    { book: 'NGEU', tasks, reason: 'how we close', idempotencyKey: key() },
    'template { version }',
  );
const tasksOf = async (period: string) =>
  (
    await service.ask(
      `{ closeTasks(book: "NGEU", period: "${period}") { code state dueAt signedBy changes { version toState changedBy } } }`,
    )
  ).data?.closeTasks as { code: string; state: string; dueAt: string; signedBy: string | null; changes: object[] }[];
const statesOf = async (period: string) =>
  Object.fromEntries((await tasksOf(period)).map(({ code, state }) => [code, state]));
const work = () =>
  service.run((tx) =>
    tx.rows<{ reference: string; state: string; assignee: string | null; team: string }>(
      `SELECT reference, state, assignee, owner_team AS team FROM accounting.work_item WHERE kind = 'CLOSE_TASK' ORDER BY reference`,
    ),
  );
const attack = async (sql: string) => {
  const client = await service.database.pool('owner').connect();
  try {
    await client.query(`BEGIN; SET LOCAL app.books = '*'`);
    return await client.query(sql).then(
      () => 'done',
      (error: unknown) => (error as Error).message,
    );
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
};
const ask: Ask = async (sql, parameters) =>
  (await service.database.pool('verify').query(sql, parameters)).rows as never;
const broken = async () => {
  const found = [];
  for (const invariant of accountingInvariants.filter(({ number }) => number === 3))
    found.push(...(await invariant.check(ask)).broken);
  return found;
};
const template = [
  { code: 'DAYS', name: 'All dates are closed', check: 'DAYS_CLOSED', ownerTeam: 'operations', dueDay: 1 },
  {
    code: 'TOTALS',
    name: 'Control totals agree',
    check: 'CONTROL_TOTALS',
    ownerTeam: 'finance',
    dueDay: 1,
    dependsOn: ['DAYS'],
  },
  {
    code: 'ACCRUALS',
    name: 'Accruals are booked',
    ownerTeam: 'finance',
    owner: 'person:piet',
    dueDay: 3,
    dependsOn: ['TOTALS'],
    needsEvidence: true,
    needsReview: true,
  },
  {
    code: 'REPORT',
    name: 'The report is read',
    ownerTeam: 'finance',
    dueDay: 5,
    dependsOn: ['ACCRUALS'],
    isMandatory: false,
  },
];

describe('a close calendar', () => {
  it('is refused with every fault', async () => {
    const circle = [{ ...template[2], dependsOn: ['REPORT'] }, template[3]!];
    expect((await store(circle)).problems).toEqual([{ code: 'CLOSE_TASK_CYCLE', path: 'tasks.0.dependsOn' }]);
    expect(codes(await store([{ ...template[0], dependsOn: ['NOTHING'], needsReview: true }]))).toEqual([
      'CHECK_NEEDS_NOBODY',
      'CLOSE_TASK_NOT_FOUND',
    ]);
    expect((await store(template)).template).toEqual({ version: 1 });
  });

  it('begins with the soft close: what can be worked is work, checks are done by themselves', async () => {
    expect(await tasksOf('2026-12')).toEqual([]);
    expect((await close('soft', '2026-12')).period?.state).toBe('SOFT_CLOSED');
    expect(await statesOf('2026-12')).toEqual({ DAYS: 'DONE', TOTALS: 'DONE', ACCRUALS: 'OPEN', REPORT: 'OPEN' });
    // The third business day after the year's end, at the cut-off of the book: 1 January is none, 2 and 3 are a weekend.
    expect((await tasksOf('2026-12')).find(({ code }) => code === 'ACCRUALS')?.dueAt).toBe('2027-01-06T17:00:00.000Z');
    expect(await work()).toEqual([
      { reference: '2026-12 ACCRUALS', state: 'OPEN', assignee: 'person:piet', team: 'finance' },
    ]);
  });

  it('is signed off by the owner, with evidence, who did not prepare it himself', async () => {
    expect(codes(await close('hard', '2026-12'))).toEqual(['CLOSE_TASKS_OPEN']);
    expect(codes(await step('signOff', 'REPORT', olga))).toEqual(['CLOSE_TASK_WAITS']);
    expect(codes(await step('signOff', 'DAYS', olga))).toEqual(['CLOSE_TASK_DONE']);
    expect(codes(await step('signOff', 'NONE', olga))).toEqual(['CLOSE_TASK_NOT_FOUND']);
    expect(codes(await step('signOff', 'ACCRUALS', olga))).toEqual([
      'NOT_THE_OWNER',
      'CLOSE_TASK_NOT_PREPARED',
      'EVIDENCE_MISSING',
    ]);
    expect((await step('prepare', 'ACCRUALS', piet, [{ kind: 'TEXT', value: 'mine' }])).task?.state).toBe('PREPARED');
    expect(codes(await step('signOff', 'ACCRUALS', piet))).toEqual(['SECOND_PERSON_NEEDED']);
    const hash = { kind: 'HASH', value: 'a'.repeat(64) };
    expect((await step('prepare', 'ACCRUALS', olga, [hash])).task?.state).toBe('PREPARED');
    const signed = await step('signOff', 'ACCRUALS', piet, [{ kind: 'REFERENCE', value: 'file 7' }]);
    expect(signed.task).toEqual({ state: 'DONE', evidence: [{ value: hash.value }, { value: 'file 7' }] });
    expect(await work()).toEqual([
      { reference: '2026-12 ACCRUALS', state: 'CLOSED', assignee: 'person:piet', team: 'finance' },
      { reference: '2026-12 REPORT', state: 'OPEN', assignee: null, team: 'finance' },
    ]);
  });

  it('is held by the tables', async () => {
    await close('soft', '2026-13');
    const hard = (period: string) =>
      `UPDATE accounting.period SET version = version + 1, closings = closings + 1, changed_by = 'x', reason = 'x', state = 'HARD_CLOSED',
         snapshot_hash = accounting.period_snapshot(book_id, period) WHERE period = '${period}';`;
    expect(await attack(hard('2026-12') + hard('2026-13'))).toMatch(/2026-13 of NGEU has open tasks: ACCRUALS/);
    const set = (more: string) =>
      `UPDATE accounting.close_task SET version = version + 1, ${more} WHERE period = '2026-13' AND code = 'ACCRUALS'`;
    const sign = (by: string, more: string) => set(`state = 'DONE', signed_by = '${by}', signed_at = now(), ${more}`);
    const shown = `evidence = '[{}]', prepared_at = now()`;
    expect(await attack(sign('person:piet', `${shown}, prepared_by = 'person:piet'`))).toMatch(
      /another person than prepared it/,
    );
    expect(await attack(sign('person:olga', `${shown}, prepared_by = 'person:piet'`))).toMatch(/signed by its owner/);
    expect(await attack(sign('person:piet', `prepared_at = now(), prepared_by = 'person:olga'`))).toMatch(
      /needs evidence/,
    );
    expect(await attack(set(`code = 'REPORT'`))).toMatch(/by its state only/);
    expect(
      await attack(
        `UPDATE accounting.close_task SET version = 2, state = 'DONE', signed_by = 'person:x', signed_at = now() WHERE period = '2026-13' AND code = 'REPORT'`,
      ),
    ).toMatch(/waits for ACCRUALS/);
    expect(await attack(`DELETE FROM accounting.close_task`)).toMatch(/not allowed/);
    expect(await attack(`UPDATE accounting.close_template_task SET is_mandatory = false`)).toMatch(/not allowed/);
    expect(
      await attack(`INSERT INTO accounting.close_template_dependency VALUES ('NGEU', 1, 'DAYS', 'REPORT')`),
    ).toMatch(/wait for one another: DAYS > REPORT > ACCRUALS > TOTALS > DAYS/);
  });
});

describe('the end of a year', () => {
  const results = () =>
    service.run((tx) =>
      tx.rows(
        `SELECT l.number, l.asset, sum(t.debit - t.credit)::text AS net FROM accounting.period_totals('NGEU', '2026-13') t JOIN accounting.ledger_account l USING (ledger_account_id)
          WHERE l.number IN ('FEES','RENT','3200') GROUP BY 1, 2 ORDER BY 1, 2`,
      ),
    );
  const closed = [
    { number: '3200', asset: 'EUR', net: '-650' },
    { number: '3200', asset: 'USD', net: '40' },
    { number: 'FEES', asset: 'EUR', net: '0' },
    { number: 'RENT', asset: 'EUR', net: '0' },
    { number: 'RENT', asset: 'USD', net: '0' },
  ];
  const entries = () =>
    service.run((tx) =>
      tx.rows<{ key: string; reverses: boolean }>(
        `SELECT e.idempotency_key AS key, e.reverses_entry_id IS NOT NULL AS reverses FROM accounting.entry_accounting_date a JOIN accounting.journal_entry e USING (entry_id)
          WHERE a.purpose = 'CLOSING' AND a.accounting_date = '2026-12-31' AND a.period = '2026-13' ORDER BY e.sequence`,
      ),
    );
  const finish = async () => {
    await step('prepare', 'ACCRUALS', olga, [{ kind: 'TEXT', value: 'seen' }], '2026-13');
    await step('signOff', 'ACCRUALS', piet, [], '2026-13');
  };

  it('brings income and expense to retained earnings, in each asset', async () => {
    expect((await close('hard', '2026-12')).period?.state).toBe('HARD_CLOSED');
    expect(codes(await step('signOff', 'REPORT', olga))).toEqual(['PERIOD_CLOSED']);
    await finish();
    expect((await close('hard', '2026-13')).period).toEqual({ state: 'HARD_CLOSED', closings: 1 });
    expect(await results()).toEqual(closed);
    expect(await entries()).toEqual([
      { key: 'closing:2026-13:1:EUR', reverses: false },
      { key: 'closing:2026-13:1:USD', reverses: false },
    ]);
    expect(await broken()).toEqual([]);
  });

  it('comes back when two people reopen it, and is closed again as the next version', async () => {
    const { reopening } = await service.mutate<Answered & { reopening: { id: string; payloadHash: string } | null }>(
      'proposePeriodReopening',
      'ProposePeriodReopeningInput',
      { book: 'NGEU', period: '2026-13', reason: 'one more bill', idempotencyKey: key() },
      'reopening { id payloadHash }',
      olga,
    );
    await service.run((tx) =>
      service.app.get(ApprovalsProcessor, { strict: false }).decided(tx, {
        approvalId: reopening!.id,
        kind: 'PERIOD_REOPENING',
        service: 'accounting',
        objectKind: 'PERIOD',
        objectId: 'NGEU/2026-13',
        payloadHash: reopening!.payloadHash,
        outcome: 'APPROVED',
        decidedBy: 'person:piet',
        reason: 'seen',
      }),
    );
    expect(await results()).toEqual([
      { number: '3200', asset: 'EUR', net: '0' },
      { number: '3200', asset: 'USD', net: '0' },
      { number: 'FEES', asset: 'EUR', net: '-900' },
      { number: 'RENT', asset: 'EUR', net: '250' },
      { number: 'RENT', asset: 'USD', net: '40' },
    ]);
    expect((await entries()).slice(2).map(({ reverses }) => reverses)).toEqual([true, true]);
    // What was signed was signed of other figures: checks are made again, people sign again.
    expect(await statesOf('2026-13')).toEqual({ DAYS: 'DONE', TOTALS: 'DONE', ACCRUALS: 'OPEN', REPORT: 'OPEN' });
    expect(codes(await close('hard', '2026-13'))).toEqual(['CLOSE_TASKS_OPEN']);
    await finish();
    expect((await close('hard', '2026-13')).period).toEqual({ state: 'HARD_CLOSED', closings: 2 });
    expect(await results()).toEqual(closed);
    expect((await entries()).slice(4).map((one) => one.key)).toEqual([
      'closing:2026-13:2:EUR',
      'closing:2026-13:2:USD',
    ]);
    const changes = (await tasksOf('2026-13')).find(({ code }) => code === 'ACCRUALS')?.changes;
    expect(changes).toMatchObject([
      { toState: 'PREPARED' },
      { toState: 'DONE' },
      { toState: 'OPEN' },
      { toState: 'PREPARED' },
      { toState: 'DONE' },
    ]);
    expect(await broken()).toEqual([]);
  });
});
