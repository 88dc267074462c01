import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Accounts } from '../accounts/accounts.service.js';
import { AssetsRepository } from '../assets/assets.repository.js';
import { type PostingItem, transferOf } from '../journal/posting.js';
import { PostingService } from '../journal/posting.service.js';
import { accountOf, day } from '../testing/bench.js';
import { type ServiceUnderTest, startService } from '../testing/service.js';

let service: ServiceUnderTest;
beforeAll(async () => {
  service = await startService();
  await service.run(async (tx) => {
    await service.app.get(AssetsRepository, { strict: false }).ensureCurrencies(tx, ['EUR', 'USD']);
    await service.app
      .get(Accounts, { strict: false })
      .open(tx, [
        ...['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'].map((name) => accountOf(`${name}-CASH`, 'CLIENT_CASH')),
        accountOf('IMPORTED', 'CLIENT_CASH', { state: 'BLOCKED', importId: 'imp_1' }),
        accountOf('NOSTRO-EUR', 'NOSTRO', { currency: 'EUR' }),
        accountOf('MIGRATION', 'MIGRATION'),
        accountOf('OTHER-BOOK', 'CLIENT_CASH', { book: 'NGUS' }),
      ]);
    await tx.execute(
      `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', $1, 'OPEN', '2026-11-26')`,
      [day],
    );
  });
});
afterAll(async () => {
  await service.stop();
});

interface Answer {
  block: { id: string; liftedAt: string | null } | null;
  replayed: boolean;
  problems: { code: string; path: string | null }[];
}
let keys = 0;
const freshKey = () => `k-${(keys += 1)}`;
const place = (account: string, direction: string, reasonCode: string, more: object = {}, as = {}) =>
  service.mutate<Answer>(
    'placeBlock',
    'PlaceBlockInput',
    { book: 'NGEU', account, direction, reasonCode, reason: 'because', idempotencyKey: freshKey(), ...more },
    'block { id liftedAt } replayed',
    as,
  );
const lift = (blockId: string, more: object = {}) =>
  service.mutate<Answer>(
    'liftBlock',
    'LiftBlockInput',
    { blockId, reason: 'is over', idempotencyKey: freshKey(), ...more },
    'block { id liftedAt } replayed',
  );
const change = (account: string, state: string, reason = 'as asked') =>
  service.mutate<{ account: { state: string } | null; problems: { code: string; path: string | null }[] }>(
    'changeAccountState',
    'ChangeAccountStateInput',
    { book: 'NGEU', account, state, reason, idempotencyKey: freshKey() },
    'account { state }',
  );
const codes = ({ problems }: { problems: { code: string; path: string | null }[] }) =>
  problems.map(({ code, path }) => `${code} ${path ?? ''}`.trim());
interface Read {
  state: string;
  blocks: {
    id: string;
    direction: string;
    reasonCode: string;
    reference: string | null;
    placedBy: string;
    liftedBy: string | null;
  }[];
}
const read = async (number: string, isStanding?: boolean): Promise<Read> => {
  const { data, errors } = await service.ask(
    `query ($standing: Boolean) { account(book: "NGEU", number: "${number}") { state
       blocks(isStanding: $standing) { id direction reasonCode reference placedBy liftedBy } } }`,
    { standing: isStanding ?? null },
  );
  expect(errors).toBeUndefined();
  return data?.account as Read;
};
const stateOf = async (number: string) => (await read(number)).state;

const item = (key: string, debit: string, credit: string, more: object = {}): PostingItem => ({
  op: 'ENTRY',
  key,
  book: 'NGEU',
  kind: 'FEE',
  businessDate: day,
  valueDate: day,
  description: 'test',
  subject: { kind: 'TEST', id: key },
  postings: transferOf(debit, credit, 'EUR', '1'),
  ...more,
});
const post = (...items: PostingItem[]) =>
  service.run(async (tx) => {
    const results = await service.app.get(PostingService, { strict: false }).post(tx, { items, requestedBy: 'test' });
    return results.map(({ code, outcome }) => code ?? outcome);
  });
const out = (account: string, more: object = {}) => item(freshKey(), account, 'NOSTRO-EUR', more);
const comesIn = (account: string, more: object = {}) => item(freshKey(), 'NOSTRO-EUR', account, more);
const both = (account: string) => post(comesIn(account), out(account));

describe('blocks', () => {
  it('stop their direction, stand beside each other, and are lifted one by one', async () => {
    await post(comesIn('A-CASH'), comesIn('A-CASH'));
    const court = await place('A-CASH', 'OUT', 'COURT_ORDER', { reference: 'M 12/26' });
    expect([codes(court), await stateOf('A-CASH')]).toEqual([[], 'BLOCKED']);
    expect(await both('A-CASH')).toEqual(['POSTED', 'ACCOUNT_BLOCKED']);
    const fraud = await place('A-CASH', 'IN', 'FRAUD');
    expect(await stateOf('A-CASH')).toBe('BLOCKED_BOTH');
    expect(await both('A-CASH')).toEqual(['ACCOUNT_BLOCKED', 'ACCOUNT_BLOCKED']);
    const fact = { forced: { reason: 'confirmed' } };
    expect(await post(comesIn('A-CASH', fact), out('A-CASH', fact))).toEqual(['POSTED', 'POSTED']);
    const second = await place('A-CASH', 'OUT', 'DISPUTE');
    expect(codes(await lift(court.block?.id ?? ''))).toEqual([]);
    expect(await stateOf('A-CASH')).toBe('BLOCKED_BOTH');
    expect(codes(await lift(second.block?.id ?? ''))).toEqual([]);
    expect([await stateOf('A-CASH'), await both('A-CASH')]).toEqual(['BLOCKED_IN', ['ACCOUNT_BLOCKED', 'POSTED']]);
    expect(codes(await lift(fraud.block?.id ?? ''))).toEqual([]);
    expect([await stateOf('A-CASH'), await both('A-CASH')]).toEqual(['OPEN', ['POSTED', 'POSTED']]);
    const { blocks } = await read('A-CASH');
    expect(blocks.map(({ reasonCode, reference, liftedBy }) => [reasonCode, reference, liftedBy])).toEqual([
      ['COURT_ORDER', 'M 12/26', 'person:controller'],
      ['FRAUD', null, 'person:controller'],
      ['DISPUTE', null, 'person:controller'],
    ]);
    expect((await read('A-CASH', true)).blocks).toEqual([]);
  });

  it('reach holds, captures and what is opened in another asset later', async () => {
    await post(comesIn('B-CASH'));
    await place('B-CASH', 'BOTH', 'COMPLIANCE');
    const dollars = (debit: string, credit: string) =>
      item(freshKey(), debit, credit, { postings: transferOf(debit, credit, 'USD', '5') });
    expect(await post(dollars('MIGRATION', 'B-CASH'), dollars('B-CASH', 'MIGRATION'))).toEqual([
      'ACCOUNT_BLOCKED',
      'ACCOUNT_BLOCKED',
    ]);
    const hold = (debitAccount: string, creditAccount: string): PostingItem => ({
      op: 'HOLD',
      key: freshKey(),
      book: 'NGEU',
      hold: {
        debitAccount,
        creditAccount,
        asset: 'EUR',
        units: '1',
        expiresAt: '2026-12-31T00:00:00Z',
        reason: 'card',
      },
    });
    expect(await post(hold('B-CASH', 'MIGRATION'), hold('MIGRATION', 'B-CASH'))).toEqual([
      'ACCOUNT_BLOCKED',
      'ACCOUNT_BLOCKED',
    ]);
  });

  it('stand while the number is closed, and stop the very batch that opens it again', async () => {
    const { block } = await place('C-CASH', 'OUT', 'DECEASED');
    expect(codes(await change('C-CASH', 'CLOSED'))).toEqual([]);
    expect(await stateOf('C-CASH')).toBe('CLOSED');
    const reopen: PostingItem = { op: 'REOPEN', key: freshKey(), book: 'NGEU', close: { account: 'C-CASH' } };
    await post(reopen);
    expect(await stateOf('C-CASH')).toBe('BLOCKED');
    await post(comesIn('C-CASH'));
    const close: PostingItem = {
      op: 'CLOSE',
      key: freshKey(),
      book: 'NGEU',
      close: { account: 'C-CASH', empty: false },
    };
    await post(close);
    expect(await post({ ...reopen, key: freshKey() }, out('C-CASH'), comesIn('C-CASH'))).toEqual([
      'POSTED',
      'ACCOUNT_BLOCKED',
      'POSTED',
    ]);
    await lift(block?.id ?? '');
    expect(await post(out('C-CASH'))).toEqual(['POSTED']);
  });

  it('answer once per key, and tell what is wrong with where', async () => {
    const input = { idempotencyKey: freshKey() };
    const first = await place('D-CASH', 'OUT', 'DISPUTE', input);
    expect(await place('D-CASH', 'OUT', 'DISPUTE', input)).toMatchObject({
      replayed: true,
      block: { id: first.block?.id },
    });
    expect(codes(await place('D-CASH', 'IN', 'DISPUTE', input))).toEqual(['IDEMPOTENCY_KEY_REUSED direction']);
    expect((await read('D-CASH')).blocks).toHaveLength(1);
    expect(codes(await place('NOBODY', 'OUT', 'FRAUD'))).toEqual(['ACCOUNT_NOT_FOUND account']);
    expect(codes(await place('NOSTRO-EUR', 'OUT', 'FRAUD'))).toEqual(['ACCOUNT_NOT_BLOCKABLE account']);
    const both = await place('D-CASH', 'OUT', 'UNSPECIFIED', { reason: 'x', reference: '' });
    expect(
      codes(both)
        .map((one) => one.split(' ')[1])
        .sort(),
    ).toEqual(['reason', 'reasonCode', 'reference']);
    expect(codes(await place('OTHER-BOOK', 'OUT', 'FRAUD', { book: 'NGUS' }, { books: ['NGEU'] }))).toEqual([
      'ACCOUNT_NOT_FOUND account',
    ]);
    expect(codes(await lift('blk_none'))).toEqual(['BLOCK_NOT_FOUND blockId']);
    await lift(first.block?.id ?? '');
    expect(codes(await lift(first.block?.id ?? ''))).toEqual(['BLOCK_LIFTED blockId']);
  });

  it('are listed by what they are for, and accounts by the blocks that stand', async () => {
    const { block } = await place('E-CASH', 'OUT', 'CUSTOMER_REQUEST');
    const listed = async () => {
      const { data } = await service.ask(
        `{ accountBlocks(filter: { reasonCode: CUSTOMER_REQUEST, isStanding: true }, first: 5) { edges { node { account } } }
           accounts(filter: { blockReason: CUSTOMER_REQUEST }, first: 5) { edges { node { number } } } }`,
      );
      const { accountBlocks, accounts } = data as Record<string, { edges: { node: Record<string, string> }[] }>;
      return [accountBlocks?.edges.map(({ node }) => node.account), accounts?.edges.map(({ node }) => node.number)];
    };
    expect(await listed()).toEqual([['E-CASH'], ['E-CASH']]);
    await lift(block?.id ?? '');
    expect(await listed()).toEqual([[], []]);
  });

  it('leave a trace in the log for placing and for lifting', async () => {
    const { block } = await place('F-CASH', 'OUT', 'FRAUD');
    await lift(block?.id ?? '');
    const leaves = await service.run((tx) =>
      tx.rows<{ action: string; reason: string }>(
        `SELECT action, reason FROM accounting.audit_leaf WHERE object_id = 'NGEU/F-CASH' AND action LIKE 'ACCOUNT_BLOCK%' ORDER BY 1 DESC`,
      ),
    );
    expect(leaves).toEqual([
      { action: 'ACCOUNT_BLOCK_PLACED', reason: 'because' },
      { action: 'ACCOUNT_BLOCK_LIFTED', reason: 'is over' },
    ]);
  });
});

describe('the state of an account', () => {
  it('that is wanted as a whole places and lifts a block without a code, and leaves those with one', async () => {
    expect((await change('G-CASH', 'BLOCKED', 'on the phone')).account).toEqual({ state: 'BLOCKED' });
    await change('G-CASH', 'BLOCKED');
    expect((await read('G-CASH')).blocks).toMatchObject([
      { direction: 'OUT', reasonCode: 'UNSPECIFIED', placedBy: 'person:controller' },
    ]);
    const { block } = await place('G-CASH', 'IN', 'COURT_ORDER');
    const refused = await change('G-CASH', 'OPEN');
    expect([codes(refused), refused.account]).toEqual([['BLOCKS_STAND state'], { state: 'BLOCKED_BOTH' }]);
    await lift(block?.id ?? '');
    expect((await change('G-CASH', 'OPEN')).account).toEqual({ state: 'OPEN' });
    expect((await read('G-CASH', true)).blocks).toEqual([]);
    expect(codes(await change('NOSTRO-EUR', 'BLOCKED'))).toEqual(['ACCOUNT_NOT_BLOCKABLE account']);
  });

  it('that came with the import is a block that names it', async () => {
    expect(await read('IMPORTED')).toMatchObject({
      state: 'BLOCKED',
      blocks: [{ direction: 'OUT', reasonCode: 'UNSPECIFIED', reference: 'imp_1' }],
    });
    await place('IMPORTED', 'OUT', 'COURT_ORDER');
    const again = [accountOf('IMPORTED', 'CLIENT_CASH', { importId: 'imp_2' })];
    await service.run((tx) => service.app.get(Accounts, { strict: false }).open(tx, again));
    const { state, blocks } = await read('IMPORTED', true);
    expect([state, blocks.map(({ reasonCode }) => reasonCode)]).toEqual(['BLOCKED', ['COURT_ORDER']]);
  });
});

describe('a block and a posting at the same time', () => {
  it('come one after the other: what the block found booked was before it, and nothing is after it', async () => {
    await post(...Array.from({ length: 40 }, () => comesIn('H-CASH')));
    const rounds = Array.from({ length: 12 }, async (_, n) => {
      if (n % 4 !== 3) return post(out('H-CASH'), out('H-CASH'));
      const { block } = await place('H-CASH', 'OUT', 'FRAUD');
      const booked = async () =>
        (
          await service.run((tx) =>
            tx.row<{ n: string }>(
              `SELECT count(*) AS n FROM accounting.posting p JOIN accounting.ledger_account l USING (ledger_account_id) WHERE l.number = 'H-CASH' AND p.units > 0`,
            ),
          )
        )?.n;
      const before = await booked();
      const refused = await post(out('H-CASH'));
      expect([refused, await booked()]).toEqual([['ACCOUNT_BLOCKED'], before]);
      return block?.id;
    });
    const placed = (await Promise.all(rounds)).filter((one) => typeof one === 'string');
    expect(await stateOf('H-CASH')).toBe('BLOCKED');
    await Promise.all(placed.map((id) => lift(id)));
    expect([await stateOf('H-CASH'), await post(out('H-CASH'))]).toEqual(['OPEN', ['POSTED']]);
  });

  it('and a number that is opened in an asset meanwhile has the block too', async () => {
    const owner = await service.database.pool('owner').connect();
    try {
      await owner.query(`BEGIN; SELECT set_config('app.books', '*', true)`);
      await owner.query(
        `SELECT accounting.place_blocks('[{"id":"blk_race","book":"NGEU","number":"E-CASH","direction":"BOTH","reasonCode":"FRAUD","reason":"x","placedBy":"x"}]')`,
      );
      const posting = post(comesIn('E-CASH'));
      const { rows } = await owner.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      const waits = async () =>
        (
          await service.database
            .pool('owner')
            .query('SELECT FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))', [rows[0]?.pid])
        ).rows.length > 0;
      while (!(await waits())) continue;
      await owner.query('COMMIT');
      expect(await posting).toEqual(['ACCOUNT_BLOCKED']);
    } finally {
      owner.release();
    }
  });
});

describe('nobody writes blocks or states but by the doors', () => {
  async function attack(role: 'accounting' | 'settlement' | 'migrate', sql: string): Promise<string> {
    const client = await service.database.pool(role).connect();
    try {
      await client.query(`BEGIN; SELECT set_config('app.books', '*', true)`);
      await client.query(sql);
      return 'let through';
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  }
  const insert = (number: string, more = '') =>
    `INSERT INTO accounting.account_block (block_id, book_id, number, direction, reason_code, reason, placed_by${more ? ', lifted_by, lifted_at, lifted_reason' : ''})
     VALUES ('blk_x', 'NGEU', '${number}', 'OUT', 'FRAUD', 'x', 'x'${more})`;
  it.each([
    ['a block', insert('A-CASH')],
    ['a lifting', `UPDATE accounting.account_block SET lifted_by = 'x', lifted_at = now(), lifted_reason = 'x'`],
    ['a lost block', 'DELETE FROM accounting.account_block'],
    ['a state', `UPDATE accounting.account SET state = 'OPEN'`],
    ['a state of a balance', `UPDATE accounting.balance SET account_state = 'OPEN'`],
  ])('the service itself: %s', async (_, sql) => {
    expect(await attack('accounting', sql)).toBe('42501');
  });
  it.each([
    `SELECT accounting.place_blocks('[]')`,
    `SELECT * FROM accounting.lift_blocks('{}', 'x', 'x')`,
    'SELECT * FROM accounting.account_block',
  ])('another service: %s', async (sql) => {
    expect(await attack('settlement', sql)).toBe('42501');
  });
  it.each([
    ['changes why', `UPDATE accounting.account_block SET reason = 'y'`, '23001'],
    ['moves one to another account', `UPDATE accounting.account_block SET number = 'B-CASH'`, '23001'],
    ['lifts one twice', `UPDATE accounting.account_block SET lifted_reason = 'y' WHERE lifted_at IS NOT NULL`, '23001'],
    [
      'puts a lifted one back',
      `UPDATE accounting.account_block SET lifted_by = NULL, lifted_at = NULL, lifted_reason = NULL WHERE lifted_at IS NOT NULL`,
      '23001',
    ],
    ['throws one away', 'DELETE FROM accounting.account_block', '23001'],
    ['throws all away', 'TRUNCATE accounting.account_block', '23001'],
    [
      'lifts without a reason',
      `UPDATE accounting.account_block SET lifted_at = now(), lifted_by = 'x' WHERE lifted_at IS NULL`,
      '23514',
    ],
    ['places one that is lifted', insert('A-CASH', `, 'x', now(), 'x'`), '23514'],
    ['blocks what is not strict', insert('NOSTRO-EUR'), '23514'],
    ['blocks nobody', insert('NOBODY'), '23503'],
    [
      'opens a number that is blocked',
      `INSERT INTO accounting.account (book_id, number, kind, statement_class, normal_side, mode, state) VALUES ('NGEU', 'NEW', 'CLIENT_CASH', 'CLIENT_MONEY', 'CREDIT', 'STRICT', 'BLOCKED')`,
      '23514',
    ],
    ['blocks without a reason', `SELECT accounting.set_account_state('NGEU', 'A-CASH', 'BLOCKED')`, '22023'],
  ])('not even the owner of the tables %s', async (_, sql, code) => {
    expect(await attack('migrate', sql)).toBe(code);
  });

  it('and a state that the owner writes is what the blocks say all the same', async () => {
    const client = await service.database.pool('migrate').connect();
    const told = async () =>
      (
        await client.query<{ told: string }>(
          `SELECT string_agg(DISTINCT a.state || ' ' || b.account_state, ', ') AS told FROM accounting.account a
             JOIN accounting.ledger_account l USING (book_id, number) JOIN accounting.balance b USING (ledger_account_id) WHERE a.number = 'A-CASH'`,
        )
      ).rows[0]?.told;
    try {
      await client.query(`BEGIN; SELECT set_config('app.books', '*', true)`);
      await client.query(insert('A-CASH'));
      expect(await told()).toBe('BLOCKED BLOCKED');
      await client.query(`UPDATE accounting.account SET state = 'OPEN' WHERE number = 'A-CASH'`);
      expect(await told()).toBe('BLOCKED BLOCKED');
      await client.query(`UPDATE accounting.account SET state = 'CLOSED' WHERE number = 'A-CASH'`);
      await client.query(`UPDATE accounting.account SET state = 'BLOCKED_IN' WHERE number = 'A-CASH'`);
      expect(await told()).toBe('BLOCKED BLOCKED');
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  });
});
