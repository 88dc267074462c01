import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';

export interface StatementRow {
  readonly sequence: string;
  readonly units: string;
  readonly balanceAfter: string;
  readonly entryId: string;
  readonly kind: string;
  readonly description: string;
  readonly businessDate: string;
  readonly valueDate: string;
}

export interface TrialBalanceRow {
  readonly number: string;
  readonly kind: string;
  readonly asset: string;
  readonly scale: number;
  readonly debit: string;
  readonly credit: string;
}

@Injectable()
export class StatementsRepository {
  async ledgerAccount(
    tx: Tx,
    book: string,
    number: string,
    asset: string,
  ): Promise<{ id: string; scale: number; normalSide: 'DEBIT' | 'CREDIT' } | undefined> {
    return tx.row(
      `SELECT l.ledger_account_id AS id, s.scale, a.normal_side AS "normalSide"
         FROM accounting.ledger_account l JOIN accounting.asset s USING (asset)
         JOIN accounting.account a ON a.book_id = l.book_id AND a.number = l.number
        WHERE l.book_id = $1 AND l.number = $2 AND l.asset = $3`,
      [book, number, asset],
    );
  }

  async before(
    tx: Tx,
    ledgerAccountId: string,
    from: string,
  ): Promise<{ sequence: string; balanceAfter: string } | undefined> {
    return tx.row(
      `SELECT account_sequence AS sequence, balance_after AS "balanceAfter" FROM accounting.posting_in_order
        WHERE ledger_account_id = $1 AND business_date < $2 ORDER BY account_sequence DESC LIMIT 1`,
      [ledgerAccountId, from],
    );
  }

  async lines(tx: Tx, ledgerAccountId: string, from: string, to: string, limit: number): Promise<StatementRow[]> {
    return tx.rows<StatementRow>(
      `SELECT p.account_sequence AS sequence, p.units, p.balance_after AS "balanceAfter", p.entry_id AS "entryId", e.kind, e.description,
              p.business_date AS "businessDate", p.value_date AS "valueDate"
         FROM accounting.posting_in_order p JOIN accounting.journal_entry e USING (entry_id)
        WHERE p.ledger_account_id = $1 AND p.business_date BETWEEN $2 AND $3 ORDER BY p.account_sequence LIMIT $4`,
      [ledgerAccountId, from, to, limit],
    );
  }

  /** What a trial balance of the date says per account, from the daily buckets. */
  async trialBalance(tx: Tx, book: string, businessDate: string): Promise<TrialBalanceRow[]> {
    return tx.rows<TrialBalanceRow>(
      `SELECT l.number, a.kind, l.asset, s.scale, sum(d.debit) AS debit, sum(d.credit) AS credit
         FROM accounting.bucket_now d JOIN accounting.ledger_account l USING (ledger_account_id)
         JOIN accounting.account a ON a.book_id = l.book_id AND a.number = l.number JOIN accounting.asset s ON s.asset = l.asset
        WHERE d.book_id = $1 AND d.business_date <= $2
        GROUP BY l.number, a.kind, l.asset, s.scale ORDER BY l.asset, l.number`,
      [book, businessDate],
    );
  }

  async seal(
    tx: Tx,
    book: string,
    businessDate: string,
  ): Promise<{ rootHash: string; entryCount: string; sealedAt: Date } | undefined> {
    return tx.row(
      'SELECT root_hash AS "rootHash", entry_count AS "entryCount", sealed_at AS "sealedAt" FROM accounting.day_seal WHERE book_id = $1 AND business_date = $2',
      [book, businessDate],
    );
  }
}
