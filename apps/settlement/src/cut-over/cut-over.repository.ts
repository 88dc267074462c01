import { Injectable } from '@nestjs/common';
import { type CutOverKind } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { sealText, unsealText } from '#libs/messaging/index.js';
import { type ControlTotals, type OldReference } from './cut-over.js';

export const cutOverStates = [
  'VALIDATING',
  'REFUSED',
  'DRY_RUN_PASSED',
  'APPLYING',
  'AWAITING_SIGNATURES',
  'SIGNED',
  'ROLLING_BACK',
  'ROLLED_BACK',
  'FAILED',
] as const;
export type CutOverState = (typeof cutOverStates)[number];

export interface StoredReport {
  problems?: Problem[];
  rows?: Record<string, number>;
  migration?: { book: string; asset: string; left: string }[];
}

export interface CutOverRecord {
  importId: string;
  name: string;
  isDryRun: boolean;
  state: CutOverState;
  books: string[];
  controlTotals: ControlTotals;
  report: StoredReport;
  startedBy: string;
  startedAt: Date;
  finishedAt: Date | null;
  jobRunId: string | null;
}

export interface ChunkRecord {
  consumer: string;
  kind: CutOverKind;
  chunk: number;
  rowCount: number;
  appliedAt: Date | null;
  refused: { row: number; code: string; message: string }[];
}

const columns = `import_id AS "importId", name, is_dry_run AS "isDryRun", state, books, control_totals AS "controlTotals", report,
  started_by AS "startedBy", started_at AS "startedAt", finished_at AS "finishedAt", job_run_id AS "jobRunId"`;

@Injectable()
export class CutOverRepository {
  async insert(
    tx: Tx,
    given: { importId: string; name: string; isDryRun: boolean; controlTotals: unknown; startedBy: string },
  ): Promise<void> {
    await tx.execute(
      `INSERT INTO settlement.cut_over (import_id, name, is_dry_run, state, control_totals, started_by) VALUES ($1, $2, $3, 'VALIDATING', $4::jsonb, $5)`,
      [given.importId, given.name, given.isDryRun, JSON.stringify(given.controlTotals), given.startedBy],
    );
  }

  async insertFiles(
    tx: Tx,
    importId: string,
    files: readonly { kind: string; content: string; sha256: string }[],
  ): Promise<void> {
    await tx.execute(
      `INSERT INTO settlement.cut_over_file (import_id, kind, sha256, sealed_content)
       SELECT $1, kind, sha256, content FROM jsonb_to_recordset($2::jsonb) AS r(kind text, sha256 text, content text)`,
      [importId, JSON.stringify(files.map((file) => ({ ...file, content: sealText(file.content) })))],
    );
  }

  async files(tx: Tx, importId: string, kind?: CutOverKind): Promise<{ kind: CutOverKind; content: string }[]> {
    const rows = await tx.rows<{ kind: CutOverKind; content: string | null }>(
      `SELECT kind, sealed_content AS content FROM settlement.cut_over_file WHERE import_id = $1 AND ($2::text IS NULL OR kind = $2)`,
      [importId, kind ?? null],
    );
    return rows.map((row) => {
      if (row.content === null) throw new Error(`the files of ${importId} are gone: it is signed`);
      return { kind: row.kind, content: unsealText(row.content) };
    });
  }

  async forgetFiles(tx: Tx, importId: string): Promise<void> {
    await tx.execute('UPDATE settlement.cut_over_file SET sealed_content = NULL WHERE import_id = $1', [importId]);
  }

  async find(tx: Tx, importId: string): Promise<CutOverRecord | null> {
    return (
      (await tx.row<CutOverRecord>(`SELECT ${columns} FROM settlement.cut_over WHERE import_id = $1`, [importId])) ??
      null
    );
  }

  async lock(tx: Tx, importId: string): Promise<CutOverRecord | null> {
    return (
      (await tx.row<CutOverRecord>(`SELECT ${columns} FROM settlement.cut_over WHERE import_id = $1 FOR UPDATE`, [
        importId,
      ])) ?? null
    );
  }

  /** An import that is neither refused nor undone: a second one would move in on top of it. */
  async inForce(tx: Tx): Promise<CutOverRecord | null> {
    return (
      (await tx.row<CutOverRecord>(
        `SELECT ${columns} FROM settlement.cut_over WHERE NOT is_dry_run AND state NOT IN ('REFUSED', 'ROLLED_BACK') ORDER BY started_at LIMIT 1`,
      )) ?? null
    );
  }

  async setJobRun(tx: Tx, importId: string, jobRunId: string | null): Promise<void> {
    await tx.execute('UPDATE settlement.cut_over SET job_run_id = $2 WHERE import_id = $1', [importId, jobRunId]);
  }

  async setState(
    tx: Tx,
    importId: string,
    state: CutOverState,
    more: { report?: StoredReport; books?: readonly string[] } = {},
  ): Promise<void> {
    await tx.execute(
      `UPDATE settlement.cut_over SET state = $2, report = coalesce($3::jsonb, report), books = coalesce($4::text[], books),
              finished_at = CASE WHEN $2 IN ('REFUSED', 'DRY_RUN_PASSED', 'SIGNED', 'ROLLED_BACK') THEN kernel.now() ELSE finished_at END
        WHERE import_id = $1`,
      [importId, state, more.report ? JSON.stringify(more.report) : null, more.books ?? null],
    );
  }

  async chunks(tx: Tx, importId: string): Promise<ChunkRecord[]> {
    return tx.rows<ChunkRecord>(
      `SELECT consumer, kind, chunk, row_count AS "rowCount", applied_at AS "appliedAt", refused
         FROM settlement.cut_over_chunk WHERE import_id = $1 ORDER BY kind, chunk`,
      [importId],
    );
  }

  async insertChunks(
    tx: Tx,
    importId: string,
    chunks: readonly { consumer: string; kind: CutOverKind; chunk: number; rowCount: number }[],
    isApplied: boolean,
  ): Promise<void> {
    await tx.execute(
      `INSERT INTO settlement.cut_over_chunk (import_id, consumer, kind, chunk, row_count, applied_at)
       SELECT $1, consumer, kind, chunk, "rowCount", CASE WHEN $3 THEN kernel.now() END
         FROM jsonb_to_recordset($2::jsonb) AS r(consumer text, kind text, chunk int, "rowCount" int)`,
      [importId, JSON.stringify(chunks), isApplied],
    );
  }

  async chunkApplied(
    tx: Tx,
    importId: string,
    consumer: string,
    kind: CutOverKind,
    chunk: number,
    refused: readonly { row: number; code: string; message: string }[],
  ): Promise<void> {
    await tx.execute(
      `UPDATE settlement.cut_over_chunk SET applied_at = kernel.now(), refused = $5::jsonb
        WHERE import_id = $1 AND consumer = $2 AND kind = $3 AND chunk = $4 AND applied_at IS NULL`,
      [importId, consumer, kind, chunk, JSON.stringify(refused)],
    );
  }

  async signatures(tx: Tx, importId: string): Promise<{ signedBy: string; signedAt: Date }[]> {
    return tx.rows(
      `SELECT signed_by AS "signedBy", signed_at AS "signedAt" FROM settlement.cut_over_signature WHERE import_id = $1 ORDER BY n`,
      [importId],
    );
  }

  async sign(tx: Tx, importId: string, n: number, signedBy: string): Promise<void> {
    await tx.execute('INSERT INTO settlement.cut_over_signature (import_id, n, signed_by) VALUES ($1, $2, $3)', [
      importId,
      n,
      signedBy,
    ]);
  }

  async keep(
    tx: Tx,
    importId: string,
    kind: CutOverKind,
    rows: readonly { line: number; book: string; objectId: string; content: unknown }[],
  ): Promise<void> {
    await tx.execute(
      `INSERT INTO settlement.cut_over_kept (import_id, kind, line, book_id, object_id, content)
       SELECT $1, $2, line, book, "objectId", content FROM jsonb_to_recordset($3::jsonb) AS r(line int, book text, "objectId" text, content jsonb)`,
      [importId, kind, JSON.stringify(rows)],
    );
  }

  async saveReferences(tx: Tx, importId: string, references: readonly OldReference[]): Promise<void> {
    await tx.execute(
      `INSERT INTO settlement.cut_over_reference (import_id, kind, line, old_id, object_id, book_id)
       SELECT $1, kind, line, "oldId", "objectId", book
         FROM jsonb_to_recordset($2::jsonb) AS r(kind text, line int, "oldId" text, "objectId" text, book text) ON CONFLICT DO NOTHING`,
      [importId, JSON.stringify(references)],
    );
  }

  /** Up to a hundred places where an id of the system before came in. */
  async referencesOf(tx: Tx, oldId: string): Promise<(OldReference & { importId: string })[]> {
    return tx.rows(
      `SELECT import_id AS "importId", kind, line, old_id AS "oldId", object_id AS "objectId", book_id AS book
         FROM settlement.cut_over_reference WHERE old_id = $1 ORDER BY import_id, kind, line LIMIT 100`,
      [oldId],
    );
  }

  async removeOwn(tx: Tx, importId: string): Promise<void> {
    await tx.execute('DELETE FROM settlement.cut_over_reference WHERE import_id = $1', [importId]);
    await tx.execute('DELETE FROM settlement.cut_over_kept WHERE import_id = $1', [importId]);
    await tx.execute('DELETE FROM settlement.trade WHERE import_id = $1', [importId]);
    await tx.execute('DELETE FROM settlement.trade_version WHERE origin = $1', [importId]);
  }

  async startRollback(tx: Tx, importId: string, consumers: readonly string[]): Promise<void> {
    await tx.execute(
      'INSERT INTO settlement.cut_over_rollback (import_id, consumer) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING',
      [importId, consumers],
    );
  }

  /** True when the last of them is back. */
  async rolledBack(tx: Tx, importId: string, consumer: string): Promise<boolean> {
    await tx.execute(
      'UPDATE settlement.cut_over_rollback SET rolled_back_at = kernel.now() WHERE import_id = $1 AND consumer = $2',
      [importId, consumer],
    );
    const row = await tx.row<{ left: number }>(
      'SELECT count(*)::int AS left FROM settlement.cut_over_rollback WHERE import_id = $1 AND rolled_back_at IS NULL',
      [importId],
    );
    return row?.left === 0;
  }
}
