import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type InterbookSide, type Position } from './interbook.js';

export interface PairRow {
  readonly pairId: string;
  readonly creditor: string;
  readonly debtor: string;
  readonly asset: string;
  readonly scale: number;
  readonly units: string;
  readonly creditorAccount: string;
  readonly debtorAccount: string;
  readonly fromDate: string;
  readonly valueDate: string;
  readonly description: string;
  readonly state: 'IN_TRANSIT' | 'BOOKED' | 'REVERSED';
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly creditorEntryId: string | null;
  readonly debtorEntryId: string | null;
  readonly creditorReversalId: string | null;
  readonly debtorReversalId: string | null;
  readonly attempts: number;
  readonly refusalCode: string | null;
  readonly reversedBy: string | null;
  readonly reversalReason: string | null;
}

export type NewPair = Pick<
  PairRow,
  | 'pairId'
  | 'creditor'
  | 'debtor'
  | 'asset'
  | 'units'
  | 'creditorAccount'
  | 'debtorAccount'
  | 'fromDate'
  | 'valueDate'
  | 'description'
  | 'requestedBy'
  | 'creditorEntryId'
  | 'debtorEntryId'
>;

export interface PositionRow extends Position {
  readonly scale: number;
}

const columns = `i.pair_id AS "pairId", i.book_id AS creditor, i.debtor_book_id AS debtor, i.asset, s.scale, i.units, i.creditor_account AS "creditorAccount",
  i.debtor_account AS "debtorAccount", i.from_date AS "fromDate", i.value_date AS "valueDate", i.description, i.state, i.requested_by AS "requestedBy",
  i.requested_at AS "requestedAt", i.creditor_entry_id AS "creditorEntryId", i.debtor_entry_id AS "debtorEntryId",
  i.creditor_reversal_id AS "creditorReversalId", i.debtor_reversal_id AS "debtorReversalId", i.attempts, i.refusal_code AS "refusalCode",
  i.reversed_by AS "reversedBy", i.reversal_reason AS "reversalReason"`;
const pairs = `accounting.interbook_pair i JOIN accounting.asset s USING (asset)`;

@Injectable()
export class InterbookRepository {
  async find(tx: Tx, pairId: string, lock = false): Promise<PairRow | undefined> {
    return tx.row<PairRow>(
      `SELECT ${columns} FROM ${pairs} WHERE i.pair_id = $1 ${lock ? 'FOR NO KEY UPDATE OF i' : ''}`,
      [pairId],
    );
  }

  async list(tx: Tx, book: string, state: string | null, first: number): Promise<PairRow[]> {
    return tx.rows<PairRow>(
      `SELECT ${columns} FROM ${pairs} WHERE (i.book_id = $1 OR i.debtor_book_id = $1) AND ($2::text IS NULL OR i.state = $2)
        ORDER BY i.requested_at DESC, i.pair_id DESC LIMIT $3`,
      [book, state, first],
    );
  }

  /** Pairs of which the side of this book is not booked, and may be on the date. */
  async waiting(tx: Tx, book: string, date: string): Promise<PairRow[]> {
    return tx.rows<PairRow>(
      `SELECT ${columns} FROM ${pairs} WHERE i.state = 'IN_TRANSIT' AND i.from_date <= $2
          AND (i.book_id = $1 AND i.creditor_entry_id IS NULL OR i.debtor_book_id = $1 AND i.debtor_entry_id IS NULL)
        ORDER BY i.requested_at, i.pair_id FOR NO KEY UPDATE OF i`,
      [book, date],
    );
  }

  async ofEntry(tx: Tx, entryId: string): Promise<string | undefined> {
    const row = await tx.row<{ pairId: string }>(
      'SELECT i.pair_id AS "pairId" FROM accounting.interbook_pair i WHERE $1 IN (i.creditor_entry_id, i.debtor_entry_id)',
      [entryId],
    );
    return row?.pairId;
  }

  async add(tx: Tx, pair: NewPair): Promise<void> {
    await tx.execute(
      `INSERT INTO accounting.interbook_pair (pair_id, book_id, debtor_book_id, asset, units, creditor_account, debtor_account, from_date, value_date,
         description, requested_by, creditor_entry_id, debtor_entry_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
      [
        ...[pair.pairId, pair.creditor, pair.debtor, pair.asset, pair.units, pair.creditorAccount, pair.debtorAccount],
        ...[pair.fromDate, pair.valueDate, pair.description, pair.requestedBy],
        ...[pair.creditorEntryId, pair.debtorEntryId],
      ],
    );
  }

  async booked(tx: Tx, pairId: string, side: InterbookSide, entryId: string): Promise<void> {
    const column = side === 'CREDITOR' ? 'creditor_entry_id' : 'debtor_entry_id';
    await tx.execute(
      `UPDATE accounting.interbook_pair SET ${column} = $2, refusal_code = NULL, attempts = attempts + 1 WHERE pair_id = $1`,
      [pairId, entryId],
    );
  }

  async refused(tx: Tx, pairId: string, code: string): Promise<void> {
    await tx.execute(
      `UPDATE accounting.interbook_pair SET refusal_code = $2, attempts = attempts + 1 WHERE pair_id = $1`,
      [pairId, code],
    );
  }

  async reversed(
    tx: Tx,
    pairId: string,
    ids: Readonly<Record<InterbookSide, string | null>>,
    by: string,
    reason: string,
  ): Promise<void> {
    await tx.execute(
      `UPDATE accounting.interbook_pair SET creditor_reversal_id = $2, debtor_reversal_id = $3, reversed_by = $4, reversal_reason = $5, reversed_at = kernel.now()
        WHERE pair_id = $1`,
      [pairId, ids.CREDITOR, ids.DEBTOR, by, reason],
    );
  }

  /**
   * Both sides of every pair of books and asset, by accounting date, of books that are both seen: of one that is not, the
   * other side would look as if it were missing. `knownOn`: without what was booked on a later business date.
   */
  async positions(
    tx: Tx,
    asOf: string | null,
    book: string | null = null,
    knownOn: string | null = null,
  ): Promise<PositionRow[]> {
    const rows = await tx.rows<
      Record<'creditor' | 'debtor' | 'asset' | 'dueFrom' | 'dueTo' | 'inTransit', string> & { scale: number }
    >(
      `WITH due AS (
         SELECT l.ledger_account_id, l.asset, a.kind = 'DUE_FROM_BOOK' AS is_owed,
                CASE a.kind WHEN 'DUE_FROM_BOOK' THEN a.book_id ELSE substr(a.number, 8) END AS creditor,
                CASE a.kind WHEN 'DUE_FROM_BOOK' THEN substr(a.number, 10) ELSE a.book_id END AS debtor
           FROM accounting.account a JOIN accounting.ledger_account l ON l.book_id = a.book_id AND l.number = a.number
          WHERE a.kind = 'DUE_FROM_BOOK' AND a.number LIKE 'DUE-FROM-%' OR a.kind = 'DUE_TO_BOOK' AND a.number LIKE 'DUE-TO-%'),
       moved AS (
         SELECT d.creditor, d.debtor, d.asset, CASE WHEN d.is_owed THEN m.units ELSE 0 END AS due_from, CASE WHEN d.is_owed THEN 0 ELSE -m.units END AS due_to,
                0::numeric AS in_transit
           FROM due d JOIN (
             SELECT b.ledger_account_id, b.debit - b.credit AS units FROM accounting.bucket_now b JOIN due USING (ledger_account_id)
              WHERE $1::date IS NULL OR b.business_date <= least($1, $3::date)
             UNION ALL
             SELECT x.ledger_account_id, x.credit - x.debit FROM accounting.accounting_shift x JOIN due USING (ledger_account_id)
              WHERE x.business_date <= least($1, $3::date)
             UNION ALL
             SELECT x.ledger_account_id, x.debit - x.credit FROM accounting.accounting_shift x JOIN due USING (ledger_account_id)
              WHERE x.accounting_date <= $1 AND ($3::date IS NULL OR x.business_date <= $3)
           ) m USING (ledger_account_id)
         UNION ALL
         -- Booked here by then, and there not yet.
         SELECT i.book_id, i.debtor_book_id, i.asset, 0, 0,
                i.units * ((coalesce(c.business_date <= $1, c.entry_id IS NOT NULL) AND NOT coalesce(cr.business_date <= $1, cr.entry_id IS NOT NULL))::int
                         - (coalesce(d.business_date <= $1, d.entry_id IS NOT NULL) AND NOT coalesce(dr.business_date <= $1, dr.entry_id IS NOT NULL))::int)
           FROM accounting.interbook_pair i
           LEFT JOIN accounting.journal_entry c ON c.entry_id = i.creditor_entry_id LEFT JOIN accounting.journal_entry d ON d.entry_id = i.debtor_entry_id
           LEFT JOIN accounting.journal_entry cr ON cr.entry_id = i.creditor_reversal_id LEFT JOIN accounting.journal_entry dr ON dr.entry_id = i.debtor_reversal_id)
       SELECT m.creditor, m.debtor, m.asset, s.scale, sum(m.due_from)::text AS "dueFrom", sum(m.due_to)::text AS "dueTo", sum(m.in_transit)::text AS "inTransit"
         FROM moved m JOIN accounting.asset s USING (asset)
        WHERE kernel.sees_book(m.creditor) AND kernel.sees_book(m.debtor) AND ($2::text IS NULL OR $2 IN (m.creditor, m.debtor))
        GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3`,
      [asOf, book, knownOn],
    );
    return rows.map(({ creditor, debtor, asset, scale, dueFrom, dueTo, inTransit }) => ({
      ...{ creditor, debtor, asset, scale },
      dueFromUnits: BigInt(dueFrom),
      dueToUnits: BigInt(dueTo),
      inTransitUnits: BigInt(inTransit),
    }));
  }
}
