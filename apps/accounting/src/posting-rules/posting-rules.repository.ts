import { Injectable } from '@nestjs/common';
import { type PostingEvent } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { builtInRules } from './built-in-rules.js';
import { type RuleSet } from './posting-rules.js';

/** Which versions there are and from when; their rules are read once. */
export interface VersionMark {
  readonly book: string;
  readonly version: number;
  readonly validFrom: string;
}

export interface VersionRow extends VersionMark {
  readonly rules: RuleSet;
  readonly reason: string;
  readonly proposedBy: string;
  readonly approvedBy: string;
  readonly approvalId: string | null;
  readonly storedAt: Date;
}

export interface EventRow {
  readonly entryId: string;
  readonly book: string;
  readonly kind: string;
  readonly facts: PostingEvent['facts'];
  readonly ruleVersion: number;
}

/** From before any date. */
export const alwaysValid = '0001-01-01';

const columns = `v.book_id AS book, v.version, v.valid_from AS "validFrom", v.rules, v.reason, v.proposed_by AS "proposedBy",
  v.approved_by AS "approvedBy", v.approval_id AS "approvalId", v.stored_at AS "storedAt"`;

@Injectable()
export class PostingRulesRepository {
  async marks(tx: Tx, books: readonly string[]): Promise<VersionMark[]> {
    return tx.rows<VersionMark>(
      `SELECT v.book_id AS book, v.version, v.valid_from AS "validFrom" FROM accounting.posting_rule_version v WHERE v.book_id = ANY ($1::text[])`,
      [books],
    );
  }

  async versions(tx: Tx, wanted: readonly { book: string; version: number }[]): Promise<VersionRow[]> {
    return tx.rows<VersionRow>(
      `SELECT ${columns} FROM accounting.posting_rule_version v WHERE (v.book_id, v.version) IN (SELECT * FROM unnest($1::text[], $2::int[]))`,
      [wanted.map(({ book }) => book), wanted.map(({ version }) => version)],
    );
  }

  /** The newest first. */
  async list(tx: Tx, book: string): Promise<VersionRow[]> {
    return tx.rows<VersionRow>(
      `SELECT ${columns} FROM accounting.posting_rule_version v WHERE v.book_id = $1 ORDER BY v.version DESC`,
      [book],
    );
  }

  /** What books begin with, for those that have accounts and no rules yet. Two at once store it once. */
  async storeFirst(tx: Tx, books: readonly string[]): Promise<void> {
    await tx.execute(
      `INSERT INTO accounting.posting_rule_version (book_id, version, valid_from, rules, reason, proposed_by, approved_by)
       SELECT w.book, 1, $2, $3::jsonb, 'what every book begins with', 'service:accounting', 'service:accounting' FROM unnest($1::text[]) AS w(book)
        WHERE EXISTS (SELECT FROM accounting.account a WHERE a.book_id = w.book) ORDER BY w.book
       ON CONFLICT (book_id, version) DO NOTHING`,
      [books, alwaysValid, JSON.stringify(builtInRules)],
    );
  }

  async events(tx: Tx, entryIds: readonly string[]): Promise<EventRow[]> {
    return tx.rows<EventRow>(
      `SELECT p.entry_id AS "entryId", p.book_id AS book, p.event_kind AS kind, p.facts, p.rule_version AS "ruleVersion"
         FROM accounting.posting_event p WHERE p.entry_id = ANY ($1::text[])`,
      [entryIds],
    );
  }
}
