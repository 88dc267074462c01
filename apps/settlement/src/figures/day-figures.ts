/** One count of a business day, with the business references behind it. `part` is a dotted path. */
export interface DayFigure {
  readonly row: string;
  readonly part: string;
  readonly currency: string | null;
  readonly count: number;
  readonly value: string | null;
  readonly references: readonly string[];
}

/** Which part of the row `rejected` a line belongs to: several faults at once are a part of their own. */
export function rejectedPart(codes: readonly string[]): string {
  if (codes.length >= 4) return 'fourFaults';
  const [first = 'other'] = codes;
  return (
    {
      NUL_BYTE: 'nulBytes',
      INVALID_ISIN: 'isin',
      EXCESS_SCALE: 'decimals',
      INVALID_QUANTITY: 'quantity',
      TRADE_DATE_IN_FUTURE: 'tradeDate',
      SETTLEMENT_ON_HOLIDAY: 'holiday',
      INVALID_AMOUNT: 'amount',
    }[first] ?? 'other'
  );
}

/** Equities by market, everything else by its class. */
export const newTradesPart = (assetClass: string, market: string): string =>
  assetClass === 'EQUITY' ? `equity.${market.toLowerCase()}` : assetClass.toLowerCase();

const repairParts: Readonly<Record<string, string>> = {
  MISSING_SSI: 'repair.ssi',
  UNKNOWN_INSTRUMENT: 'repair.instrument',
  PRICE_OUT_OF_TOLERANCE: 'repair.price',
};

/** Where a captured trade stands: a hold outweighs its state, for nothing moves while it lasts. */
export function capturedPart(trade: {
  readonly state: string;
  readonly holdState: string;
  readonly repairReason: string | null;
}): string {
  if (trade.state === 'CANCELLED') return 'cancelled';
  if (trade.holdState !== 'NONE') return 'held';
  if (trade.state === 'REPAIR') return repairParts[trade.repairReason ?? ''] ?? 'repair.other';
  if (trade.state === 'AFFIRMED' || trade.state === 'INSTRUCTED' || trade.state === 'SETTLED') return 'ready';
  return 'unconfirmed';
}

interface Counted {
  readonly part: string;
  readonly reference: string;
  readonly currency?: string | null;
  readonly minor?: bigint;
  readonly scale?: number;
}

/** Groups what was counted by part (and currency, where there is one). */
export function figuresOf(
  row: string,
  items: readonly Counted[],
  format: (units: bigint, scale: number) => string,
): DayFigure[] {
  const groups = new Map<
    string,
    { part: string; currency: string | null; minor: bigint | null; scale: number; references: string[] }
  >();
  for (const item of items) {
    const currency = item.currency ?? null;
    const key = `${item.part}|${currency ?? ''}`;
    const group = groups.get(key) ?? {
      part: item.part,
      currency,
      minor: item.minor === undefined ? null : 0n,
      scale: item.scale ?? 0,
      references: [],
    };
    if (group.minor !== null) group.minor += item.minor ?? 0n;
    group.references.push(item.reference);
    groups.set(key, group);
  }
  return [...groups.values()]
    .map(({ part, currency, minor, scale, references }) => ({
      row,
      part,
      currency,
      count: references.length,
      value: minor === null ? null : format(minor, scale),
      references: references.sort(),
    }))
    .sort((a, b) =>
      a.part === b.part ? ((a.currency ?? '') < (b.currency ?? '') ? -1 : 1) : a.part < b.part ? -1 : 1,
    );
}
