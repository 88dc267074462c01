import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Transactions } from '#libs/database/index.js';
import { type Problem, problem } from '#libs/kernel/index.js';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { faultOfInput, Idempotency } from './index.js';

interface Paid {
  effect: string | null;
  problems: Problem[];
}

describe('idempotency', () => {
  let database: TestDatabase;
  let transactions: Transactions;
  const idempotency = new Idempotency();
  let effects = 0;
  let calls = 0;

  beforeAll(async () => {
    database = await createTestDatabase({ services: ['accounting'] });
    transactions = database.transactions('accounting');
    await database
      .pool('owner')
      .query('CREATE TABLE accounting.effect (effect_id text); GRANT ALL ON accounting.effect TO accounting');
  });
  beforeEach(() => {
    effects = 0;
    calls += 1;
  });
  afterAll(() => database.drop());

  /** Pays once: its effect is a row, written in the transaction of the key. */
  const pay = (
    key: string,
    input: object,
    options: { fail?: boolean; client?: string; operation?: string; answer?: () => Paid } = {},
  ) =>
    transactions.run(async (tx) => {
      const call = {
        client: options.client ?? 'anna',
        key: `${calls}:${key}`,
        operation: options.operation ?? 'pay',
        input,
      };
      const answer = await idempotency.run(tx, call, async () => {
        effects += 1;
        const effect = `e-${calls}-${key}-${effects}`;
        await tx.execute('INSERT INTO accounting.effect VALUES ($1)', [effect]);
        return options.answer ? options.answer() : { effect, problems: [] };
      });
      if (options.fail) throw new Error('the process dies before the commit');
      return answer;
    });
  const kept = async () => {
    const found = await database
      .pool('owner')
      .query<{ n: number }>('SELECT count(*)::int AS n FROM accounting.effect WHERE effect_id LIKE $1', [
        `e-${calls}-%`,
      ]);
    return found.rows[0]?.n;
  };

  it('answers a second time without a second effect', async () => {
    const first = await pay('k', { amount: '12.50', to: { iban: 'DE1' } });
    const second = await pay('k', { to: { iban: 'DE1' }, amount: '12.50' });
    expect(first.replayed).toBe(false);
    expect(second).toEqual({ ...first, replayed: true });
    expect(await kept()).toBe(1);
  });

  it.each([
    [{ amount: '12.51', to: { iban: 'DE1' } }, ['amount']],
    [{ amount: '12.50', to: { iban: 'DE2' } }, ['to', 'iban']],
    [{ amount: '12.50', to: { iban: 'DE1' }, tags: ['x'] }, ['tags']],
    [{ amount: '12.50' }, ['to', 'iban']],
  ])('names the place that differs: %j', async (input, path) => {
    await pay('k', { amount: '12.50', to: { iban: 'DE1' }, idempotencyKey: 'ignored' });
    const misuse = await pay('k', input);
    expect(misuse).toMatchObject({ replayed: false, problems: [{ code: 'IDEMPOTENCY_KEY_REUSED', path }] });
    expect(await kept()).toBe(1);
  });

  it('holds for the client over all operations, and for no other client', async () => {
    await pay('k', { amount: '1' });
    expect((await pay('k', { amount: '1' }, { operation: 'refund' })).problems[0]).toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
      path: ['idempotencyKey'],
    });
    expect((await pay('k', { amount: '1' }, { client: 'bert' })).replayed).toBe(false);
    expect(await kept()).toBe(2);
  });

  it('remembers a refusal of the state, not a fault of the input', async () => {
    const refusal = () => ({ effect: null, problems: [problem('INSUFFICIENT_FUNDS', 'not enough')] });
    await pay('state', { amount: '1' }, { answer: refusal });
    expect(await pay('state', { amount: '1' })).toMatchObject({
      replayed: true,
      problems: [{ code: 'INSUFFICIENT_FUNDS' }],
    });
    await pay(
      'input',
      { amount: 'x' },
      { answer: () => faultOfInput({ effect: null, problems: [problem('INVALID_AMOUNT', 'no number')] }) },
    );
    expect(await pay('input', { amount: '1' })).toMatchObject({ replayed: false, problems: [] });
  });

  it('keeps no readable input', async () => {
    await pay('k', { iban: 'DE89370400440532013000' });
    const rows = await database.pool('owner').query('SELECT input_hashes::text AS text FROM accounting.idempotency');
    expect(JSON.stringify(rows.rows)).not.toContain('DE8937');
  });

  it('takes many keys at once, each once', async () => {
    const bulk = (keys: string[]) =>
      transactions.run((tx) =>
        idempotency.runMany(
          tx,
          {
            client: 'anna',
            operation: 'payMany',
            items: keys.map((key) => ({ key: `${calls}:${key}`, input: { key } })),
          },
          async (fresh) => {
            for (const index of fresh)
              await tx.execute('INSERT INTO accounting.effect VALUES ($1)', [`e-${calls}-${keys[index]}`]);
            return fresh.map((index) => ({ effect: keys[index]!, problems: [] as Problem[] }));
          },
        ),
      );
    const [there, back] = await Promise.all([bulk(['a', 'b', 'c', 'a']), bulk(['c', 'b', 'd'])]);
    expect(there.map(({ effect }) => effect)).toEqual(['a', 'b', 'c', 'a']);
    expect(there[3]?.replayed).toBe(true);
    expect(back.map(({ effect }) => effect)).toEqual(['c', 'b', 'd']);
    expect(await kept()).toBe(4);
  });

  it('has one effect whatever the interleaving of its retries', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { minLength: 2, maxLength: 8 }),
        fc.scheduler(),
        async (failures, scheduler) => {
          calls += 1;
          const attempts = failures.map((fail) =>
            scheduler
              .schedule(Promise.resolve())
              .then(() => pay('k', { amount: '7' }, { fail }).catch(() => undefined)),
          );
          await scheduler.waitFor(Promise.all(attempts));
          const answered = (await Promise.all(attempts)).filter((answer) => answer !== undefined);
          expect(await kept()).toBe(failures.includes(false) ? 1 : 0);
          expect(new Set(answered.map(({ effect }) => effect)).size).toBe(failures.includes(false) ? 1 : 0);
          expect(answered.filter(({ replayed }) => !replayed).length).toBe(failures.includes(false) ? 1 : 0);
        },
      ),
      { numRuns: 40, seed: 20260330 },
    );
  });
});
