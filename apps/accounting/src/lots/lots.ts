import { type PlainDate } from '#libs/calendar/index.js';
import { accepted, type Decision, problem, refused } from '#libs/kernel/index.js';
import { allocate, Rational } from '#libs/money/index.js';

/** FIFO: what was opened first goes first. AVERAGE: all of it is one lot. SPECIFIC: whoever sells says which lots go. */
export const lotMethods = ['FIFO', 'AVERAGE', 'SPECIFIC'] as const;
export type LotMethod = (typeof lotMethods)[number];

/**
 * What is held of an instrument on an account is made of lots, all on one side. LONG: the cost is what was paid. SHORT:
 * more was delivered than was there, a fact that is booked all the same; then the cost is what was received, and a later
 * purchase closes it first. Quantities are never negative: the side says the direction.
 */
export type LotSide = 'LONG' | 'SHORT';

export interface Lot {
  readonly lotId: string;
  readonly side: LotSide;
  readonly openedOn: PlainDate;
  /** Smallest units of the instrument, above zero. */
  readonly quantity: bigint;
  /** Smallest units of the currency. */
  readonly cost: bigint;
}

export interface Holding {
  readonly method: LotMethod;
  /** As they were opened. */
  readonly lots: readonly Lot[];
}

/** What a seller names, when the method is SPECIFIC. */
export interface Pick {
  readonly lotId: string;
  readonly quantity: bigint;
}

/** A part of a lot that goes, with its share of the cost and of the amount. */
export interface Piece {
  readonly lotId: string;
  readonly side: LotSide;
  readonly openedOn: PlainDate;
  readonly quantity: bigint;
  readonly cost: bigint;
  /** Of the proceeds (of a LONG lot) or of the payment (of a SHORT one). */
  readonly amount: bigint;
  /** What it brought: the amount less the cost of what was sold, the cost less the amount of what was bought back. */
  readonly realised: bigint;
}

export interface Traded {
  readonly lots: readonly Lot[];
  readonly closed: readonly Piece[];
  /** What of it opened a lot, or went into the one of the average. */
  readonly opened: Lot | null;
  readonly realised: bigint;
}

/** A purchase brings a quantity for an amount, a sale takes one: both are above zero, the amount may be zero. */
export interface Trade {
  readonly direction: 'BUY' | 'SELL';
  readonly lotId: string;
  readonly date: PlainDate;
  readonly quantity: bigint;
  readonly amount: bigint;
  readonly picks?: readonly Pick[];
}

const total = (values: readonly bigint[]): bigint => values.reduce((sum, one) => sum + one, 0n);
export const quantityOf = (lots: readonly Lot[]): bigint => total(lots.map(({ quantity }) => quantity));
/** Positive when it is held, negative when it is short. */
export const positionOf = (lots: readonly Lot[]): bigint =>
  total(lots.map(({ side, quantity }) => (side === 'LONG' ? quantity : -quantity)));
/** What it cost, negative when it is short. */
export const costOf = (lots: readonly Lot[]): bigint =>
  total(lots.map(({ side, cost }) => (side === 'LONG' ? cost : -cost)));

/**
 * A trade: first it closes what stands on the other side, then it opens for the rest. The amount is shared by quantity so
 * that the parts sum to it; a piece takes its share of the cost of its lot, rounded once, half to even, and the last
 * piece of a lot takes what is left.
 */
export function traded(holding: Holding, trade: Trade): Decision<Traded> {
  if (trade.quantity <= 0n) return refused(problem('QUANTITY_NOT_POSITIVE', 'A quantity is above zero', ['quantity']));
  if (trade.amount < 0n) return refused(problem('AMOUNT_NEGATIVE', 'An amount is not negative', ['amount']));
  const side: LotSide = trade.direction === 'BUY' ? 'LONG' : 'SHORT';
  const standing = holding.lots[0]?.side;
  if (standing === undefined || standing === side) {
    if (trade.picks && trade.picks.length > 0)
      return refused(problem('LOTS_NOT_CLOSED', 'It closes no lot, so it names none', ['picks']));
    const { lots, opened } = withLot(holding, {
      lotId: trade.lotId,
      side,
      openedOn: trade.date,
      quantity: trade.quantity,
      cost: trade.amount,
    });
    return accepted({ lots, closed: [], opened, realised: 0n });
  }
  const open = quantityOf(holding.lots);
  const closing = trade.quantity < open ? trade.quantity : open;
  const [closingAmount = 0n, openingAmount = 0n] = allocate(trade.amount, [closing, trade.quantity - closing]);
  const taken = takenFrom(holding, closing, trade.picks);
  if (!taken.ok) return taken;
  const amounts = allocate(
    closingAmount,
    taken.value.pieces.map(({ quantity }) => quantity),
  );
  const closed = taken.value.pieces.map((piece, n): Piece => {
    const amount = amounts[n] ?? 0n;
    return { ...piece, amount, realised: piece.side === 'LONG' ? amount - piece.cost : piece.cost - amount };
  });
  const rest = trade.quantity - closing;
  const opened: Lot | null =
    rest === 0n ? null : { lotId: trade.lotId, side, openedOn: trade.date, quantity: rest, cost: openingAmount };
  return accepted({
    lots: opened ? [...taken.value.left, opened] : taken.value.left,
    closed,
    opened,
    realised: total(closed.map(({ realised }) => realised)),
  });
}

/** What leaves for another account takes its cost and its dates along: nothing is realised. More than is held does not leave. */
export function transferredOut(
  holding: Holding,
  quantity: bigint,
  picks?: readonly Pick[],
): Decision<{ readonly lots: readonly Lot[]; readonly moved: readonly Omit<Piece, 'amount' | 'realised'>[] }> {
  if (quantity <= 0n) return refused(problem('QUANTITY_NOT_POSITIVE', 'A quantity is above zero', ['quantity']));
  if (holding.lots[0]?.side !== 'LONG' || quantity > quantityOf(holding.lots))
    return refused(problem('LOTS_EXCEEDED', `Only ${positionOf(holding.lots)} units are held`, ['quantity']));
  const taken = takenFrom(holding, quantity, picks);
  return taken.ok ? accepted({ lots: taken.value.left, moved: taken.value.pieces }) : taken;
}

/** What comes from another account, with the cost and the date it had there. */
export const transferredIn = (holding: Holding, lot: Lot): { readonly lots: readonly Lot[]; readonly opened: Lot } =>
  withLot(holding, lot);

function withLot(holding: Holding, lot: Lot): { lots: readonly Lot[]; opened: Lot } {
  const [pool] = holding.lots;
  if (holding.method !== 'AVERAGE' || !pool) return { lots: [...holding.lots, lot], opened: lot };
  const grown = { ...pool, quantity: pool.quantity + lot.quantity, cost: pool.cost + lot.cost };
  return { lots: [grown, ...holding.lots.slice(1)], opened: { ...lot, lotId: pool.lotId, openedOn: pool.openedOn } };
}

interface Taken {
  readonly left: readonly Lot[];
  readonly pieces: readonly Omit<Piece, 'amount' | 'realised'>[];
}

function takenFrom(holding: Holding, quantity: bigint, picks: readonly Pick[] | undefined): Decision<Taken> {
  const wanted = new Map<string, bigint>();
  if (holding.method === 'SPECIFIC') {
    const problems = (picks ?? []).flatMap(({ lotId, quantity: asked }, n) => {
      const lot = holding.lots.find((one) => one.lotId === lotId);
      if (!lot) return [problem('LOT_NOT_FOUND', `There is no open lot ${lotId}`, ['picks', n, 'lotId'])];
      const all = (wanted.get(lotId) ?? 0n) + asked;
      wanted.set(lotId, all);
      if (asked <= 0n) return [problem('QUANTITY_NOT_POSITIVE', 'A quantity is above zero', ['picks', n, 'quantity'])];
      return all > lot.quantity
        ? [problem('LOT_EXCEEDED', `Lot ${lotId} has ${lot.quantity} units`, ['picks', n, 'quantity'])]
        : [];
    });
    if (total([...wanted.values()]) !== quantity)
      problems.push(
        problem('LOTS_DO_NOT_SUM', `The lots that are named sum to ${total([...wanted.values()])}, not ${quantity}`, [
          'picks',
        ]),
      );
    if (problems.length > 0) return refused(problems);
  } else {
    if (picks && picks.length > 0)
      return refused(problem('LOTS_NOT_CHOSEN', `By ${holding.method} nobody names lots`, ['picks']));
    let rest = quantity;
    for (const lot of inOrder(holding.lots)) {
      const part = rest < lot.quantity ? rest : lot.quantity;
      if (part > 0n) wanted.set(lot.lotId, part);
      rest -= part;
    }
  }
  const pieces: Omit<Piece, 'amount' | 'realised'>[] = [];
  for (const lot of holding.method === 'SPECIFIC' ? holding.lots : inOrder(holding.lots)) {
    const part = wanted.get(lot.lotId) ?? 0n;
    if (part === 0n) continue;
    const cost = part === lot.quantity ? lot.cost : Rational.of(lot.cost * part, lot.quantity).round();
    pieces.push({ lotId: lot.lotId, side: lot.side, openedOn: lot.openedOn, quantity: part, cost });
  }
  const gone = new Map(pieces.map((piece) => [piece.lotId, piece]));
  const left = holding.lots.flatMap((lot) => {
    const piece = gone.get(lot.lotId);
    if (!piece) return [lot];
    return piece.quantity === lot.quantity
      ? []
      : [{ ...lot, quantity: lot.quantity - piece.quantity, cost: lot.cost - piece.cost }];
  });
  return accepted({ left, pieces });
}

/** By date; those of one date as they were opened. */
const inOrder = (lots: readonly Lot[]): Lot[] =>
  lots
    .map((lot, n) => ({ lot, n }))
    .sort((a, b) => (a.lot.openedOn === b.lot.openedOn ? a.n - b.n : a.lot.openedOn < b.lot.openedOn ? -1 : 1))
    .map(({ lot }) => lot);

export interface Split {
  readonly lots: readonly Lot[];
  /** What is no whole unit of the instrument and is settled in money. */
  readonly fraction: Rational;
}

/**
 * For `old` units there are `fresh` units: the cost stays, the quantities are shared so that they sum to the whole. The
 * cost of a lot that is too small for a unit goes to the largest.
 */
export function split(lots: readonly Lot[], fresh: bigint, old: bigint): Decision<Split> {
  if (fresh <= 0n || old <= 0n)
    return refused(problem('RATIO_NOT_POSITIVE', 'Both sides of a ratio are above zero', ['ratio']));
  if (lots.length === 0) return accepted({ lots, fraction: Rational.zero });
  const exact = Rational.of(quantityOf(lots) * fresh, old);
  const whole = exact.round('DOWN');
  if (whole === 0n)
    return refused(problem('SPLIT_TO_NOTHING', 'Nothing whole is left of the holding: it is paid out', ['ratio']));
  const quantities = allocate(
    whole,
    lots.map(({ quantity }) => quantity),
  );
  const largest = quantities.reduce((best, one, n) => (one > (quantities[best] ?? 0n) ? n : best), 0);
  const orphaned = total(lots.flatMap(({ cost }, n) => (quantities[n] === 0n ? [cost] : [])));
  return accepted({
    lots: lots.flatMap((lot, n) => {
      const quantity = quantities[n] ?? 0n;
      return quantity === 0n ? [] : [{ ...lot, quantity, cost: lot.cost + (n === largest ? orphaned : 0n) }];
    }),
    fraction: exact.minus(Rational.of(whole)),
  });
}

/** A book recognises its own trades on one of their dates. */
export type Recognition = 'TRADE_DATE' | 'SETTLEMENT_DATE';
export const recognisedOn = (
  trade: { tradeDate: PlainDate; settlementDate: PlainDate },
  policy: Recognition,
): PlainDate => (policy === 'TRADE_DATE' ? trade.tradeDate : trade.settlementDate);

/** How a price becomes an amount: `factor` is 1/100 where the price is a percentage of the nominal. */
export interface PriceTerms {
  readonly quantityScale: number;
  readonly currencyExponent: number;
  readonly factor: Rational;
}

/** What a quantity is worth at a price, rounded once, half to even, in the smallest units of the currency. */
export const worthAt = (
  quantity: bigint,
  price: Rational,
  { quantityScale, currencyExponent, factor }: PriceTerms,
): bigint =>
  Rational.of(quantity * 10n ** BigInt(currencyExponent), 10n ** BigInt(quantityScale))
    .times(price)
    .times(factor)
    .round();
