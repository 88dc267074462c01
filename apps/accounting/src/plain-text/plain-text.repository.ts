import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type GlRole, type GlType } from '../chart/chart.js';
import {
  type ExportedAccount,
  type ExportedAsset,
  type ExportedEntry,
  type ExportedPosting,
} from './exported-journal.js';
import { type ImportedLine, type KnownAccount } from './imported-journal.js';

export interface ExportSpan {
  readonly book: string;
  readonly from: string;
  readonly to: string;
}

/** Where an export goes on. `pass` 1 reads entries booked in the span, 2 those booked elsewhere that belong to it. */
export interface EntryPlace {
  readonly pass: 1 | 2;
  readonly date: string;
  readonly sequence: string;
}

export interface JournalImportRow {
  readonly id: string;
  readonly book: string;
  readonly name: string;
  readonly sha256: string;
  readonly entryCount: number;
  readonly lines: (ImportedLine & { readonly entryId?: string })[];
  readonly state: 'CHECKED' | 'BOOKED';
  readonly submittedBy: string;
  readonly submittedAt: Date;
  readonly bookedBy: string | null;
  readonly bookedAt: Date | null;
}

interface PostingJson {
  readonly number: string;
  readonly code: string;
  readonly name: string;
  readonly type: GlType;
  readonly role: GlRole;
  readonly asset: string;
  readonly scale: number;
  readonly units: string;
}

const postingJson = `jsonb_build_object('number', l.number, 'code', c.code, 'name', c.name, 'type', c.type, 'role', c.role,
  'asset', l.asset, 'scale', s.scale`;
const ofLedgerAccount = `accounting.ledger_account l JOIN accounting.account n ON n.book_id = l.book_id AND n.number = l.number
  JOIN accounting.gl_account c ON c.book_id = n.book_id AND c.code = n.gl_code JOIN accounting.asset s ON s.asset = l.asset`;
const importColumns = `i.import_id AS id, i.book_id AS book, i.name, i.sha256, i.entry_count AS "entryCount", i.lines, i.state,
  i.submitted_by AS "submittedBy", i.submitted_at AS "submittedAt", i.booked_by AS "bookedBy", i.booked_at AS "bookedAt"`;

const postingOf = ({ units, ...posting }: PostingJson): ExportedPosting => ({ ...posting, units: BigInt(units) });

@Injectable()
export class PlainTextRepository {
  async hasBook(tx: Tx, book: string): Promise<boolean> {
    return (await tx.row('SELECT 1 FROM accounting.account WHERE book_id = $1 LIMIT 1', [book])) !== undefined;
  }

  async openDate(tx: Tx, book: string): Promise<string | undefined> {
    const row = await tx.row<{ date: string }>(
      `SELECT business_date::text AS date FROM accounting.business_day WHERE book_id = $1 AND state = 'OPEN'`,
      [book],
    );
    return row?.date;
  }

  async countEntries(tx: Tx, { book, from, to }: ExportSpan): Promise<number> {
    const row = await tx.row<{ count: string }>(
      `SELECT count(*) FROM accounting.journal_entry WHERE book_id = $1 AND business_date BETWEEN $2 AND $3`,
      [book, from, to],
    );
    return Number(row?.count ?? 0);
  }

  assets(tx: Tx, book: string): Promise<ExportedAsset[]> {
    return tx.rows<ExportedAsset>(
      `SELECT s.asset, s.scale FROM accounting.asset s
        WHERE s.asset IN (SELECT l.asset FROM accounting.ledger_account l WHERE l.book_id = $1) ORDER BY s.asset`,
      [book],
    );
  }

  /** Accounts that were ever posted to, by their numbers. */
  accounts(tx: Tx, book: string, after: string, most: number): Promise<ExportedAccount[]> {
    return tx.rows<ExportedAccount>(
      `SELECT n.number, c.code, c.name, c.type, c.role FROM accounting.account n JOIN accounting.gl_account c ON c.book_id = n.book_id AND c.code = n.gl_code
        WHERE n.book_id = $1 AND n.number > $2 AND EXISTS (SELECT FROM accounting.ledger_account l WHERE l.book_id = n.book_id AND l.number = n.number)
        ORDER BY n.number LIMIT $3`,
      [book, after, most],
    );
  }

  /** What stood before a date by the date that entries belong to, by asset and number. */
  async standing(
    tx: Tx,
    book: string,
    before: string,
    after: { asset: string; number: string },
    most: number,
  ): Promise<ExportedPosting[]> {
    const rows = await tx.rows<{ posting: PostingJson }>(
      `SELECT ${postingJson}, 'units', t.units::text) AS posting FROM ${ofLedgerAccount}
        CROSS JOIN LATERAL (
          SELECT coalesce(sum(m.units), 0) AS units
            FROM (SELECT b.debit - b.credit AS units FROM accounting.bucket_now b WHERE b.ledger_account_id = l.ledger_account_id AND b.business_date < $2::date
                  UNION ALL
                  SELECT x.credit - x.debit FROM accounting.accounting_shift x WHERE x.ledger_account_id = l.ledger_account_id AND x.business_date < $2::date
                  UNION ALL
                  SELECT x.debit - x.credit FROM accounting.accounting_shift x WHERE x.ledger_account_id = l.ledger_account_id AND x.accounting_date < $2::date) m) t
        WHERE l.book_id = $1 AND (l.asset, l.number) > ($3, $4) AND t.units <> 0 ORDER BY l.asset, l.number LIMIT $5`,
      [book, before, after.asset, after.number, most],
    );
    return rows.map(({ posting }) => postingOf(posting));
  }

  /** The next entries that belong to the span, in the order they were booked. */
  async entries(
    tx: Tx,
    { book, from, to }: ExportSpan,
    { pass, date, sequence }: EntryPlace,
    most: number,
  ): Promise<(ExportedEntry & { readonly sequence: string })[]> {
    const source =
      pass === 1
        ? `accounting.journal_entry e LEFT JOIN accounting.entry_accounting_date d USING (entry_id)
            WHERE e.book_id = $1 AND e.business_date BETWEEN $2 AND $3 AND coalesce(d.accounting_date, e.business_date) BETWEEN $2 AND $3`
        : `accounting.entry_accounting_date d JOIN accounting.journal_entry e USING (entry_id)
            WHERE d.book_id = $1 AND d.accounting_date BETWEEN $2 AND $3 AND e.business_date NOT BETWEEN $2 AND $3`;
    const rows = await tx.rows<Omit<ExportedEntry, 'postings'> & { sequence: string; postings: PostingJson[] }>(
      `WITH page AS (
         SELECT e.entry_id, e.sequence, e.business_date, e.value_date, e.kind, e.description, e.subject_kind || ' ' || e.subject_id AS subject,
                e.reverses_entry_id, coalesce(d.accounting_date, e.business_date) AS accounting_date
           FROM ${source} AND (e.business_date, e.sequence) > ($4::date, $5::bigint) ORDER BY e.business_date, e.sequence LIMIT $6)
       SELECT p.entry_id AS "entryId", p.sequence, p.business_date::text AS "businessDate", p.value_date::text AS "valueDate", p.kind, p.description,
              p.subject, p.reverses_entry_id AS reverses, p.accounting_date::text AS "accountingDate",
              (SELECT jsonb_agg(${postingJson}, 'units', g.units::text) ORDER BY g.n)
                 FROM accounting.posting g JOIN ${ofLedgerAccount.replace('accounting.ledger_account l', 'accounting.ledger_account l ON l.ledger_account_id = g.ledger_account_id')}
                WHERE g.entry_id = p.entry_id) AS postings
         FROM page p ORDER BY p.business_date, p.sequence`,
      [book, from, to, date, sequence, most],
    );
    return rows.map(({ postings, ...entry }) => ({ ...entry, postings: postings.map(postingOf) }));
  }

  /** What numbers and codes of the book these are. */
  async known(
    tx: Tx,
    book: string,
    names: readonly string[],
  ): Promise<{ accounts: Map<string, KnownAccount>; otherCodes: Set<string> }> {
    const ofNumbers = await tx.rows<KnownAccount>(
      `SELECT n.number, c.code, c.name, c.type, c.role FROM accounting.account n JOIN accounting.gl_account c ON c.book_id = n.book_id AND c.code = n.gl_code
        WHERE n.book_id = $1 AND n.number = ANY ($2::text[])`,
      [book, names],
    );
    const ofCodes = await tx.rows<KnownAccount>(
      `SELECT c.code AS number, c.code, c.name, c.type, c.role FROM accounting.gl_account c WHERE c.book_id = $1 AND c.code = ANY ($2::text[])`,
      [book, names],
    );
    const direct = ofCodes.filter(({ role }) => role === 'DIRECT');
    return {
      accounts: new Map([...direct, ...ofNumbers].map((one) => [one.number, one])),
      otherCodes: new Set(ofCodes.filter(({ role }) => role !== 'DIRECT').map(({ code }) => code)),
    };
  }

  async scales(tx: Tx, assets: readonly string[]): Promise<Map<string, number>> {
    const rows = await tx.rows<ExportedAsset>(
      'SELECT asset, scale FROM accounting.asset WHERE asset = ANY ($1::text[])',
      [assets],
    );
    return new Map(rows.map(({ asset, scale }) => [asset, scale]));
  }

  findImport(tx: Tx, id: string): Promise<JournalImportRow | undefined> {
    return tx.row<JournalImportRow>(`SELECT ${importColumns} FROM accounting.journal_import i WHERE i.import_id = $1`, [
      id,
    ]);
  }

  importOf(tx: Tx, book: string, sha256: string): Promise<JournalImportRow | undefined> {
    return tx.row<JournalImportRow>(
      `SELECT ${importColumns} FROM accounting.journal_import i WHERE i.book_id = $1 AND i.sha256 = $2`,
      [book, sha256],
    );
  }

  /** Whoever books the same import waits. */
  async lockImport(tx: Tx, id: string): Promise<(JournalImportRow & { readonly content: string }) | undefined> {
    return tx.row(
      `SELECT ${importColumns}, i.content FROM accounting.journal_import i WHERE i.import_id = $1 FOR UPDATE`,
      [id],
    );
  }

  /** Two who bring the same file at once find one import. */
  async insertImport(
    tx: Tx,
    row: Pick<JournalImportRow, 'id' | 'book' | 'name' | 'sha256' | 'entryCount' | 'lines' | 'submittedBy'> & {
      readonly content: string;
    },
  ): Promise<void> {
    await tx.execute(
      `INSERT INTO accounting.journal_import (import_id, book_id, name, content, sha256, entry_count, lines, submitted_by)
       VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8) ON CONFLICT (book_id, sha256) DO NOTHING`,
      [row.id, row.book, row.name, row.content, row.sha256, row.entryCount, JSON.stringify(row.lines), row.submittedBy],
    );
  }

  async booked(tx: Tx, id: string, by: string, lines: readonly object[]): Promise<void> {
    await tx.execute(
      `UPDATE accounting.journal_import SET state = 'BOOKED', booked_by = $2, booked_at = kernel.now(), lines = $3::jsonb WHERE import_id = $1`,
      [id, by, JSON.stringify(lines)],
    );
  }
}
