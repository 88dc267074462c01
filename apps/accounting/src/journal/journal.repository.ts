import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';

export interface EntryRow {
  readonly entryId: string;
  readonly sequence: string;
  readonly book: string;
  readonly kind: string;
  readonly businessDate: string;
  readonly valueDate: string;
  readonly bookedAt: Date;
  readonly description: string;
  readonly subjectKind: string;
  readonly subjectId: string;
  readonly requestedBy: string;
  readonly postingCount: number;
  readonly reversesEntryId: string | null;
  readonly reversedByEntryId: string | null;
  /** Of the entries that took parts of it back. */
  readonly partEntryIds: string[];
  readonly forcedReason: string | null;
  readonly holdId: string | null;
}

export interface PostingRow {
  readonly entryId: string;
  readonly n: number;
  readonly book: string;
  readonly number: string;
  readonly asset: string;
  readonly scale: number;
  readonly normalSide: 'DEBIT' | 'CREDIT';
  readonly units: string;
  /** Both null until the posting is folded. */
  readonly accountSequence: string | null;
  readonly balanceAfter: string | null;
}

export interface EntryFilter {
  readonly book?: string | null;
  readonly businessDate?: string | null;
  readonly kind?: string | null;
  readonly subjectKind?: string | null;
  readonly subjectId?: string | null;
  readonly account?: string | null;
  readonly asset?: string | null;
}

const columns = `e.entry_id AS "entryId", e.sequence, e.book_id AS book, e.kind, e.business_date AS "businessDate", e.value_date AS "valueDate",
  e.booked_at AS "bookedAt", e.description, e.subject_kind AS "subjectKind", e.subject_id AS "subjectId", e.requested_by AS "requestedBy",
  e.posting_count AS "postingCount", 
  coalesce(e.reverses_entry_id, (SELECT t.original_entry_id FROM accounting.reversal_part t WHERE t.entry_id = e.entry_id LIMIT 1)) AS "reversesEntryId",
  ARRAY(SELECT DISTINCT t.entry_id FROM accounting.reversal_part t WHERE t.original_entry_id = e.entry_id ORDER BY 1) AS "partEntryIds", e.forced_reason AS "forcedReason", e.hold_id AS "holdId",
  (SELECT r.entry_id FROM accounting.journal_entry r WHERE r.reverses_entry_id = e.entry_id) AS "reversedByEntryId"`;

@Injectable()
export class JournalRepository {
  async entries(tx: Tx, ids: readonly string[]): Promise<EntryRow[]> {
    return tx.rows<EntryRow>(`SELECT ${columns} FROM accounting.journal_entry e WHERE e.entry_id = ANY ($1::text[])`, [
      ids,
    ]);
  }

  async entry(tx: Tx, id: string): Promise<EntryRow | undefined> {
    const [row] = await this.entries(tx, [id]);
    return row;
  }

  async list(tx: Tx, filter: EntryFilter, first: number, after?: readonly (string | null)[]): Promise<EntryRow[]> {
    return tx.rows<EntryRow>(
      `SELECT ${columns} FROM accounting.journal_entry e
        WHERE ($1::text IS NULL OR e.book_id = $1) AND ($2::date IS NULL OR e.business_date = $2) AND ($3::text IS NULL OR e.kind = $3)
          AND ($4::text IS NULL OR e.subject_kind = $4) AND ($5::text IS NULL OR e.subject_id = $5)
          AND ($6::text IS NULL OR EXISTS (
                SELECT FROM accounting.posting p JOIN accounting.ledger_account l USING (ledger_account_id)
                 WHERE p.entry_id = e.entry_id AND l.number = $6 AND ($7::text IS NULL OR l.asset = $7)))
          AND ($8::bigint IS NULL OR e.sequence < $8::bigint)
        ORDER BY e.sequence DESC LIMIT $9`,
      [
        filter.book ?? null,
        filter.businessDate ?? null,
        filter.kind ?? null,
        filter.subjectKind ?? null,
        filter.subjectId ?? null,
        filter.account ?? null,
        filter.asset ?? null,
        after?.[0] ?? null,
        first + 1,
      ],
    );
  }

  async postingsOf(tx: Tx, entryIds: readonly string[]): Promise<PostingRow[]> {
    return tx.rows<PostingRow>(
      `SELECT p.entry_id AS "entryId", p.n, p.book_id AS book, l.number, p.asset, s.scale, a.normal_side AS "normalSide", p.units,
              coalesce(p.account_sequence, r.account_sequence) AS "accountSequence", coalesce(p.balance_after, r.balance_after) AS "balanceAfter"
         FROM accounting.posting p LEFT JOIN accounting.rollup_place r ON p.account_sequence IS NULL AND r.entry_id = p.entry_id AND r.n = p.n
         JOIN accounting.ledger_account l ON l.ledger_account_id = p.ledger_account_id
         JOIN accounting.account a ON a.book_id = l.book_id AND a.number = l.number JOIN accounting.asset s ON s.asset = p.asset
        WHERE p.entry_id = ANY ($1::text[]) ORDER BY p.entry_id, p.n`,
      [entryIds],
    );
  }

  async summary(tx: Tx): Promise<{ entries: string; postings: string; sums: Record<string, string> }> {
    const row = await tx.row<{ entries: string; postings: string; sums: Record<string, string> }>(
      `SELECT (SELECT count(*) FROM accounting.journal_entry) AS entries, (SELECT count(*) FROM accounting.posting) AS postings,
              coalesce((SELECT jsonb_object_agg(asset, sum::text) FROM (SELECT asset, sum(units) AS sum FROM accounting.posting GROUP BY asset) t), '{}') AS sums`,
    );
    return row ?? { entries: '0', postings: '0', sums: {} };
  }
}
