import { type PlainDate } from '#libs/calendar/index.js';
import { type AssetClass, type Institution, type Instrument, type Market } from './institution.js';
import { type SampleTrade, type TradeMaker } from './trades.js';
import { type SampleVolume } from './volume.js';

export type OutcomeKind =
  | 'LACK' // we have nothing to deliver
  | 'CLAC' // the counterparty has nothing to deliver
  | 'MONY' // the buyer's cash is short
  | 'PRCY' // the counterparty keeps its leg on hold
  | 'NO_COUNTERPARTY_LEG'
  | 'DMON' // the legs differ in the amount, beyond the tolerance
  | 'SAFE' // unknown safekeeping account
  | 'DEPT' // unknown depository of the counterparty
  | 'SUSPENDED' // the instrument is suspended at the place
  | 'PARTIAL'
  | 'TOLERANCE'; // settles at the deliverer's amount

/** What the place does with one instruction; whatever has no line settles in full on its date. */
export interface ScriptedOutcome {
  executionId: string;
  kind: OutcomeKind;
  /** The day on which the obstacle is gone and it settles; absent: it stays. */
  curedOn?: PlainDate;
  /** PARTIAL: what settles on the first day, in units. */
  partialUnits?: string;
  /** TOLERANCE: the deliverer's amount in minor units. */
  amountMinor?: string;
}

export interface DueTrade extends SampleTrade {
  state: 'AFFIRMED' | 'FAILING';
  /** Empty unless it is a fail carried in. */
  carriedFailSince: PlainDate;
}

interface DueGroup {
  count: number;
  market: Market;
  assetClasses: AssetClass[];
  tradeDate: PlainDate;
  settlementDate: PlainDate;
  carried?: boolean;
  free?: boolean;
  /** Planted outcomes, taken by the first trades of the group in this order. */
  planted: { kind: OutcomeKind | 'HELD' | 'SETTLES'; count: number }[];
}

const day1: PlainDate = '2026-11-25';
const crunchDay: PlainDate = '2026-11-27';

/**
 * What falls due on day 1: 1,900 trades that were open when Northgate moved in. Of its 88 that do not settle,
 * 3 are internal (see below) and 28 are carried fails. `scale` multiplies what settles, never what is planted.
 */
const dueGroups: DueGroup[] = [
  {
    count: 980,
    market: 'EU',
    assetClasses: ['EQUITY', 'EQUITY', 'ETF', 'BOND'],
    tradeDate: '2026-11-23',
    settlementDate: day1,
    planted: [
      { kind: 'PARTIAL', count: 6 },
      { kind: 'LACK', count: 5 },
      { kind: 'CLAC', count: 4 },
      { kind: 'MONY', count: 2 },
      { kind: 'PRCY', count: 2 },
      { kind: 'NO_COUNTERPARTY_LEG', count: 8 },
      { kind: 'DMON', count: 3 },
      { kind: 'SAFE', count: 1 },
      { kind: 'HELD', count: 5 },
      { kind: 'SUSPENDED', count: 3 },
      { kind: 'TOLERANCE', count: 4 },
    ],
  },
  {
    count: 520,
    market: 'US',
    assetClasses: ['EQUITY', 'EQUITY', 'ETF', 'BOND'],
    tradeDate: '2026-11-24',
    settlementDate: day1,
    planted: [
      { kind: 'PARTIAL', count: 3 },
      { kind: 'LACK', count: 3 },
      { kind: 'CLAC', count: 2 },
      { kind: 'NO_COUNTERPARTY_LEG', count: 4 },
      { kind: 'DMON', count: 2 },
    ],
  },
  {
    count: 180,
    market: 'UK',
    assetClasses: ['EQUITY'],
    tradeDate: '2026-11-23',
    settlementDate: day1,
    planted: [
      { kind: 'MONY', count: 1 },
      { kind: 'NO_COUNTERPARTY_LEG', count: 2 },
      { kind: 'DEPT', count: 1 },
    ],
  },
  // The 23rd is Labour Thanksgiving Day in Japan: what traded on the 20th falls due on the 25th.
  { count: 30, market: 'JP', assetClasses: ['EQUITY'], tradeDate: '2026-11-20', settlementDate: day1, planted: [] },
  { count: 60, market: 'FUND', assetClasses: ['FUND'], tradeDate: '2026-11-23', settlementDate: day1, planted: [] },
  {
    count: 16,
    market: 'EU',
    assetClasses: ['EQUITY', 'BOND'],
    tradeDate: '2026-11-23',
    settlementDate: day1,
    free: true,
    planted: [],
  },
  {
    count: 8,
    market: 'US',
    assetClasses: ['EQUITY'],
    tradeDate: '2026-11-24',
    settlementDate: day1,
    free: true,
    planted: [],
  },
  {
    count: 40,
    market: 'EU',
    assetClasses: ['EQUITY', 'ETF'],
    tradeDate: '2026-11-18',
    settlementDate: '2026-11-20',
    carried: true,
    planted: [
      { kind: 'LACK', count: 8 },
      { kind: 'CLAC', count: 8 },
      { kind: 'PRCY', count: 2 },
    ],
  },
  {
    count: 20,
    market: 'US',
    assetClasses: ['EQUITY', 'ETF'],
    tradeDate: '2026-11-20',
    settlementDate: '2026-11-23',
    carried: true,
    planted: [
      { kind: 'LACK', count: 3 },
      { kind: 'CLAC', count: 3 },
      { kind: 'PRCY', count: 1 },
    ],
  },
  {
    count: 6,
    market: 'UK',
    assetClasses: ['EQUITY'],
    tradeDate: '2026-11-18',
    settlementDate: '2026-11-20',
    carried: true,
    planted: [
      { kind: 'LACK', count: 1 },
      { kind: 'CLAC', count: 1 },
      { kind: 'PRCY', count: 1 },
    ],
  },
  // Open trades of the 24th: due on day 2.
  {
    count: 100,
    market: 'EU',
    assetClasses: ['EQUITY', 'ETF'],
    tradeDate: '2026-11-24',
    settlementDate: '2026-11-26',
    planted: [],
  },
  {
    count: 20,
    market: 'UK',
    assetClasses: ['EQUITY'],
    tradeDate: '2026-11-24',
    settlementDate: '2026-11-26',
    planted: [],
  },
  {
    count: 10,
    market: 'JP',
    assetClasses: ['EQUITY'],
    tradeDate: '2026-11-24',
    settlementDate: '2026-11-26',
    planted: [],
  },
];

const sideOf: Partial<Record<OutcomeKind | 'HELD' | 'SETTLES', 'BUY' | 'SELL'>> = {
  LACK: 'SELL',
  CLAC: 'BUY',
  MONY: 'BUY',
  PARTIAL: 'BUY',
  HELD: 'BUY',
  SUSPENDED: 'BUY',
};

/** Every second obstacle is gone on the crunch day; unmatched and rejected ones need a person and stay. */
const curable = new Set<OutcomeKind>(['LACK', 'CLAC', 'MONY', 'PRCY', 'PARTIAL']);

export interface DueSample {
  trades: DueTrade[];
  outcomes: ScriptedOutcome[];
}

/** Every group and every planted outcome once, and some that settle. */
const smallDueGroups = dueGroups.map((group): DueGroup => {
  const planted = group.planted.map((one) => ({ ...one, count: 1 }));
  return { ...group, planted, count: Math.max(Math.ceil(group.count / 33), planted.length + 1) };
});

export function makeDueTrades(
  institution: Institution,
  maker: TradeMaker,
  scale: number,
  volume: SampleVolume = 'full',
): DueSample {
  const trades: DueTrade[] = [];
  const outcomes: ScriptedOutcome[] = [];
  let serial = 0;
  const nextId = () => `N2026-${String((serial += 1)).padStart(6, '0')}`;

  for (const group of volume === 'small' ? smallDueGroups : dueGroups) {
    const planted = group.planted.flatMap(({ kind, count }) => Array.from({ length: count }, () => kind));
    for (let index = 0; index < group.count * scale; index += 1) {
      const kind = planted[index];
      const instrument =
        kind === 'SUSPENDED'
          ? institution.suspendedInstrument
          : maker.instrument(group.market, group.assetClasses[index % group.assetClasses.length] ?? 'EQUITY');
      const trade = maker.make({
        executionId: nextId(),
        tradeDate: group.tradeDate,
        settlementDate: group.settlementDate,
        instrument,
        kind: group.free ? 'FOP' : 'DVP',
        side: kind ? sideOf[kind] : undefined,
        client: kind === 'HELD' ? institution.listedClient : undefined,
      });
      trades.push({
        ...trade,
        state: group.carried ? 'FAILING' : 'AFFIRMED',
        carriedFailSince: group.carried ? group.settlementDate : '',
      });
      if (kind && kind !== 'HELD' && kind !== 'SETTLES') outcomes.push(outcomeOf(kind, trade, index));
    }
  }
  trades.push(...makeInternalTrades(institution, maker, nextId, volume === 'small' ? 6 : 40 * scale));
  return { trades, outcomes };
}

function outcomeOf(kind: OutcomeKind, trade: SampleTrade, index: number): ScriptedOutcome {
  const outcome: ScriptedOutcome = { executionId: trade.executionId, kind };
  if (curable.has(kind) && index % 2 === 0) outcome.curedOn = crunchDay;
  if (kind === 'PARTIAL') {
    // A bond settles in whole hundreds of nominal; at least one unit is left over.
    const step = trade.assetClass === 'BOND' ? 10_000n : 1n;
    const half = (trade.quantityUnits / 2n / step) * step;
    outcome.partialUnits = String(half > 0n ? half : step);
  }
  // Article 6 of Delegated Regulation (EU) 2018/1229: up to EUR 2 for amounts of at most EUR 100,000.
  if (kind === 'TOLERANCE') outcome.amountMinor = String(trade.amountMinor - 120n - BigInt(index % 5));
  return outcome;
}

/** Both sides are our clients, so our own ledger decides: two have nothing to deliver, one cannot pay, 37 settle. */
function makeInternalTrades(
  institution: Institution,
  maker: TradeMaker,
  nextId: () => string,
  count: number,
): DueTrade[] {
  const [firstEmpty, secondEmpty] = institution.emptyHanded;
  return Array.from({ length: count }, (_, index) => {
    const market: Market = index % 4 === 3 ? 'US' : 'EU';
    const instrument: Instrument = maker.instrument(market, 'EQUITY');
    const seller = maker.seller(instrument.isin);
    let buyer = maker.buyer(market);
    while (buyer === seller) buyer = maker.buyer(market);
    const tradeDate = market === 'US' ? '2026-11-24' : '2026-11-23';
    const base = { executionId: nextId(), tradeDate, settlementDate: day1, instrument };
    const trade =
      index === 0 || index === 1
        ? maker.make({ ...base, side: 'SELL', client: index === 0 ? firstEmpty : secondEmpty, internalWith: buyer })
        : index === 2
          ? maker.make({ ...base, side: 'BUY', client: institution.penniless, internalWith: seller })
          : maker.make({ ...base, side: 'BUY', client: buyer, internalWith: seller });
    return { ...trade, state: 'AFFIRMED', carriedFailSince: '' };
  });
}
