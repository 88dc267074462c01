import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { waitFor } from '#libs/testing/index.js';
import { AccountsRepository } from '../accounts/accounts.repository.js';
import { AssetsRepository } from '../assets/assets.repository.js';
import { Charts } from '../chart/charts.service.js';
import { PostingService } from '../journal/posting.service.js';
import { Rates } from '../rates/rates.service.js';
import { accountOf } from '../testing/bench.js';
import { type ServiceUnderTest, startService } from '../testing/service.js';
import { Valuations } from '../valuation/valuations.service.js';
import { accounts } from './foreign-exchange.js';

let service: ServiceUnderTest;
let today = '2026-11-25';
const get = <T>(type: new (...args: never[]) => T): T => service.app.get(type, { strict: false });

beforeAll(async () => {
  service = await startService();
  await service.run(async (tx) => {
    await get(AssetsRepository).ensureCurrencies(tx, ['EUR', 'USD', 'GBP', 'JPY', 'CHF']);
    await get(AccountsRepository).open(tx, [
      ...['EUR', 'USD', 'GBP', 'JPY', 'CHF'].map((currency) => accountOf(`NOSTRO-${currency}`, 'NOSTRO', { currency })),
      accountOf('FEES', 'INCOME'),
    ]);
    await get(Charts).openDirect(tx, 'NGEU', [...Object.values(accounts), '5200']);
    await tx.execute(
      `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', $1, 'OPEN', '2026-11-26')`,
      [today],
    );
  });
  await told(['USD', '1.0842', '2026-11-24'], ['GBP', '0.8431', '2026-11-24'], ['JPY', '163.27', '2026-11-24']);
});
afterAll(async () => {
  await service.stop();
});

let version = 0;
const told = (...rates: [quote: string, value: string, date: string][]) =>
  service.run((tx) =>
    get(Rates).keep(
      tx,
      'RATE',
      rates.map(([quote, value, date]) => {
        version += 1;
        return {
          base: 'EUR',
          quote,
          version: String(version),
          date,
          value,
          source: 'ECB',
          recordedAt: `2026-11-24T16:00:0${version % 10}Z`,
          state: 'KNOWN',
        };
      }),
    ),
  );

/** `NOSTRO-USD 100.00 USD, 1910 -100.00 USD`: debit positive. */
const post = (key: string, notation: string, more: object = {}) =>
  service.run(async (tx) => {
    const postings = notation.split(', ').map((leg) => {
      const [account = '', amount = '', asset = ''] = leg.split(' ');
      const units = amount.replace('.', '');
      return {
        account,
        asset,
        side: units.startsWith('-') ? ('CREDIT' as const) : ('DEBIT' as const),
        units: units.replace('-', '').replace(/^0+(?=\d)/, ''),
      };
    });
    const [result] = await get(PostingService).post(tx, {
      items: [
        {
          op: 'ENTRY',
          key,
          book: 'NGEU',
          kind: 'TRANSFER',
          businessDate: today,
          valueDate: today,
          description: 'test',
          subject: { kind: 'TEST', id: `t-${key}` },
          postings,
          ...more,
        },
      ],
      requestedBy: 'test',
    });
    if (result?.outcome !== 'POSTED') throw new Error(result?.code);
    return result.id ?? '';
  });
const reverse = (key: string, reverses: string) =>
  service.run(async (tx) => {
    const [result] = await get(PostingService).post(tx, {
      items: [
        {
          op: 'REVERSAL',
          key,
          book: 'NGEU',
          kind: 'CORRECTION',
          businessDate: today,
          valueDate: today,
          description: 'test',
          subject: { kind: 'TEST', id: `t-${key}` },
          reverses,
        },
      ],
      requestedBy: 'test',
    });
    if (result?.outcome !== 'POSTED') throw new Error(result?.code);
  });
const buys = (key: string, amount: string, currency: string, euros: string) =>
  post(
    key,
    `NOSTRO-${currency} ${amount} ${currency}, 1910 ${neg(amount)} ${currency}, 1920 ${euros} EUR, NOSTRO-EUR ${neg(euros)} EUR`,
  );
const neg = (text: string) => (text.startsWith('-') ? text.slice(1) : `-${text}`);

interface Run {
  id: string;
  state: string;
  problems: { code: string; path: string | null }[];
}
const value = async (key: string, more: object = {}): Promise<Run> => {
  const answer = await service.mutate<{ run: Run | null }>(
    'valueBook',
    'ValueBookInput',
    { book: 'NGEU', businessDate: today, idempotencyKey: key, ...more },
    'run { id state }',
  );
  if (!answer.run) return { id: '', state: 'NOT STARTED', problems: answer.problems };
  const read = async () =>
    (await service.ask(`{ valuationRun(id: "${answer.run?.id}") { id state problems { code path } } }`)).data
      ?.valuationRun as Run;
  await waitFor(async () => (await read()).state !== 'RUNNING', { what: 'the end of the valuation' });
  return read();
};
const balance = async (account: string, asset: string) =>
  (
    (await service.ask(`{ balance(book: "NGEU", account: "${account}", asset: "${asset}") { balance } }`)).data
      ?.balance as { balance: string } | null
  )?.balance ?? '0.00';
const revaluations = async () =>
  (
    (
      await service.ask(`{ currencyRevaluations(book: "NGEU", businessDate: "${today}") { currency version position cost figures isStale equivalentBefore
        equivalentAfter realised unrealised realisedPosted unrealisedPosted entryId deals { amount equivalent realised } } }`)
    ).data?.currencyRevaluations as {
      currency: string;
      version: number;
      position: string;
      entryId: string | null;
      deals: object[];
    }[]
  ).map(({ entryId, ...row }) => ({ ...row, hasEntry: entryId !== null }));
const entries = async () =>
  Number(
    (
      await service.run((tx) =>
        tx.row<{ n: string }>(
          `SELECT count(*) AS n FROM accounting.journal_entry WHERE kind IN ('REVALUATION','CURRENCY_CONVERSION')`,
        ),
      )
    )?.n,
  );
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
/** EQUIVALENT is the sum of what the currencies are worth, and the two results are all that came of them. */
const ties = async () => {
  const positions = (
    await service.ask(`{ currencyPositions(book: "NGEU", date: "${today}") { equivalentAfter realised unrealised } }`)
  ).data?.currencyPositions as { equivalentAfter: string; realised: string; unrealised: string }[];
  const sum = (of: 'equivalentAfter' | 'realised' | 'unrealised') =>
    (positions.reduce((total, row) => total + Math.round(Number(row[of]) * 100), 0) / 100).toFixed(2);
  expect([await balance('1920', 'EUR'), await balance('4410', 'EUR'), await balance('4420', 'EUR')]).toEqual([
    sum('equivalentAfter'),
    sum('realised'),
    sum('unrealised'),
  ]);
};

describe('a book valued at a date', () => {
  it('converts its foreign income and revalues its positions, naming the rates', async () => {
    await buys('b-1', '1000.00', 'USD', '920.00');
    await post('fee', 'NOSTRO-USD 5.00 USD, FEES -5.00 USD');
    expect(await value('v-1')).toMatchObject({ state: 'DONE', problems: [] });
    expect([await balance('FEES', 'USD'), await balance('FEES', 'EUR')]).toEqual(['0.00', '4.61']);
    expect(
      (
        await service.ask(
          `{ currencyConversions(book: "NGEU", businessDate: "${today}") { currency figures isStale } }`,
        )
      ).data?.currencyConversions,
    ).toEqual([{ currency: 'USD', figures: 'RATE:1@2026-11-24', isStale: false }]);
    expect(await revaluations()).toEqual([
      {
        currency: 'USD',
        version: 1,
        position: '1005.00',
        cost: '924.61',
        figures: 'RATE:1@2026-11-24',
        isStale: false,
        equivalentBefore: '924.61',
        equivalentAfter: '926.95', // 1005 / 1.0842
        realised: '0.00',
        unrealised: '2.34',
        realisedPosted: '0.00',
        unrealisedPosted: '2.34',
        hasEntry: true,
        deals: [
          { amount: '1000.00', equivalent: '920.00', realised: '0.00' },
          { amount: '5.00', equivalent: '4.61', realised: '0.00' },
        ],
      },
    ]);
    await ties();
  });

  it('posts nothing when it is run again, or twice at once, and nothing of what was killed', async () => {
    const before = await entries();
    expect(await value('v-2')).toMatchObject({ state: 'DONE' });
    await Promise.all([value('v-3'), value('v-4')]);
    expect(await entries()).toBe(before);
    expect(await revaluations()).toHaveLength(1);
    await told(['USD', '1.10', today]);
    await expect(
      service.run(async (tx) => {
        const run = { runId: 'x', book: 'NGEU', businessDate: today, acceptStale: false, requestedBy: 'test' };
        const { posted } = await get(Valuations).step(tx, run as never, 'REVALUE');
        expect(posted).toBe(1);
        throw new Error('killed');
      }),
    ).rejects.toThrow('killed');
    expect(await entries()).toBe(before);
  });

  it('posts the difference as the next version when a rate was corrected', async () => {
    expect(await value('v-5')).toMatchObject({ state: 'DONE' });
    expect((await revaluations()).at(-1)).toMatchObject({
      version: 2,
      figures: 'RATE:4@2026-11-25',
      equivalentBefore: '926.95',
      equivalentAfter: '913.64',
      unrealised: '-10.97',
      unrealisedPosted: '-13.31',
      deals: [],
    });
    await ties();
  });

  it('realises on a sale what it brought, of which the unrealised part is taken back', async () => {
    await opens('2026-11-26');
    await buys('s-1', '-502.50', 'USD', '-470.00');
    expect(await value('v-6')).toMatchObject({ state: 'DONE' });
    expect(await revaluations()).toEqual([
      expect.objectContaining({
        version: 1,
        position: '502.50',
        cost: '462.31', // half of 924.61, the odd cent stays: half to even took 462.30
        equivalentBefore: '443.64',
        equivalentAfter: '456.82',
        realised: '7.70',
        unrealised: '-5.49',
        realisedPosted: '7.70',
        unrealisedPosted: '5.48',
      }),
    ]);
    await ties();
  });

  it('values two currencies that change hands directly, and drops what was reversed before anybody valued it', async () => {
    const wrong = await buys('w-1', '300.00', 'GBP', '999.00');
    await reverse('w-2', wrong);
    await post('x-1', 'NOSTRO-GBP 100.00 GBP, 1910 -100.00 GBP, NOSTRO-USD -130.00 USD, 1910 130.00 USD');
    expect(await value('v-7')).toMatchObject({ state: 'DONE' });
    expect((await revaluations()).filter(({ currency, version: n }) => currency === 'GBP' || n === 2)).toEqual([
      expect.objectContaining({
        currency: 'GBP',
        position: '100.00',
        cost: '118.61', // 100 / 0.8431
        realised: '0.00',
        unrealised: '0.00',
        deals: [
          { amount: '300.00', equivalent: '999.00', realised: '0.00' },
          { amount: '-300.00', equivalent: '-999.00', realised: '0.00' },
          { amount: '100.00', equivalent: '118.61', realised: '0.00' },
        ],
      }),
      expect.objectContaining({
        currency: 'USD',
        version: 2,
        position: '372.50',
        deals: [{ amount: '-130.00', equivalent: '-118.61', realised: '-0.99' }],
      }),
    ]);
    await ties();
  });

  it('is refused without a rate, with an old one unless that is accepted, and on a date that is not open; nothing is written', async () => {
    await buys('c-1', '50.00', 'CHF', '52.00');
    const before = await entries();
    expect(await value('v-8', { businessDate: '2026-11-25' })).toMatchObject({
      problems: [
        { code: 'PERIOD_CLOSED', path: 'businessDate' },
        { code: 'RATE_MISSING', path: 'rates.CHF' },
      ],
    });
    await told(['CHF', '0', '2026-11-25']); // never used
    expect(await value('v-9')).toEqual({
      id: '',
      state: 'NOT STARTED',
      problems: [{ code: 'RATE_MISSING', path: 'rates.CHF' }],
    });
    await told(['CHF', '0.95', '2026-11-10']);
    expect(await value('v-10')).toMatchObject({ problems: [{ code: 'RATE_STALE', path: 'rates.CHF' }] });
    expect(await value('v-11', { book: 'NOBOOK' })).toMatchObject({
      problems: [{ code: 'BOOK_NOT_FOUND', path: 'book' }],
    });
    expect(await entries()).toBe(before);
    expect(await value('v-12', { acceptStale: true })).toMatchObject({ state: 'DONE' });
    expect((await revaluations()).find(({ currency }) => currency === 'CHF')).toMatchObject({
      isStale: true,
      equivalentAfter: '52.63',
      unrealised: '0.63',
    });
    await ties();
  });

  it('tells of what stands on the equivalent without a position, and shows a book to who may see it', async () => {
    await post('odd', '1920 7.00 EUR, NOSTRO-EUR -7.00 EUR');
    expect(await value('v-13', { acceptStale: true })).toMatchObject({ state: 'DONE' });
    const work = async () =>
      service.run((tx) =>
        tx.rows(
          `SELECT reason_code AS code, state FROM accounting.work_item WHERE key = 'equivalent-unexplained:NGEU'`,
        ),
      );
    expect(await work()).toEqual([{ code: 'EQUIVALENT_UNEXPLAINED', state: 'OPEN' }]);
    await post('odd-2', '1920 -7.00 EUR, NOSTRO-EUR 7.00 EUR');
    await value('v-14', { acceptStale: true });
    expect(await work()).toEqual([{ code: 'EQUIVALENT_UNEXPLAINED', state: 'CLOSED' }]);
    const { data } = await service.ask(
      `{ currencyPositions(book: "NGEU", date: "${today}") { currency } }`,
      {},
      { books: ['NGUS'] },
    );
    expect(data?.currencyPositions).toEqual([]);
  });

  it('closes a position to nothing, and stands against raw SQL', async () => {
    await buys('c-2', '-50.00', 'CHF', '-54.00');
    await value('v-15', { acceptStale: true });
    expect((await revaluations()).filter(({ currency }) => currency === 'CHF').at(-1)).toMatchObject({
      version: 2,
      position: '0.00',
      cost: '0.00',
      figures: '',
      realised: '2.00',
      unrealised: '0.00',
      realisedPosted: '2.00',
      unrealisedPosted: '-0.63',
    });
    await ties();
    const attack = (sql: string) => service.run((tx) => tx.execute(sql));
    await expect(attack(`UPDATE accounting.currency_revaluation SET realised = 0`)).rejects.toThrow(
      'permission denied',
    );
    await expect(attack(`DELETE FROM accounting.currency_deal`)).rejects.toThrow('permission denied');
    const other = `(SELECT entry_id FROM accounting.journal_entry WHERE idempotency_key = 'b-1')`;
    const copy = (changes: Record<string, string>) => {
      const names = [
        'book_id',
        'business_date',
        'currency',
        'version',
        'functional',
        'position',
        'cost',
        'paid',
        'rate_numerator',
        'rate_denominator',
        'figures',
        'is_stale',
        'equivalent_before',
        'equivalent_after',
        'realised',
        'unrealised',
        'realised_posted',
        'unrealised_posted',
        'entry_id',
        'up_to_place',
      ];
      const next: Record<string, string> = {
        version: 'version + 1',
        equivalent_before: 'equivalent_after',
        realised_posted: '0',
        unrealised_posted: '0',
        entry_id: 'NULL',
        ...changes,
      };
      return attack(`INSERT INTO accounting.currency_revaluation (${names.join(', ')}) SELECT ${names.map((name) => next[name] ?? name).join(', ')}
        FROM accounting.currency_revaluation WHERE currency = 'USD' ORDER BY business_date DESC, version DESC LIMIT 1`);
    };
    await expect(copy({ version: 'version + 2' })).rejects.toThrow('does not follow');
    await expect(copy({ business_date: "date '2026-11-24'", version: '1' })).rejects.toThrow('does not follow');
    await expect(
      copy({
        equivalent_after: 'equivalent_after + 2',
        unrealised: 'unrealised + 2',
        unrealised_posted: '2',
        entry_id: other,
      }),
    ).rejects.toThrow('value_is_rounded');
    await expect(copy({ cost: 'cost + 1' })).rejects.toThrow('realised_is_cost_less_paid');
    await expect(copy({ unrealised_posted: '1', entry_id: other })).rejects.toThrow('only_differences');
    await expect(
      copy({
        cost: 'cost + 1',
        realised: 'realised + 1',
        unrealised: 'unrealised - 1',
        realised_posted: '1',
        unrealised_posted: '-1',
        entry_id: other,
      }),
    ).rejects.toThrow('forgets');
    await expect(
      copy({
        position: 'position + 100',
        rate_numerator: 'rate_numerator * position',
        rate_denominator: 'rate_denominator * (position + 100)',
      }),
    ).rejects.toThrow('forgets');
    await expect(
      service.run(async (tx) => {
        await tx.execute(`INSERT INTO accounting.currency_deal (entry_id, book_id, currency, business_date, version, n, position, equivalent, realised)
          SELECT entry_id, 'NGEU', 'GBP', business_date, 9, 1, 1, 1, 0 FROM accounting.journal_entry WHERE idempotency_key = 'b-1'`);
      }),
    ).rejects.toThrow('dealt another amount');
  });
});
