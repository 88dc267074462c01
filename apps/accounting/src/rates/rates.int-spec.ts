import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ApprovalsProcessor } from '../accounts/approvals.processor.js';
import { type ServiceUnderTest, startService } from '../testing/service.js';
import { namedFigures } from './rates.js';
import { RatesProcessor } from './rates.processor.js';
import { Rates } from './rates.service.js';

let service: ServiceUnderTest;
beforeAll(async () => {
  service = await startService();
});
afterAll(async () => {
  await service.stop();
});

const apple = 'US0378331005';
let recorded = 0;
const common = (version: number, value: string, more: object = {}) => ({
  version: String(version),
  date: '2026-11-24',
  value,
  source: 'ECB',
  recordedAt: new Date(Date.UTC(2026, 10, 24, 16, 0, recorded++)).toISOString(),
  state: 'KNOWN' as const,
  ...more,
});
const rate = (version: number, quote: string, value: string, more: object = {}) => ({
  base: 'EUR',
  quote,
  ...common(version, value, more),
});
const price = (version: number, value: string, more: object = {}) => ({
  isin: apple,
  currency: 'USD',
  ...common(version, value, more),
});
const toldRates = (...items: ReturnType<typeof rate>[]) =>
  service.run((tx) => service.app.get(RatesProcessor, { strict: false }).ratesVersioned(tx, { items }));
const toldPrices = (...items: ReturnType<typeof price>[]) =>
  service.run((tx) => service.app.get(RatesProcessor, { strict: false }).pricesVersioned(tx, { items }));
const worth = (from: string, to: string, date = '2026-11-25') =>
  service.run(async (tx) => {
    const found = (await service.app.get(Rates, { strict: false }).ofDate(tx, date)).between(from, to);
    return found && `${String(found.rate)} by ${namedFigures(found.figures)}${found.isStale ? ', stale' : ''}`;
  });
const priceOf = (date = '2026-11-25') =>
  service.run(async (tx) => {
    const found = (await service.app.get(Rates, { strict: false }).ofDate(tx, date, [apple])).priceOf(apple, 'USD');
    return found && `${String(found.rate.toDecimal())} by ${namedFigures(found.figures)}`;
  });
const stateOf = async (kind: string, version: number) =>
  (await service.ask(`{ marketFigure(kind: ${kind}, version: "${version}") { state fault comparedVersion value } }`))
    .data?.marketFigure;
const openWork = async () =>
  (
    await service.run((tx) =>
      tx.rows<{ key: string }>(
        `SELECT key FROM accounting.work_item WHERE state = 'OPEN' AND key LIKE 'market-figure:%' ORDER BY key`,
      ),
    )
  ).map(({ key }) => key);
interface Released {
  release: { approvalId: string; payloadHash: string; state: string } | null;
}
const release = (key: string, kind: string, version: number, more: object = {}) =>
  service.mutate<Released>(
    'releaseMarketFigure',
    'ReleaseMarketFigureInput',
    { kind, version: String(version), reason: 'a split of ten to one', idempotencyKey: key, ...more },
    'release { approvalId payloadHash state }',
    { subject: 'person:olga' },
  );
const decide = (approvalId: string, payloadHash: string, decidedBy = 'person:piet') =>
  service.run((tx) =>
    service.app.get(ApprovalsProcessor, { strict: false }).decided(tx, {
      approvalId,
      kind: 'PRICE_OVERRIDE',
      service: 'accounting',
      objectKind: 'PRICE',
      objectId: 'PRICE:0',
      payloadHash,
      outcome: 'APPROVED',
      decidedBy,
      reason: 'seen',
    }),
  );
const releaseState = async (id: string) =>
  (await service.ask(`{ marketFigureRelease(approvalId: "${id}") { state decidedBy } }`)).data?.marketFigureRelease;
const attack = (sql: string, params: unknown[] = []) => service.run((tx) => tx.execute(sql, params));

describe('rates and prices', () => {
  it('are kept version by version; told again, or told late, they change nothing', async () => {
    const first = [rate(1, 'USD', '1.0842'), rate(2, 'GBP', '0.8431'), rate(3, 'JPY', '163.27')];
    await toldRates(...first);
    await toldRates(...first);
    await toldRates(rate(5, 'USD', '1.0900', { date: '2026-11-25' }));
    // An older version that comes late stands behind the newer one of its date, and a correction before it.
    await toldRates(rate(4, 'USD', '1.07', { date: '2026-11-25' }));
    expect(await worth('EUR', 'USD')).toBe('109/100 by RATE:5@2026-11-25');
    expect(await worth('EUR', 'USD', '2026-11-24')).toBe('5421/5000 by RATE:1@2026-11-24');
    expect(await worth('EUR', 'USD', '2026-11-23')).toBeUndefined();
    expect(await worth('EUR', 'USD', '2026-12-24')).toBe('109/100 by RATE:5@2026-11-25, stale');
    expect(await worth('JPY', 'GBP')).toBe('8431/1632700 by RATE:3@2026-11-24+RATE:2@2026-11-24');
    await expect(toldRates(rate(5, 'USD', '1.0901', { date: '2026-11-25' }))).rejects.toThrow(
      'told with another value',
    );
  });

  it('are never zero or less: the last good one stays, and somebody is told', async () => {
    await toldRates(rate(6, 'USD', '0', { date: '2026-11-25' }), rate(7, 'GBP', '-0.8431', { date: '2026-11-25' }));
    expect(await stateOf('RATE', 6)).toEqual({
      state: 'REFUSED',
      fault: 'RATE_NOT_POSITIVE',
      comparedVersion: '5',
      value: '0',
    });
    expect(await worth('EUR', 'USD')).toBe('109/100 by RATE:5@2026-11-25');
    expect(await worth('EUR', 'GBP')).toBe('8431/10000 by RATE:2@2026-11-24');
    expect(await openWork()).toEqual(['market-figure:RATE:6', 'market-figure:RATE:7']);
    const { problems } = await release('zero', 'RATE', 6);
    expect(problems).toEqual([{ code: 'RATE_NOT_HELD', path: 'version' }]);
  });

  it('are held when they jump, and the rates of a book say so', async () => {
    await toldRates(rate(8, 'JPY', '16327', { date: '2026-11-25' }));
    const { data } = await service.ask(
      `{ rates(book: "NGUS", date: "2026-11-25") { currency functionalCurrency rate exactRate isStale figures { version } held { version fault } } }`,
    );
    expect(data?.rates).toEqual([
      {
        currency: 'EUR',
        functionalCurrency: 'USD',
        rate: '1.09',
        exactRate: '109/100',
        isStale: false,
        figures: [{ version: '5' }],
        held: [],
      },
      {
        currency: 'GBP',
        functionalCurrency: 'USD',
        rate: '1.292847823508',
        exactRate: '10900/8431',
        isStale: false,
        figures: [{ version: '2' }, { version: '5' }],
        held: [],
      },
      {
        currency: 'JPY',
        functionalCurrency: 'USD',
        rate: '0.006676058063',
        exactRate: '109/16327',
        isStale: false,
        figures: [{ version: '3' }, { version: '5' }],
        held: [{ version: '8', fault: 'RATE_JUMPED' }],
      },
    ]);
  });

  it('are used when two people agree to exactly them, and with them what was held behind them', async () => {
    await toldPrices(
      price(1, '187.335'),
      price(2, '18.50', { date: '2026-11-25' }),
      price(3, '18.6', { date: '2026-11-26' }),
      price(4, '1.8', { date: '2026-11-27' }),
    );
    expect(await priceOf('2026-11-27')).toBe('187.335 by PRICE:1@2026-11-24');
    const held = (await service.ask('{ heldMarketFigures { kind version } }')).data?.heldMarketFigures;
    expect(held).toEqual(
      expect.arrayContaining([
        { kind: 'PRICE', version: '3' },
        { kind: 'RATE', version: '8' },
      ]),
    );
    expect((await release('r-0', 'PRICE', 99)).problems).toEqual([{ code: 'RATE_NOT_FOUND', path: 'version' }]);
    expect(
      (await release('r-1', 'PRICE', 1, { expiresAt: '2020-01-01T00:00:00Z' })).problems.map(({ code }) => code),
    ).toEqual(['RATE_NOT_HELD', 'ALREADY_EXPIRED']);
    const { release: other } = await release('r-2', 'PRICE', 2);
    expect((await release('r-3', 'PRICE', 2)).problems).toEqual([{ code: 'RELEASE_PENDING', path: 'version' }]);
    await decide(other!.approvalId, 'f'.repeat(64));
    expect(await releaseState(other!.approvalId)).toMatchObject({ state: 'STALE' });
    const { release: own } = await release('r-4', 'PRICE', 2);
    await decide(own!.approvalId, own!.payloadHash, 'person:olga');
    expect(await releaseState(own!.approvalId)).toMatchObject({ state: 'REFUSED' });
    expect(await priceOf()).toBe('187.335 by PRICE:1@2026-11-24');
    const { release: good } = await release('r-5', 'PRICE', 2);
    await decide(good!.approvalId, good!.payloadHash);
    expect(await releaseState(good!.approvalId)).toEqual({ state: 'APPLIED', decidedBy: 'person:piet' });
    expect(await priceOf()).toBe('18.5 by PRICE:2@2026-11-25');
    expect(await priceOf('2026-11-26')).toBe('18.6 by PRICE:3@2026-11-26');
    expect(await stateOf('PRICE', 4)).toMatchObject({ state: 'HELD' }); // less than a tenth of what is good now too
  });

  it('come with the decision of two people when they are overrides, and go when they are withdrawn', async () => {
    await toldPrices(price(9, '1900', { date: '2026-11-30', source: 'OVERRIDE' }));
    expect(await priceOf('2026-11-30')).toBe('1900 by PRICE:9@2026-11-30');
    await toldPrices(price(9, '1900', { date: '2026-11-30', source: 'OVERRIDE', state: 'WITHDRAWN' }));
    await toldPrices(price(11, '19', { date: '2026-11-30', state: 'WITHDRAWN' })); // before it was told at all
    await toldPrices(price(11, '19', { date: '2026-11-30' }));
    expect(await priceOf('2026-11-30')).toBe('18.6 by PRICE:3@2026-11-26');
    await toldRates(rate(8, 'JPY', '16327', { date: '2026-11-25', state: 'WITHDRAWN' }));
    expect(await openWork()).toEqual(['market-figure:PRICE:4', 'market-figure:RATE:6', 'market-figure:RATE:7']);
  });

  it('stand against raw SQL', async () => {
    const insert = `INSERT INTO accounting.market_figure (kind, version, base, quote, on_date, value, source, recorded_at, state, fault)
      VALUES ('RATE', $1, 'EUR', 'USD', '2026-11-26', $2, $3, now(), $4, $5)`;
    await expect(attack(insert, [90, '0', 'ECB', 'GOOD', null])).rejects.toThrow('two people');
    await expect(attack(insert, [90, '0', 'OVERRIDE', 'GOOD', null])).rejects.toThrow('figure_is_positive');
    await expect(attack(insert, [90, '10.9', 'ECB', 'GOOD', null])).rejects.toThrow('two people');
    await expect(attack(insert, [90, '0.109', 'ECB', 'GOOD', null])).rejects.toThrow('two people');
    await expect(attack(`UPDATE accounting.market_figure SET value = 2`)).rejects.toThrow('permission denied');
    await expect(attack(`DELETE FROM accounting.market_figure`)).rejects.toThrow('permission denied');
    await expect(
      attack(`UPDATE accounting.market_figure SET state = 'GOOD', fault = NULL WHERE kind = 'PRICE' AND version = 4`),
    ).rejects.toThrow('two people');
    await expect(
      attack(`UPDATE accounting.market_figure SET state = 'GOOD', fault = NULL WHERE kind = 'PRICE' AND version = 9`),
    ).rejects.toThrow('never changed');
    await expect(
      attack(`INSERT INTO accounting.figure_release (approval_id, kind, version, reason, payload_hash, state, requested_by, decided_by, expires_at)
        VALUES ('apr_x', 'PRICE', 4, 'x', repeat('f', 64), 'APPLIED', 'a', 'b', now())`),
    ).rejects.toThrow('begins with a proposal');
    await expect(
      service.run(async (tx) => {
        await tx.execute(`INSERT INTO accounting.figure_release (approval_id, kind, version, reason, payload_hash, state, requested_by, expires_at)
          VALUES ('apr_x', 'PRICE', 4, 'x', repeat('f', 64), 'PROPOSED', 'a', now())`);
        await tx.execute(
          `UPDATE accounting.figure_release SET state = 'APPLIED', decided_by = 'a' WHERE approval_id = 'apr_x'`,
        );
      }),
    ).rejects.toThrow('two_people');
    const { rows } = await service.database
      .pool('owner')
      .query(`SELECT count(*)::int AS n FROM accounting.market_figure WHERE version >= 90`);
    expect(rows).toEqual([{ n: 0 }]);
  });
});
