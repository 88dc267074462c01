import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';

export interface HoldRow {
  readonly holdId: string;
  readonly book: string;
  readonly debitAccount: string;
  readonly creditAccount: string;
  readonly asset: string;
  readonly scale: number;
  readonly amountUnits: string;
  readonly capturedUnits: string;
  readonly releasedUnits: string;
  readonly expiredUnits: string;
  readonly openUnits: string;
  readonly state: string;
  readonly reason: string;
  readonly placedAt: Date;
  /** With its microseconds, for the cursor. */
  readonly placedAtExact: string;
  readonly expiresAt: Date;
}

// A hold that ran out is shown as it will be booked by whoever next uses its account.
const select = `
  SELECT h.hold_id AS "holdId", h.book_id AS book, d.number AS "debitAccount", c.number AS "creditAccount", h.asset, s.scale,
         h.amount_units AS "amountUnits", h.captured_units AS "capturedUnits", h.released_units AS "releasedUnits",
         CASE WHEN h.expires_at <= kernel.now() THEN h.expired_units + h.open_units ELSE h.expired_units END AS "expiredUnits",
         CASE WHEN h.expires_at <= kernel.now() THEN 0 ELSE h.open_units END AS "openUnits",
         CASE WHEN h.expired_units > 0 OR h.open_units > 0 AND h.expires_at <= kernel.now() THEN 'EXPIRED' WHEN h.open_units = 0 THEN 'CLOSED' ELSE 'OPEN' END AS state,
         h.reason, h.placed_at AS "placedAt", h.placed_at::text AS "placedAtExact", h.expires_at AS "expiresAt"
    FROM accounting.hold h JOIN accounting.asset s USING (asset)
    JOIN accounting.ledger_account d ON d.ledger_account_id = h.debit_account_id
    JOIN accounting.ledger_account c ON c.ledger_account_id = h.credit_account_id`;

@Injectable()
export class HoldsRepository {
  async find(tx: Tx, holdId: string): Promise<HoldRow | undefined> {
    return tx.row<HoldRow>(`${select} WHERE h.hold_id = $1`, [holdId]);
  }

  async list(
    tx: Tx,
    filter: { book?: string | null; account?: string | null; isOpen?: boolean | null },
    first: number,
    after?: readonly (string | null)[],
  ): Promise<HoldRow[]> {
    return tx.rows<HoldRow>(
      `${select} WHERE ($1::text IS NULL OR h.book_id = $1) AND ($2::text IS NULL OR d.number = $2 OR c.number = $2)
          AND ($3::boolean IS NULL OR (h.open_units > 0 AND h.expires_at > kernel.now()) = $3)
          AND ($4::timestamptz IS NULL OR (h.placed_at, h.hold_id) < ($4::timestamptz, $5))
        ORDER BY h.placed_at DESC, h.hold_id DESC LIMIT $6`,
      [
        filter.book ?? null,
        filter.account ?? null,
        filter.isOpen ?? null,
        after?.[0] ?? null,
        after?.[1] ?? null,
        first + 1,
      ],
    );
  }
}
