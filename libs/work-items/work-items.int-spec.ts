/* eslint-disable @typescript-eslint/no-explicit-any, @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-member-access -- what comes over the wire has no types here */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { principalOf, type Role, signInternalToken } from '#libs/auth/index.js';
import { DatabaseModule, type Transactions } from '#libs/database/index.js';
import { SubgraphModule } from '#libs/graphql/index.js';
import { Logger } from '#libs/observability/index.js';
import { bootService, type RunningService } from '#libs/service/index.js';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { type NewWorkItem, workItemIdOf, WorkItems, WorkItemsModule } from './index.js';

const secret = 'a-secret-of-the-test-that-is-long-enough';
process.env.INTERNAL_TOKEN_SECRET = secret;

const item = (key: string, more: Partial<NewWorkItem> = {}): NewWorkItem => ({
  key,
  kind: 'MISSING_SSI',
  category: 'REPAIR',
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
  });
});
