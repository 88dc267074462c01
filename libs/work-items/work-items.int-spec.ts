/* eslint-disable @typescript-eslint/no-explicit-any, @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-member-access -- what comes over the wire has no types here */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { AuditModule } from '#libs/audit/index.js';
import { principalOf, type Role, signInternalToken } from '#libs/auth/index.js';
import { DatabaseModule, type Transactions } from '#libs/database/index.js';
import { SubgraphModule } from '#libs/graphql/index.js';
import { Logger } from '#libs/observability/index.js';
import { bootService, type RunningService } from '#libs/service/index.js';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { DeadLetterWork, dueWithinHours, type NewWorkItem, workItemIdOf, WorkItems, WorkItemsModule } from './index.js';

const secret = 'a-secret-of-the-test-that-is-long-enough';
process.env.INTERNAL_TOKEN_SECRET = secret;

const item = (key: string, more: Partial<NewWorkItem> = {}): NewWorkItem => ({
  key,
  kind: 'MISSING_SSI',
  category: 'FAIL',
  objectKind: 'TRADE',
  objectId: `trd_${key}`,
  reference: `EX-${key}`,
  reasonCode: 'MISSING_SSI',
  bookId: 'NGEU',
  valueAtRisk: { currency: 'EUR', amountMinor: 125_050n },
  ownerTeam: 'operations',
  dueAt: new Date('2026-03-30T10:00:00Z'),
  nextAction: 'add the settlement instruction',
  ...more,
});

describe('work items', () => {
  let database: TestDatabase;
  let transactions: Transactions;
  let service: RunningService;
  const workItems = new WorkItems();

  beforeAll(async () => {
    database = await createTestDatabase({ services: ['accounting'], startsAt: '2026-03-30T09:00:00Z' });
    transactions = database.transactions('accounting');
    @Module({
      imports: [
        DatabaseModule.forService({ service: 'accounting', url: database.urlFor('accounting') }),
        AuditModule.forService('accounting'),
        WorkItemsModule.forService('accounting'),
        SubgraphModule.forService('accounting'),
      ],
    })
    class App {}
    service = await bootService({
      module: App,
      config: { service: 'accounting', port: 0 },
      logger: new Logger({ service: 'test', level: 'silent' }),
      followProcess: false,
    });
  });
  afterAll(async () => {
    await service.stop();
    await database.drop();
  });

  const ask = async (query: string, role: Role = 'operations', variables: object = {}, books = ['*']) => {
    const token = await signInternalToken(principalOf('olga', 'PERSON', [role], books), secret);
    const response = await fetch(`http://127.0.0.1:${service.port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query, variables }),
    });
    return (await response.json()) as { data?: any; errors?: any[] };
  };

  it('opens each key once, with an owner and a due time', async () => {
    expect(
      await transactions.run((tx) =>
        workItems.openMany(tx, [
          item('a'),
          item('b', { bookId: 'NGUS', dueAt: new Date('2026-03-30T08:00:00Z') }),
          item('a'),
        ]),
      ),
    ).toBe(2);
    expect(await transactions.run((tx) => workItems.openMany(tx, [item('a')]))).toBe(0);
    await expect(transactions.run((tx) => workItems.open(tx, item('x', { ownerTeam: '' })))).rejects.toThrow(
      'owner_team',
    );
    await expect(
      transactions.run((tx) => tx.execute("UPDATE accounting.work_item SET state = 'CLOSED'")),
    ).rejects.toThrow('closing_needs_a_reason');
    await expect(transactions.run((tx) => tx.execute('UPDATE accounting.work_item SET due_at = NULL'))).rejects.toThrow(
      'due_at',
    );
  });

  it('lists by due time with age, value and history, limited to the books of the caller', async () => {
    await database.setClock('2026-03-30T09:30:00Z');
    const query = `query ($after: String) { accountingWorkItems(first: 1, after: $after) {
      edges { node { id service reference ageSeconds isOverdue valueAtRisk { amount currency } history { action changedBy } } } pageInfo { hasNextPage endCursor } } }`;
    const first = (await ask(query)).data.accountingWorkItems;
    expect(first.edges[0].node).toEqual({
      id: workItemIdOf('b'),
      service: 'accounting',
      reference: 'EX-b',
      ageSeconds: expect.any(Number),
      isOverdue: true,
      valueAtRisk: { amount: '1250.50', currency: 'EUR' },
      history: [{ action: 'OPENED', changedBy: 'system' }],
    });
    const second = (await ask(query, 'operations', { after: first.pageInfo.endCursor })).data.accountingWorkItems;
    expect(second).toMatchObject({
      edges: [{ node: { reference: 'EX-a', isOverdue: false } }],
      pageInfo: { hasNextPage: false },
    });
    expect((await ask(query, 'operations', {}, ['NGEU'])).data.accountingWorkItems.edges[0].node.reference).toBe(
      'EX-a',
    );
    expect((await ask(query, 'partner')).errors?.[0].extensions.code).toBe('FORBIDDEN');
  });

  it('is assigned, snoozed, escalated and closed with a reason, once per key', async () => {
    const id = workItemIdOf('a');
    const change = (mutation: string, fields: string, key = mutation) =>
      ask(
        `mutation { change: ${mutation}AccountingWorkItem(input: { id: "${id}", reason: "because", idempotencyKey: "${key}" ${fields} }) { replayed problems { code path } workItem { state assignee ownerTeam escalationLevel closeReason } } }`,
      );
    expect((await change('assign', 'assignee: "omar"')).data.change.workItem.assignee).toBe('omar');
    expect((await change('snooze', 'until: "2026-03-30T12:00:00Z"')).data.change.workItem.state).toBe('SNOOZED');
    expect((await change('escalate', 'toTeam: "treasury"')).data.change.workItem).toMatchObject({
      ownerTeam: 'treasury',
      escalationLevel: 1,
      assignee: null,
    });
    expect((await change('escalate', 'toTeam: "treasury"')).data.change).toMatchObject({
      replayed: true,
      workItem: { escalationLevel: 1 },
    });
    expect((await change('close', '')).data.change).toMatchObject({
      replayed: false,
      workItem: { state: 'CLOSED', closeReason: 'because' },
    });
    expect((await change('assign', 'assignee: "omar"', 'late')).data.change.problems).toEqual([
      { code: 'WORK_ITEM_CLOSED', path: 'id' },
    ]);
    const empty = await ask(
      `mutation { closeAccountingWorkItem(input: { id: "${id}", reason: "", idempotencyKey: "" }) { problems { code path } } }`,
    );
    expect(empty.data.closeAccountingWorkItem.problems).toEqual([
      { code: 'REQUIRED', path: 'reason' },
      { code: 'REQUIRED', path: 'idempotencyKey' },
    ]);
    const actions = await transactions.run(async (tx) =>
      (await workItems.history(tx, [id])).get(id)?.map(({ action }) => action),
    );
    expect(actions).toEqual(['OPENED', 'ASSIGNED', 'SNOOZED', 'ESCALATED', 'CLOSED']);
    const { rows } = await database
      .pool('owner')
      .query(
        `SELECT action, principal, reason, before_hash <> after_hash AS "isChanged" FROM accounting.audit_leaf WHERE object_kind = 'WorkItem' AND object_id = $1 ORDER BY sequence`,
        [id],
      );
    expect(rows).toEqual(
      ['work-item.assign', 'work-item.snooze', 'work-item.escalate', 'work-item.close'].map((action) => ({
        action,
        principal: 'olga',
        reason: 'because',
        isChanged: true,
      })),
    );
  });

  it('snoozed for the past is refused, and is open again by itself once its time has come', async () => {
    await transactions.run((tx) => workItems.open(tx, item('snooze')));
    const id = workItemIdOf('snooze');
    const snooze = (until: string, key: string) =>
      ask(
        `mutation { change: snoozeAccountingWorkItem(input: { id: "${id}", until: "${until}", reason: "the agent is closed", idempotencyKey: "${key}" }) { problems { code path } workItem { state snoozedUntil } } }`,
      );
    expect((await snooze('2026-03-30T09:30:00Z', 'past')).data.change.problems).toEqual([
      { code: 'SNOOZE_NOT_AHEAD', path: 'until' },
    ]);
    expect((await snooze('2026-03-30T11:00:00Z', 'ahead')).data.change.workItem).toEqual({
      state: 'SNOOZED',
      snoozedUntil: '2026-03-30T11:00:00.000Z',
    });
    const inState = async (state: string): Promise<object[]> => {
      const answer = await ask(
        `{ accountingWorkItems(filter: { state: ${state} }) { edges { node { reference state isOverdue } } } }`,
      );
      const { edges } = answer.data.accountingWorkItems as { edges: { node: object }[] };
      return edges.map(({ node }) => node);
    };
    expect(await inState('SNOOZED')).toEqual([{ reference: 'EX-snooze', state: 'SNOOZED', isOverdue: false }]);
    await database.setClock('2026-03-30T11:00:00Z');
    expect(await inState('SNOOZED')).toEqual([]);
    expect(await inState('OPEN')).toContainEqual({ reference: 'EX-snooze', state: 'OPEN', isOverdue: true });
  });

  it.each(['HELD', 'REPAIR'] as const)('of category %s ends with its object alone', async (category) => {
    await transactions.run((tx) => workItems.open(tx, item(category, { category })));
    const id = workItemIdOf(category);
    const closed = await ask(
      `mutation { change: closeAccountingWorkItem(input: { id: "${id}", reason: "tidy", idempotencyKey: "close-${category}" }) { problems { code path } workItem { state } } }`,
    );
    expect(closed.data.change).toEqual({
      workItem: null,
      problems: [{ code: 'WORK_ITEM_ENDS_WITH_ITS_OBJECT', path: 'id' }],
    });
    expect(await transactions.run((tx) => workItems.close(tx, category, 'decided', 'system'))).toBe(true);
  });

  it('that comes back is open again, with its history and a new due time', async () => {
    const later = new Date('2026-03-31T10:00:00Z');
    const again = () => transactions.run((tx) => workItems.openAgain(tx, [item('fail', { dueAt: later })]));
    await transactions.run((tx) => workItems.open(tx, item('fail')));
    expect(await again()).toBe(0);
    await transactions.run((tx) => workItems.close(tx, 'fail', 'the agent promised', 'olga'));
    expect(await transactions.run((tx) => workItems.openMany(tx, [item('fail')]))).toBe(0);
    expect([await again(), await again()]).toEqual([1, 0]);
    const id = workItemIdOf('fail');
    expect(await transactions.run((tx) => workItems.find(tx, id))).toMatchObject({
      state: 'OPEN',
      dueAt: later,
      closeReason: null,
    });
    const history = await transactions.run(async (tx) => (await workItems.history(tx, [id])).get(id));
    expect(history?.map(({ action, reason }) => [action, reason])).toEqual([
      ['OPENED', 'opened'],
      ['CLOSED', 'the agent promised'],
      ['REOPENED', 'it has come back'],
    ]);
  });

  it('of a dead letter is open until its job is retried or discarded, and again when it dies again', async () => {
    const deadLetters = new DeadLetterWork(workItems, dueWithinHours(4));
    const letter = {
      messageId: 'msg_7',
      sequence: '7',
      name: 'accounting.post-entries.v1',
      producer: 'settlement',
      consumer: 'accounting',
      jobRunId: 'job_7_accounting',
      businessKey: 'batch-7',
      attempts: 5,
      error: { code: 'NO_ACCOUNT', message: 'no account', fingerprint: 'f' },
    };
    const dies = () => transactions.run((tx) => deadLetters.record(tx, letter));
    const ends = (how: 'RETRIED' | 'DISCARDED') =>
      transactions.run((tx) =>
        deadLetters.ended(tx, { messageId: 'msg_7', how, reason: 'the account is open', by: 'olga' }),
      );
    const now = () => transactions.run((tx) => workItems.find(tx, workItemIdOf('dead-letter:msg_7')));
    await ends('RETRIED');
    expect(await now()).toBeUndefined();
    expect(await dies()).toBe(true);
    expect(await now()).toMatchObject({
      state: 'OPEN',
      category: 'DEAD_LETTER',
      reference: 'batch-7',
      ownerTeam: 'operations',
      dueAt: await transactions.run(dueWithinHours(4)),
    });
    await ends('RETRIED');
    expect(await now()).toMatchObject({
      state: 'CLOSED',
      closeReason: 'retried: the account is open',
      closedBy: 'olga',
    });
    await dies();
    expect(await now()).toMatchObject({ state: 'OPEN', closeReason: null });
    await ends('DISCARDED');
    expect(await now()).toMatchObject({ state: 'CLOSED', closeReason: 'discarded: the account is open' });
  });

  describe('attacked with raw SQL', () => {
    beforeAll(async () => {
      await transactions.run((tx) => workItems.openMany(tx, [item('attacked'), item('done')]));
      await transactions.run((tx) => workItems.close(tx, 'done', 'done', 'olga'));
    });
    const set = (key: string, sql: string) =>
      `UPDATE accounting.work_item SET ${sql} WHERE work_item_id = '${workItemIdOf(key)}'`;
    const closed = `state = 'CLOSED', closed_at = now(), closed_by = 'x', close_reason = 'x'`;

    it.each([
      ['closed without a line of history', set('attacked', closed), /its history ends with OPENED/],
      [
        'opened again without one',
        set('done', `state = 'OPEN', closed_at = NULL, closed_by = NULL, close_reason = NULL`),
        /its history ends with CLOSED/,
      ],
      ['another reason for its end', set('done', `close_reason = 'better'`), /is closed/],
      ['another owner after its end', set('done', `owner_team = 'nobody'`), /is closed/],
      ['another matter', set('attacked', `object_id = 'x'`), /permission denied/],
      ['without an owner', set('attacked', `owner_team = ''`), /owner_team/],
      ['without a due time', set('attacked', 'due_at = NULL'), /due_at/],
      ['deleted', 'DELETE FROM accounting.work_item', /permission denied/],
      ['its history deleted', 'DELETE FROM accounting.work_item_change', /permission denied/],
      ['its history rewritten', `UPDATE accounting.work_item_change SET reason = 'x'`, /permission denied/],
      [
        'made without history',
        `INSERT INTO accounting.work_item (work_item_id, key, kind, category, object_kind, object_id, reference, reason_code, book_id, owner_team, due_at, next_action)
         VALUES ('wi_x', 'x', 'k', 'OTHER', 'o', 'o', 'r', 'c', 'NGEU', 't', now(), 'n')`,
        /its history ends with nothing/,
      ],
    ])('%s', async (_, sql, refusal) => {
      await expect(transactions.run((tx) => tx.execute(sql))).rejects.toThrow(refusal);
    });

    it.each([
      ['deleted', 'DELETE FROM accounting.work_item', /never deleted/],
      ['its history deleted', 'DELETE FROM accounting.work_item_change', /never changed/],
    ])('%s, by the owner of the tables', async (_, sql, refusal) => {
      const attack = async () => database.pool('owner').query(`SELECT set_config('app.books', '*', false); ${sql}`);
      await expect(attack()).rejects.toThrow(refusal);
    });
  });
});
