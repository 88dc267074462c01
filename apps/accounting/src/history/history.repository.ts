import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type StatementRow } from '../statements/statements.repository.js';

@Injectable()
export class HistoryRepository {
  /** In units, debit and credit apart. Without a moment: as it is known now; without a date: whatever its value date. */
  async balanceAt(
    tx: Tx,
    ledgerAccountId: string,
    valueDate: string | null,
    knownAt: Date | null,
  ): Promise<{ debit: bigint; credit: bigint }> {
    const row = await tx.row<{ debit: string; credit: string }>(
      'SELECT debit, credit FROM accounting.balance_at($1, $2, $3)',
      [ledgerAccountId, valueDate, knownAt],
    );
    return { debit: BigInt(row?.debit ?? 0), credit: BigInt(row?.credit ?? 0) };
  }

  /** The newest first. */
  async lines(tx: Tx, ledgerAccountId: string, first: number, before?: string | null): Promise<StatementRow[]> {
    return tx.rows<StatementRow>(
      `SELECT p.account_sequence AS sequence, p.units, p.balance_after AS "balanceAfter", p.entry_id AS "entryId", e.kind, e.description,
              p.business_date AS "businessDate", p.value_date AS "valueDate"
         FROM accounting.posting_in_order p JOIN accounting.journal_entry e USING (entry_id)
        WHERE p.ledger_account_id = $1 AND ($2::bigint IS NULL OR p.account_sequence < $2::bigint)
        ORDER BY p.account_sequence DESC LIMIT $3`,
      [ledgerAccountId, before ?? null, first + 1],
    );
  }
}
