import { type CutOverKind, cutOverKinds } from '#libs/contracts/index.js';
import { type Problem, problem } from '#libs/kernel/index.js';
import { currencyExponent, formatDecimal, isCurrency } from '#libs/money/index.js';
import { readUnits } from '../trades/decimal-text.js';
import { tradeIdOf } from '../trades/capture.js';
import { type CellRule, cutOverColumns, cutOverKeys, oldIdColumns } from './columns.js';

export interface CutOverRow {
  readonly line: number;
  readonly cells: Readonly<Record<string, string>>;
}
export type CutOverSet = Readonly<Record<CutOverKind, readonly CutOverRow[]>>;

/** What the sender counted on his side: rows per file, and sums per file and asset. */
export interface ControlTotals {
  readonly files: Readonly<Record<string, { readonly rows: number }>>;
  readonly totals: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export interface CutOverReport {
  readonly problems: readonly Problem[];
  readonly rows: Readonly<Record<string, number>>;
  readonly books: readonly string[];
  /** Book and asset → what the migration account is left with; all zero in a set that is accepted. */
  readonly migration: readonly { readonly book: string; readonly asset: string; readonly left: string }[];
}

/** Beyond this a list of faults helps nobody: the file is of another kind. */
const problemsMax = 1_000;

/** Where a reference leads: with the file unreadable, nothing is said of what would stand in it. */
const ledTo: Readonly<Record<string, readonly CutOverKind[]>> = {
  UNKNOWN_PLACE: ['places'],
  UNKNOWN_PARTY: ['parties'],
  UNKNOWN_INSTRUMENT: ['instruments'],
  UNKNOWN_COUNTERPARTY: ['counterparties'],
  UNKNOWN_SSI: ['ssis'],
  UNKNOWN_ACCOUNT: ['accounts', 'nostros'],
  ASSET_MISMATCH: ['accounts', 'nostros'],
};

/**
 * The whole set at once: cells, identities, references across files, control totals, and the migration account at
 * zero. `unread` are kinds whose file could not be read at all: their own fault is enough, nothing follows from it.
 */
export function validateCutOver(
  set: CutOverSet,
  controls: ControlTotals,
  unread: ReadonlySet<CutOverKind> = new Set(),
): CutOverReport {
  const problems: Problem[] = [];
  const fault = (kind: string, line: number, column: string, code: string, message: string): void => {
    if (ledTo[code]?.some((one) => unread.has(one))) return;
    if (problems.length < problemsMax) problems.push(problem(code, message, [kind, line, column]));
  };

  for (const kind of cutOverKinds) {
    const rules = Object.entries<CellRule>(cutOverColumns[kind]);
    const seen = new Map<string, number>();
    for (const { line, cells } of set[kind]) {
      for (const [column, cell] of rules) {
        const text = cells[column] ?? '';
        if (text === '' ? !cell.isOptional : !cell.accepts(text))
          fault(kind, line, column, text === '' ? 'REQUIRED' : cell.code, `${column} ${cell.says}`);
      }
      const key = JSON.stringify(cutOverKeys[kind].map((column) => cells[column] ?? ''));
      const before = seen.get(key);
      if (before !== undefined)
        fault(kind, line, cutOverKeys[kind][0] ?? '', 'DUPLICATE_ROW', `the same row stands in line ${before}`);
      else seen.set(key, line);
    }
  }
  checkReferences(set, fault);
  checkControls(set, controls, unread, problems);
  const isWhole = (['accounts', 'balances', 'holdings'] as const).every((kind) => !unread.has(kind));
  const migration = isWhole ? migrationLeft(set, fault) : [];
  for (const { book, asset, left } of migration) {
    if (!/^-?0(\.0+)?$/.test(left))
      problems.push(
        problem('MIGRATION_NOT_ZERO', `book ${book} is left with ${left} ${asset}`, ['balances', book, asset]),
      );
  }
  return {
    problems,
    rows: Object.fromEntries(cutOverKinds.map((kind) => [kind, set[kind].length])),
    books: [...new Set([...set.accounts, ...set.nostros].map(({ cells }) => cells.book ?? ''))]
      .filter((book) => book !== '')
      .sort(),
    migration: migration.filter(({ left }) => !/^-?0(\.0+)?$/.test(left)),
  };
}

type Fault = (kind: string, line: number, column: string, code: string, message: string) => void;

const clientOf = (account: string) => account.replace(/-(CASH|SAFE)$/, '');

function checkReferences(set: CutOverSet, fault: Fault): void {
  const ids = (kind: CutOverKind, column: string) => new Set(set[kind].map(({ cells }) => cells[column] ?? ''));
  const parties = ids('parties', 'partyId');
  const places = ids('places', 'placeId');
  const isins = new Map(set.instruments.map(({ cells }) => [cells.isin ?? '', cells]));
  const counterparties = ids('counterparties', 'counterpartyId');
  const accounts = new Map<string, Set<string>>();
  const cashAccounts = new Set<string>();
  for (const { cells } of [...set.accounts, ...set.nostros]) {
    const books = accounts.get(cells.account ?? '') ?? new Set<string>();
    accounts.set(cells.account ?? '', books.add(cells.book ?? ''));
    if (cells.currency) cashAccounts.add(`${cells.account}|${cells.currency}`);
  }
  const clients = new Set(set.accounts.map(({ cells }) => clientOf(cells.account ?? '')));
  const nostros = ids('nostros', 'account');
  const ssis = new Set(set.ssis.map(({ cells }) => `${cells.counterpartyId}|${cells.market}|${cells.place}`));

  const known = (
    kind: CutOverKind,
    column: string,
    there: { has(value: string): boolean },
    code: string,
    what: string,
    mayBeBlank = false,
  ) => {
    for (const { line, cells } of set[kind]) {
      const value = cells[column] ?? '';
      if (value === '' ? !mayBeBlank : !there.has(value)) fault(kind, line, column, code, `no ${what} ${value}`);
    }
  };
  known('instruments', 'place', places, 'UNKNOWN_PLACE', 'place');
  known('ssis', 'place', places, 'UNKNOWN_PLACE', 'place');
  known('ssis', 'counterpartyId', counterparties, 'UNKNOWN_COUNTERPARTY', 'counterparty');
  known('counterparties', 'partyId', parties, 'UNKNOWN_PARTY', 'party');
  known('accounts', 'partyId', parties, 'UNKNOWN_PARTY', 'party');
  known('prices', 'isin', isins, 'UNKNOWN_INSTRUMENT', 'instrument');
  known('places', 'depotAccount', nostros, 'UNKNOWN_ACCOUNT', 'account', true);
  known('places', 'cashAccount', nostros, 'UNKNOWN_ACCOUNT', 'account', true);
  known('trades', 'isin', isins, 'UNKNOWN_INSTRUMENT', 'instrument');
  known('trades', 'place', places, 'UNKNOWN_PLACE', 'place');
  known('trades', 'clientAccount', clients, 'UNKNOWN_ACCOUNT', 'client account');
  for (const kind of ['breaks', 'standing-orders', 'accrued-interest'] as const)
    known(kind, 'account', accounts, 'UNKNOWN_ACCOUNT', 'account');

  for (const kind of ['balances', 'holdings', 'holds'] as const) {
    for (const { line, cells } of set[kind]) {
      const books = accounts.get(cells.account ?? '');
      if (!books?.has(cells.book ?? ''))
        fault(kind, line, 'account', 'UNKNOWN_ACCOUNT', `no account ${cells.account} in book ${cells.book}`);
      else if (kind !== 'holdings' && !cashAccounts.has(`${cells.account}|${cells.currency}`)) {
        fault(kind, line, 'currency', 'ASSET_MISMATCH', `account ${cells.account} has no ${cells.currency}`);
      }
    }
  }
  for (const { line, cells } of set.holdings) {
    const instrument = isins.get(cells.isin ?? '');
    if (!instrument) fault('holdings', line, 'isin', 'UNKNOWN_INSTRUMENT', `no instrument ${cells.isin}`);
    else if (readUnits(cells.quantity ?? '', Number(instrument.quantityScale)).fault === 'EXCESS_SCALE') {
      fault('holdings', line, 'quantity', 'EXCESS_SCALE', `the instrument has ${instrument.quantityScale} decimals`);
    }
  }
  for (const { line, cells } of set.prices) {
    const instrument = isins.get(cells.isin ?? '');
    if (instrument && instrument.currency !== cells.currency)
      fault('prices', line, 'currency', 'CURRENCY_MISMATCH', `the instrument trades in ${instrument.currency}`);
  }
  for (const { line, cells } of set.parties) {
    if (cells.kind === 'CLIENT' && !cells.book)
      fault('parties', line, 'book', 'REQUIRED', 'a client belongs to a book');
  }
  checkTrades(set, { counterparties, clients, isins, ssis }, fault);
}

function checkTrades(
  set: CutOverSet,
  known: {
    counterparties: ReadonlySet<string>;
    clients: ReadonlySet<string>;
    isins: ReadonlyMap<string, Readonly<Record<string, string>>>;
    ssis: ReadonlySet<string>;
  },
  fault: Fault,
): void {
  const internal = new Set(
    set.places.filter(({ cells }) => cells.kind === 'INTERNAL').map(({ cells }) => cells.placeId ?? ''),
  );
  for (const { line, cells } of set.trades) {
    const counterparty = cells.counterparty ?? '';
    if (internal.has(cells.place ?? '')) {
      if (!known.clients.has(counterparty))
        fault('trades', line, 'counterparty', 'UNKNOWN_ACCOUNT', `no client account ${counterparty}`);
    } else if (!known.counterparties.has(counterparty)) {
      fault('trades', line, 'counterparty', 'UNKNOWN_COUNTERPARTY', `no counterparty ${counterparty}`);
    } else if (!known.ssis.has(`${counterparty}|${cells.market}|${cells.place}`)) {
      fault(
        'trades',
        line,
        'counterparty',
        'UNKNOWN_SSI',
        `${counterparty} has no settlement instruction for ${cells.market} at ${cells.place}`,
      );
    }
    const instrument = known.isins.get(cells.isin ?? '');
    if (instrument && instrument.currency !== cells.currency)
      fault('trades', line, 'currency', 'CURRENCY_MISMATCH', `the instrument trades in ${instrument.currency}`);
    if (instrument && readUnits(cells.quantity ?? '', Number(instrument.quantityScale)).fault === 'EXCESS_SCALE') {
      fault('trades', line, 'quantity', 'EXCESS_SCALE', `the instrument has ${instrument.quantityScale} decimals`);
    }
    if (cells.kind === 'DVP' && !cells.amount)
      fault('trades', line, 'amount', 'REQUIRED', 'delivery versus payment has an amount');
    if (
      cells.amount &&
      isCurrency(cells.currency ?? '') &&
      readUnits(cells.amount, currencyExponent(cells.currency ?? '')).fault === 'EXCESS_SCALE'
    ) {
      fault('trades', line, 'amount', 'EXCESS_SCALE', `${cells.currency} has fewer decimals`);
    }
    if ((cells.state === 'FAILING') !== (cells.carriedFailSince !== '')) {
      fault(
        'trades',
        line,
        'carriedFailSince',
        'INVALID_DATE',
        'a failing trade says since when, an affirmed one does not',
      );
    }
    if ((cells.settlementDate ?? '') < (cells.tradeDate ?? ''))
      fault('trades', line, 'settlementDate', 'SETTLEMENT_BEFORE_TRADE', 'settlementDate is before tradeDate');
  }
}

/** Where a kind keeps its sums: by which asset, of which column. */
const summed: Partial<Record<CutOverKind, { readonly asset: string; readonly value: string }>> = {
  balances: { asset: 'currency', value: 'amount' },
  holdings: { asset: 'isin', value: 'quantity' },
  holds: { asset: 'currency', value: 'amount' },
  trades: { asset: 'currency', value: 'amount' },
};
const sumScale = 12;

function checkControls(
  set: CutOverSet,
  controls: ControlTotals,
  unread: ReadonlySet<CutOverKind>,
  problems: Problem[],
): void {
  for (const kind of cutOverKinds) {
    if (unread.has(kind)) continue;
    const stated = controls.files[kind]?.rows;
    if (stated === undefined)
      problems.push(
        problem('CONTROL_TOTAL_MISSING', `no number of rows for ${kind}`, ['controlTotals', 'files', kind]),
      );
    else if (stated !== set[kind].length) {
      problems.push(
        problem('CONTROL_TOTAL_DIFFERS', `${kind} has ${set[kind].length} rows, stated are ${stated}`, [
          'controlTotals',
          'files',
          kind,
        ]),
      );
    }
    const columns = summed[kind];
    if (!columns) continue;
    const sums = new Map<string, bigint>();
    for (const { cells } of set[kind]) {
      const read = readUnits(cells[columns.value] ?? '', sumScale);
      const asset = cells[columns.asset] ?? '';
      if (!read.fault) sums.set(asset, (sums.get(asset) ?? 0n) + read.units);
    }
    const given = controls.totals[kind] ?? {};
    for (const asset of new Set([...sums.keys(), ...Object.keys(given)])) {
      const sum = sums.get(asset) ?? 0n;
      const text = given[asset];
      const total = text === undefined ? undefined : readUnits(text, sumScale);
      if (total === undefined) {
        if (sum !== 0n)
          problems.push(
            problem('CONTROL_TOTAL_MISSING', `no total of ${asset} for ${kind}`, [
              'controlTotals',
              'totals',
              kind,
              asset,
            ]),
          );
      } else if (total.fault || total.units !== sum) {
        problems.push(
          problem('CONTROL_TOTAL_DIFFERS', `${kind} sums to ${short(sum)} ${asset}, stated is ${text}`, [
            'controlTotals',
            'totals',
            kind,
            asset,
          ]),
        );
      }
    }
  }
}

const short = (units: bigint) => formatDecimal(units, sumScale).replace(/0+$/, '').replace(/\.$/, '');

/** Every opening entry has the migration account on its other side, so what we have must be what we owe: per book and asset. */
function migrationLeft(set: CutOverSet, fault: Fault): { book: string; asset: string; left: string }[] {
  // What clients and owners have, and what the firm owes or earned, stands on the other side than what it has.
  const isOwed = new Set([
    ...set.accounts.map(({ cells }) => cells.account ?? ''),
    ...set.nostros
      .filter(({ cells }) => ['FEES', 'EQUITY', 'LIABILITY', 'OWN_CUSTODY'].includes(cells.kind ?? ''))
      .map(({ cells }) => cells.account ?? ''),
  ]);
  const left = new Map<string, bigint>();
  const add = (book: string, asset: string, units: bigint) =>
    left.set(`${book}|${asset}`, (left.get(`${book}|${asset}`) ?? 0n) + units);
  for (const { line, cells } of set.balances) {
    const currency = cells.currency ?? '';
    if (!isCurrency(currency)) continue;
    const read = readUnits(cells.amount ?? '', currencyExponent(currency));
    if (read.fault === 'EXCESS_SCALE')
      fault('balances', line, 'amount', 'EXCESS_SCALE', `${currency} has fewer decimals`);
    const scaled = readUnits(cells.amount ?? '', sumScale);
    if (!scaled.fault) add(cells.book ?? '', currency, isOwed.has(cells.account ?? '') ? -scaled.units : scaled.units);
  }
  for (const { cells } of set.holdings) {
    const read = readUnits(cells.quantity ?? '', sumScale);
    if (!read.fault)
      add(cells.book ?? '', cells.isin ?? '', isOwed.has(cells.account ?? '') ? -read.units : read.units);
  }
  return [...left].map(([key, units]) => {
    const [book = '', asset = ''] = key.split('|');
    return { book, asset, left: short(units) };
  });
}

// ---- what it was called before ---------------------------------------------------------------------------------

export interface OldReference {
  readonly kind: CutOverKind;
  readonly line: number;
  readonly oldId: string;
  /** What it is called here: the same, but for trades. */
  readonly objectId: string;
  readonly book: string;
}

/** Every id of the system before, with the line it came in and the object it is here. */
export function oldReferences(set: CutOverSet): OldReference[] {
  const bookOf = new Map([...set.accounts, ...set.nostros].map(({ cells }) => [cells.account, cells.book]));
  const bookOfClient = new Map(set.accounts.map(({ cells }) => [clientOf(cells.account ?? ''), cells.book]));
  return cutOverKinds.flatMap((kind) => {
    const column = oldIdColumns[kind];
    if (column === undefined) return [];
    return set[kind].map(({ line, cells }): OldReference => {
      const oldId = cells[column] ?? '';
      const book = cells.book || bookOf.get(cells.account) || bookOfClient.get(cells.clientAccount ?? '') || '*';
      const objectId = kind === 'trades' ? tradeIdOf(cells.source ?? '', oldId) : oldId;
      return { kind, line, oldId, objectId, book };
    });
  });
}

// ---- who takes what --------------------------------------------------------------------------------------------

/** The kinds another service works with, in the order in which it must get them. */
export const sentKinds = [
  { kind: 'parties', consumer: 'compliance', isPersonal: true },
  { kind: 'accounts', consumer: 'accounting', isPersonal: true },
  { kind: 'nostros', consumer: 'accounting', isPersonal: false },
  { kind: 'balances', consumer: 'accounting', isPersonal: false },
  { kind: 'holdings', consumer: 'accounting', isPersonal: false },
  { kind: 'holds', consumer: 'accounting', isPersonal: false },
  { kind: 'standing-orders', consumer: 'accounting', isPersonal: true },
  { kind: 'accrued-interest', consumer: 'accounting', isPersonal: false },
] as const satisfies readonly { kind: CutOverKind; consumer: 'accounting' | 'compliance'; isPersonal: boolean }[];

/** The kinds that settlement keeps itself, in the order in which they depend on each other. */
export const ownKinds = [
  'places',
  'instruments',
  'counterparties',
  'ssis',
  'prices',
  'rates',
  'accounts',
  'nostros',
  'holdings',
  'trades',
  'breaks',
] as const;

/** The next kind to send once all before it are applied; null when everything is. */
export function nextToSend(
  rows: Readonly<Record<string, number>>,
  done: ReadonlySet<string>,
): (typeof sentKinds)[number] | null {
  return sentKinds.find(({ kind }) => (rows[kind] ?? 0) > 0 && !done.has(kind)) ?? null;
}
