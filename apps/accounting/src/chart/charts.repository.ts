import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type Chart, type CodeInUse } from './chart.js';

export interface ChartVersionRow {
  readonly book: string;
  readonly version: number;
  readonly chart: Chart;
  readonly reason: string;
  readonly storedBy: string;
  readonly storedAt: Date;
}

const columns = `v.book_id AS book, v.version, v.chart, v.reason, v.stored_by AS "storedBy", v.stored_at AS "storedAt"`;

@Injectable()
export class ChartsRepository {
  /** That version of the chart of a book, or the newest. */
  async find(tx: Tx, book: string, version: number | null = null): Promise<ChartVersionRow | undefined> {
    return tx.row<ChartVersionRow>(
      `SELECT ${columns} FROM accounting.chart_version v WHERE v.book_id = $1 AND ($2::int IS NULL OR v.version = $2)
        ORDER BY v.version DESC LIMIT 1`,
      [book, version],
    );
  }

  async versions(tx: Tx, book: string, first: number, before?: number): Promise<ChartVersionRow[]> {
    return tx.rows<ChartVersionRow>(
      `SELECT ${columns} FROM accounting.chart_version v WHERE v.book_id = $1 AND ($2::int IS NULL OR v.version < $2)
        ORDER BY v.version DESC LIMIT $3`,
      [book, before ?? null, first],
    );
  }

  /** Whoever stores another version of the book waits. */
  async lock(tx: Tx, book: string): Promise<void> {
    await tx.execute(`SELECT pg_advisory_xact_lock(hashtextextended('chart:' || $1, 0))`, [book]);
  }

  async codesInUse(tx: Tx, book: string): Promise<CodeInUse[]> {
    return tx.rows<CodeInUse>(
      `SELECT g.code, g.type, g.normal_side AS "normalSide", g.role,
              CASE g.role WHEN 'CONTROL' THEN array_agg(DISTINCT a.kind ORDER BY a.kind) ELSE '{}' END AS kinds
         FROM accounting.gl_account g JOIN accounting.account a ON a.book_id = g.book_id AND a.gl_code = g.code
        WHERE g.book_id = $1 GROUP BY g.code, g.type, g.normal_side, g.role ORDER BY g.code`,
      [book],
    );
  }

  async store(tx: Tx, book: string, chart: Chart, reason: string, by: string): Promise<number> {
    const row = await tx.row<{ version: number }>('SELECT accounting.store_chart($1, $2::jsonb, $3, $4) AS version', [
      book,
      JSON.stringify(chart),
      reason,
      by,
    ]);
    return row?.version ?? 0;
  }

  /** Opens the accounts of these codes that have none yet. */
  async openDirect(tx: Tx, book: string, codes: readonly string[]): Promise<void> {
    await tx.execute('SELECT accounting.open_direct_accounts($1, $2::text[])', [book, codes]);
  }
}
