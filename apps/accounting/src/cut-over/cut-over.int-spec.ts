import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CutOverChunk } from '#libs/contracts/index.js';
import { sealText } from '#libs/messaging/index.js';
import { accountingInvariants, type Ask } from '../accounting.invariants.js';
import { BusinessDays } from '../business-days/business-days.service.js';
import { type ServiceUnderTest, startService } from '../testing/service.js';
import { CutOver } from './cut-over.service.js';

let service: ServiceUnderTest;
beforeAll(async () => {
  service = await startService();
});
afterAll(async () => {
  await service.stop();
});

const isin = 'DE0007164600';
const cash = (account: string, more: object = {}) => ({
  account,
  partyId: 'P1',
  book: 'NGEU',
  kind: 'CLIENT_CASH',
  currency: 'EUR',
  overdraftLimit: '0.00',
  paymentLimit: '',
  state: 'OPEN',
  iban: '',
  ...more,
});
const kinds: [CutOverChunk['kind'], Record<string, string>[]][] = [
  [
    'accounts',
    [
      cash('C000001-CASH', { iban: 'DE89370400440532013000' }),
      cash('C000001-CASH', { currency: 'USD', overdraftLimit: '10.00', paymentLimit: '5.00' }),
      cash('C000002-CASH', { state: 'CLOSED' }),
      {
        account: 'C000001-SAFE',
        partyId: 'P1',
        book: 'NGEU',
        kind: 'CLIENT_CUSTODY',
        currency: '',
        overdraftLimit: '',
        paymentLimit: '',
        state: 'OPEN',
        iban: '',
      },
      {
        account: 'C000003-CASH',
        partyId: 'P3',
        book: 'NGEU',
        kind: 'MYSTERY',
        currency: 'EUR',
        overdraftLimit: '',
        paymentLimit: '',
        state: 'OPEN',
        iban: '',
      },
    ],
  ],
  [
    'nostros',
    [
      {
        account: 'NOSTRO-EUR',
        book: 'NGEU',
        kind: 'NOSTRO',
        currency: 'EUR',
        agentBic: 'AAAADEFFXXX',
        statementChannel: 'AGENT-EUR',
      },
      { account: 'DEPOT-T2S', book: 'NGEU', kind: 'DEPOT', currency: '', agentBic: '', statementChannel: '' },
      ...['SUSPENSE', 'MIGRATION', 'FEES'].map((account) => ({
        account,
        book: 'NGEU',
        kind: account,
        currency: '',
        agentBic: '',
        statementChannel: '',
      })),
    ],
  ],
  [
    'balances',
    [
      { account: 'C000001-CASH', book: 'NGEU', currency: 'EUR', amount: '1000.50' },
      { account: 'NOSTRO-EUR', book: 'NGEU', currency: 'EUR', amount: '1000.50' },
      { account: 'C000001-CASH', book: 'NGEU', currency: 'EUR', amount: '1.005' },
    ],
  ],
  [
    'holdings',
    [
      { account: 'C000001-SAFE', book: 'NGEU', isin, quantity: '40', lotDate: '2026-01-15', lotPrice: '101.25' },
      { account: 'C000001-SAFE', book: 'NGEU', isin, quantity: '60', lotDate: '2026-02-15', lotPrice: '99.00' },
      { account: 'DEPOT-T2S', book: 'NGEU', isin, quantity: '100', lotDate: '', lotPrice: '' },
    ],
  ],
  [
    'holds',
    [
      {
        account: 'C000001-CASH',
        book: 'NGEU',
        currency: 'EUR',
        amount: '100.00',
        reason: 'Card',
        expiresAt: '2026-12-31T22:59:59Z',
      },
    ],
  ],
  [
    'breaks',
    [
      {
        breakId: 'BRK-1',
        account: 'NOSTRO-EUR',
        valueDate: '2026-11-10',
        currency: 'EUR',
        amount: '120.00',
        description: 'old',
      },
    ],
  ],
  [
    'standing-orders',
    [
      {
        orderId: 'SO-1',
        account: 'C000001-CASH',
        creditorIban: 'DE89370400440532013000',
        creditorName: 'Somebody',
        currency: 'EUR',
        amount: '10.00',
        frequency: 'MONTHLY',
        nextDue: '2026-12-01',
      },
    ],
  ],
  [
    'accrued-interest',
    [{ account: 'C000001-CASH', currency: 'EUR', fromDate: '2026-10-01', toDate: '2026-11-24', accrued: '1.3125' }],
  ],
];

async function applyAll(importId: string): Promise<void> {
  for (const [kind, rows] of kinds) {
    const rowsOrSealed = kind === 'standing-orders' ? { sealedRows: sealText(JSON.stringify(rows)) } : { rows };
    await service.run((tx) =>
      service.app.get(CutOver, { strict: false }).apply(tx, { importId, kind, chunk: 0, ...rowsOrSealed }),
    );
  }
}
const available = async (account: string, asset: string) => {
  const { data } = await service.ask(
    `{ balance(book: "NGEU", account: "${account}", asset: "${asset}") { balance available } }`,
  );
  return data?.balance as { balance: string; available: string } | null;
};
const open = () =>
  service.run((tx) => service.app.get(BusinessDays, { strict: false }).open(tx, 'NGEU', '2026-11-25', 'test'));

describe('moving in', () => {
  it('waits for instruments that are announced later', async () => {
    const chunk: CutOverChunk = { importId: 'imp_early', kind: 'holdings', chunk: 0, rows: kinds[3]![1] };
    await expect(service.run((tx) => service.app.get(CutOver, { strict: false }).apply(tx, chunk))).rejects.toThrow(
      'not registered yet',
    );
    await service.run((tx) =>
      tx.execute(
        `INSERT INTO accounting.asset (asset, kind, scale, name) VALUES ('${isin}', 'INSTRUMENT', 0, 'A share')`,
      ),
    );
  });

  it('books every amount against migration and says which rows it refuses', async () => {
    await applyAll('imp_1');
    const answers = (await service.messages('accounting.cut-over-applied.v1')).filter(
      ({ importId }) => importId === 'imp_1',
    );
    expect(
      answers.map(({ kind, applied, refused }) => [
        kind,
        applied,
        (refused as { row: number; code: string }[]).map(({ row, code }) => [row, code]),
      ]),
    ).toEqual([
      ['accounts', 4, [[4, 'UNKNOWN_KIND']]],
      ['nostros', 5, []],
      ['balances', 2, [[2, 'EXCESS_SCALE']]],
      ['holdings', 3, []],
      ['holds', 1, []],
      ['breaks', 1, []],
      ['standing-orders', 1, []],
      ['accrued-interest', 1, []],
    ]);
    expect(await available('C000001-CASH', 'EUR')).toEqual({ balance: '1000.50', available: '900.50' });
    expect(await available('C000001-SAFE', isin)).toEqual({ balance: '100', available: '100' });
    expect(await available('DEPOT-T2S', isin)).toEqual({ balance: '100', available: '100' });
    expect(await available('MIGRATION', 'EUR')).toMatchObject({ balance: '0.00' });
    expect(await available('MIGRATION', isin)).toMatchObject({ balance: '0' });
    const kept = await service.run((tx) =>
      tx.row(`SELECT (SELECT count(*)::int FROM accounting.lot) AS lots, (SELECT count(*)::int FROM accounting.standing_order) AS orders,
                     (SELECT accrued::text FROM accounting.accrued_interest) AS accrued, (SELECT amount_minor::text FROM accounting.imported_break) AS break`),
    );
    expect(kept).toEqual({ lots: 2, orders: 1, accrued: '1.3125', break: '12000' });
    const account = await service.ask(
      `{ account(book: "NGEU", number: "C000001-CASH") { iban limits { currency overdraftLimit paymentLimit } balances { asset } } }`,
    );
    expect(account.data?.account).toEqual({
      iban: 'DE89370400440532013000',
      limits: [
        { currency: 'EUR', overdraftLimit: '0.00', paymentLimit: null },
        { currency: 'USD', overdraftLimit: '10.00', paymentLimit: '5.00' },
      ],
      balances: [{ asset: 'EUR' }],
    });
  });

  it('applies a chunk that comes again without effect', async () => {
    await service.run((tx) =>
      service.app
        .get(CutOver, { strict: false })
        .apply(tx, { importId: 'imp_1', kind: 'balances', chunk: 0, rows: kinds[2]![1] }),
    );
    expect(await available('C000001-CASH', 'EUR')).toEqual({ balance: '1000.50', available: '900.50' });
  });

  it('opens no day before two people signed', async () => {
    expect((await open()).problems.map(({ code }) => code)).toEqual(['CUT_OVER_NOT_SIGNED']);
  });

  it('is taken back by linked reversals, and can come again', async () => {
    await service.run((tx) => service.app.get(CutOver, { strict: false }).rollBack(tx, 'imp_1'));
    expect(await available('C000001-CASH', 'EUR')).toEqual({ balance: '0.00', available: '0.00' });
    expect(await available('C000001-SAFE', isin)).toMatchObject({ balance: '0' });
    const entries = await service.run((tx) =>
      tx.rows<{ linked: boolean }>('SELECT reverses_entry_id IS NOT NULL AS linked FROM accounting.journal_entry'),
    );
    expect(entries.filter(({ linked }) => linked)).toHaveLength(entries.length / 2);
    expect(await service.messages('accounting.cut-over-rolled-back.v1')).toEqual([{ importId: 'imp_1' }]);
    await service.run((tx) =>
      service.app
        .get(CutOver, { strict: false })
        .apply(tx, { importId: 'imp_1', kind: 'balances', chunk: 1, rows: kinds[2]![1] }),
    );
    expect(await available('C000001-CASH', 'EUR')).toMatchObject({ balance: '0.00' });
    await applyAll('imp_2');
    expect(await available('C000001-CASH', 'EUR')).toEqual({ balance: '1000.50', available: '900.50' });
  });

  it('opens its first day when it is signed and migration is at zero', async () => {
    const sign = () =>
      service.run((tx) =>
        service.app
          .get(CutOver, { strict: false })
          .sign(tx, { importId: 'imp_2', books: ['NGEU'], signedBy: ['ann', 'bob'] }),
      );
    await service.run((tx) =>
      service.app.get(CutOver, { strict: false }).apply(tx, {
        importId: 'imp_2',
        kind: 'balances',
        chunk: 9,
        rows: [{ account: 'C000001-CASH', book: 'NGEU', currency: 'EUR', amount: '0.01' }],
      }),
    );
    await sign();
    expect((await open()).problems.map(({ code }) => code)).toEqual(['MIGRATION_NOT_ZERO']);
    // A signed import takes nothing more.
    await service.run((tx) => service.app.get(CutOver, { strict: false }).rollBack(tx, 'imp_2'));
    expect(await available('C000001-CASH', 'EUR')).toMatchObject({ balance: '1000.51' });
    await service.run((tx) =>
      service.app.get(CutOver, { strict: false }).apply(tx, {
        importId: 'imp_3',
        kind: 'balances',
        chunk: 0,
        rows: [{ account: 'NOSTRO-EUR', book: 'NGEU', currency: 'EUR', amount: '0.01' }],
      }),
    );
    const opened = await open();
    expect(opened.problems).toEqual([]);
    expect(opened.day).toMatchObject({ state: 'OPEN', nextBusinessDate: '2026-11-26' });
    expect(
      (
        await service.run((tx) =>
          service.app.get(BusinessDays, { strict: false }).open(tx, 'NGUS', '2026-11-26', 'test'),
        )
      ).problems[0]?.code,
    ).toBe('NOT_A_BUSINESS_DAY');
  });

  it('leaves a ledger whose invariants hold', async () => {
    const ask: Ask = async (sql, parameters) =>
      (await service.database.pool('verify').query(sql, parameters)).rows as never;
    for (const one of accountingInvariants) expect((await one.check(ask)).broken).toEqual([]);
  });
});
