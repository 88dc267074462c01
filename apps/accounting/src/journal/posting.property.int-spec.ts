import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { accountingInvariants, type Ask } from '../accounting.invariants.js';
import { type Bench, createBench, day } from '../testing/bench.js';
import { type PostingItem, transferOf } from './posting.js';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(async () => {
  await bench.drop();
});

type Command =
  | { type: 'POST'; from: number; to: number; units: number; forced: boolean }
  | { type: 'HOLD'; from: number; units: number }
  | { type: 'CAPTURE'; hold: number; units: number; final: boolean }
  | { type: 'RELEASE'; hold: number; units: number }
  | { type: 'REVERSE'; entry: number }
  | { type: 'AGAIN'; command: number };

const parties = ['A-CASH', 'B-CASH', 'NOSTRO-EUR', 'FEES'] as const;
const strict = new Set<string>(['A-CASH', 'B-CASH']);
const index = fc.nat({ max: 30 });
const units = fc.integer({ min: 1, max: 400 });
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('POST' as const),
      from: fc.nat({ max: 3 }),
      to: fc.nat({ max: 3 }),
      units,
      forced: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('HOLD' as const), from: fc.nat({ max: 1 }), units }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('CAPTURE' as const), hold: index, units, final: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('RELEASE' as const), hold: index, units }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('REVERSE' as const), entry: index }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('AGAIN' as const), command: index }) },
);

/** The ledger in a few lines: balances as debit minus credit, holds as what is open. */
class Model {
  readonly posted = new Map<string, number>();
  readonly holds: { id: string; account: string; open: number }[] = [];
  readonly entries: { id: string; from: string; to: string; units: number; reversed: boolean; isReversal: boolean }[] =
    [];
  available(account: string): number {
    const balance = this.posted.get(account) ?? 0;
    const held = this.holds.filter((hold) => hold.account === account).reduce((sum, { open }) => sum + open, 0);
    return -balance - held;
  }
  covers(account: string, size: number): boolean {
    return !strict.has(account) || this.available(account) - size >= 0;
  }
  move(from: string, to: string, size: number): void {
    this.posted.set(from, (this.posted.get(from) ?? 0) + size);
    this.posted.set(to, (this.posted.get(to) ?? 0) - size);
  }
}

describe('the ledger against a model', () => {
  it('books, holds, captures, reverses and refuses as the model says, and loses nothing', async () => {
    let round = 0;
    const model = new Model();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(command, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 6 }),
        async (batches) => {
          round += 1;
          let n = 0;
          const sent: { item: PostingItem; expected: string }[] = [];
          for (const batch of batches) {
            const items: { item: PostingItem; expected: string; then: (id: string) => void }[] = [];
            const heldAtStart = model.holds.length;
            const bookedAtStart = model.entries.length;
            for (const one of batch) {
              n += 1;
              const key = `p-${round}-${n}`;
              const made = toItem(one, key, model, { heldAtStart, bookedAtStart, sent });
              if (made) items.push(made);
            }
            if (items.length === 0) continue;
            const results = await bench.post(items.map(({ item }) => item));
            results.forEach((result, at) => {
              expect(`${items[at]!.item.op} ${result.code ?? 'POSTED'}`).toBe(
                `${items[at]!.item.op} ${items[at]!.expected}`,
              );
              items[at]!.then(result.id ?? '');
            });
            sent.push(...items);
          }
          const rows = await bench.run((tx) => bench.accounts.balances(tx, { book: 'NGEU', asset: 'EUR' }, 100));
          for (const row of rows) {
            if (row.number === 'SUSPENSE') continue;
            expect(`${row.number} ${BigInt(row.postedDebit) - BigInt(row.postedCredit)}`).toBe(
              `${row.number} ${model.posted.get(row.number) ?? 0}`,
            );
            if (strict.has(row.number)) expect(row.available).toBe(String(model.available(row.number)));
          }
          expect(rows.reduce((sum, row) => sum + BigInt(row.postedDebit) - BigInt(row.postedCredit), 0n)).toBe(0n);
          expect(rows.reduce((sum, row) => sum + BigInt(row.pendingDebit) - BigInt(row.pendingCredit), 0n)).toBe(0n);
        },
      ),
      { seed: 20261125, numRuns: 25, endOnFailure: true },
    );
    const ask: Ask = async (sql, parameters) =>
      (await bench.database.pool('verify').query(sql, parameters)).rows as never;
    for (const one of accountingInvariants) expect((await one.check(ask)).broken).toEqual([]);
  }, 120_000);
});

function toItem(
  one: Command,
  key: string,
  model: Model,
  known: { heldAtStart: number; bookedAtStart: number; sent: { item: PostingItem; expected: string }[] },
): { item: PostingItem; expected: string; then: (id: string) => void } | undefined {
  const nothing = () => undefined;
  const dated = {
    book: 'NGEU',
    key,
    businessDate: day,
    valueDate: day,
    description: 'model',
    subject: { kind: 'TEST', id: key },
  };
  switch (one.type) {
    case 'POST': {
      const from = parties[one.from]!;
      const to = parties[one.to]!;
      if (from === to) return undefined;
      const item: PostingItem = {
        ...dated,
        op: 'ENTRY',
        kind: 'TRANSFER',
        postings: transferOf(from, to, 'EUR', String(one.units)),
        ...(one.forced ? { forced: { reason: 'fact' } } : {}),
      };
      if (!one.forced && !model.covers(from, one.units)) return { item, expected: 'INSUFFICIENT_FUNDS', then: nothing };
      model.move(from, to, one.units);
      return {
        item,
        expected: 'POSTED',
        then: (id) => model.entries.push({ id, from, to, units: one.units, reversed: false, isReversal: false }),
      };
    }
    case 'HOLD': {
      const account = parties[one.from]!;
      const item: PostingItem = {
        op: 'HOLD',
        book: 'NGEU',
        key,
        hold: {
          debitAccount: account,
          creditAccount: 'SUSPENSE',
          asset: 'EUR',
          units: String(one.units),
          expiresAt: '2027-01-01T00:00:00Z',
          reason: 'model',
        },
      };
      if (!model.covers(account, one.units)) return { item, expected: 'INSUFFICIENT_FUNDS', then: nothing };
      const hold = { id: '', account, open: one.units };
      model.holds.push(hold);
      return { item, expected: 'POSTED', then: (id) => (hold.id = id) };
    }
    case 'CAPTURE':
    case 'RELEASE': {
      const hold = known.heldAtStart > 0 ? model.holds[one.hold % known.heldAtStart]! : undefined;
      if (!hold) return undefined;
      const item: PostingItem =
        one.type === 'CAPTURE'
          ? {
              ...dated,
              op: 'CAPTURE',
              kind: 'WITHDRAWAL',
              hold: { holdId: hold.id, units: String(one.units), final: one.final },
            }
          : { op: 'RELEASE', book: 'NGEU', key, hold: { holdId: hold.id, units: String(one.units) } };
      if (hold.open === 0) return { item, expected: 'HOLD_CLOSED', then: nothing };
      if (one.units > hold.open) return { item, expected: 'HOLD_EXCEEDED', then: nothing };
      hold.open -= one.units;
      if (one.type === 'CAPTURE') {
        model.move(hold.account, 'SUSPENSE', one.units);
        if (one.final) hold.open = 0;
      }
      return { item, expected: 'POSTED', then: nothing };
    }
    case 'REVERSE': {
      const entry = known.bookedAtStart > 0 ? model.entries[one.entry % known.bookedAtStart]! : undefined;
      if (!entry) return undefined;
      const item: PostingItem = { ...dated, op: 'REVERSAL', kind: 'CORRECTION', reverses: entry.id };
      if (entry.reversed) return { item, expected: 'ALREADY_REVERSED', then: nothing };
      if (!model.covers(entry.to, entry.units)) return { item, expected: 'INSUFFICIENT_FUNDS', then: nothing };
      entry.reversed = true;
      model.move(entry.to, entry.from, entry.units);
      return { item, expected: 'POSTED', then: nothing };
    }
    case 'AGAIN': {
      const before = known.sent.length > 0 ? known.sent[one.command % known.sent.length]! : undefined;
      return before && { ...before, then: nothing };
    }
  }
}
