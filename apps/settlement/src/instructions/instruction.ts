import { type PlainDate } from '#libs/calendar/index.js';
import { type EventToPost } from '#libs/contracts/index.js';
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

export interface BookingDates {
  readonly businessDate: PlainDate;
  readonly valueDate: PlainDate;
}

const safeOf = (clientAccount: string): string => `${clientAccount}-SAFE`;
const cashOf = (clientAccount: string): string => `${clientAccount}-CASH`;

/** What the ledger is told of every delivery at a place; it says itself what is posted for it. */
const deliveryOf = ({ direction, executionId, placeId, depotAccount, isin }: Instruction) => ({
  direction: direction === 'RECE' ? ('RECEIVED' as const) : ('DELIVERED' as const),
  execution: executionId,
  place: placeId,
  depot: depotAccount ?? `DEPOT-${placeId}`,
  instrument: isin,
});
const cashSideOf = ({ cashAccount, currency }: Instruction) => ({
  nostro: cashAccount ?? `NOSTRO-${currency}`,
  currency,
});

const toPost = (instruction: Instruction, key: string, dates: BookingDates) => ({
  key,
  book: instruction.bookId,
  ...dates,
  subject: { kind: 'INSTRUCTION', id: instruction.instructionId },
});

/** A piece that an external place confirmed: a fact, so it is forced. What it has in all is told beside the shares of the clients. */
export function externalEntry(
  instruction: Instruction,
  key: string,
  piece: Piece,
  shares: readonly Allocation[],
  dates: BookingDates,
): EventToPost {
  const delivery = { ...deliveryOf(instruction), quantity: piece.quantityUnits.toString() };
  return {
    ...toPost(instruction, key, dates),
    forced: { reason: `confirmed by ${instruction.placeId}` },
    event:
      instruction.payment === 'APMT'
        ? {
            kind: 'SETTLEMENT',
            facts: {
              ...delivery,
              ...cashSideOf(instruction),
              amount: piece.amountMinor.toString(),
              shares: shares.map(({ clientAccount, quantityUnits, amountMinor }) => ({
                safe: safeOf(clientAccount),
                cash: cashOf(clientAccount),
                quantity: quantityUnits.toString(),
                amount: amountMinor.toString(),
              })),
            },
          }
        : {
            kind: 'FREE_SETTLEMENT',
            facts: {
              ...delivery,
              shares: shares.map(({ clientAccount, quantityUnits }) => ({
                safe: safeOf(clientAccount),
                quantity: quantityUnits.toString(),
              })),
            },
          },
  };
}

export const excessKey = (instructionId: string, messageId: string): string => `excess:${instructionId}:${messageId}`;
export const isExcessKey = (key: string): boolean => key.startsWith('excess:');

/** What a place confirmed beyond the instruction: ours at the depot and the agent, and nobody's yet. */
export function excessEntry(instruction: Instruction, key: string, excess: Piece, dates: BookingDates): EventToPost {
  const facts = { ...deliveryOf(instruction), quantity: excess.quantityUnits.toString() };
  return {
    ...toPost(instruction, key, dates),
    forced: { reason: `confirmed by ${instruction.placeId} above the instruction` },
    event:
      instruction.payment === 'APMT'
        ? {
            kind: 'SETTLEMENT_EXCESS',
            facts: { ...facts, ...cashSideOf(instruction), amount: excess.amountMinor.toString() },
          }
        : { kind: 'FREE_SETTLEMENT_EXCESS', facts },
  };
}

/** A delivery between two of our clients: the ledger decides, so nothing is forced. */
export function internalEntry(instruction: Instruction, key: string, dates: BookingDates): EventToPost {
  const { isin, currency, clientAccount, quantityUnits, amountMinor, executionId } = instruction;
  const other = instruction.counterpartyAccount ?? '';
  const [buyer, seller] = instruction.direction === 'RECE' ? [clientAccount, other] : [other, clientAccount];
  const facts = {
    execution: executionId,
    buyerSafe: safeOf(buyer),
    sellerSafe: safeOf(seller),
    instrument: isin,
    quantity: quantityUnits.toString(),
  };
  return {
    ...toPost(instruction, key, dates),
    event:
      instruction.payment === 'APMT'
        ? {
            kind: 'INTERNAL_SETTLEMENT',
            facts: {
              ...facts,
              buyerCash: cashOf(buyer),
              sellerCash: cashOf(seller),
              currency,
              amount: amountMinor.toString(),
            },
          }
        : { kind: 'FREE_INTERNAL_SETTLEMENT', facts },
  };
}

/** What a refusal of the ledger means for an instruction, in the codes of the market. */
export function reasonOfRefusal(code: string): string {
  if (code === 'INSUFFICIENT_SECURITIES') return 'LACK';
  if (code === 'INSUFFICIENT_FUNDS' || code === 'LIMIT_EXCEEDED') return 'MONY';
  if (code === 'ACCOUNT_BLOCKED' || code === 'ACCOUNT_CLOSED') return 'SBLO';
  return 'OTHR';
}
