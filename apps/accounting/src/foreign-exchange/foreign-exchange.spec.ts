import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Rational } from '#libs/money/index.js';
import {
  accounts,
  afterDeal,
  conversionOf,
  type CurrencyPosition,
  type DealEntry,
  dealsOf,
  nothingOpen,
  nothingPosted,
  ofSmallestUnits,
  type Posted,
  revaluationOf,
  toPost,
  undone,
  valued,
} from './foreign-exchange.js';

/** `+100 @ 90`: 100 bought for 90. `-50 @ 48`: 50 sold for 48. */
const deals = (notation: string) =>
  notation.split(', ').map((one) => {
    const [, sign, units, amount] = /^([+-])(\d+) @ (\d+)$/.exec(one) ?? [];
    const factor = sign === '-' ? -1n : 1n;
    return { position: factor * BigInt(units ?? 0), equivalent: factor * BigInt(amount ?? 0) };
  });
function after(notation: string): { state: CurrencyPosition; realised: bigint[] } {
  let state: CurrencyPosition = nothingOpen;
  const realised = deals(notation).map((deal) => {
    const { realised: gain, ...next } = afterDeal(state, deal);
    state = next;
    return gain;
  });
  return { state, realised };
}

describe('deals by average cost', () => {
  it.each<[string, bigint, bigint, bigint[]]>([
    ['+100 @ 90', 100n, 90n, [0n]],
    ['+100 @ 90, +100 @ 110', 200n, 200n, [0n, 0n]],
    ['+100 @ 90, -50 @ 48', 50n, 45n, [0n, 3n]], // half of 90 went
    ['+100 @ 90, +100 @ 110, -100 @ 120', 100n, 100n, [0n, 0n, 20n]],
    ['+100 @ 90, -100 @ 80', 0n, 0n, [0n, -10n]],
    ['+3 @ 10, -1 @ 4, -1 @ 4, -1 @ 4', 0n, 0n, [0n, 1n, 0n, 1n]], // 3 and 4 go, the last piece has the rest: 3
    ['-100 @ 90', -100n, -90n, [0n]], // a short position
    ['-100 @ 90, +50 @ 40', -50n, -45n, [0n, 5n]], // bought back for less
    ['+100 @ 90, -150 @ 150', -50n, -50n, [0n, 10n]], // turned: 100 closed for 100, 50 opened for 50
    ['-100 @ 90, +300 @ 240', 200n, 160n, [0n, 10n]],
  ])('%s', (notation, position, cost, realised) => {
    const result = after(notation);
    expect({ position: result.state.position, cost: result.state.cost, realised: result.realised }).toEqual({
      position,
      cost,
      realised,
    });
    expect(result.state.cost - result.state.paid).toBe(realised.reduce((sum, one) => sum + one, 0n));
  });
});

describe('a revaluation', () => {
  const rate = (text: string) => Rational.parse(text);

  it('posts what earlier ones did not', () => {
    const { state } = after('+100 @ 90');
    const first = valued(state, rate('0.95'));
    expect(first).toEqual({ value: 95n, realised: 0n, unrealised: 5n });
    expect(toPost(first, nothingPosted)).toEqual({ realised: 0n, unrealised: 5n });
    expect(toPost(valued(state, rate('0.95')), first)).toEqual({ realised: 0n, unrealised: 0n });
    expect(toPost(valued(state, rate('0.91')), first)).toEqual({ realised: 0n, unrealised: -4n });
  });

  it('takes back as unrealised what is realised now, so that the gain is counted once', () => {
    // Bought for 90, valued at 95, sold for 97: 7 were gained, of which 5 stand as unrealised.
    const sold = valued(after('+100 @ 90, -100 @ 97').state, rate('0.97'));
    expect(toPost(sold, { realised: 0n, unrealised: 5n })).toEqual({ realised: 7n, unrealised: -5n });
  });

  it('rounds half to even, once', () => {
    expect(valued({ position: 1n, cost: 0n, paid: 0n }, rate('0.5')).value).toBe(0n);
    expect(valued({ position: 3n, cost: 0n, paid: 0n }, rate('0.5')).value).toBe(2n);
    expect(valued({ position: -3n, cost: 0n, paid: 0n }, rate('0.5')).value).toBe(-2n);
  });

  it('is by the smallest units of both currencies', () => {
    const ofYen = ofSmallestUnits(Rational.parse('163.27'), 'EUR', 'JPY');
    expect(String(ofYen)).toBe('16327/10000');
    expect(String(ofSmallestUnits(Rational.one.dividedBy(Rational.parse('163.27')), 'JPY', 'EUR'))).toBe('10000/16327');
    expect(String(ofSmallestUnits(Rational.parse('1.0842'), 'EUR', 'USD'))).toBe('5421/5000');
  });

  it('is an entry of zero', () => {
    expect(revaluationOf({ realised: 7n, unrealised: -5n }, 'EUR')).toEqual([
      { account: accounts.equivalent, asset: 'EUR', units: 2n },
      { account: accounts.realised, asset: 'EUR', units: -7n },
      { account: accounts.unrealised, asset: 'EUR', units: 5n },
    ]);
    expect(revaluationOf({ realised: 5n, unrealised: -5n }, 'EUR').map(({ units }) => units)).toEqual([-5n, 5n]);
  });
});

describe('income and expense in a foreign currency', () => {
  it('become functional at the rate of the day', () => {
    const legs = conversionOf(
      [
        { account: 'FEES', units: -500n },
        { account: '5200', units: 33n },
        { account: '5300', units: 0n },
      ],
      'USD',
      'EUR',
      Rational.parse('0.9223'),
    );
    expect(legs).toEqual([
      { account: 'FEES', asset: 'USD', units: 500n },
      { account: 'FEES', asset: 'EUR', units: -461n }, // 461.15
      { account: '5200', asset: 'USD', units: -33n },
      { account: '5200', asset: 'EUR', units: 30n }, // 30.4359
      { account: '1910', asset: 'USD', units: -467n },
      { account: '1920', asset: 'EUR', units: 431n },
    ]);
  });
});

describe('what an entry paid for', () => {
  const entry = (positions: Record<string, bigint>, equivalent: bigint, more: Partial<DealEntry> = {}): DealEntry => ({
    entryId: 'ent_1',
    reverses: null,
    positions: new Map(Object.entries(positions)),
    equivalent,
    ...more,
  });
  it('is all of it for one currency, and by the rate of the day when two change hands directly', () => {
    const rates = new Map([['GBP', Rational.parse('1.2')]]);
    const read = (one: DealEntry) => {
      const decision = dealsOf(one, (currency) => rates.get(currency));
      return decision.ok
        ? Object.fromEntries(decision.value)
        : decision.problems.map(({ code, path }) => [code, ...path]);
    };
    expect(read(entry({ USD: 100n }, 90n))).toEqual({ USD: { position: 100n, equivalent: 90n } });
    expect(read(entry({ USD: -130n, GBP: 100n }, 0n))).toEqual({
      GBP: { position: 100n, equivalent: 120n },
      USD: { position: -130n, equivalent: -120n },
    });
    expect(read(entry({ USD: -130n, CHF: 100n }, 0n))).toEqual([['RATE_MISSING', 'CHF']]);
  });

  it('is nothing when the reversal came before anybody valued it, whole', () => {
    const bought = entry({ USD: 100n }, 90n);
    expect(undone([bought, entry({ USD: -100n }, -90n, { entryId: 'ent_2', reverses: 'ent_1' })])).toEqual(
      new Set(['ent_1', 'ent_2']),
    );
    expect(undone([bought, entry({ USD: -50n }, -45n, { entryId: 'ent_2', reverses: 'ent_1' })])).toEqual(new Set());
    expect(undone([entry({ USD: -100n }, -90n, { entryId: 'ent_2', reverses: 'ent_1' })])).toEqual(new Set());
  });
});

describe('whatever is dealt and revalued, in any order', () => {
  const units = fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n });
  const rates = fc.integer({ min: 1, max: 10 ** 8 }).map((n) => Rational.of(n, 10 ** 6));
  const step = fc.oneof(
    fc.record({ kind: fc.constant('deal' as const), position: units, equivalent: units }),
    fc.record({ kind: fc.constant('reversal' as const), of: fc.nat(20) }),
    fc.record({ kind: fc.constant('revaluation' as const), rate: rates }),
  );

  it('realised and unrealised are together what the position is worth less what was paid for it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), rates, (steps, closing) => {
        let state: CurrencyPosition = nothingOpen;
        let posted: Posted = nothingPosted;
        let [equivalent, gained, value] = [0n, 0n, 0n];
        const made: { position: bigint; equivalent: bigint }[] = [];
        const revalue = (rate: Rational) => {
          const now = valued(state, rate);
          const post = toPost(now, posted);
          posted = { realised: posted.realised + post.realised, unrealised: posted.unrealised + post.unrealised };
          const legs = revaluationOf(post, 'EUR');
          expect(legs.reduce((sum, leg) => sum + leg.units, 0n)).toBe(0n);
          equivalent += post.realised + post.unrealised;
          value = now.value;
          expect(equivalent).toBe(value); // EQUIVALENT is what the position is worth
        };
        for (const one of steps) {
          if (one.kind === 'revaluation') {
            revalue(one.rate);
            continue;
          }
          const original = one.kind === 'reversal' ? made[one.of % Math.max(1, made.length)] : one;
          if (!original) continue;
          const sign = one.kind === 'reversal' ? -1n : 1n;
          const deal = { position: sign * original.position, equivalent: sign * original.equivalent };
          made.push(deal);
          const { realised, ...next } = afterDeal(state, deal);
          state = next;
          gained += realised;
          equivalent += deal.equivalent;
          expect(state.position !== 0n || state.cost === 0n).toBe(true);
        }
        revalue(closing);
        const position = made.reduce((sum, one) => sum + one.position, 0n);
        const paid = made.reduce((sum, one) => sum + one.equivalent, 0n);
        expect([state.position, state.paid]).toEqual([position, paid]);
        expect(posted.realised).toBe(gained);
        expect(posted.realised + posted.unrealised).toBe(Rational.of(position).times(closing).round() - paid);
      }),
      { seed: 32, numRuns: 300 },
    );
  });

  it('the total is the same in any order of the deals, and whether or not it was revalued between', () => {
    const deal = fc.record({ position: units, equivalent: units });
    fc.assert(
      fc.property(fc.array(deal, { minLength: 1, maxLength: 12 }), fc.nat(), rates, (some, turn, rate) => {
        const total = (order: typeof some) => {
          let state: CurrencyPosition = nothingOpen;
          for (const one of order) state = afterDeal(state, one);
          const { realised, unrealised } = valued(state, rate);
          return realised + unrealised;
        };
        const place = turn % some.length;
        expect(total([...some.slice(place), ...some.slice(0, place)].reverse())).toBe(total(some));
      }),
      { seed: 33, numRuns: 200 },
    );
  });

  it('a conversion is zero in both currencies', () => {
    fc.assert(
      fc.property(fc.array(units, { maxLength: 8 }), rates, (all, rate) => {
        const legs = conversionOf(
          all.map((one, n) => ({ account: `4${n}`, units: one })),
          'USD',
          'EUR',
          rate,
        );
        for (const asset of ['USD', 'EUR'])
          expect(legs.filter((leg) => leg.asset === asset).reduce((sum, leg) => sum + leg.units, 0n)).toBe(0n);
      }),
      { seed: 34, numRuns: 100 },
    );
  });
});
