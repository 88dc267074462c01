import { type Inputs, type Line } from './inputs.js';
import { decimalOf, exponentOf, unitsAt } from './rules.js';

/** A code of the chart in one asset, debit positive; of a statement, a line. */
export type Balances = Record<string, string>;

export interface BooksAt {
  /** `1210 EUR` → decimal text. What is zero is left out. */
  trialBalance: Balances;
  currency: string;
  /** Line of the balance sheet → amount in the functional currency, on the side on which people read it. */
  balanceSheet: Balances;
  /** Line of profit and loss → amount; `RESULT`. */
  profitAndLoss: Balances;
}

const functionalCurrency: Record<string, string> = { NGEU: 'EUR', NGUS: 'USD' };

/** Where a kind of account stands in the chart that a book begins with. */
const codeOfKind: Record<string, string> = {
  CLIENT_CASH: '2110',
  CLIENT_CUSTODY: '9200',
  NOSTRO: '1210',
  DEPOT: '9100',
  SUSPENSE: '1600',
  MIGRATION: '9900',
  FEES: '4100',
  EQUITY: '3100',
  ASSET: '1700',
  LIABILITY: '2700',
};
const lineOfCode: Record<string, string> = {
  ...{ '1210': 'A10', '1310': 'A30', '1500': 'A50', '1600': 'A60', '1700': 'A50' },
  ...{
    '2110': 'L10',
    '2210': 'L20',
    '2230': 'L40',
    '2300': 'L40',
    '2310': 'L40',
    '2700': 'L40',
    '3100': 'E10',
    '3200': 'E20',
  },
  ...{ '4100': 'I10', '4200': 'I20', '4900': 'I50' },
  ...{
    '5100': 'X10',
    '5200': 'X20',
    '5300': 'X30',
    '5400': 'X30',
    '5500': 'X30',
    '5600': 'X30',
    '5700': 'X40',
    '5900': 'X40',
  },
};
const scaleOfAsset = (asset: string, instruments: ReadonlyMap<string, Line>): number =>
  asset.length === 3 ? exponentOf(asset) : Number(instruments.get(asset)?.quantityScale ?? '0');

/** The two books as a clerk would keep them with a pencil: what was there, and what each thing that happened moved. */
export class Books {
  /** Book → `code asset` → units, debit positive. */
  private readonly balances = new Map<string, Map<string, bigint>>();
  private readonly kinds = new Map<string, string>();
  private readonly rates: Line[];

  constructor(
    inputs: Inputs,
    private readonly instruments: ReadonlyMap<string, Line>,
  ) {
    this.rates = inputs.csv('cut-over/rates.csv');
    for (const file of ['accounts', 'nostros'])
      for (const line of inputs.csv(`cut-over/${file}.csv`))
        this.kinds.set(`${line.book}/${line.account}`, line.kind ?? '');
    const opening = (line: Line, asset: string, amount: string) => {
      const code = this.codeOf(line.book ?? '', line.account ?? '');
      const units = unitsAt(amount, scaleOfAsset(asset, this.instruments)) ?? 0n;
      this.add(line.book ?? '', code, asset, growsByCredit(code) ? -units : units);
    };
    for (const line of inputs.csv('cut-over/balances.csv')) opening(line, line.currency ?? '', line.amount ?? '');
    for (const line of inputs.csv('cut-over/holdings.csv')) opening(line, line.isin ?? '', line.quantity ?? '');
  }

  /** A client's purchase or sale: the depot and the client's safe, and against payment the client's money and the agent's. */
  settle(
    trade: { book: string; isin: string; currency: string; isPurchase: boolean; isFree: boolean },
    quantity: bigint,
    amount: bigint,
  ): void {
    const { book, isin, currency, isPurchase, isFree } = trade;
    const [pieces, money] = isPurchase ? [quantity, amount] : [-quantity, -amount];
    this.add(book, '9100', isin, pieces);
    this.add(book, '9200', isin, -pieces);
    if (isFree) return;
    this.add(book, '2110', currency, money);
    this.add(book, '1210', currency, -money);
  }

  /** A client's payment leaves by the agent. */
  pay(book: string, currency: string, amount: bigint): void {
    this.add(book, '2110', currency, amount);
    this.add(book, '1210', currency, -amount);
  }

  /** A line of an entry by hand. */
  byHand(book: string, code: string, currency: string, units: bigint): void {
    this.add(book, code, currency, units);
  }

  bookOf(account: string): string {
    return this.kinds.has(`NGUS/${account}`) ? 'NGUS' : 'NGEU';
  }

  quantityOf(isin: string, text: string): bigint {
    return unitsAt(text, scaleOfAsset(isin, this.instruments)) ?? 0n;
  }

  /** As they stand now. */
  at(): Record<string, BooksAt> {
    return Object.fromEntries([...this.balances.keys()].sort().map((book) => [book, this.statementsOf(book)]));
  }

  private statementsOf(book: string): BooksAt {
    const currency = functionalCurrency[book] ?? 'EUR';
    const standing = [...(this.balances.get(book) ?? [])]
      .filter(([, units]) => units !== 0n)
      .sort(([one], [other]) => (one < other ? -1 : 1));
    const trialBalance = Object.fromEntries(
      standing.map(([key, units]) => [key, decimalOf(units, scaleOfAsset(key.slice(5), this.instruments))]),
    );
    const money = standing.filter(([key]) => key.slice(5).length === 3 && !key.startsWith('9'));
    const lines = new Map<string, bigint>();
    for (const [asset, ofAsset] of grouped(money)) {
      const translated = this.translate(ofAsset, asset, currency);
      for (const [code, amount] of translated) {
        const line = lineOfCode[code] ?? code;
        lines.set(line, (lines.get(line) ?? 0n) + amount);
      }
    }
    const told = (letters: string) =>
      [...lines]
        .filter(([line]) => letters.includes(line.charAt(0)))
        .map(([line, amount]): [string, bigint] => [line, 'LEI'.includes(line.charAt(0)) ? -amount : amount]);
    const income = told('I').reduce((sum, [, amount]) => sum + amount, 0n);
    const expenses = told('X').reduce((sum, [, amount]) => sum + amount, 0n);
    const text = (all: [string, bigint][]): Balances =>
      Object.fromEntries(
        all
          .filter(([, amount]) => amount !== 0n)
          .map(([line, amount]) => [line, decimalOf(amount, exponentOf(currency))]),
      );
    const result: [string, bigint] = ['RESULT', income - expenses];
    return {
      trialBalance,
      currency,
      balanceSheet: text([...told('ALE'), result]),
      profitAndLoss: text([...told('IX'), result]),
    };
  }

  /** At the last rate there is; the parts of a currency are rounded so that they add up to their rounded sum. */
  private translate(ofAsset: readonly [string, bigint][], asset: string, currency: string): [string, bigint][] {
    if (asset === currency) return [...ofAsset];
    // So many of the asset for one of the currency.
    const line = this.rates.find(({ base, quote }) => base === currency && quote === asset);
    const places = 8;
    const rate = unitsAt(line?.rate ?? '', places) ?? 0n;
    const above = 10n ** BigInt(places + exponentOf(currency) - exponentOf(asset) + 2);
    const below = rate * 100n;
    const floor = (units: bigint) => {
      const product = units * above;
      const down = product / below;
      return product % below < 0n ? down - 1n : down;
    };
    const parts = ofAsset.map(([code, units]): { code: string; amount: bigint; rest: bigint } => ({
      code,
      amount: floor(units),
      rest: units * above - floor(units) * below,
    }));
    const rests = parts.reduce((sum, { rest }) => sum + rest, 0n);
    let short = rests / below + ((rests % below) * 2n > below ? 1n : 0n);
    for (const part of [...parts].sort((one, other) =>
      other.rest === one.rest ? 0 : other.rest > one.rest ? 1 : -1,
    )) {
      if (short <= 0n) break;
      part.amount += 1n;
      short -= 1n;
    }
    return parts.map(({ code, amount }) => [code, amount]);
  }

  private codeOf(book: string, account: string): string {
    return codeOfKind[this.kinds.get(`${book}/${account}`) ?? ''] ?? '????';
  }

  private add(book: string, code: string, asset: string, units: bigint): void {
    const ofBook = this.balances.get(book) ?? new Map<string, bigint>();
    this.balances.set(book, ofBook);
    const key = `${code} ${asset}`;
    ofBook.set(key, (ofBook.get(key) ?? 0n) + units);
  }
}

/** Liabilities, capital, income, and what is kept for clients. */
const growsByCredit = (code: string): boolean => /^[234]/.test(code) || code === '9200';

/** `code asset` → by asset the codes. */
function grouped(standing: readonly [string, bigint][]): Map<string, [string, bigint][]> {
  const found = new Map<string, [string, bigint][]>();
  for (const [key, units] of standing) {
    const [code = '', asset = ''] = key.split(' ');
    found.set(asset, [...(found.get(asset) ?? []), [code, units]]);
  }
  return found;
}
