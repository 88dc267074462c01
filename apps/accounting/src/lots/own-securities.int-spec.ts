import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { waitFor } from '#libs/testing/index.js';
import { AccountsRepository } from '../accounts/accounts.repository.js';
import { AssetsRepository } from '../assets/assets.repository.js';
import { Rates } from '../rates/rates.service.js';
import { accountOf } from '../testing/bench.js';
import { type ServiceUnderTest, startService } from '../testing/service.js';

let service: ServiceUnderTest;
let today = '2026-11-25';
const get = <T>(type: new (...args: never[]) => T): T => service.app.get(type, { strict: false });
const share = 'DE0007164600';
const bond = 'DE0001102580';
const apple = 'US0378331005';

beforeAll(async () => {
  service = await startService();
  await service.run(async (tx) => {
    const assets = get(AssetsRepository);
    await assets.ensureCurrencies(tx, ['EUR', 'USD']);
    await assets.register(tx, [
      { asset: share, kind: 'INSTRUMENT', scale: 0, name: 'A share', currency: 'EUR', priceFactor: '1' },
      { asset: bond, kind: 'INSTRUMENT', scale: 2, name: 'A bond', currency: 'EUR', priceFactor: '0.01' },
      { asset: apple, kind: 'INSTRUMENT', scale: 0, name: 'A share of the US', currency: 'USD', priceFactor: '1' },
      { asset: 'FR0000120271', kind: 'INSTRUMENT', scale: 0, name: 'Of which nobody told how it is priced' },
    ]);
    await get(AccountsRepository).open(tx, [
      accountOf('NOSTRO-EUR', 'NOSTRO', { currency: 'EUR' }),
      accountOf('NOSTRO-USD', 'NOSTRO', { currency: 'USD' }),
      accountOf('DEPOT-T2S', 'DEPOT'),
      accountOf('OWN-SAFE', 'OWN_CUSTODY'),
      accountOf('SUSPENSE', 'SUSPENSE'),
    ]);
    await tx.execute(
      `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', $1, 'OPEN', '2026-11-26')`,
      [today],
    );
  });
  await told('RATE', ['EUR', 'USD', '1.0842', '2026-11-24']);
  await told(
    'PRICE',
    [share, 'EUR', '100', '2026-11-24'],
    [bond, 'EUR', '98.50', '2026-11-24'],
    [apple, 'USD', '187.335', '2026-11-24'],
  );
});
afterAll(async () => {
  await service.stop();
});

let version = 0;
const told = (kind: 'RATE' | 'PRICE', ...figures: [base: string, quote: string, value: string, date: string][]) =>
  service.run((tx) =>
    get(Rates).keep(
      tx,
      kind,
      figures.map(([base, quote, value, date]) => {
        version += 1;
        return {
          base,
          quote,
          version: String(version),
          date,
          value,
          source: 'CLOSE',
          recordedAt: '2026-11-24T16:00:00Z',
          state: 'KNOWN',
        };
      }),
    ),
  );
type Answered<T> = T & { problems: { code: string; path: string | null }[] };
const trade = (
  key: string,
  direction: 'BUY' | 'SELL',
  instrument: string,
  quantity: string,
  amount: string,
  more: object = {},
) =>
  service.mutate<Answered<{ trade: { id: string; settledBy: string | null; entryId: string } | null }>>(
    'bookOwnTrade',
    'BookOwnTradeInput',
    {
      book: 'NGEU',
      businessDate: today,
      direction,
      holding: 'OWN-SAFE',
      instrument,
      quantity,
      currency: 'EUR',
      amount,
      tradeDate: today,
      settlementDate: today,
      depot: 'DEPOT-T2S',
      nostro: 'NOSTRO-EUR',
      idempotencyKey: key,
      ...more,
    },
    'trade { id settledBy entryId }',
  );
const codes = ({ problems }: { problems: { code: string; path: string | null }[] }) =>
  problems.map(({ code, path }) => `${code} ${path ?? ''}`.trim());
const value = async (key: string, more: object = {}) => {
  const answer = await service.mutate<Answered<{ run: { id: string } | null }>>(
    'valueBook',
    'ValueBookInput',
    { book: 'NGEU', businessDate: today, idempotencyKey: key, ...more },
    'run { id }',
  );
  if (!answer.run) return codes(answer);
  const read = async () =>
    (await service.ask(`{ valuationRun(id: "${answer.run?.id}") { state problems { code } } }`)).data?.valuationRun as {
      state: string;
      problems: { code: string }[];
    };
  await waitFor(async () => (await read()).state !== 'RUNNING', { what: 'the end of the valuation' });
  const { state, problems } = await read();
  return [state, ...problems.map(({ code }) => code)];
};
interface Position {
  instrument: string;
  currency: string;
  quantity: string;
  cost: string;
  fairValue: string;
  unrealised: string;
  amortised: string;
  accrued: string;
  earned: string;
  figures: string;
  isStale: boolean;
  version: number;
}
const positions = async () =>
  (
    await service.ask(
      `{ ownPositions(book: "NGEU", date: "${today}") { instrument currency quantity cost fairValue unrealised amortised accrued earned figures isStale version } }`,
    )
  ).data?.ownPositions as Position[];
const positionOf = async (instrument: string) => (await positions()).find((one) => one.instrument === instrument);
const balance = async (account: string, asset: string) =>
  (
    (await service.ask(`{ balance(book: "NGEU", account: "${account}", asset: "${asset}") { balance } }`)).data
      ?.balance as { balance: string } | null
  )?.balance ?? '0.00';
const opens = async (date: string) => {
  today = date;
  await service.run(async (tx) => {
    await tx.execute(`UPDATE accounting.business_day SET state = 'CLOSED' WHERE book_id = 'NGEU' AND state = 'OPEN'`);
    await tx.execute(
      `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', $1, 'OPEN', $1::date + 1)`,
      [date],
    );
  });
};
const cents = (text: string) => BigInt(text.replace('.', ''));
/** The accounts of the chart are what the lots and the valuations say, and pieces are what the lots are. */
const ties = async () => {
  const all = (await positions()).filter(({ currency }) => currency === 'EUR');
  const sum = (of: (one: Position) => bigint) => all.reduce((total, one) => total + of(one), 0n);
  const realised = (
    await service.ask(`{ realisedResults(book: "NGEU", from: "2026-11-01", to: "${today}") { realised currency } }`)
  ).data?.realisedResults as {
    realised: string;
    currency: string;
  }[];
  const gained = realised
    .filter(({ currency }) => currency === 'EUR')
    .reduce((total, one) => total + cents(one.realised), 0n);
  const of = async (account: string) => cents(await balance(account, 'EUR'));
  expect([await of('1410'), await of('1420'), await of('1430'), await of('4310'), await of('4330')]).toEqual([
    sum((one) => cents(one.cost)),
    sum((one) => cents(one.unrealised)),
    sum((one) => cents(one.accrued)),
    gained,
    sum((one) => cents(one.amortised) + cents(one.earned)),
  ]);
  const lots = (await service.ask('{ lotsOfAccount(book: "NGEU", account: "OWN-SAFE") { instrument quantity } }')).data
    ?.lotsOfAccount as { instrument: string; quantity: string }[];
  for (const { instrument } of await positions()) {
    const held = lots
      .filter((lot) => lot.instrument === instrument)
      .reduce((total, lot) => total + cents(lot.quantity), 0n);
    expect([instrument, cents(await balance('OWN-SAFE', instrument))]).toEqual([instrument, held]);
  }
};

describe('own securities', () => {
  it('are bought with their lots, the accrued coupon apart from the cost, and valued at the price of the day', async () => {
    expect(codes(await trade('b-1', 'BUY', share, '100', '10000.00'))).toEqual([]);
    expect(codes(await trade('b-2', 'BUY', share, '50', '5200.00'))).toEqual([]);
    const terms = { annualRate: '0.04', dayCount: 'ACT/365F', boundaries: ['2026-08-15', '2027-08-15', '2028-08-15'] };
    expect(codes(await trade('b-3', 'BUY', bond, '50000.00', '49000.00', { accrued: '558.90', bond: terms }))).toEqual(
      [],
    );
    expect(codes(await trade('b-4', 'BUY', apple, '10', '1900.00', { currency: 'USD', nostro: 'NOSTRO-USD' }))).toEqual(
      [],
    );
    expect(await balance('NOSTRO-EUR', 'EUR')).toBe('-64758.90');
    expect(await value('v-1')).toEqual(['DONE']);
    expect(await positions()).toEqual([
      expect.objectContaining({
        instrument: bond,
        quantity: '50000.00',
        cost: '49000.00',
        fairValue: '49250.00',
        unrealised: '250.00',
        accrued: '558.90',
        earned: '0.00',
        figures: 'PRICE:3@2026-11-24',
      }),
      expect.objectContaining({
        instrument: share,
        quantity: '150',
        cost: '15200.00',
        fairValue: '15000.00',
        unrealised: '-200.00',
        accrued: '0.00',
      }),
      expect.objectContaining({
        instrument: apple,
        currency: 'USD',
        cost: '1900.00',
        fairValue: '1873.35',
        unrealised: '-26.65',
      }),
    ]);
    // The loss in dollars became euros, and the position in dollars it left is at the rate of the day.
    expect([await balance('4320', 'USD'), await balance('4320', 'EUR'), await balance('1920', 'EUR')]).toEqual([
      '0.00',
      '25.42',
      '-24.58',
    ]);
    await ties();
  });

  it('are valued again by the difference, and not at all when nothing changed', async () => {
    const count = async () =>
      Number(
        (await service.run((tx) => tx.row<{ n: string }>('SELECT count(*) AS n FROM accounting.journal_entry')))?.n,
      );
    const before = await count();
    expect(await value('v-2')).toEqual(['DONE']);
    expect(await count()).toBe(before);
    await told('PRICE', [share, 'EUR', '99', today]);
    expect(await value('v-3')).toEqual(['DONE']);
    expect(await count()).toBe(before + 1);
    expect(await positionOf(share)).toMatchObject({ version: 2, fairValue: '14850.00', unrealised: '-350.00' });
    await ties();
  });

  it('are sold first in, first out, and what they bring beyond their cost is realised', async () => {
    await opens('2026-11-26');
    await told('PRICE', [share, 'EUR', '101', today]);
    expect(codes(await trade('s-1', 'SELL', share, '120', '12600.00'))).toEqual([]);
    expect(codes(await trade('s-2', 'SELL', bond, '25000.00', '24800.00', { accrued: '282.19' }))).toEqual([]);
    const { data } = await service.ask(
      `{ realisedResults(book: "NGEU", from: "${today}", to: "${today}") { instrument quantity cost amount realised } }`,
    );
    expect(data?.realisedResults).toEqual([
      { instrument: share, quantity: '100', cost: '10000.00', amount: '10500.00', realised: '500.00' },
      { instrument: share, quantity: '20', cost: '2080.00', amount: '2100.00', realised: '20.00' },
      { instrument: bond, quantity: '25000.00', cost: '24500.00', amount: '24800.00', realised: '300.00' },
    ]);
    expect(await value('v-4')).toEqual(['DONE']);
    expect(await positionOf(share)).toMatchObject({
      quantity: '30',
      cost: '3120.00',
      fairValue: '3030.00',
      unrealised: '-90.00',
    });
    // 103 days of 25,000, after 558.90 was bought and 282.19 sold: 5.48 were earned.
    expect(await positionOf(bond)).toMatchObject({
      quantity: '25000.00',
      accrued: '282.19',
      earned: '5.48',
      amortised: '0.72',
      cost: '24500.72',
    });
    await ties();
  });

  it('that are bonds pay coupons that were earned, and are at par when they are repaid', async () => {
    await opens('2027-08-16');
    expect(await value('v-5')).toEqual(expect.arrayContaining([`PRICE_STALE prices.${bond}`]));
    const coupon = await service.mutate<Answered<{ entryId: string | null }>>(
      'bookOwnCoupon',
      'BookOwnCouponInput',
      {
        book: 'NGEU',
        businessDate: today,
        holding: 'OWN-SAFE',
        instrument: bond,
        currency: 'EUR',
        amount: '1000.00',
        nostro: 'NOSTRO-EUR',
        idempotencyKey: 'c-1',
      },
      'entryId',
    );
    expect(codes(coupon)).toEqual([]);
    expect(await value('v-6', { acceptStale: true })).toEqual(['DONE']);
    // One day of the next coupon stands; all of the first was earned or bought: 1000 - 276.71 bought for what is left, and so on.
    expect(await positionOf(bond)).toMatchObject({ accrued: '2.74', earned: '726.03', isStale: true });
    await ties();
    await opens('2028-08-15');
    expect(await value('v-7', { acceptStale: true })).toEqual(['DONE']);
    expect(await positionOf(bond)).toMatchObject({ cost: '25000.00', amortised: '500.00', accrued: '0.00' });
    await ties();
    expect(codes(await trade('r-1', 'SELL', bond, '25000.00', '25000.00'))).toEqual([]);
    expect(await value('v-8', { acceptStale: true })).toEqual(['DONE']);
    expect(await positionOf(bond)).toMatchObject({
      quantity: '0.00',
      cost: '0.00',
      fairValue: '0.00',
      unrealised: '0.00',
    });
    await ties();
  });

  it('are recognised on their trade date where the book does so, and settle later', async () => {
    process.env.BOOK_TERMS = JSON.stringify({
      NGEU: {
        calendar: 'TARGET',
        zone: 'Europe/Berlin',
        functionalCurrency: 'EUR',
        lotMethod: 'SPECIFIC',
        recognition: 'TRADE_DATE',
      },
    });
    try {
      const { trade: dealt, problems } = await trade('t-1', 'BUY', share, '10', '1010.00', {
        settlementDate: '2028-08-17',
      });
      expect(problems).toEqual([]);
      expect(dealt).toMatchObject({ settledBy: null });
      expect([
        await balance('2210', 'EUR'),
        await balance('SUSPENSE', share),
        await balance('OWN-SAFE', share),
      ]).toEqual(['1010.00', '10', '40']);
      const settle = (key: string) =>
        service.mutate<Answered<{ trade: { settledBy: string | null } | null }>>(
          'settleOwnTrade',
          'SettleOwnTradeInput',
          { book: 'NGEU', tradeId: dealt?.id, businessDate: today, idempotencyKey: key },
          'trade { settledBy }',
        );
      expect(codes(await settle('st-1'))).toEqual([]);
      expect(codes(await settle('st-2'))).toEqual(['TRADE_SETTLED tradeId']);
      expect([await balance('2210', 'EUR'), await balance('SUSPENSE', share)]).toEqual(['0.00', '0']);
      // Who sells names the lots.
      expect(codes(await trade('t-2', 'SELL', share, '10', '1010.00'))).toEqual(['LOTS_DO_NOT_SUM picks']);
      const lots = (
        await service.ask(`{ lotsOfAccount(book: "NGEU", account: "OWN-SAFE", instrument: "${share}") { id cost } }`)
      ).data?.lotsOfAccount as { id: string; cost: string }[];
      const lotId = lots.find(({ cost }) => cost === '1010.00')?.id;
      expect(codes(await trade('t-3', 'SELL', share, '10', '1030.00', { picks: [{ lotId, quantity: '10' }] }))).toEqual(
        [],
      );
    } finally {
      delete process.env.BOOK_TERMS;
    }
    expect(await value('v-9', { acceptStale: true })).toEqual(['DONE']);
    await ties();
  });

  it('are refused with every fault, and nothing is written', async () => {
    const before = await service.run((tx) =>
      tx.row(
        'SELECT (SELECT count(*) FROM accounting.lot_movement) AS m, (SELECT count(*) FROM accounting.own_trade) AS t',
      ),
    );
    expect(
      codes(
        await trade('f-1', 'BUY', share, '0', '-1.00', {
          holding: 'DEPOT-T2S',
          depot: 'NOWHERE',
          settlementDate: '2020-01-01',
        }),
      ),
    ).toEqual([
      'QUANTITY_NOT_POSITIVE quantity',
      'AMOUNT_NEGATIVE amount',
      'AMOUNT_NOT_POSITIVE amount',
      'PERIOD_ENDS_BEFORE_IT_BEGINS settlementDate',
      'ACCOUNT_OF_ANOTHER_KIND holding',
      'ACCOUNT_NOT_FOUND depot',
    ]);
    expect(codes(await trade('f-2', 'BUY', share, '1.5', '1.005'))).toEqual([
      'EXCESS_SCALE quantity',
      'EXCESS_SCALE amount',
    ]);
    expect(codes(await trade('f-3', 'BUY', share, '1', '1.00', { currency: 'USD' }))).toEqual([
      'CURRENCY_MISMATCH currency',
    ]);
    expect(codes(await trade('f-4', 'SELL', share, '1000', '1.00'))).toEqual(['INSUFFICIENT_SECURITIES']); // nobody sells short here
    expect(codes(await trade('f-5', 'BUY', share, '1', '1.00', { businessDate: '2026-11-25' }))).toEqual([
      'PERIOD_CLOSED',
    ]);
    const terms = { annualRate: '0.04', dayCount: 'LUNAR', boundaries: ['2027-01-01', '2026-01-01'] };
    expect(codes(await trade('f-6', 'BUY', bond, '1.00', '1.00', { bond: terms }))).toEqual([
      'UNKNOWN_DAY_COUNT bond.dayCount',
      'PERIODS_DO_NOT_FOLLOW bond.boundaries.1',
    ]);
    expect(
      await service.run((tx) =>
        tx.row(
          'SELECT (SELECT count(*) FROM accounting.lot_movement) AS m, (SELECT count(*) FROM accounting.own_trade) AS t',
        ),
      ),
    ).toEqual(before);
    expect(codes(await trade('f-7', 'BUY', 'FR0000120271', '1', '5.00'))).toEqual([]);
    expect(await value('v-10', { acceptStale: true })).toEqual(['PRICE_TERMS_MISSING prices.FR0000120271']);
  });

  it('stand against raw SQL', async () => {
    const attack = (sql: string) => service.run((tx) => tx.execute(sql));
    const lot = `(SELECT lot_id FROM accounting.holding_lot WHERE asset = '${share}' AND open_quantity > 0 LIMIT 1)`;
    const entry = `(SELECT entry_id FROM accounting.own_trade LIMIT 1)`;
    const move = (kind: string, quantity: string, cost: string) =>
      attack(
        `INSERT INTO accounting.lot_movement (lot_id, book_id, entry_id, kind, business_date, quantity, cost) VALUES (${lot}, 'NGEU', ${entry}, '${kind}', '2028-08-15', ${quantity}, ${cost})`,
      );
    await expect(attack(`UPDATE accounting.holding_lot SET open_quantity = 1`)).rejects.toThrow('permission denied');
    await expect(attack(`UPDATE accounting.lot_movement SET quantity = 1`)).rejects.toThrow('permission denied');
    await expect(
      attack(`INSERT INTO accounting.holding_lot (lot_id, book_id, number, asset, owner, side, opened_on, currency, opened_by, open_quantity)
      VALUES ('lot_x', 'NGEU', 'OWN-SAFE', '${share}', 'OWN', 'LONG', '2026-11-25', 'EUR', ${entry}, 5)`),
    ).rejects.toThrow('permission denied');
    await expect(
      move('CLOSED', '-1000', `-(SELECT open_cost FROM accounting.holding_lot WHERE lot_id = ${lot})`),
    ).rejects.toThrow('open_quantity_is_not_negative');
    await expect(move('CLOSED', '-1', '-99999999')).rejects.toThrow('open_cost_is_not_negative');
    await expect(move('ADDED', '7', '0')).rejects.toThrow('moved another quantity');
    await expect(move('AMORTISED', '0', '5')).rejects.toThrow('cost another amount');
    await expect(attack(`UPDATE accounting.own_trade SET settled_by = entry_id`)).rejects.toThrow('settled once');
    const names =
      'book_id, number, asset, business_date, version, currency, quantity, cost, figures, is_stale, fair_value, adjustment, adjustment_posted, amortised, amortised_posted, accrued, earned, earned_posted';
    const copy = (changes: Record<string, string>) => {
      const next: Record<string, string> = {
        version: 'version + 1',
        adjustment_posted: '0',
        amortised_posted: '0',
        earned_posted: '0',
        ...changes,
      };
      return attack(`INSERT INTO accounting.security_valuation (${names}) SELECT ${names
        .split(', ')
        .map((name) => next[name] ?? name)
        .join(', ')}
        FROM accounting.security_valuation WHERE asset = '${share}' ORDER BY business_date DESC, version DESC LIMIT 1`);
    };
    await expect(copy({ version: 'version + 2' })).rejects.toThrow('does not follow');
    await expect(copy({ quantity: 'quantity + 1' })).rejects.toThrow('forgets');
    await expect(copy({ cost: 'cost + 1', fair_value: 'fair_value + 1' })).rejects.toThrow('forgets');
    await expect(copy({ earned: 'earned + 1' })).rejects.toThrow('forgets');
    await expect(copy({ fair_value: 'fair_value + 1' })).rejects.toThrow('adjustment_is_value_less_cost');
  });
});
