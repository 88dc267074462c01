import { type PlainDate } from '#libs/calendar/index.js';
import { type NewWorkItem } from '#libs/work-items/index.js';
import { type RepairReason, repairReasons } from './trade.js';

interface TradeInTrouble {
  readonly tradeId: string;
  readonly executionId: string;
  readonly version: number;
  readonly bookId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly businessDate: PlainDate;
}

/** The hour by which operations have looked at what came in during the day, at the place of settlement. */
export const repairHour = '18:00';
/** By this hour of the settlement date the other side has confirmed. */
export const confirmedHour = '10:00';
const operations = 'settlement-operations';

const nextActions: Record<RepairReason, string> = {
  MISSING_SSI: 'Ask the counterparty for its settlement instruction and propose it as an SSI change',
  UNKNOWN_INSTRUMENT: 'Set up the instrument, or have the trade corrected or cancelled by its source',
  PRICE_OUT_OF_TOLERANCE: 'Compare the price with the front office; correct the trade or propose a price override',
};

const keyOf = (tradeId: string, version: number, reason: string) => `repair:${tradeId}:${version}:${reason}`;
export const repairKeys = (tradeId: string, version: number): string[] =>
  repairReasons.map((reason) => keyOf(tradeId, version, reason));

export function repairItem(trade: TradeInTrouble & { readonly repairReason: string }, dueAt: Date): NewWorkItem {
  return {
    key: keyOf(trade.tradeId, trade.version, trade.repairReason),
    kind: 'TRADE_REPAIR',
    category: 'REPAIR',
    objectKind: 'TRADE',
    objectId: trade.tradeId,
    reference: trade.executionId,
    reasonCode: trade.repairReason,
    bookId: trade.bookId,
    valueAtRisk: { currency: trade.currency, amountMinor: trade.amountMinor },
    ownerTeam: operations,
    dueAt,
    nextAction: nextActions[trade.repairReason as RepairReason],
  };
}

export const unconfirmedKey = (tradeId: string): string => `unconfirmed:${tradeId}`;

export function unconfirmedItem(
  trade: TradeInTrouble & { readonly settlementDate: PlainDate; readonly reasonCode: string },
  dueAt: Date,
): NewWorkItem {
  return {
    key: unconfirmedKey(trade.tradeId),
    kind: 'TRADE_UNCONFIRMED',
    category: 'UNCONFIRMED',
    objectKind: 'TRADE',
    objectId: trade.tradeId,
    reference: trade.executionId,
    reasonCode: trade.reasonCode,
    bookId: trade.bookId,
    valueAtRisk: { currency: trade.currency, amountMinor: trade.amountMinor },
    ownerTeam: operations,
    dueAt,
    nextAction:
      trade.reasonCode === 'ALLOCATION_MISSING'
        ? 'Ask the client for the allocations of the block'
        : 'Ask the counterparty for its confirmation',
  };
}
