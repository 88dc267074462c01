import { type PlainDate } from '#libs/calendar/index.js';
import { type EntryToPost } from '#libs/contracts/index.js';
import { idFrom } from '#libs/kernel/index.js';
import { allocate, sumMinor } from '#libs/money/index.js';
import { type Direction, type PaymentIndicator } from '#libs/iso20022/index.js';
import { type TradeForInstruction } from '../trades/trade.js';
import { type Statused } from './instruction-status.js';

export const instructionIdOf = (tradeId: string): string => idFrom('ins', tradeId);

export interface Allocation {
  readonly clientAccount: string;
  readonly quantityUnits: bigint;
  readonly amountMinor: bigint;
}

/** An instruction as it is worked: what was instructed, how it stands, what was confirmed so far. */
export interface Instruction {
  readonly instructionId: string;
  readonly tradeId: string;
  readonly bookId: string;
  readonly executionId: string;
  readonly placeId: string;
  readonly placeKind: 'EXTERNAL' | 'INTERNAL';
  readonly direction: Direction;
  readonly payment: PaymentIndicator;
  readonly isin: string;
  readonly quantityUnits: bigint;
  readonly quantityScale: number;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly settlementDate: PlainDate;
  readonly clientAccount: string;
  readonly counterpartyAccount: string | null;
  readonly depotAccount: string | null;
  readonly cashAccount: string | null;
  readonly allocations: readonly Allocation[];
  readonly statused: Statused;
  readonly isHeld: boolean;
  readonly isComplianceHeld: boolean;
  readonly isSent: boolean;
  readonly confirmedQuantityUnits: bigint;
  readonly confirmedAmountMinor: bigint;
  readonly settledQuantityUnits: bigint;
  readonly settledAmountMinor: bigint;
}

/** The client's view of a trade gives the movement: who buys receives. */
export const directionOf = (side: 'BUY' | 'SELL'): Direction => (side === 'BUY' ? 'RECE' : 'DELI');

export interface NewInstruction {
  readonly trade: TradeForInstruction;
  readonly instructionId: string;
  readonly direction: Direction;
  readonly payment: PaymentIndicator;
  readonly complianceAlertId: string | null;
}

export function newInstruction(trade: TradeForInstruction, complianceAlertId: string | null): NewInstruction {
  return {
    trade,
    instructionId: instructionIdOf(trade.tradeId),
    direction: directionOf(trade.side),
    payment: trade.kind === 'DVP' ? 'APMT' : 'FREE',
    complianceAlertId,
  };
}

/** One piece of a settlement, as a place confirmed it or as a cycle attempts it. */
export interface Piece {
  readonly quantityUnits: bigint;
  readonly amountMinor: bigint;
}

/**
 * How a piece falls to the clients behind an instruction. A block's piece is divided by what each
 * client still has to get, so that the pieces end exactly at the allocations; the cash of a piece
 * follows its quantity, and the last piece gives each client what is left of its amount. `earlier`
 * holds the shares of the pieces before, each in the order of the allocations.
 */
export function sharesOf(
  instruction: Instruction,
  piece: Piece,
  earlier: readonly (readonly Allocation[])[],
): Allocation[] {
  if (instruction.allocations.length === 0) {
    return [
      { clientAccount: instruction.clientAccount, quantityUnits: piece.quantityUnits, amountMinor: piece.amountMinor },
    ];
  }
  const left = instruction.allocations.map((allocation, index) => {
    const got = earlier.flatMap((shares) => shares[index] ?? []);
    return {
      clientAccount: allocation.clientAccount,
      quantityUnits: allocation.quantityUnits - sumMinor(got.map(({ quantityUnits }) => quantityUnits)),
      amountMinor: allocation.amountMinor - sumMinor(got.map(({ amountMinor }) => amountMinor)),
    };
  });
  const quantities = allocate(
    piece.quantityUnits,
    left.map(({ quantityUnits }) => quantityUnits),
  );
  const isLast = left.every(({ quantityUnits }, index) => quantityUnits === quantities[index]);
  const isExact = isLast && sumMinor(left.map(({ amountMinor }) => amountMinor)) === piece.amountMinor;
  const amounts = isExact ? left.map(({ amountMinor }) => amountMinor) : allocate(piece.amountMinor, quantities);
  return left.map(({ clientAccount }, index) => ({
    clientAccount,
    quantityUnits: quantities[index] ?? 0n,
    amountMinor: amounts[index] ?? 0n,
  }));
}

type Posting = EntryToPost['postings'][number];

const posting = (account: string, asset: string, side: Posting['side'], units: bigint): Posting[] =>
  units === 0n ? [] : [{ account, asset, side, units: units.toString() }];

export interface BookingDates {
  readonly businessDate: PlainDate;
  readonly valueDate: PlainDate;
}

const suspense = 'SUSPENSE';
const depotOf = ({ depotAccount, placeId }: Instruction) => depotAccount ?? `DEPOT-${placeId}`;
const nostroOf = ({ cashAccount, currency }: Instruction) => cashAccount ?? `NOSTRO-${currency}`;
/** The side on which the depot moves, then the other. */
const sidesOf = ({ direction }: Instruction) =>
  direction === 'RECE' ? (['DEBIT', 'CREDIT'] as const) : (['CREDIT', 'DEBIT'] as const);

/** The entry of a piece that an external place confirmed: a fact, so it is forced. */
export function externalEntry(
  instruction: Instruction,
  key: string,
  piece: Piece,
  shares: readonly Allocation[],
  dates: BookingDates,
): EntryToPost {
  const { isin, currency } = instruction;
  const [ours, theirs] = sidesOf(instruction);
  const depot = depotOf(instruction);
  const nostro = nostroOf(instruction);
  const cash = instruction.payment === 'APMT' ? piece.amountMinor : 0n;
  return {
    key,
    kind: instruction.payment === 'APMT' ? 'TRADE_SETTLEMENT' : 'FREE_DELIVERY',
    book: instruction.bookId,
    ...dates,
    description: `Settlement of ${instruction.executionId} at ${instruction.placeId}`.slice(0, 140),
    subject: { kind: 'INSTRUCTION', id: instruction.instructionId },
    forced: { reason: `confirmed by ${instruction.placeId}` },
    postings: [
      ...posting(depot, isin, ours, piece.quantityUnits),
      ...shares.flatMap((share) => posting(`${share.clientAccount}-SAFE`, isin, theirs, share.quantityUnits)),
      ...(cash === 0n
        ? []
        : shares.flatMap((share) => posting(`${share.clientAccount}-CASH`, currency, ours, share.amountMinor))),
      ...posting(nostro, currency, theirs, cash),
    ],
  };
}

export const excessKey = (instructionId: string, messageId: string): string => `excess:${instructionId}:${messageId}`;
export const isExcessKey = (key: string): boolean => key.startsWith('excess:');

/** What a place confirmed beyond the instruction: ours at the depot and the agent, nobody's yet, so it waits in suspense. */
export function excessEntry(instruction: Instruction, key: string, excess: Piece, dates: BookingDates): EntryToPost {
  return {
    ...externalEntry(instruction, key, excess, [], dates),
    description: `Confirmed above ${instruction.executionId} at ${instruction.placeId}`.slice(0, 140),
    forced: { reason: `confirmed by ${instruction.placeId} above the instruction` },
    postings: suspensePostings(instruction, excess),
  };
}

function suspensePostings(instruction: Instruction, excess: Piece): Posting[] {
  const { isin, currency } = instruction;
  const [ours, theirs] = sidesOf(instruction);
  const cash = instruction.payment === 'APMT' ? excess.amountMinor : 0n;
  return [
    ...posting(depotOf(instruction), isin, ours, excess.quantityUnits),
    ...posting(suspense, isin, theirs, excess.quantityUnits),
    ...posting(suspense, currency, ours, cash),
    ...posting(nostroOf(instruction), currency, theirs, cash),
  ];
}

/** Delivery against payment between two of our clients: the ledger decides, so nothing is forced. */
export function internalEntry(instruction: Instruction, key: string, dates: BookingDates): EntryToPost {
  const { isin, currency, clientAccount, quantityUnits } = instruction;
  const other = instruction.counterpartyAccount ?? '';
  const [buyer, seller] = instruction.direction === 'RECE' ? [clientAccount, other] : [other, clientAccount];
  const cash = instruction.payment === 'APMT' ? instruction.amountMinor : 0n;
  return {
    key,
    kind: instruction.payment === 'APMT' ? 'TRADE_SETTLEMENT' : 'FREE_DELIVERY',
    book: instruction.bookId,
    ...dates,
    description: `Internal settlement of ${instruction.executionId}`.slice(0, 140),
    subject: { kind: 'INSTRUCTION', id: instruction.instructionId },
    postings: [
      ...posting(`${seller}-SAFE`, isin, 'DEBIT', quantityUnits),
      ...posting(`${buyer}-SAFE`, isin, 'CREDIT', quantityUnits),
      ...posting(`${buyer}-CASH`, currency, 'DEBIT', cash),
      ...posting(`${seller}-CASH`, currency, 'CREDIT', cash),
    ],
  };
}

/** What a refusal of the ledger means for an instruction, in the codes of the market. */
export function reasonOfRefusal(code: string): string {
  if (code === 'INSUFFICIENT_SECURITIES') return 'LACK';
  if (code === 'INSUFFICIENT_FUNDS' || code === 'LIMIT_EXCEEDED') return 'MONY';
  if (code === 'ACCOUNT_BLOCKED' || code === 'ACCOUNT_CLOSED') return 'SBLO';
  return 'OTHR';
}
