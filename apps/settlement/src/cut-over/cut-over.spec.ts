import { describe, expect, it } from '@jest/globals';
import { type CutOverKind, cutOverKinds } from '#libs/contracts/index.js';
import { makeSample } from '#tools/sample/sample.js';
import { readCsv } from '../files/file.js';
import { cutOverColumns } from './columns.js';
import { type ControlTotals, type CutOverSet, nextToSend, sentKinds, validateCutOver } from './cut-over.js';

const sample = makeSample({ days: 1, scale: 1 });
type Mutable = Record<CutOverKind, { line: number; cells: Record<string, string> }[]>;

const parsed = cutOverKinds.map(
  (kind) =>
    [
      kind,
      readCsv(Buffer.from(sample.get(`cut-over/${kind}.csv`) ?? ''), Object.keys(cutOverColumns[kind])).lines ?? [],
    ] as const,
);

const load = (): {
  set: Mutable;
  controls: { files: Record<string, { rows: number }>; totals: Record<string, Record<string, string>> };
} => ({
  set: Object.fromEntries(
    parsed.map(([kind, lines]) => [kind, lines.map(({ line, cells }) => ({ line, cells: { ...cells } }))]),
  ) as unknown as Mutable,
  controls: JSON.parse(sample.get('cut-over/control-totals.json') ?? '{}') as never,
});
const faults = (change: (given: ReturnType<typeof load>) => void): string[] => {
  const given = load();
  change(given);
  return validateCutOver(given.set as CutOverSet, given.controls as ControlTotals).problems.map(
    ({ code, path }) => `${code} ${path.join('.')}`,
  );
};

describe('the set of files an institution moves in with', () => {
  it('is accepted when everything agrees, with the migration account at zero', () => {
    const { set, controls } = load();
    const report = validateCutOver(set, controls);
    expect(report.problems).toEqual([]);
    expect(report.migration).toEqual([]);
    expect(report.books).toEqual(['NGEU', 'NGUS']);
    expect(report.rows).toMatchObject({ parties: 1272, instruments: 260, trades: 2030, breaks: 9 });
  });

  it.each<[string, (given: ReturnType<typeof load>) => void, string[]]>([
    [
      'an account of an unknown party',
      ({ set }) => (set.accounts[0]!.cells.partyId = 'P999999'),
      ['UNKNOWN_PARTY accounts.2.partyId'],
    ],
    [
      'a trade in an unknown instrument',
      ({ set }) => (set.trades[3]!.cells.isin = 'DE000A1EWWW0'),
      ['UNKNOWN_INSTRUMENT trades.5.isin'],
    ],
    [
      'a trade of an unknown client',
      ({ set }) => (set.trades[0]!.cells.clientAccount = 'C999999'),
      ['UNKNOWN_ACCOUNT trades.2.clientAccount'],
    ],
    [
      'a trade with a counterparty that has no SSI',
      ({ set }) => (set.ssis = set.ssis.filter(({ cells }) => cells.market !== 'JP')),
      ['UNKNOWN_SSI', 'CONTROL_TOTAL_DIFFERS controlTotals.files.ssis'],
    ],
    [
      'an SSI of nobody',
      ({ set }) => (set.ssis[0]!.cells.counterpartyId = 'NOBODY'),
      ['UNKNOWN_COUNTERPARTY ssis.2.counterpartyId'],
    ],
    [
      'the same party twice',
      ({ set, controls }) => {
        set.parties.push({ line: 9_999, cells: { ...set.parties[1]!.cells } });
        controls.files.parties!.rows += 1;
      },
      ['DUPLICATE_ROW parties.9999.partyId'],
    ],
    [
      'the same trade twice',
      ({ set }) => {
        set.trades[1]!.cells = { ...set.trades[0]!.cells };
      },
      ['DUPLICATE_ROW trades.3.source'],
    ],
    [
      'a row that the sender counted and that is not there',
      ({ set }) => set.breaks.pop(),
      ['CONTROL_TOTAL_DIFFERS controlTotals.files.breaks'],
    ],
    [
      'a balance one cent off',
      ({ set }) => {
        const row = set.balances[0]!.cells;
        row.amount = row.amount!.replace(/\d$/, (digit) => String((Number(digit) + 1) % 10));
      },
      ['CONTROL_TOTAL_DIFFERS controlTotals.totals.balances.EUR', 'MIGRATION_NOT_ZERO balances.NGEU.EUR'],
    ],
    [
      'a holding that nobody has at the depot',
      ({ set }) => {
        set.holdings.at(-1)!.cells.quantity = '1';
      },
      ['CONTROL_TOTAL_DIFFERS', 'MIGRATION_NOT_ZERO'],
    ],
    [
      'a total that is missing',
      ({ controls }) => {
        delete controls.totals.balances!.JPY;
      },
      ['CONTROL_TOTAL_MISSING controlTotals.totals.balances.JPY'],
    ],
    [
      'a wrong ISIN',
      ({ set }) => (set.prices[0]!.cells.isin = 'XX'),
      ['INVALID_ISIN prices.2.isin', 'UNKNOWN_INSTRUMENT prices.2.isin'],
    ],
    [
      'decimals that the currency does not have',
      ({ set }) => {
        set.holds[0]!.cells.currency = 'XXQ';
      },
      ['INVALID_CURRENCY holds.2.currency', 'ASSET_MISMATCH holds.2.currency'],
    ],
    [
      'a failing trade that does not say since when',
      ({ set }) => (set.trades[0]!.cells.state = 'FAILING'),
      ['INVALID_DATE trades.2.carriedFailSince'],
    ],
    [
      'an unknown calendar',
      ({ set }) => (set.places[0]!.cells.calendar = 'MOON'),
      ['UNKNOWN_CALENDAR places.2.calendar'],
    ],
    ['an unknown zone', ({ set }) => (set.places[0]!.cells.zone = 'Europe/Atlantis'), ['INVALID_ZONE places.2.zone']],
    [
      'a wrong IBAN',
      ({ set }) => (set['standing-orders'][0]!.cells.creditorIban = 'DE00'),
      ['INVALID_IBAN standing-orders.2.creditorIban'],
    ],
  ])('%s', (_, change, wanted) => {
    const found = faults(change);
    for (const fault of wanted) expect(found.some((one) => one.startsWith(fault))).toBe(true);
  });

  it('says all faults at once, with file, line and column', () => {
    const found = faults(({ set }) => {
      set.accounts[0]!.cells.partyId = 'P999999';
      set.trades[0]!.cells.side = 'HOLD';
      set.prices[0]!.cells.price = '-1';
    });
    expect(found).toEqual(
      expect.arrayContaining([
        'NOT_ALLOWED trades.2.side',
        'INVALID_DECIMAL prices.2.price',
        'UNKNOWN_PARTY accounts.2.partyId',
      ]),
    );
  });
});

describe('the order of sending', () => {
  it('goes kind by kind and skips empty files', () => {
    const rows = {
      parties: 1,
      accounts: 2,
      nostros: 3,
      balances: 1,
      holdings: 0,
      holds: 0,
      'standing-orders': 4,
      'accrued-interest': 0,
    };
    const done = new Set<string>();
    const order: string[] = [];
    for (let next = nextToSend(rows, done); next; next = nextToSend(rows, done)) {
      order.push(next.kind);
      done.add(next.kind);
    }
    expect(order).toEqual(['parties', 'accounts', 'nostros', 'balances', 'standing-orders']);
    expect(sentKinds.filter(({ isPersonal }) => isPersonal).map(({ kind }) => kind)).toEqual([
      'parties',
      'accounts',
      'standing-orders',
    ]);
  });
});
