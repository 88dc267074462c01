import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Rational } from '#libs/money/index.js';
import {
  costOf,
  type Holding,
  type Lot,
  lotMethods,
  type LotMethod,
  positionOf,
  quantityOf,
  recognisedOn,
  split,
  type Trade,
  traded,
  transferredIn,
  transferredOut,
  worthAt,
} from './lots.js';

/** `B 100 @ 1000` on successive days buys 100 for 1000; `S` sells. */
const tradesOf = (notation: string): Trade[] =>
  notation.split(', ').map((one, n) => {
    const [, side, quantity, amount] = /^([BS]) (\d+) @ (\d+)$/.exec(one) ?? [];
    return {
      direction: side === 'B' ? 'BUY' : 'SELL',
      lotId: `L${n + 1}`,
      date: `2026-11-${String(n + 1).padStart(2, '0')}`,
      quantity: BigInt(quantity ?? 0),
      amount: BigInt(amount ?? 0),
    };
  });
function play(method: LotMethod, trades: readonly Trade[]) {
  let lots: readonly Lot[] = [];
  const realised: bigint[] = [];
  for (const trade of trades) {
    const decision = traded({ method, lots }, trade);
    if (!decision.ok) throw new Error(decision.problems[0]?.code);
    lots = decision.value.lots;
    realised.push(decision.value.realised);
  }
  return { lots, realised };
}
const shown = (lots: readonly Lot[]) =>
  lots
    .map(({ lotId, side, quantity, cost }) => `${lotId} ${side === 'SHORT' ? '-' : ''}${quantity} @ ${cost}`)
    .join(', ');
const codes = (decision: { ok: boolean; problems?: readonly { code: string; path: readonly (string | number)[] }[] }) =>
  decision.problems?.map(({ code, path }) => `${code} ${path.join('.')}`);

describe('lots', () => {
  it.each<[LotMethod, string, string, bigint]>([
    ['FIFO', 'B 100 @ 1000, B 100 @ 1200, S 150 @ 1800', 'L2 50 @ 600', 200n],
    ['AVERAGE', 'B 100 @ 1000, B 100 @ 1200, S 150 @ 1800', 'L1 50 @ 550', 150n],
    ['FIFO', 'B 3 @ 10, S 1 @ 4, S 1 @ 4, S 1 @ 4', '', 2n], // 3, then half to even 3 (3.5 is 4), the rest
    ['FIFO', 'B 100 @ 1000, S 100 @ 900', '', -100n],
    ['FIFO', 'S 100 @ 1000', 'L1 -100 @ 1000', 0n], // a short position
    ['FIFO', 'S 100 @ 1000, B 40 @ 360', 'L1 -60 @ 600', 40n],
    ['FIFO', 'S 100 @ 1000, B 250 @ 2000', 'L2 150 @ 1200', 200n], // turned: 100 bought back for 800, the rest is held
    ['FIFO', 'B 100 @ 1000, S 150 @ 1800', 'L2 -50 @ 600', 200n],
    ['AVERAGE', 'B 100 @ 1000, S 150 @ 1800, B 50 @ 500', '', 300n],
  ])('by %s: %s', (method, notation, lots, realised) => {
    const result = play(method, tradesOf(notation));
    expect(shown(result.lots)).toBe(lots);
    expect(result.realised.reduce((sum, one) => sum + one, 0n)).toBe(realised);
  });

  const two = play('FIFO', tradesOf('B 100 @ 1000, B 100 @ 1200')).lots;
  const sale: Trade = { direction: 'SELL', lotId: 'S', date: '2026-11-20', quantity: 60n, amount: 700n };

  it('are the ones the seller names, when it is so in the book', () => {
    const holding: Holding = { method: 'SPECIFIC', lots: two };
    const decision = traded(holding, {
      ...sale,
      picks: [
        { lotId: 'L2', quantity: 50n },
        { lotId: 'L1', quantity: 10n },
      ],
    });
    expect(decision.ok && decision.value).toMatchObject({
      realised: 0n,
      closed: [
        { lotId: 'L1', cost: 100n, amount: 117n },
        { lotId: 'L2', cost: 600n, amount: 583n },
      ],
    });
    expect(decision.ok && shown(decision.value.lots)).toBe('L1 90 @ 900, L2 50 @ 600');
    expect(codes(traded(holding, sale))).toEqual(['LOTS_DO_NOT_SUM picks']);
    expect(
      codes(
        traded(holding, {
          ...sale,
          picks: [
            { lotId: 'L9', quantity: 10n },
            { lotId: 'L1', quantity: 101n },
            { lotId: 'L2', quantity: 0n },
          ],
        }),
      ),
    ).toEqual([
      'LOT_NOT_FOUND picks.0.lotId',
      'LOT_EXCEEDED picks.1.quantity',
      'QUANTITY_NOT_POSITIVE picks.2.quantity',
      'LOTS_DO_NOT_SUM picks',
    ]);
    expect(codes(traded({ method: 'FIFO', lots: two }, { ...sale, picks: [{ lotId: 'L1', quantity: 60n }] }))).toEqual([
      'LOTS_NOT_CHOSEN picks',
    ]);
    expect(codes(traded(holding, { ...sale, direction: 'BUY', picks: [{ lotId: 'L1', quantity: 60n }] }))).toEqual([
      'LOTS_NOT_CLOSED picks',
    ]);
    expect(codes(traded(holding, { ...sale, quantity: 0n }))).toEqual(['QUANTITY_NOT_POSITIVE quantity']);
    expect(codes(traded(holding, { ...sale, amount: -1n }))).toEqual(['AMOUNT_NEGATIVE amount']);
  });

  it('leave with their cost and their dates', () => {
    const out = transferredOut({ method: 'FIFO', lots: two }, 130n);
    expect(out.ok && out.value.moved).toEqual([
      { lotId: 'L1', side: 'LONG', openedOn: '2026-11-01', quantity: 100n, cost: 1000n },
      { lotId: 'L2', side: 'LONG', openedOn: '2026-11-02', quantity: 30n, cost: 360n },
    ]);
    expect(codes(transferredOut({ method: 'FIFO', lots: two }, 201n))).toEqual(['LOTS_EXCEEDED quantity']);
    const { lots } = transferredIn(
      { method: 'FIFO', lots: [] },
      { lotId: 'T1', side: 'LONG', openedOn: '2026-11-01', quantity: 100n, cost: 1000n },
    );
    expect(shown(lots)).toBe('T1 100 @ 1000');
  });

  it.each<[bigint, bigint, string, string]>([
    [10n, 1n, 'L1 1000 @ 1000, L2 1000 @ 1200', '0'],
    [1n, 3n, 'L1 33 @ 1000, L2 33 @ 1200', '2/3'],
    [1n, 150n, 'L1 1 @ 2200', '1/3'], // what is too small for a unit of its own goes along
  ])('are split %s for %s', (fresh, old, lots, fraction) => {
    const result = split(two, fresh, old);
    expect(result.ok && [shown(result.value.lots), String(result.value.fraction)]).toEqual([lots, fraction]);
  });
  it('are not split to nothing', () => {
    expect(codes(split(two, 1n, 300n))).toEqual(['SPLIT_TO_NOTHING ratio']);
    expect(codes(split(two, 0n, 1n))).toEqual(['RATIO_NOT_POSITIVE ratio']);
  });

  it('are recognised on the date of the policy', () => {
    const trade = { tradeDate: '2026-11-25', settlementDate: '2026-11-27' };
    expect([recognisedOn(trade, 'TRADE_DATE'), recognisedOn(trade, 'SETTLEMENT_DATE')]).toEqual([
      '2026-11-25',
      '2026-11-27',
    ]);
  });

  it.each<[bigint, string, number, number, string, bigint]>([
    [100n, '187.335', 0, 2, '1', 1_873_350n],
    [12_345n, '10.01', 4, 2, '1', 1236n], // 1.2345 units of a fund
    [5_000_000n, '98.765', 2, 2, '0.01', 4_938_250n], // a nominal of 50,000
    [1n, '2501.5', 0, 0, '1', 2502n],
  ])('%s units at %s are worth', (quantity, price, quantityScale, currencyExponent, factor, worth) => {
    expect(
      worthAt(quantity, Rational.parse(price), { quantityScale, currencyExponent, factor: Rational.parse(factor) }),
    ).toBe(worth);
  });
});

describe('whatever is bought and sold, by any method, in any order', () => {
  const trade = fc.record({
    kind: fc.constantFrom('BUY' as const, 'SELL' as const, 'SPLIT' as const, 'OUT' as const),
    quantity: fc.bigInt({ min: 1n, max: 10n ** 9n }),
    amount: fc.bigInt({ min: 0n, max: 10n ** 12n }),
    fresh: fc.bigInt({ min: 1n, max: 7n }),
    old: fc.bigInt({ min: 1n, max: 7n }),
  });

  it('quantity and cost are conserved, and realised and unrealised are what came in and is there less what was paid', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...lotMethods),
        fc.array(trade, { maxLength: 25 }),
        fc.bigInt({ min: 0n, max: 10n ** 6n }),
        (method, steps, price) => {
          let lots: readonly Lot[] = [];
          let [position, proceeds, paid, realised, moved] = [0n, 0n, 0n, 0n, 0n];
          steps.forEach((step, n) => {
            const before = { quantity: quantityOf(lots), cost: costOf(lots) };
            if (step.kind === 'SPLIT') {
              const result = split(lots, step.fresh, step.old);
              if (!result.ok) return;
              lots = result.value.lots;
              expect(costOf(lots)).toBe(before.cost);
              expect(
                Rational.of(quantityOf(lots))
                  .plus(result.value.fraction)
                  .equals(Rational.of(before.quantity * step.fresh, step.old)),
              ).toBe(true);
              position = positionOf(lots);
              return;
            }
            const closing = step.quantity < before.quantity ? step.quantity : before.quantity;
            const closes = lots.length > 0 && (lots[0]?.side === 'LONG') === (step.kind !== 'BUY');
            let left = closing;
            const picks = [...lots].reverse().flatMap(({ lotId, quantity }) => {
              const part = left < quantity ? left : quantity;
              left -= part;
              return part > 0n ? [{ lotId, quantity: part }] : [];
            });
            const named = method === 'SPECIFIC' && closes ? { picks } : {};
            if (step.kind === 'OUT') {
              const out = transferredOut({ method, lots }, step.quantity, named.picks);
              if (!out.ok) return;
              lots = out.value.lots;
              const cost = out.value.moved.reduce((sum, one) => sum + one.cost, 0n);
              expect(costOf(lots) + cost).toBe(before.cost);
              expect(out.value.moved.reduce((sum, one) => sum + one.quantity, 0n)).toBe(step.quantity);
              position -= step.quantity;
              moved += cost;
              return;
            }
            const decision = traded(
              { method, lots },
              {
                direction: step.kind,
                lotId: `L${n}`,
                date: '2026-11-25',
                quantity: step.quantity,
                amount: step.amount,
                ...named,
              },
            );
            if (!decision.ok) throw new Error(JSON.stringify(decision.problems));
            const { closed, opened } = decision.value;
            lots = decision.value.lots;
            position += step.kind === 'BUY' ? step.quantity : -step.quantity;
            if (step.kind === 'BUY') paid += step.amount;
            else proceeds += step.amount;
            realised += decision.value.realised;
            // The parts are the whole, in quantity and in amount.
            expect(closed.reduce((sum, one) => sum + one.quantity, opened?.quantity ?? 0n)).toBe(step.quantity);
            expect(closed.reduce((sum, one) => sum + one.amount, opened?.cost ?? 0n)).toBe(step.amount);
          });
          expect(positionOf(lots)).toBe(position);
          expect(lots.every(({ quantity, cost, side }) => quantity > 0n && cost >= 0n && side === lots[0]?.side)).toBe(
            true,
          );
          const worth = position * price;
          const unrealised = worth - costOf(lots);
          expect(realised + unrealised).toBe(proceeds + moved + worth - paid);
        },
      ),
      { seed: 35, numRuns: 150 },
    );
  });
});
