import { type Decision } from '#libs/kernel/index.js';
import { type MessageReader, openDocument, type Quantity } from './message-reader.js';
import { messageProblem, type XmlElement } from './xml.js';

/** What one safekeeping account holds, as its keeper states it (semt.002, Securities Balance Custody Report). */
export interface HoldingsStatement {
  readonly id: string;
  /** Counted by the keeper, so that a missing one is seen; 3 or 5 digits. */
  readonly number?: number;
  /** The day at whose end it holds. */
  readonly date: string;
  /** Positions as settled, as contracted or as traded: only settled ones are there to be handed out. */
  readonly basis: string;
  /** False for one that tells changes, or a page of several. */
  readonly isWhole: boolean;
  readonly account: string;
  readonly holdings: readonly StatedHolding[];
}

export interface StatedHolding {
  readonly isin: string;
  readonly isShort: boolean;
  readonly quantity: Quantity;
}

export function readHoldingsStatement(source: string | Uint8Array | XmlElement): Decision<HoldingsStatement> {
  const opened = openDocument(source, 'semt.002');
  if (!opened.ok) return opened;
  const reader = opened.value;
  const number = reader.optional('StmtGnlDtls/RptNb/Lng', 5) ?? reader.optional('StmtGnlDtls/RptNb/Shrt', 3);
  const isOnlyPage =
    Number(reader.text('Pgntn/PgNb')) === 1 && ['true', '1'].includes(reader.text('Pgntn/LastPgInd').toLowerCase());
  return reader.result({
    id: reader.optional('StmtGnlDtls/StmtId', 35) ?? '',
    ...(number !== undefined && { number: Number(number) }),
    date: reader.date('StmtGnlDtls/StmtDtTm'),
    basis: reader.optional('StmtGnlDtls/StmtBsis/Cd', 4) ?? '',
    isWhole: isOnlyPage && reader.optional('StmtGnlDtls/UpdTp/Cd', 4) === 'COMP',
    account: reader.text('SfkpgAcct/Id'),
    holdings: reader.children('BalForAcct').map(readHolding),
  });
}

function readHolding(reader: MessageReader): StatedHolding {
  return {
    isin: reader.isin('FinInstrmId/ISIN'),
    isShort: reader.oneOf('AggtBal/ShrtLngInd', ['LONG', 'SHOR'] as const) === 'SHOR',
    quantity: reader.quantity('AggtBal/Qty/Qty'),
  };
}

/** What an instrument would have twice over is nobody's to add up. */
export function repeatedHoldings(statement: HoldingsStatement) {
  const seen = new Set<string>();
  return statement.holdings.flatMap(({ isin }) => {
    if (!seen.has(isin)) {
      seen.add(isin);
      return [];
    }
    return [messageProblem('HOLDING_REPEATED', `${isin} is stated more than once.`, 'BalForAcct/FinInstrmId/ISIN')];
  });
}
