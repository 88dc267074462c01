import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Location, type OpenItem, type Pool, type PoolPosition, prove } from './client-assets.js';
import { worthOf } from './worth.js';

const day = '2026-11-25';
const open = (reference: string, bookedUnits: bigint, statedUnits: bigint, more: Partial<OpenItem> = {}): OpenItem => ({
  reference,
  bookedUnits,
  statedUnits,
  valueDate: bookedUnits === 0n ? null : day,
  code: null,
  ...more,
});

/** An account whose books and statement differ by just these items, and by what no item tells. */
function location(statedUnits: bigint, openItems: OpenItem[], untold = 0n, more: Partial<Location> = {}): Location {
  const differ = openItems.reduce((total, one) => total + one.bookedUnits - one.statedUnits, 0n);
  return {
    account: 'NOSTRO',
    statementId: 'stm',
    statementDate: day,
    statedUnits,
    bookedUnits: statedUnits + differ + untold,
    openItems,
    ...more,
  };
}

/** Clients have exactly what our books say is there, unless said otherwise. */
function position(locations: Location[], more: Partial<PoolPosition> = {}, pool: Pool = 'MONEY'): PoolPosition {
  const booked = locations.reduce((total, one) => total + one.bookedUnits, 0n);
  return {
    pool,
    asset: 'EUR',
    entitledUnits: booked,
    owedUnits: 0n,
    clientCount: 3,
    unallocatedUnits: 0n,
    ownUnits: 0n,
    locations,
    ...more,
  };
}
const said = ({ differenceUnits, cause, items }: ReturnType<typeof prove>) => [
  differenceUnits,
  cause,
  items.map(({ kind, units }) => `${kind} ${units}`),
];

describe('client assets', () => {
  it.each<[string, PoolPosition, unknown[]]>([
    ['what is stated is what clients have', position([location(100n, [])]), [0n, null, []]],
    [
      'a delivery confirmed after the statement leaves with the next one',
      position([location(100n, [open('ins', -30n, 0n, { valueDate: '2026-11-26' })])]),
      [0n, null, ['BOOKED_AFTER_STATEMENT -30']],
    ],
    [
      'a receipt that has its value after the statement comes with the next one',
      position([location(100n, [open('ins', 30n, 0n, { valueDate: '2026-11-26' })])]),
      [0n, null, ['BOOKED_AFTER_STATEMENT 30']],
    ],
    [
      'a payment that was ordered and has not left is not counted',
      position([location(100n, [open('pay', -30n, 0n)])]),
      [0n, null, ['UNDER_WAY -30']],
    ],
    [
      'a receipt that we booked and the statement of its date has not is missing',
      position([location(100n, [open('ins', 30n, 0n)])]),
      [-30n, 'NOT_RECEIVED', ['NOT_RECEIVED 30']],
    ],
    [
      'an unknown credit covers nothing',
      position([location(100n, [open('stm#1', 0n, 12n), open('stm#2', 0n, -12n)])]),
      [-12n, 'NOT_BOOKED', ['UNIDENTIFIED_RECEIPT -12', 'NOT_BOOKED 12']],
    ],
    [
      'an agent that takes its fee from clients, debits twice and debits too much makes one shortfall with its largest cause',
      position([
        location(1_000n, [
          open('stm#1', 0n, -15n, { code: 'PMNT/MCOP/CHRG' }),
          open('p1', -100n, -200n),
          open('p2', -45n, -54n),
        ]),
      ]),
      [-124n, 'DEBITED_TWICE', ['CHARGED_BY_AGENT 15', 'DEBITED_TWICE 100', 'STATED_BELOW_BOOKS 9']],
    ],
    [
      'an agent that debits less than was ordered leaves what is not counted',
      position([location(100n, [open('p', -45n, -40n)])]),
      [0n, null, ['STATED_ABOVE_BOOKS -5']],
    ],
    [
      'an entry without our name is what was booked of its amount, once',
      position([location(100n, [open('stm#1', 0n, 12n), open('dep', 12n, 0n), open('dep-2', 12n, 0n)])]),
      [-12n, 'NOT_RECEIVED', ['NOT_RECEIVED 12']],
    ],
    [
      'shares that a depot does not have any more',
      position([location(700n, [], 300n)], {}, 'CUSTODY'),
      [-300n, 'MISSING_AT_DEPOT', ['MISSING_AT_DEPOT 300']],
    ],
    [
      'what a depot has too much is nobody’s, also where another lacks it',
      position(
        [location(700n, [], 300n, { account: 'A' }), location(300n, [], -300n, { account: 'B' })],
        {},
        'CUSTODY',
      ),
      [-300n, 'MISSING_AT_DEPOT', ['MISSING_AT_DEPOT 300', 'STATED_ABOVE_BOOKS -300']],
    ],
    [
      'the firm’s own pieces in the depot are no client’s',
      position([location(100n, [])], { entitledUnits: 90n, ownUnits: 20n }, 'CUSTODY'),
      [-10n, 'USED_BY_FIRM', ['OWN_HOLDING -20', 'USED_BY_FIRM 10']],
    ],
    [
      'what one client owes is not made up for by another',
      position([location(100n, [])], { entitledUnits: 130n, owedUnits: 30n }),
      [-30n, 'CLIENT_OWES', ['CLIENT_OWES 30']],
    ],
    [
      'money that waits for its owner is required like a client’s',
      position([location(100n, [])], { entitledUnits: 90n, unallocatedUnits: 10n }),
      [0n, null, []],
    ],
    [
      'the firm’s money in the pool is there for clients',
      position([location(100n, [open('stm#1', 0n, -5n)])], { entitledUnits: 90n }),
      [10n, null, ['NOT_BOOKED 5']],
    ],
    [
      'an account that was never stated stands by its opening balance and all that was booked',
      position([
        location(100n, [open('since', 30n, 0n, { reference: null })], 0n, { statementDate: null, statementId: null }),
      ]),
      [0n, null, ['BOOKED_WITHOUT_STATEMENT 30']],
    ],
    [
      'a balance lower than its entries tell',
      position([location(100n, [], 7n)]),
      [-7n, 'NOT_ITEMISED', ['NOT_ITEMISED 7']],
    ],
  ])('%s', (_name, given, expected) => {
    expect(said(prove(given))).toEqual(expected);
  });

  it('whatever happens, no explanation makes more of it than our books have, and every missing unit has its cause', () => {
    const units = fc.bigInt({ min: -50n, max: 50n });
    const items = fc.array(
      fc.record({ bookedUnits: units, statedUnits: units, isLater: fc.boolean(), isNamed: fc.boolean() }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(
        items,
        units,
        fc.bigInt({ min: 0n, max: 40n }),
        fc.constantFrom<Pool>('MONEY', 'CUSTODY'),
        (some, untold, owedUnits, pool) => {
          const openItems = some
            .filter(({ bookedUnits, statedUnits }) => bookedUnits !== statedUnits)
            .map(({ bookedUnits, statedUnits, isLater, isNamed }, n) =>
              isNamed || bookedUnits !== 0n
                ? open(`r${n}`, bookedUnits, statedUnits, { valueDate: isLater ? '2026-11-26' : day })
                : open(`stm#${n}`, 0n, statedUnits),
            );
          const given = position([location(1_000n, openItems, untold)], { owedUnits }, pool);
          const proof = prove({ ...given, entitledUnits: given.entitledUnits + owedUnits });
          const causes = proof.items
            .filter(({ isExplained }) => !isExplained)
            .reduce((total, one) => total + one.units, 0n);
          expect(proof.resourceUnits <= given.locations.reduce((total, one) => total + one.bookedUnits, 0n)).toBe(true);
          expect(proof.resourceUnits - proof.requirementUnits).toBe(proof.differenceUnits);
          expect(-proof.differenceUnits).toBe(causes);
          expect(proof.cause === null).toBe(proof.differenceUnits >= 0n);
        },
      ),
      { seed: 20261203, numRuns: 500 },
    );
  });
});

describe('what is missing is worth', () => {
  const rates = [
    { base: 'EUR', quote: 'USD', rate: '1.0842' },
    { base: 'EUR', quote: 'GBP', rate: '0.8431' },
  ];
  const eur = { currency: 'EUR', exponent: 2 };
  it.each([
    [
      '300 shares at 41.27',
      { units: 300n, scale: 0, price: { price: '41.27', factor: '1', currency: 'EUR' } },
      eur,
      1_238_100n,
    ],
    // 1,000.00 nominal at 98.765 percent
    [
      'a bond in percent',
      { units: 100_000n, scale: 2, price: { price: '98.765', factor: '0.01', currency: 'EUR' } },
      eur,
      98_765n,
    ],
    ['pounds in euros, rounded up', { units: 10_000n, scale: 2, currency: 'GBP' }, eur, 11_861n],
    [
      'pounds in dollars by the euro',
      { units: 10_000n, scale: 2, currency: 'GBP' },
      { currency: 'USD', exponent: 2 },
      12_860n,
    ],
    ['a currency without a rate', { units: 1n, scale: 0, currency: 'JPY' }, eur, undefined],
    ['an instrument without a price', { units: 1n, scale: 0 }, eur, undefined],
  ])('%s', (_name, missing, functional, expected) => {
    expect(worthOf(missing, functional, rates)).toBe(expected);
  });
});
