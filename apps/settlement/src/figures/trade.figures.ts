import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { formatDecimal } from '#libs/money/index.js';
import { capturedPart, type DayFigure, figuresOf, newTradesPart, rejectedPart } from './day-figures.js';

const lineParts: Readonly<Record<string, string>> = {
  CAPTURED: 'captured',
  REJECTED: 'rejected',
  AMENDMENT: 'amendments',
  DUPLICATE: 'duplicates',
  CONFLICT: 'conflicts',
};

/** What came in on a business date: lines, new trades, what was refused, and where the captured ones stand. */
@Injectable()
export class TradeFigures {
  async rows(tx: Tx, businessDate: PlainDate): Promise<DayFigure[]> {
    const lines = await tx.rows<{
      outcome: string;
      reference: string;
      assetClass: string;
      market: string;
      codes: string[];
    }>(
      `SELECT l.outcome, coalesce(l.reference, l.file_id || ':' || l.line) AS reference, coalesce(l.asset_class, '') AS "assetClass",
              coalesce(l.market, '') AS market, coalesce((SELECT array_agg(p->>'code' ORDER BY n) FROM jsonb_array_elements(l.problems) WITH ORDINALITY AS e(p, n)), '{}') AS codes
         FROM settlement.file_line l JOIN settlement.file f USING (file_id)
        WHERE l.business_date = $1 AND f.kind = 'TRADES' ORDER BY l.file_id, l.line`,
      [businessDate],
    );
    const trades = await tx.rows<{
      executionId: string;
      state: string;
      holdState: string;
      repairReason: string | null;
      currency: string;
      amountMinor: string;
      amountScale: number;
      assetClass: string;
      market: string;
      isFromFile: boolean;
    }>(
      `SELECT execution_id AS "executionId", state, hold_state AS "holdState", repair_reason AS "repairReason", currency, amount_minor AS "amountMinor",
              amount_scale AS "amountScale", asset_class AS "assetClass", market, file_id IS NOT NULL AS "isFromFile"
         FROM settlement.trade WHERE business_date = $1 AND import_id IS NULL ORDER BY execution_id`,
      [businessDate],
    );
    const expected = await tx.rows<{ reference: string; isLate: boolean }>(
      `SELECT concat_ws(' ', kind, nullif(qualifier, '')) AS reference, coalesce(is_late, true) AS "isLate"
         FROM settlement.expected_file WHERE business_date = $1 ORDER BY due_at, kind, qualifier`,
      [businessDate],
    );
    const rejected = lines.filter(({ outcome }) => outcome === 'REJECTED');
    const received = [
      ...lines.filter(({ outcome }) => outcome === 'CAPTURED' || outcome === 'REJECTED'),
      ...trades.filter(({ isFromFile }) => !isFromFile).map((trade) => ({ ...trade, reference: trade.executionId })),
    ];
    return [
      ...figuresOf(
        'linesRead',
        lines.map(({ outcome, reference }) => ({ part: lineParts[outcome] ?? 'other', reference })),
        formatDecimal,
      ),
      ...figuresOf(
        'newTrades',
        received.map(({ assetClass, market, reference }) => ({ part: newTradesPart(assetClass, market), reference })),
        formatDecimal,
      ),
      ...figuresOf(
        'rejected',
        rejected.map(({ codes, reference }) => ({ part: rejectedPart(codes), reference })),
        formatDecimal,
      ),
      ...figuresOf(
        'captured',
        trades.map((trade) => ({
          part: capturedPart(trade),
          reference: trade.executionId,
          currency: trade.currency,
          minor: BigInt(trade.amountMinor),
          scale: trade.amountScale,
        })),
        formatDecimal,
      ),
      ...figuresOf(
        'files',
        expected.map(({ reference, isLate }) => ({ part: isLate ? 'late' : 'onTime', reference })),
        formatDecimal,
      ),
    ];
  }
}
