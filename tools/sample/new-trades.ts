import { type PlainDate } from '#libs/calendar/index.js';
import { seededRandom } from '#libs/kernel/index.js';
import { type AssetClass, type Book, type Institution, type Market, markets } from './institution.js';
import { heldTradeNames, nearNames } from './names.js';
import { amountOf, exponentOf, type SampleTrade, type TradeMaker, unknownIsin } from './trades.js';
import { planted, type SampleVolume } from './volume.js';

/** One line of a trade file, as text: planted faults live here and nowhere else. */
export type TradeLine = Record<(typeof tradeColumns)[number], string>;
export const tradeColumns = [
  'source',
  'executionId',
  'version',
  'action',
  'tradeTime',
  'tradeDate',
  'settlementDate',
  'side',
  'assetClass',
  'market',
  'isin',
  'quantity',
  'price',
  'currency',
  'amount',
  'clientAccount',
  'counterparty',
  'counterpartyName',
  'place',
  'block',
] as const;

export interface AllocationLine {
  source: string;
  executionId: string;
  allocation: string;
  clientAccount: string;
  quantity: string;
  amount: string;
}

export interface ConfirmationLine {
  source: string;
  executionId: string;
  counterparty: string;
  isin: string;
  quantity: string;
  amount: string;
  currency: string;
  settlementDate: string;
  status: 'AFFIRMED';
}

export interface DayTrades {
  fileA: TradeLine[];
  /** Only captured trades: on day 1 it is sent again under another name. */
  fileB: TradeLine[];
  fileBSentTwice: boolean;
  allocations: AllocationLine[];
  confirmations: ConfirmationLine[];
}

/** The volume of a day, by market and asset class. */
export type Volume = { market: Market; assetClass: AssetClass; count: number }[];
export const dayOneVolume: Volume = [
  { market: 'EU', assetClass: 'EQUITY', count: 620 },
  { market: 'US', assetClass: 'EQUITY', count: 470 },
  { market: 'UK', assetClass: 'EQUITY', count: 140 },
  { market: 'JP', assetClass: 'EQUITY', count: 30 },
  { market: 'EU', assetClass: 'ETF', count: 240 },
  { market: 'US', assetClass: 'ETF', count: 160 },
  { market: 'EU', assetClass: 'BOND', count: 150 },
  { market: 'US', assetClass: 'BOND', count: 90 },
  { market: 'FUND', assetClass: 'FUND', count: 96 },
];
const smallDayOneVolume: Volume = [
  { market: 'EU', assetClass: 'EQUITY', count: 26 },
  { market: 'US', assetClass: 'EQUITY', count: 14 },
  { market: 'UK', assetClass: 'EQUITY', count: 4 },
  { market: 'JP', assetClass: 'EQUITY', count: 3 },
  { market: 'EU', assetClass: 'ETF', count: 4 },
  { market: 'US', assetClass: 'ETF', count: 3 },
  { market: 'EU', assetClass: 'BOND', count: 4 },
  { market: 'US', assetClass: 'BOND', count: 2 },
  { market: 'FUND', assetClass: 'FUND', count: 3 },
];
export const quietVolume: Volume = [
  { market: 'EU', assetClass: 'EQUITY', count: 120 },
  { market: 'US', assetClass: 'EQUITY', count: 80 },
  { market: 'UK', assetClass: 'EQUITY', count: 20 },
  { market: 'JP', assetClass: 'EQUITY', count: 10 },
  { market: 'EU', assetClass: 'ETF', count: 30 },
  { market: 'US', assetClass: 'BOND', count: 20 },
  { market: 'FUND', assetClass: 'FUND', count: 10 },
];

export const decimalText = (units: bigint, scale: number): string => {
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0');
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return units < 0n ? `-${text}` : text;
};

export function lineOf(trade: SampleTrade): TradeLine {
  return {
    source: trade.source,
    executionId: trade.executionId,
    version: '1',
    action: 'NEW',
    tradeTime: trade.tradeTime,
    tradeDate: trade.tradeDate,
    settlementDate: trade.settlementDate,
    side: trade.side,
    assetClass: trade.assetClass,
    market: trade.market,
    isin: trade.isin,
    quantity: decimalText(trade.quantityUnits, trade.quantityScale),
    price: trade.market === 'JP' ? String(trade.priceHundredths / 100n) : decimalText(trade.priceHundredths, 2),
    currency: trade.currency,
    amount: decimalText(trade.amountMinor, exponentOf(trade.currency)),
    clientAccount: trade.clientAccount,
    counterparty: trade.counterparty,
    counterpartyName: trade.counterpartyName,
    place: trade.place,
    block: trade.isBlock ? 'Y' : '',
  };
}

const confirmationOf = (line: TradeLine): ConfirmationLine => ({
  source: line.source,
  executionId: line.executionId,
  counterparty: line.counterparty,
  isin: line.isin,
  quantity: line.quantity,
  amount: line.amount,
  currency: line.currency,
  settlementDate: line.settlementDate,
  status: 'AFFIRMED',
});

interface Drawn {
  trade: SampleTrade;
  line: TradeLine;
}

function draw(volume: Volume, maker: TradeMaker, date: PlainDate, scale: number, books: readonly Book[]): Drawn[] {
  const compact = date.replaceAll('-', '');
  const random = seededRandom(`order:${date}`);
  const planned = volume
    .filter(({ market }) => books.includes(markets[market].book))
    .flatMap(({ market, assetClass, count }) => Array.from({ length: count * scale }, () => ({ market, assetClass })));
  return random.shuffle(planned).map(({ market, assetClass }, index) => {
    const trade = maker.make({
      executionId: `X${compact}-${String(index + 1).padStart(6, '0')}`,
      tradeDate: date,
      instrument: maker.instrument(market, assetClass),
    });
    return { trade, line: lineOf(trade) };
  });
}

/** A quiet day: everything is well formed, confirmed and free of names. */
export function makeQuietTrades(
  maker: TradeMaker,
  date: PlainDate,
  scale: number,
  books: readonly Book[],
  volume: Volume = quietVolume,
): DayTrades {
  const lines = draw(volume, maker, date, scale, books).map(({ line }) => line);
  const half = Math.ceil(lines.length / 2);
  return {
    fileA: lines.slice(0, half),
    fileB: lines.slice(half),
    fileBSentTwice: false,
    allocations: [],
    confirmations: lines.map(confirmationOf),
  };
}

/** Day 1: 1,996 new trades with everything planted, in 2,350 lines. */
export function makeDayOneTrades(
  institution: Institution,
  maker: TradeMaker,
  date: PlainDate,
  scale: number,
  sampleVolume: SampleVolume = 'full',
): DayTrades {
  const isSmall = sampleVolume === 'small';
  const drawn = draw(isSmall ? smallDayOneVolume : dayOneVolume, maker, date, isSmall ? 1 : scale, ['NGEU', 'NGUS']);
  const taken = new Set<Drawn>();
  const take = (count: number, fits: (trade: SampleTrade) => boolean): Drawn[] => {
    const found: Drawn[] = [];
    for (const one of drawn) {
      if (found.length === count) break;
      if (taken.has(one) || !fits(one.trade)) continue;
      taken.add(one);
      found.push(one);
    }
    if (found.length !== count) throw new Error(`Only ${found.length} of ${count} trades fit a planted case`);
    return found;
  };
  /** So many of a planted case. */
  const plant = (count: number, fits: (trade: SampleTrade) => boolean) => take(planted(sampleVolume, count), fits);
  const equity = (market: Market) => (trade: SampleTrade) => trade.market === market && trade.assetClass === 'EQUITY';
  const write = (ones: Drawn[], change: (line: TradeLine, index: number, trade: SampleTrade) => Partial<TradeLine>) => {
    ones.forEach((one, index) => Object.assign(one.line, change(one.line, index, one.trade)));
    return ones;
  };
  const wrongCheckDigit = (isin: string) => `${isin.slice(0, 11)}${(Number(isin[11]) + 1) % 10}`;

  const rejected = [
    ...write(plant(3, equity('EU')), (line) => ({ isin: wrongCheckDigit(line.isin) })),
    ...write(plant(2, equity('JP')), (line) => ({ amount: `${line.amount}.50` })),
    ...write(plant(2, equity('EU')), (_, index) => ({ quantity: index === 0 ? '0' : '-25' })),
    ...write(plant(2, equity('EU')), () => ({ tradeDate: '2026-11-26', settlementDate: '2026-11-30' })),
    // Thanksgiving: no settlement at DTC on the 26th.
    ...write(plant(1, equity('US')), () => ({ settlementDate: '2026-11-26' })),
    ...write(plant(2, equity('US')), (_, index) => ({ amount: index === 0 ? '0.00' : '12,500.00' })),
    ...write(plant(1, equity('EU')), (line) => ({
      isin: wrongCheckDigit(line.isin),
      quantity: '0',
      amount: '-1.00',
      tradeDate: '2026-11-26',
      settlementDate: '2026-11-30',
    })),
    ...write(plant(1, equity('US')), () => ({ counterpartyName: 'Broken\u0000Name' })),
  ];
  write(plant(6, equity('UK')), () => ({
    counterparty: institution.counterpartyWithoutSsi.counterpartyId,
  }));
  write(plant(3, equity('EU')), (_, index) => ({ isin: unknownIsin(index + 1) }));
  write(plant(1, equity('EU')), (_, __, trade) => {
    trade.priceHundredths = (priceOf(institution, trade.isin) * 138n) / 100n;
    trade.amountMinor = amountOf(trade);
    return { price: decimalText(trade.priceHundredths, 2), amount: decimalText(trade.amountMinor, 2) };
  });
  const unconfirmed = plant(6, (trade) => trade.market === 'EU' || trade.market === 'US');
  write(plant(6, equity('EU')), (_, index) => ({ counterpartyName: heldTradeNames[index] ?? '' }));
  write(
    plant(20, (trade) => trade.market === 'EU' || trade.market === 'US'),
    (_, index) => ({ counterpartyName: nearNames[index] ?? '' }),
  );
  const blocks = plant(12, equity('EU'));
  const allocations = write(blocks, (_, index, trade) => blockLine(trade, index)).flatMap(({ trade }, index) =>
    allocate(trade, index, maker),
  );
  const lookAlikes = plant(6, equity('US'));
  for (let pair = 0; pair < 3; pair += 1) {
    const [first, second] = [lookAlikes[2 * pair], lookAlikes[2 * pair + 1]];
    if (first && second) Object.assign(second.line, { ...first.line, executionId: second.line.executionId });
  }
  const cancelled = plant(2, equity('EU'));
  const corrected = plant(2, equity('EU'));
  const amendments = [
    ...cancelled.map(({ line }) => ({ ...line, version: '2', action: 'CANCEL' })),
    ...corrected.map(({ line, trade }) => {
      trade.quantityUnits += 10n;
      trade.amountMinor = amountOf(trade);
      return {
        ...line,
        version: '2',
        action: 'CORRECT',
        quantity: decimalText(trade.quantityUnits, 0),
        amount: decimalText(trade.amountMinor, 2),
      };
    }),
  ];
  // The file of captured trades that comes twice holds ordinary ones only, so that its second reading plants nothing new.
  const fileB = take(isSmall ? 12 : 350, () => true).map(({ line }) => line);
  const inFileB = new Set(fileB);
  const fileA = [...drawn.map(({ line }) => line).filter((line) => !inFileB.has(line)), ...amendments];

  const silent = new Set([...rejected, ...unconfirmed, ...cancelled].map(({ line }) => line));
  const confirmations = drawn
    .map(({ line }) => amendments.find((one) => one.executionId === line.executionId) ?? line)
    .filter((line) => !silent.has(line) && line.action !== 'CANCEL')
    .map(confirmationOf);
  return { fileA, fileB, fileBSentTwice: true, allocations, confirmations };
}

const priceOf = (institution: Institution, isin: string): bigint =>
  institution.instruments.find((one) => one.isin === isin)?.priceHundredths ?? 0n;

/** A block is large, and a buy: its allocations go to clients of its own. */
function blockLine(trade: SampleTrade, index: number): Partial<TradeLine> {
  trade.isBlock = true;
  trade.side = 'BUY';
  trade.quantityUnits = BigInt(600 + 7 * index);
  trade.amountMinor = amountOf(trade);
  return { block: 'Y', side: 'BUY', quantity: String(trade.quantityUnits), amount: decimalText(trade.amountMinor, 2) };
}

/** Ten blocks of six and two of seven: 74 allocations; the last takes the remainder of quantity and of cash. */
function allocate(trade: SampleTrade, index: number, maker: TradeMaker): AllocationLine[] {
  const parts = index < 10 ? 6 : 7;
  let [quantityLeft, amountLeft] = [trade.quantityUnits, trade.amountMinor];
  const accounts = new Set<string>();
  while (accounts.size < parts) accounts.add(maker.buyer('EU').account);
  return [...accounts].map((clientAccount, part) => {
    const last = part === parts - 1;
    const quantity = last ? quantityLeft : trade.quantityUnits / BigInt(parts);
    const amount = last ? amountLeft : (trade.amountMinor * quantity) / trade.quantityUnits;
    quantityLeft -= quantity;
    amountLeft -= amount;
    return {
      source: trade.source,
      executionId: trade.executionId,
      allocation: String(part + 1),
      clientAccount,
      quantity: String(quantity),
      amount: decimalText(amount, 2),
    };
  });
}
