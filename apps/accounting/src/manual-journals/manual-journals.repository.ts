import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type ProposalState } from '../accounts/limit-changes.js';
import { type LineFault } from './journal-file.js';
import { type KnownOfJournal, type ManualJournal } from './manual-journals.js';

export interface ManualJournalRow {
  readonly journalId: string;
  readonly book: string;
  readonly journal: ManualJournal;
  readonly payloadHash: string;
  readonly currency: string;
  readonly amountUnits: string | null;
  readonly limitUnits: string;
  readonly approvalId: string | null;
  readonly state: ProposalState;
  readonly importId: string | null;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly expiresAt: Date | null;
  readonly decidedBy: string | null;
  readonly decisionReason: string | null;
  readonly refusalCode: string | null;
  readonly entryId: string | null;
}

export interface JournalLimitRow {
  readonly approvalId: string;
  readonly book: string;
  readonly version: number | null;
  readonly limitUnits: string;
  readonly currency: string;
  readonly reason: string;
  readonly payloadHash: string;
  readonly state: ProposalState;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly expiresAt: Date;
  readonly decidedBy: string | null;
}

export interface JournalImportRow {
  readonly importId: string;
  readonly book: string;
  readonly fileName: string;
  readonly contentHash: string;
  readonly state: 'RUNNING' | 'DONE' | 'REFUSED';
  readonly lines: number;
  readonly journals: number;
  readonly report: LineFault[];
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly finishedAt: Date | null;
  readonly jobRunId: string | null;
}

const journalColumns = `j.journal_id AS "journalId", j.book_id AS book, j.journal, j.payload_hash AS "payloadHash", j.currency, j.amount_units AS "amountUnits",
  j.limit_units AS "limitUnits", j.approval_id AS "approvalId", j.state, j.import_id AS "importId", j.requested_by AS "requestedBy",
  j.requested_at AS "requestedAt", j.expires_at AS "expiresAt", j.decided_by AS "decidedBy", j.decision_reason AS "decisionReason",
  j.refusal_code AS "refusalCode", j.entry_id AS "entryId"`;
const limitColumns = `l.approval_id AS "approvalId", l.book_id AS book, l.version, l.limit_units AS "limitUnits", l.currency, l.reason,
  l.payload_hash AS "payloadHash", l.state, l.requested_by AS "requestedBy", l.requested_at AS "requestedAt", l.expires_at AS "expiresAt", l.decided_by AS "decidedBy"`;
const importColumns = `i.import_id AS "importId", i.book_id AS book, i.file_name AS "fileName", i.content_hash AS "contentHash", i.state, i.lines, i.journals, i.report,
  i.requested_by AS "requestedBy", i.requested_at AS "requestedAt", i.finished_at AS "finishedAt", i.job_run_id AS "jobRunId"`;

@Injectable()
export class ManualJournalsRepository {
  /** Everything that the journals name. */
  async known(tx: Tx, book: string, journals: readonly ManualJournal[]): Promise<KnownOfJournal> {
    const lines = journals.flatMap((journal) => journal.lines);
    const accounts = await tx.rows<{ number: string; takes: boolean }>(
      `SELECT a.number, accounting.takes_journals(a.book_id, a.number) AS takes FROM accounting.account a WHERE a.book_id = $1 AND a.number = ANY ($2::text[])`,
      [book, [...new Set(lines.map(({ account }) => account))]],
    );
    const assets = await tx.rows<{ asset: string; scale: number }>(
      'SELECT a.asset, a.scale FROM accounting.asset a WHERE a.asset = ANY ($1::text[])',
      [[...new Set(lines.map(({ asset }) => asset))]],
    );
    return {
      accounts: new Map(accounts.map(({ number, takes }) => [number, { takesJournals: takes }])),
      assets: new Map(assets.map((row) => [row.asset, row])),
    };
  }

  async allowHandPosting(
    tx: Tx,
    asked: { book: string; code: string; isAllowed: boolean; reason: string },
    by: string,
  ): Promise<boolean> {
    const changed = await tx.execute(
      `INSERT INTO accounting.hand_posting AS h (book_id, gl_code, is_allowed, reason, changed_by)
       SELECT g.book_id, g.code, $3, $4, $5 FROM accounting.gl_account g WHERE g.book_id = $1 AND g.code = $2 AND g.role <> 'HEADING'
       ON CONFLICT (book_id, gl_code) DO UPDATE SET is_allowed = excluded.is_allowed, reason = excluded.reason, changed_by = excluded.changed_by, changed_at = kernel.now()`,
      [asked.book, asked.code, asked.isAllowed, asked.reason, by],
    );
    return changed === 1;
  }

  async limitInForce(tx: Tx, book: string): Promise<bigint> {
    const row = await tx.row<{ units: string }>('SELECT accounting.journal_limit_in_force($1)::text AS units', [book]);
    return BigInt(row?.units ?? 0);
  }

  async limit(tx: Tx, approvalId: string, lock = false): Promise<JournalLimitRow | undefined> {
    return tx.row<JournalLimitRow>(
      `SELECT ${limitColumns} FROM accounting.journal_limit l WHERE l.approval_id = $1 ${lock ? 'FOR UPDATE' : ''}`,
      [approvalId],
    );
  }

  /** The newest first, with those that wait. */
  async limits(tx: Tx, book: string): Promise<JournalLimitRow[]> {
    return tx.rows<JournalLimitRow>(
      `SELECT ${limitColumns} FROM accounting.journal_limit l WHERE l.book_id = $1 ORDER BY l.requested_at DESC, l.approval_id DESC LIMIT 100`,
      [book],
    );
  }

  async proposeLimit(
    tx: Tx,
    asked: {
      approvalId: string;
      book: string;
      limitUnits: string;
      currency: string;
      reason: string;
      payloadHash: string;
    },
    by: string,
    hours: number,
  ): Promise<Date> {
    const row = await tx.row<{ expires: Date }>(
      `INSERT INTO accounting.journal_limit (approval_id, book_id, limit_units, currency, reason, payload_hash, state, requested_by, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, 'PROPOSED', $7, kernel.now() + make_interval(hours => $8)) RETURNING expires_at AS expires`,
      [asked.approvalId, asked.book, asked.limitUnits, asked.currency, asked.reason, asked.payloadHash, by, hours],
    );
    return row?.expires ?? new Date(0);
  }

  async decideLimit(tx: Tx, row: JournalLimitRow, state: ProposalState, by: string, reason: string): Promise<void> {
    await tx.execute(`SELECT pg_advisory_xact_lock(hashtextextended('journal-limit:' || $1, 0))`, [row.book]);
    await tx.execute(
      `UPDATE accounting.journal_limit SET state = $2, decided_by = $3, decided_at = kernel.now(), decision_reason = $4,
              version = CASE WHEN $2 = 'APPLIED' THEN 1 + coalesce((SELECT max(o.version) FROM accounting.journal_limit o WHERE o.book_id = $5), 0) END
        WHERE approval_id = $1`,
      [row.approvalId, state, by, reason, row.book],
    );
  }

  async find(
    tx: Tx,
    by: { journalId?: string; approvalId?: string },
    lock = false,
  ): Promise<ManualJournalRow | undefined> {
    return tx.row<ManualJournalRow>(
      `SELECT ${journalColumns} FROM accounting.manual_journal j WHERE ($1::text IS NULL OR j.journal_id = $1) AND ($2::text IS NULL OR j.approval_id = $2)
          AND num_nonnulls($1::text, $2::text) > 0 ${lock ? 'FOR UPDATE' : ''}`,
      [by.journalId ?? null, by.approvalId ?? null],
    );
  }

  /** The newest first. */
  async list(
    tx: Tx,
    filter: { book: string; state?: string | null; importId?: string | null },
    first: number,
    after?: readonly (string | null)[],
  ): Promise<ManualJournalRow[]> {
    return tx.rows<ManualJournalRow>(
      `SELECT ${journalColumns} FROM accounting.manual_journal j
        WHERE j.book_id = $1 AND ($2::text IS NULL OR j.state = $2) AND ($3::text IS NULL OR j.import_id = $3) AND ($4::text IS NULL OR j.journal_id < $4)
        ORDER BY j.journal_id DESC LIMIT $5`,
      [filter.book, filter.state ?? null, filter.importId ?? null, after?.[0] ?? null, first + 1],
    );
  }

  async insert(
    tx: Tx,
    row: Pick<
      ManualJournalRow,
      | 'journalId'
      | 'book'
      | 'journal'
      | 'payloadHash'
      | 'currency'
      | 'amountUnits'
      | 'limitUnits'
      | 'approvalId'
      | 'importId'
      | 'requestedBy'
      | 'entryId'
    >,
    hours: number,
  ): Promise<ManualJournalRow> {
    const state = row.approvalId === null ? 'POSTED' : 'PROPOSED';
    const stored = await tx.row<ManualJournalRow>(
      `INSERT INTO accounting.manual_journal AS j (journal_id, book_id, journal, payload_hash, currency, amount_units, limit_units, approval_id, state, import_id,
         requested_by, entry_id, expires_at)
       VALUES ($1, $2, $3::jsonb, $4, $5, $6, $7, $8, $9, $10, $11, $12, CASE WHEN $8::text IS NOT NULL THEN kernel.now() + make_interval(hours => $13) END) RETURNING ${journalColumns}`,
      [
        ...[row.journalId, row.book, JSON.stringify(row.journal), row.payloadHash, row.currency, row.amountUnits],
        ...[row.limitUnits, row.approvalId, state, row.importId, row.requestedBy, row.entryId, hours],
      ],
    );
    if (!stored) throw new Error(`journal ${row.journalId} is not there`);
    return stored;
  }

  async decide(
    tx: Tx,
    journalId: string,
    decided: { state: ProposalState; by: string; reason: string; refusalCode: string | null; entryId: string | null },
  ): Promise<void> {
    await tx.execute(
      `UPDATE accounting.manual_journal SET state = $2, decided_by = $3, decided_at = kernel.now(), decision_reason = $4, refusal_code = $5, entry_id = $6
        WHERE journal_id = $1`,
      [journalId, decided.state, decided.by, decided.reason, decided.refusalCode, decided.entryId],
    );
  }

  /** Null when the very same file was booked before. */
  async beginImport(
    tx: Tx,
    asked: { importId: string; book: string; fileName: string; content: string; contentHash: string },
    by: string,
  ): Promise<boolean> {
    const added = await tx.execute(
      `INSERT INTO accounting.journal_file (import_id, book_id, file_name, content, content_hash, requested_by) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (book_id, content_hash) WHERE state <> 'REFUSED' DO NOTHING`,
      [asked.importId, asked.book, asked.fileName, asked.content, asked.contentHash, by],
    );
    return added === 1;
  }

  async import(tx: Tx, importId: string): Promise<JournalImportRow | undefined> {
    return tx.row<JournalImportRow>(`SELECT ${importColumns} FROM accounting.journal_file i WHERE i.import_id = $1`, [
      importId,
    ]);
  }

  async contentOf(tx: Tx, importId: string): Promise<string> {
    const row = await tx.row<{ content: string }>('SELECT content FROM accounting.journal_file WHERE import_id = $1', [
      importId,
    ]);
    return row?.content ?? '';
  }

  async importRuns(tx: Tx, importId: string, jobRunId: string | null): Promise<void> {
    await tx.execute('UPDATE accounting.journal_file SET job_run_id = $2 WHERE import_id = $1', [importId, jobRunId]);
  }

  async endImport(
    tx: Tx,
    importId: string,
    ended: { state: 'DONE' | 'REFUSED'; lines: number; journals: number; report: readonly LineFault[] },
  ): Promise<void> {
    await tx.execute(
      `UPDATE accounting.journal_file SET state = $2, lines = $3, journals = $4, report = $5::jsonb, finished_at = kernel.now()
        WHERE import_id = $1 AND state = 'RUNNING'`,
      [importId, ended.state, ended.lines, ended.journals, JSON.stringify(ended.report)],
    );
  }
}
