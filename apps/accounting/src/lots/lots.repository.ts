import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { type Lot, type LotSide } from './lots.js';

export interface LotRow {
  readonly lotId: string;
  readonly book: string;
  readonly number: string;
  readonly asset: string;
  readonly owner: 'OWN' | 'CLIENT';
  readonly side: LotSide;
  readonly openedOn: PlainDate;
  readonly currency: string | null;
  readonly openedBy: string;
  readonly openQuantity: string;
  readonly openCost: string;
  readonly firstQuantity: string;
  readonly firstCost: string;
  readonly scale: number;
}

export interface NewLot {
  readonly lotId: string;
  readonly book: string;
  readonly number: string;
  readonly asset: string;
  readonly owner: 'OWN' | 'CLIENT';
  readonly side: LotSide;
  readonly openedOn: PlainDate;
  readonly currency: string | null;
  readonly openedBy: string;
  readonly importId?: string | null;
  readonly importRow?: number | null;
}

export type MovementKind = 'OPENED' | 'ADDED' | 'CLOSED' | 'TRANSFERRED_OUT' | 'TRANSFERRED_IN' | 'AMORTISED';

export interface NewMovement {
  readonly lotId: string;
  readonly book: string;
  readonly entryId: string;
  readonly kind: MovementKind;
  readonly businessDate: PlainDate;
  readonly quantity: string;
  readonly cost: string;
  readonly amount?: string | null;
  readonly realised?: string | null;
}

export interface RealisedRow extends NewMovement {
  readonly movementId: string;
  readonly number: string;
  readonly asset: string;
  readonly side: LotSide;
  readonly openedOn: PlainDate;
  readonly currency: string | null;
  readonly scale: number;
}

const columns = `h.lot_id AS "lotId", h.book_id AS book, h.number, h.asset, h.owner, h.side, h.opened_on AS "openedOn", h.currency, h.opened_by AS "openedBy",
  h.open_quantity AS "openQuantity", h.open_cost AS "openCost", h.first_quantity AS "firstQuantity", h.first_cost AS "firstCost", s.scale`;

export const asLot = (row: Pick<LotRow, 'lotId' | 'side' | 'openedOn' | 'openQuantity' | 'openCost'>): Lot => ({
  lotId: row.lotId,
  side: row.side,
  openedOn: row.openedOn,
  quantity: BigInt(row.openQuantity),
  cost: BigInt(row.openCost),
});

@Injectable()
export class LotsRepository {
  /** The open lots of holdings, as they were opened. */
  async open(tx: Tx, holdings: readonly { book: string; number: string; asset: string }[]): Promise<LotRow[]> {
    return tx.rows<LotRow>(
      `SELECT ${columns} FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[], $3::text[]) AS u(book, number, asset)) w
         JOIN accounting.holding_lot h ON h.book_id = w.book AND h.number = w.number AND h.asset = w.asset AND h.open_quantity > 0
         JOIN accounting.asset s ON s.asset = h.asset
        ORDER BY h.book_id, h.number, h.asset, (SELECT min(m.movement_id) FROM accounting.lot_movement m WHERE m.lot_id = h.lot_id)`,
      [holdings.map(({ book }) => book), holdings.map(({ number }) => number), holdings.map(({ asset }) => asset)],
    );
  }

  async openOfAccount(tx: Tx, book: string, number: string, asset: string | null, limit: number): Promise<LotRow[]> {
    return tx.rows<LotRow>(
      `SELECT ${columns} FROM accounting.holding_lot h JOIN accounting.asset s ON s.asset = h.asset
        WHERE h.book_id = $1 AND h.number = $2 AND ($3::text IS NULL OR h.asset = $3) AND h.open_quantity > 0
        ORDER BY h.asset, h.opened_on, h.lot_id LIMIT $4`,
      [book, number, asset, limit],
    );
  }

  async openOwn(tx: Tx, book: string): Promise<LotRow[]> {
    return tx.rows<LotRow>(
      `SELECT ${columns} FROM accounting.holding_lot h JOIN accounting.asset s ON s.asset = h.asset JOIN accounting.account a ON a.book_id = h.book_id AND a.number = h.number
        WHERE h.book_id = $1 AND a.kind = 'OWN_CUSTODY' AND h.owner = 'OWN' AND h.open_quantity > 0
        ORDER BY h.number, h.asset, (SELECT min(m.movement_id) FROM accounting.lot_movement m WHERE m.lot_id = h.lot_id)`,
      [book],
    );
  }

  /** Lots first, then what moves them: one statement each, however many there are. */
  async add(tx: Tx, lots: readonly NewLot[], movements: readonly NewMovement[]): Promise<void> {
    if (lots.length > 0) {
      await tx.execute(
        `INSERT INTO accounting.holding_lot (lot_id, book_id, number, asset, owner, side, opened_on, currency, opened_by, import_id, import_row)
         SELECT l."lotId", l.book, l.number, l.asset, l.owner, l.side, l."openedOn", l.currency, l."openedBy", l."importId", l."importRow"
           FROM jsonb_to_recordset($1::jsonb) AS l("lotId" text, book text, number text, asset text, owner text, side text, "openedOn" date, currency text,
                  "openedBy" text, "importId" text, "importRow" int)`,
        [JSON.stringify(lots)],
      );
    }
    if (movements.length === 0) return;
    await tx.execute(
      `INSERT INTO accounting.lot_movement (lot_id, book_id, entry_id, kind, business_date, quantity, cost, amount, realised)
       SELECT m."lotId", m.book, m."entryId", m.kind, m."businessDate", m.quantity, m.cost, m.amount, m.realised
         FROM ROWS FROM (jsonb_to_recordset($1::jsonb) AS ("lotId" text, book text, "entryId" text, kind text, "businessDate" date, quantity numeric, cost numeric,
                amount numeric, realised numeric)) WITH ORDINALITY AS m("lotId", book, "entryId", kind, "businessDate", quantity, cost, amount, realised, n) ORDER BY m.n`,
      [JSON.stringify(movements)],
    );
  }

  async realised(
    tx: Tx,
    asked: { book: string; number: string | null; from: PlainDate; to: PlainDate; after: string | null; limit: number },
  ): Promise<RealisedRow[]> {
    return tx.rows<RealisedRow>(
      `SELECT m.movement_id AS "movementId", m.lot_id AS "lotId", m.book_id AS book, m.entry_id AS "entryId", m.kind, m.business_date AS "businessDate", m.quantity, m.cost,
              m.amount, m.realised, h.number, h.asset, h.side, h.opened_on AS "openedOn", h.currency, s.scale
         FROM accounting.lot_movement m JOIN accounting.holding_lot h USING (lot_id) JOIN accounting.asset s ON s.asset = h.asset
        WHERE m.book_id = $1 AND m.kind = 'CLOSED' AND ($2::text IS NULL OR h.number = $2) AND m.business_date BETWEEN $3 AND $4
          AND ($5::bigint IS NULL OR m.movement_id > $5) ORDER BY m.movement_id LIMIT $6`,
      [asked.book, asked.number, asked.from, asked.to, asked.after, asked.limit],
    );
  }
}
