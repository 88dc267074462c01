import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';

export interface Difference {
  readonly total: string;
  readonly where: string;
  readonly left: string;
  readonly right: string;
}

/** Each total is computed twice, from sources that are written apart, and compared by the database. */
const totals: readonly { name: string; left: string; right: string; sql: string }[] = [
  {
    name: 'POSTED_SUMS_ZERO',
    left: 'debits',
    right: 'credits',
    sql: `SELECT l.asset AS where, sum(b.posted_debit)::text AS left, sum(b.posted_credit)::text AS right
            FROM accounting.balance_now b JOIN accounting.ledger_account l USING (ledger_account_id)
           WHERE b.book_id = $1 GROUP BY l.asset HAVING sum(b.posted_debit) <> sum(b.posted_credit)`,
  },
  {
    name: 'PENDING_SUMS_ZERO',
    left: 'pending debits',
    right: 'pending credits',
    sql: `SELECT l.asset AS where, sum(b.pending_debit)::text AS left, sum(b.pending_credit)::text AS right
            FROM accounting.balance_now b JOIN accounting.ledger_account l USING (ledger_account_id)
           WHERE b.book_id = $1 GROUP BY l.asset HAVING sum(b.pending_debit) <> sum(b.pending_credit)`,
  },
  {
    name: 'BALANCE_IS_POSTINGS',
    left: 'balance',
    right: 'postings',
    sql: `SELECT l.number || ' in ' || l.asset AS where, b.posted_debit || ' / ' || b.posted_credit AS left,
                 coalesce(p.debit, 0) || ' / ' || coalesce(p.credit, 0) AS right
            FROM accounting.balance_now b JOIN accounting.ledger_account l USING (ledger_account_id)
            LEFT JOIN (SELECT ledger_account_id, sum(greatest(units, 0)) AS debit, sum(greatest(-units, 0)) AS credit
                         FROM accounting.posting WHERE book_id = $1 GROUP BY 1) p USING (ledger_account_id)
           WHERE b.book_id = $1 AND (b.posted_debit <> coalesce(p.debit, 0) OR b.posted_credit <> coalesce(p.credit, 0))`,
  },
  {
    name: 'BUCKETS_ARE_POSTINGS',
    left: 'daily buckets',
    right: 'balance',
    sql: `SELECT l.number || ' in ' || l.asset AS where, coalesce(d.debit, 0) || ' / ' || coalesce(d.credit, 0) AS left,
                 b.posted_debit || ' / ' || b.posted_credit AS right
            FROM accounting.balance_now b JOIN accounting.ledger_account l USING (ledger_account_id)
            LEFT JOIN (SELECT ledger_account_id, sum(debit) AS debit, sum(credit) AS credit FROM accounting.bucket_now WHERE book_id = $1 GROUP BY 1) d
                   USING (ledger_account_id)
           WHERE b.book_id = $1 AND (b.posted_debit <> coalesce(d.debit, 0) OR b.posted_credit <> coalesce(d.credit, 0))`,
  },
  {
    name: 'MIGRATION_IS_ZERO',
    left: 'migration account',
    right: 'zero',
    sql: `SELECT l.asset AS where, (b.posted_debit - b.posted_credit)::text AS left, '0' AS right
            FROM accounting.balance_now b JOIN accounting.ledger_account l USING (ledger_account_id)
            JOIN accounting.account a ON a.book_id = l.book_id AND a.number = l.number
           WHERE b.book_id = $1 AND a.kind = 'MIGRATION' AND b.posted_debit <> b.posted_credit`,
  },
];

/** How many differences of one total are told: the first ones are enough to start looking. */
const toldMax = 20;

@Injectable()
export class ControlTotalsRepository {
  async differences(tx: Tx, book: string): Promise<{ compared: number; differences: Difference[] }> {
    const differences: Difference[] = [];
    for (const { name, left, right, sql } of totals) {
      const rows = await tx.rows<{ where: string; left: string; right: string }>(`${sql} ORDER BY 1 LIMIT ${toldMax}`, [
        book,
      ]);
      differences.push(
        ...rows.map((row) => ({
          total: name,
          where: row.where,
          left: `${left} ${row.left}`,
          right: `${right} ${row.right}`,
        })),
      );
    }
    return { compared: totals.length, differences };
  }

  async migrationOpen(tx: Tx, book: string): Promise<string[]> {
    const rows = await tx.rows<{ asset: string }>(
      `SELECT l.asset FROM accounting.balance_now b JOIN accounting.ledger_account l USING (ledger_account_id)
         JOIN accounting.account a ON a.book_id = l.book_id AND a.number = l.number
        WHERE b.book_id = $1 AND a.kind = 'MIGRATION' AND b.posted_debit <> b.posted_credit ORDER BY l.asset`,
      [book],
    );
    return rows.map(({ asset }) => asset);
  }

  /** The trial balance of the date, from the daily buckets up to it; a repetition writes the same lines. */
  async storeTrialBalance(tx: Tx, book: string, businessDate: string): Promise<number> {
    return tx.execute(
      `INSERT INTO accounting.trial_balance_line AS t (book_id, business_date, ledger_account_id, number, asset, debit_total, credit_total)
       SELECT d.book_id, $2::date, d.ledger_account_id, l.number, l.asset, sum(d.debit), sum(d.credit)
         FROM accounting.bucket_now d JOIN accounting.ledger_account l USING (ledger_account_id)
        WHERE d.book_id = $1 AND d.business_date <= $2::date GROUP BY 1, 3, 4, 5
       ON CONFLICT (book_id, business_date, ledger_account_id) DO UPDATE SET debit_total = excluded.debit_total, credit_total = excluded.credit_total`,
      [book, businessDate],
    );
  }

  /** What the codes of the chart have at the end of the date, for reports. */
  async storeLedgerTotals(tx: Tx, book: string, businessDate: string): Promise<void> {
    await tx.execute('SELECT accounting.store_gl_totals($1, $2::date)', [book, businessDate]);
  }

  async trialBalanceDifferences(
    tx: Tx,
    book: string,
    businessDate: string,
  ): Promise<{ asset: string; debit: string; credit: string }[]> {
    return tx.rows(
      `SELECT asset, sum(debit_total)::text AS debit, sum(credit_total)::text AS credit FROM accounting.trial_balance_line
        WHERE book_id = $1 AND business_date = $2 GROUP BY asset HAVING sum(debit_total) <> sum(credit_total) ORDER BY asset`,
      [book, businessDate],
    );
  }

  async entryHashes(
    tx: Tx,
    book: string,
    businessDate: string,
    afterSequence: string,
    limit: number,
  ): Promise<{ sequence: string; hash: string }[]> {
    return tx.rows(
      `SELECT sequence, encode(entry_hash, 'hex') AS hash FROM accounting.journal_entry
        WHERE book_id = $1 AND business_date = $2 AND sequence > $3::bigint ORDER BY sequence LIMIT $4`,
      [book, businessDate, afterSequence, limit],
    );
  }

  /** Null when the day is sealed already with another root: entries came after the seal, which must not be. */
  async storeSeal(tx: Tx, book: string, businessDate: string, entryCount: number, rootHash: string): Promise<boolean> {
    await tx.execute(
      `INSERT INTO accounting.day_seal (book_id, business_date, entry_count, root_hash) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
      [book, businessDate, entryCount, rootHash],
    );
    const row = await tx.row<{ root: string }>(
      'SELECT root_hash AS root FROM accounting.day_seal WHERE book_id = $1 AND business_date = $2',
      [book, businessDate],
    );
    return row?.root === rootHash;
  }
}
