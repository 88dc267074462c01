import { type Problem, problem } from '#libs/kernel/index.js';
import { currencyExponent } from '#libs/money/index.js';
import { readUnits } from './decimal-text.js';
import { type TradeAllocation } from './trade.js';

export const allocationColumns = [
  'source',
  'executionId',
  'allocation',
  'clientAccount',
  'quantity',
  'amount',
] as const;
export type RawAllocation = Readonly<Record<(typeof allocationColumns)[number], string>>;

export interface BlockFacts {
  readonly tradeId: string;
  readonly bookId: string;
  readonly isBlock: boolean;
  readonly state: string;
  readonly quantityUnits: bigint;
  readonly quantityScale: number;
  readonly amountMinor: bigint;
  readonly currency: string;
}

export type AllocationVerdict =
  | {
      readonly allocation: TradeAllocation & { readonly tradeId: string; readonly bookId: string };
      readonly problems: readonly [];
    }
  | { readonly allocation: null; readonly problems: readonly Problem[] };

/** All faults of one line of an allocation file at once. */
export function validateAllocation(
  raw: RawAllocation,
  block: BlockFacts | undefined,
  hasClientAccount: (account: string, bookId: string) => boolean,
): AllocationVerdict {
  const problems: Problem[] = [];
  const fault = (code: string, message: string, column: string) => problems.push(problem(code, message, [column]));
  for (const column of allocationColumns)
    if (raw[column].includes('\u0000')) fault('NUL_BYTE', `${column} holds a NUL byte`, column);
  const n = /^[1-9]\d{0,5}$/.test(raw.allocation.trim()) ? Number(raw.allocation.trim()) : 0;
  if (n === 0) fault('INVALID_ALLOCATION', 'allocation is a whole number from 1', 'allocation');
  if (!block) fault('UNKNOWN_TRADE', 'no such trade was taken in', 'executionId');
  else if (!block.isBlock) fault('NOT_A_BLOCK', 'the trade is no block', 'executionId');
  else if (!['RECEIVED', 'ENRICHED', 'ALLOCATED', 'CONFIRMED', 'REPAIR'].includes(block.state)) {
    fault('TRADE_NOT_OPEN', `the trade is ${block.state}`, 'executionId');
  }
  const clientAccount = raw.clientAccount.trim();
  if (block && !hasClientAccount(clientAccount, block.bookId)) {
    fault('UNKNOWN_CLIENT_ACCOUNT', `no client account ${clientAccount.replace(/[^\x20-\x7e]/g, '')}`, 'clientAccount');
  }
  const quantity = readUnits(raw.quantity.trim(), block?.quantityScale ?? 4);
  if (quantity.fault || quantity.units <= 0n) fault('INVALID_QUANTITY', 'quantity is a decimal above zero', 'quantity');
  const amount = readUnits(raw.amount.trim(), block ? currencyExponent(block.currency) : 4);
  if (amount.fault === 'EXCESS_SCALE') fault('EXCESS_SCALE', 'the currency has fewer decimals than amount', 'amount');
  else if (amount.fault || amount.units <= 0n) fault('INVALID_AMOUNT', 'amount is a decimal above zero', 'amount');

  if (problems.length > 0 || !block || quantity.fault || amount.fault) return { allocation: null, problems };
  return {
    problems: [],
    allocation: {
      tradeId: block.tradeId,
      bookId: block.bookId,
      n,
      clientAccount,
      quantityUnits: quantity.units,
      amountMinor: amount.units,
    },
  };
}

/** A block is allocated when its parts are the whole: quantity and cash, to the last unit and cent. */
export function allocationGap(
  block: Pick<BlockFacts, 'quantityUnits' | 'amountMinor'>,
  parts: readonly Pick<TradeAllocation, 'quantityUnits' | 'amountMinor'>[],
): { readonly quantityUnits: bigint; readonly amountMinor: bigint } {
  return {
    quantityUnits: block.quantityUnits - parts.reduce((sum, part) => sum + part.quantityUnits, 0n),
    amountMinor: block.amountMinor - parts.reduce((sum, part) => sum + part.amountMinor, 0n),
  };
}
