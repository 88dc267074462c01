import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { seededRandom, type SeededRandom } from '#libs/kernel/index.js';
import { accountingInvariants, type Ask } from '../accounting.invariants.js';
import { type Bench, createBench, day } from '../testing/bench.js';
import { type Given, LedgerModel, type ModelAccount } from '../testing/ledger-model.js';
import { fold } from './fold.js';
import { PostingLane } from './posting-lane.service.js';
import { type PostingItem, type PostingResult, transferOf } from './posting.js';

/** `LEDGER_SEED=…` repeats a run that failed, or makes another one. */
const seed = process.env.LEDGER_SEED ?? '20261125';
const startsAt = Date.parse('2026-11-25T06:00:00Z');
const minute = 60_000;

const accounts: ReadonlyMap<string, ModelAccount> = new Map([
  ['A-CASH', { isStrict: true, normalSide: 'CREDIT' }],
  ['B-CASH', { isStrict: true, normalSide: 'CREDIT' }],
  ['NOSTRO-EUR', { isStrict: false, normalSide: 'DEBIT' }],
  ['SUSPENSE', { isStrict: false, normalSide: 'DEBIT' }],
  ['FEES', { isStrict: false, normalSide: 'CREDIT' }],
]);
const numbers = [...accounts.keys()];

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(async () => {
  await bench.drop();
});

/** Whatever fails tells its seed. */
async function withSeed(name: string, work: (random: SeededRandom) => Promise<void>): Promise<void> {
  try {
    await work(seededRandom(`${seed} ${name}`));
  } catch (error) {
    throw new Error(`LEDGER_SEED=${seed}: ${(error as Error).message}`, { cause: error });
  }
}

/** Makes items by chance, on what there is of holds and entries. */
class Items {
  private made = 0;
  /** Sent before, to be sent again. */
  readonly sent: PostingItem[] = [];

  constructor(
    private readonly name: string,
    private readonly random: SeededRandom,
    private readonly model: LedgerModel,
  ) {}

  /** `known`: what of it may be used by others while these items are decided. */
  next(known = this.model.open): PostingItem {
    const item = this.fresh(known);
    this.sent.push(item);
    return item;
  }

  /** Of one sent before: the same again, or something else under its key. */
  again(): PostingItem | undefined {
    if (this.sent.length === 0) return undefined;
    const item = this.random.pick(this.sent);
    if (this.random.integer(1, 3) > 1) return item;
    return 'description' in item
      ? { ...item, description: 'other' }
      : { ...item, group: `${item.group ?? ''} of another` };
  }

  private fresh(known: { holds: string[]; entries: string[] }): PostingItem {
    const { random } = this;
    this.made += 1;
    const key = `${this.name}-${this.made}`;
    const base = { key, book: 'NGEU' };
    const dated = {
      ...base,
      businessDate: day,
      valueDate: day,
      description: 'model',
      subject: { kind: 'TEST', id: key },
    };
    const [from, to] = random.shuffle(numbers) as [string, string];
    const units = String(random.integer(1, 400));
    const upTo = random.pick(['DEBIT', 'CREDIT', 'BOTH'] as const);
    const cash = random.pick(['A-CASH', 'B-CASH']);
    const holdId = known.holds.length > 0 ? random.pick(known.holds) : 'hld_none';
    switch (random.integer(1, 20)) {
      case 1:
      case 2:
      case 3: {
        const expiresAt = new Date(this.model.now + random.integer(-1, 40) * minute).toISOString();
        const hold = { debitAccount: from, creditAccount: to, asset: 'EUR', units, expiresAt, reason: 'model' };
        return { ...base, op: 'HOLD', hold, ...(random.integer(1, 4) === 1 ? { upTo } : {}) };
      }
      case 4:
      case 5:
      case 6: {
        const isFinal = random.integer(1, 3) === 1;
        return { ...dated, op: 'CAPTURE', kind: 'WITHDRAWAL', hold: { holdId, units, final: isFinal } };
      }
      case 7:
        return { ...base, op: 'RELEASE', hold: { holdId, ...(random.integer(0, 1) === 1 ? { units } : {}) } };
      case 8:
      case 9: {
        const reverses = known.entries.length > 0 ? random.pick(known.entries) : 'ent_none';
        return { ...dated, op: 'REVERSAL', kind: 'CORRECTION', reverses };
      }
      case 10:
        return { ...base, op: 'CLOSE', close: { account: cash, empty: random.integer(1, 3) > 1 } };
      case 11:
      case 12:
        return { ...base, op: 'REOPEN', close: { account: cash } };
      case 13:
      case 14:
        return { ...dated, op: 'ENTRY', kind: 'TRANSFER', upTo, postings: transferOf(from, to, 'EUR', units) };
      case 15:
        return {
          ...dated,
          op: 'ENTRY',
          kind: 'PAYMENT_RETURN',
          forced: { reason: 'fact' },
          postings: transferOf(from, to, 'EUR', units),
        };
      default:
        return { ...dated, op: 'ENTRY', kind: 'TRANSFER', postings: transferOf(from, to, 'EUR', units) };
    }
  }
}

/** Sometimes a few of them are one group. */
function grouped(random: SeededRandom, items: PostingItem[], name: string): PostingItem[] {
  if (items.length < 2 || random.integer(1, 3) > 1) return items;
  const first = random.integer(0, items.length - 2);
  return items.map((item, n) =>
    n >= first && n <= first + 2 && item.group === undefined ? { ...item, group: name } : item,
  );
}

const came = new Set<string>();
const said = ({ outcome, code, units }: PostingResult) => {
  came.add(code ?? outcome);
  return `${code ?? outcome}${units === undefined ? '' : ` ${units}`}`;
};
const told = ({ said: answer, units }: { said: string; units?: bigint }) =>
  `${answer}${units === undefined ? '' : ` ${units}`}`;

/** What the ledger has must be what the model has, every cent of it, and all that must always hold must hold. */
async function expectSame(model: LedgerModel): Promise<void> {
  const rows = await bench.run((tx) => bench.accounts.balances(tx, { book: 'NGEU', asset: 'EUR' }, 100));
  const found = rows.map((row) => [
    row.number,
    BigInt(row.postedDebit) - BigInt(row.postedCredit),
    BigInt(row.available),
  ]);
  expect(found.sort()).toEqual(
    numbers
      .map((number) => [number, model.balanceOf(number), model.availableOf(number)])
      .filter(([number]) => rows.some((row) => row.number === number))
      .sort(),
  );
  const sum = (of: (row: (typeof rows)[number]) => string) => rows.reduce((total, row) => total + BigInt(of(row)), 0n);
  expect(sum((row) => row.postedDebit)).toBe(sum((row) => row.postedCredit));
  expect(sum((row) => row.pendingDebit)).toBe(sum((row) => row.pendingCredit));
  const ask: Ask = async (sql, parameters) =>
    (await bench.database.pool('verify').query(sql, parameters)).rows as never;
  for (const one of accountingInvariants) {
    const { broken } = await one.check(ask);
    expect({ number: one.number, broken }).toEqual({ number: one.number, broken: [] });
  }
}

async function opened(name: string): Promise<LedgerModel> {
  const model = new LedgerModel(accounts);
  model.now = startsAt;
  await bench.database.setClock(new Date(startsAt).toISOString());
  // Back to where a model begins: whatever an earlier test left on the accounts.
  const rows = await bench.run((tx) => bench.accounts.balances(tx, { book: 'NGEU', asset: 'EUR' }, 100));
  expect(rows.map(({ postedDebit }) => postedDebit).every((units) => units === '0')).toBe(true);
  const items = numbers
    .filter((number) => number !== 'NOSTRO-EUR')
    .map((number) => bench.move(`${name}-${number}`, 'NOSTRO-EUR', number, 600, { kind: 'DEPOSIT' }));
  expect((await bench.post(items)).map(said)).toEqual(model.decide(items.map((item) => ({ item }))).map(told));
  return model;
}

describe('the ledger against a model', () => {
  it('says of each item of many batches what the model says, and has what the model has', async () => {
    await withSeed('one by one', async (random) => {
      const model = await opened('one');
      const items = new Items('one', random, model);
      /** Of each key its input and what was said. */
      const known = new Map<string, { input: string; answer: string }>();
      for (let batch = 1; batch <= 80; batch += 1) {
        if (random.integer(1, 4) === 1) {
          model.now += random.integer(1, 25) * minute;
          await bench.database.setClock(new Date(model.now).toISOString());
        }
        const fresh = Array.from({ length: random.integer(1, 12) }, () => items.next());
        const old = Array.from({ length: random.integer(0, 3) }, () => items.again()).filter(
          (one) => one !== undefined,
        );
        const sent = random.shuffle([...grouped(random, fresh, `group ${batch}`), ...old]);

        const placed = new Map<string, number>();
        const given: (Given & { place: number })[] = [];
        const expected: (string | undefined)[] = sent.map(() => undefined);
        sent.forEach((item, place) => {
          const input = JSON.stringify(item);
          const before = known.get(item.key);
          const first = placed.get(item.key);
          const isOther = before
            ? before.input !== input
            : first !== undefined && JSON.stringify(sent[first]) !== input;
          const answer = isOther ? 'IDEMPOTENCY_KEY_REUSED' : before?.answer;
          if (!before && first === undefined) placed.set(item.key, place);
          else if (answer === undefined) return;
          expected[place] = answer;
          const code = answer?.split(' ')[0];
          const group = item.group;
          if (code === undefined || (code !== 'POSTED' && group !== undefined))
            given.push({
              item,
              place,
              ...(group === undefined ? {} : { group }),
              ...(code === undefined ? {} : { refused: code }),
            });
        });
        model.decide(given).forEach((answer, n) => (expected[given[n]!.place] = told(answer)));
        sent.forEach((item, place) => (expected[place] ??= expected[placed.get(item.key)!]));

        const results = await bench.post(sent);
        results.forEach((result, place) => {
          const item = sent[place]!;
          expect(`batch ${batch} ${place} ${item.op} ${said(result)}`).toBe(
            `batch ${batch} ${place} ${item.op} ${expected[place]}`,
          );
          if (!known.has(item.key) && placed.get(item.key) === place)
            known.set(item.key, { input: JSON.stringify(item), answer: said(result) });
        });
      }
      await expectSame(model);
    });
  });

  it('says the same to callers of one moment, in the order in which their batches were decided', async () => {
    await bench.drop();
    bench = await createBench();
    await withSeed('at once', async (random) => {
      const model = await opened('many');
      const items = new Items('many', random, model);
      const lane = new PostingLane(bench.transactions, bench.posting);
      /** Of the batches as they were decided: accounts that two share are locked, so who comes second is decided second. */
      const decided: { given: Given[]; answers: string[] }[] = [];
      bench.posting.rule = (candidates, state) => {
        const folded = fold(candidates, state);
        const given = candidates.map(({ item, call, refusal }): Given => ({
          item,
          ...(item.group === undefined ? {} : { group: `${call} ${item.group}` }),
          ...(refusal === undefined ? {} : { refused: refusal.code }),
        }));
        const answers = folded.decisions.map(({ refusal, swept }) =>
          told({ said: refusal?.code ?? 'POSTED', ...(swept === undefined ? {} : { units: swept }) }),
        );
        decided.push({ given, answers });
        return folded;
      };
      let [batches, callsAsked] = [0, 0];
      const inputs = new Map<string, Set<string>>();
      const answers = new Map<string, { input: string; result: PostingResult }[]>();
      try {
        for (let round = 1; round <= 12; round += 1) {
          if (random.integer(1, 2) === 1) {
            model.now += random.integer(1, 20) * minute;
            await bench.database.setClock(new Date(model.now).toISOString());
          }
          // What others are about to make is not there yet: of the holds and entries only those of before are used.
          const known = model.open;
          const fresh = Array.from({ length: 60 }, () => items.next(known));
          const calls: PostingItem[][] = [];
          for (let at = 0; at < fresh.length;) {
            const size = random.integer(1, 5);
            const call = grouped(random, fresh.slice(at, at + size), 'together');
            const repeated = items.again();
            calls.push(random.integer(1, 4) === 1 ? call : [...call, ...(repeated ? [repeated] : [])]);
            at += size;
          }
          // Who is not answered asks again: the same call twice, at the same time.
          const asked = random.shuffle([...calls, ...calls.filter(() => random.integer(1, 4) === 1)]);
          const results = await Promise.all(asked.map((call) => lane.post({ items: call, requestedBy: 'test' })));
          results.forEach((ofCall, call) => {
            ofCall.forEach((result, n) => {
              const item = asked[call]![n]!;
              const input = JSON.stringify(item);
              inputs.set(item.key, (inputs.get(item.key) ?? new Set()).add(input));
              answers.set(item.key, [...(answers.get(item.key) ?? []), { input, result }]);
            });
          });
          batches += decided.length;
          callsAsked += asked.length;
          for (const { given, answers: was } of decided.splice(0))
            expect([round, was]).toEqual([round, model.decide(given).map(told)]);
        }
      } finally {
        bench.posting.rule = fold;
      }
      expect(batches).toBeLessThan(callsAsked / 2);
      // Each key has one input that counts and one answer to it; whoever came with another was told so.
      for (const [key, given] of answers) {
        const counted = new Set(
          given.filter(({ result }) => result.code !== 'IDEMPOTENCY_KEY_REUSED').map(({ input }) => input),
        );
        expect([key, counted.size]).toEqual([key, 1]);
        const ofIt = given.filter(({ input }) => counted.has(input));
        const answersOfIt = new Set(ofIt.map(({ result }) => `${said(result)} ${result.id ?? ''}`));
        expect([key, ...answersOfIt]).toEqual([key, expect.any(String)]);
        expect(ofIt.filter(({ result }) => !result.replayed)).toHaveLength(1);
      }
      expect([...inputs.values()].filter((some) => some.size > 1).length).toBeGreaterThan(5);
      const entries = await bench.run((tx) =>
        tx.rows<{ id: string }>('SELECT entry_id AS id FROM accounting.journal_entry'),
      );
      expect(entries.map(({ id }) => id).sort()).toEqual([...model.open.entries].sort());
      await expectSame(model);
    });
  });

  it('has come to every kind of answer', () => {
    expect(
      [
        ...[
          'POSTED',
          'IDEMPOTENCY_KEY_REUSED',
          'LINKED_ITEM_REFUSED',
          'INSUFFICIENT_FUNDS',
          'ACCOUNT_CLOSED',
          'ACCOUNT_NOT_EMPTY',
        ],
        ...['HOLD_EXPIRED', 'HOLD_CLOSED', 'HOLD_EXCEEDED', 'NOT_REVERSIBLE', 'ALREADY_REVERSED'],
      ].filter((one) => !came.has(one)),
    ).toEqual([]);
  });
});
