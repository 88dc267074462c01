import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { builtInRules } from '../posting-rules/built-in-rules.js';
import { postingsOf, type RuleSet } from '../posting-rules/posting-rules.js';
import {
  correct,
  effectsOf,
  faultsOf,
  itemsOf,
  type Original,
  type RulesNow,
  type Transformation,
} from './corrections.js';

const isin = 'DE0007164600';
const now: RulesNow = {
  version: 2,
  rules: builtInRules,
  scaleOf: (asset) => (asset === 'EUR' ? 2 : asset === isin ? 0 : undefined),
};
const postingsBy = (rules: RuleSet, event: NonNullable<Original['event']>) => {
  const made = postingsOf(rules, event);
  if (!made.ok) throw new Error('no postings');
  return made.value.postings.map(({ account, asset, side, units }) => ({
    account,
    asset,
    units: side === 'DEBIT' ? units : `-${units}`,
  }));
};
const deposit = (entryId: string, client: string, amount: string, more: Partial<Original> = {}): Original => {
  const event = {
    kind: 'DEPOSIT' as const,
    facts: { client, nostro: 'NOSTRO-EUR', currency: 'EUR', amount, description: 'cash' },
  };
  return {
    entryId,
    kind: 'DEPOSIT',
    description: 'cash',
    valueDate: '2026-11-25',
    subject: { kind: 'TEST', id: entryId },
    postings: postingsBy(builtInRules, event),
    event,
    isReversed: false,
    isReversedInPart: false,
    ...more,
  };
};
const byHand = (units: readonly string[]): Original =>
  deposit('ent_h', 'A', '1', {
    event: null,
    kind: 'TRANSFER',
    postings: units.map((one, n) => ({ account: `ACC-${n}`, asset: 'EUR', units: one })),
  });
const settlement: NonNullable<Original['event']> = {
  kind: 'SETTLEMENT',
  facts: {
    direction: 'RECEIVED',
    execution: 'exe_1',
    place: 'T2S',
    depot: 'DEPOT-T2S',
    instrument: isin,
    quantity: '15',
    nostro: 'NOSTRO-EUR',
    currency: 'EUR',
    // 10 at 12.345 is 123.45; 5 at 12.345 is 61.725, to the even 61.72.
    amount: '18517',
    shares: [
      { safe: 'A-SAFE', cash: 'A-CASH', quantity: '10', amount: '12345' },
      { safe: 'B-SAFE', cash: 'B-CASH', quantity: '5', amount: '6172' },
    ],
  },
};
const factsAfter = (original: Original, transformation: Transformation) => {
  const { rebooking, refusal } = correct(original, transformation, now);
  return refusal ?? rebooking?.event?.facts ?? rebooking?.postings;
};

describe('what becomes of an entry', () => {
  it('reversed only, it is booked no more', () => {
    expect(correct(deposit('e', 'A', '100'), { kind: 'REVERSE' }, now)).toMatchObject({ rebooking: null });
  });
  it('another account stands wherever the wrong one stood', () => {
    expect(factsAfter(deposit('e', 'A', '100'), { kind: 'ACCOUNT', from: 'A', to: 'B' })).toMatchObject({
      client: 'B',
      amount: '100',
    });
    expect(factsAfter(byHand(['5', '-5']), { kind: 'ACCOUNT', from: 'ACC-1', to: 'B' })).toEqual([
      { account: 'ACC-0', asset: 'EUR', side: 'DEBIT', units: '5' },
      { account: 'B', asset: 'EUR', side: 'CREDIT', units: '5' },
    ]);
  });
  it.each([
    ['105', '1', '2', '52'],
    ['107', '1', '2', '54'],
    ['100', '3', '1', '300'],
    ['100', '2', '3', '67'],
  ])('%s times %s/%s is %s, a half to the even', (amount, numerator, denominator, expected) => {
    const factor = { kind: 'FACTOR' as const, numerator, denominator, facts: ['amount'] };
    expect(factsAfter(deposit('e', 'A', amount), factor)).toMatchObject({ amount: expected });
  });
  it('a quantity at another price has another amount, share by share, and they add up', () => {
    const original = deposit('e', 'A', '1', {
      kind: 'TRADE_SETTLEMENT',
      event: settlement,
      postings: postingsBy(builtInRules, settlement),
    });
    expect(factsAfter(original, { kind: 'PRICE', from: '12.345', to: '12.435' })).toMatchObject({
      amount: '18653',
      shares: [{ amount: '12435' }, { amount: '6218' }],
    });
    expect(factsAfter(original, { kind: 'PRICE', from: '12.3', to: '12.4' })).toBe('PRICE_NOT_OF_ENTRY');
    expect(factsAfter(deposit('e', 'A', '1'), { kind: 'PRICE', from: '1', to: '2' })).toBe('NO_PRICE');
  });
  it.each<[string, Original, Transformation, string]>([
    ['reversed before', deposit('e', 'A', '1', { isReversed: true }), { kind: 'REVERSE' }, 'ALREADY_REVERSED'],
    ['reversed in part', deposit('e', 'A', '1', { isReversedInPart: true }), { kind: 'REVERSE' }, 'REVERSED_IN_PART'],
    ['moved in', deposit('e', 'A', '1', { kind: 'OPENING_BALANCE' }), { kind: 'REVERSE' }, 'NOT_CORRECTABLE'],
    ['as it should be', deposit('e', 'A', '1'), { kind: 'NEWEST_RULES' }, 'NOTHING_CHANGES'],
    ['of no event', byHand(['5', '-5']), { kind: 'NEWEST_RULES' }, 'NO_EVENT'],
    [
      'of parts that do not add up any more',
      byHand(['3', '-1', '-1', '-1']),
      { kind: 'FACTOR', numerator: '1', denominator: '2', facts: [] },
      'NOT_BALANCED',
    ],
    [
      'nothing any more',
      deposit('e', 'A', '1'),
      { kind: 'FACTOR', numerator: '1', denominator: '9', facts: ['amount'] },
      'TOO_FEW_POSTINGS',
    ],
  ])('is not touched when it is %s', (_, original, transformation, code) => {
    expect(correct(original, transformation, now).refusal).toBe(code);
  });
  it('is reversed and booked anew under keys of its own, all or none, in either order', () => {
    const corrected = correct(deposit('ent_1', 'A', '100'), { kind: 'ACCOUNT', from: 'A', to: 'B' }, now);
    const items = (attempt: Parameters<typeof itemsOf>[3]) =>
      itemsOf({ correctionId: 'cor_1', book: 'NGEU', reason: 'wrong client' }, corrected, '2026-11-26', attempt);
    expect(items('REVERSAL_FIRST').map(({ op, key, group }) => [op, key, group])).toEqual([
      ['REVERSAL', 'correction:cor_1:ent_1:R', 'correction:cor_1:ent_1'],
      ['ENTRY', 'correction:cor_1:ent_1:B', 'correction:cor_1:ent_1'],
    ]);
    expect(items('REBOOKING_FIRST').map(({ op }) => op)).toEqual(['ENTRY', 'REVERSAL']);
    const keys = (['REVERSAL_FIRST', 'REBOOKING_FIRST', 'FORCED'] as const).flatMap((attempt) =>
      items(attempt).map(({ key }) => key),
    );
    expect(new Set(keys).size).toBe(6);
  });
});

describe('what is asked for', () => {
  it.each<[object, Transformation, string[]]>([
    [{}, { kind: 'REVERSE' }, ['SELECTION_TOO_WIDE']],
    [{ from: '2026-11-25', kinds: [] }, { kind: 'REVERSE' }, ['SELECTION_TOO_WIDE']],
    [{ kinds: ['FEE'], from: '2026-11-26', to: '2026-11-25' }, { kind: 'REVERSE' }, ['PERIOD_ENDS_BEFORE_IT_BEGINS']],
    [
      { kinds: ['FEE'] },
      { kind: 'FACTOR', numerator: '0', denominator: 'x', facts: [] },
      ['FACTOR_NOT_POSITIVE', 'FACTOR_NOT_POSITIVE'],
    ],
    [
      { kinds: ['FEE'] },
      { kind: 'PRICE', from: '0', to: '0' },
      ['PRICE_NOT_POSITIVE', 'PRICE_NOT_POSITIVE', 'NOTHING_CHANGES'],
    ],
    [{ facts: { place: 'T2S' } }, { kind: 'ACCOUNT', from: 'A', to: 'B' }, []],
  ])('%j and %j: %j', (selection, transformation, codes) => {
    expect(faultsOf(selection, transformation).map(({ code }) => code)).toEqual(codes);
  });
});

describe('after the correction of any subset', () => {
  const clients = ['A', 'B', 'C'];
  const entry = fc.record({
    client: fc.constantFrom(...clients),
    amount: fc.integer({ min: 1, max: 1_000_000 }),
    isWrong: fc.boolean(),
  });
  const transformation = fc.oneof(
    fc.constant<Transformation>({ kind: 'ACCOUNT', from: 'A', to: 'B' }),
    fc
      .record({ numerator: fc.integer({ min: 1, max: 50 }), denominator: fc.integer({ min: 1, max: 50 }) })
      .map(({ numerator, denominator }): Transformation => ({
        kind: 'FACTOR',
        numerator: `${numerator}`,
        denominator: `${denominator}`,
        facts: ['amount'],
      })),
  );
  const add = (sums: Map<string, bigint>, account: string, units: bigint) =>
    sums.set(account, (sums.get(account) ?? 0n) + units);
  const withoutZero = (sums: Map<string, bigint>) => [...sums].filter(([, sum]) => sum !== 0n).sort();

  it('balances are those of entries booked right in the first place, and no asset is made or lost', () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 30 }), transformation, (entries, change) => {
        const booked = new Map<string, bigint>();
        const right = new Map<string, bigint>();
        const corrected = entries.flatMap(({ client, amount, isWrong }, n) => {
          const original = deposit(`e${n}`, client, String(amount));
          for (const { account, units } of original.postings) add(booked, account, BigInt(units));
          const one = isWrong ? [correct(original, change, now)] : [];
          // Said independently of the rule under test: the client or the amount as it should have been.
          const to = isWrong && change.kind === 'ACCOUNT' && client === 'A' ? 'B' : client;
          const exact =
            isWrong && change.kind === 'FACTOR' && one[0]?.refusal !== 'TOO_FEW_POSTINGS'
              ? halfEven(amount, change)
              : BigInt(amount);
          add(right, 'NOSTRO-EUR', exact);
          add(right, to, -exact);
          return one;
        });
        const effects = effectsOf(corrected);
        for (const { account, reversal, rebooking } of effects) add(booked, account, reversal + rebooking);
        expect(withoutZero(booked)).toEqual(withoutZero(right));
        expect(effects.reduce((sum, { reversal }) => sum + reversal, 0n)).toBe(0n);
        expect(effects.reduce((sum, { rebooking }) => sum + rebooking, 0n)).toBe(0n);
      }),
      { seed: 20261203, numRuns: 150 },
    );
  });
});

/** To the nearest; of two that are as near the even one: found by looking at both neighbours. */
function halfEven(amount: number, { numerator, denominator }: { numerator: string; denominator: string }): bigint {
  const [top, bottom] = [BigInt(amount) * BigInt(numerator), BigInt(denominator)];
  const low = top / bottom;
  const [below, above] = [top - low * bottom, (low + 1n) * bottom - top];
  if (below !== above) return below < above ? low : low + 1n;
  return low % 2n === 0n ? low : low + 1n;
}
