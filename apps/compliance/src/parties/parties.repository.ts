import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { present } from '../present.js';

export const partyKinds = ['CLIENT', 'COUNTERPARTY', 'CCP', 'CUSTODIAN', 'INSTITUTION'] as const;
export type PartyKind = (typeof partyKinds)[number];
export const legalForms = ['NATURAL', 'LEGAL'] as const;
export type LegalForm = (typeof legalForms)[number];

/** What belongs to the whole institution and is seen in every book. */
export const institutionWide = '*';

export interface Party {
  partyId: string;
  kind: PartyKind;
  legalForm: LegalForm;
  name: string;
  country: string | null;
  birthDate: string | null;
  lei: string | null;
  /** `*`: of the whole institution. */
  book: string;
  status: 'ACTIVE' | 'INACTIVE' | 'WITHDRAWN';
}

export interface PartyRow extends Party {
  version: number;
  importId: string | null;
  isHeld: boolean;
  changedAt: Date;
}

export interface PartyFilter {
  kind?: PartyKind | null;
  status?: Party['status'] | null;
  book?: string | null;
  isHeld?: boolean | null;
}

const columns = `party_id AS "partyId", version, kind, legal_form AS "legalForm", name, country, birth_date::text AS "birthDate", lei,
  book_id AS book, status, import_id AS "importId", is_held AS "isHeld", changed_at AS "changedAt"`;

@Injectable()
export class PartiesRepository {
  async find(tx: Tx, ids: readonly string[]): Promise<PartyRow[]> {
    return tx.rows<PartyRow>(`SELECT ${columns} FROM compliance.party WHERE party_id = ANY ($1::text[])`, [ids]);
  }

  /** Shared lock: a party found clear here cannot become held by a commit that this transaction does not see. */
  async findForScreening(tx: Tx, ids: readonly string[]): Promise<PartyRow[]> {
    return tx.rows<PartyRow>(
      `SELECT ${columns} FROM compliance.party WHERE party_id = ANY ($1::text[]) ORDER BY party_id FOR SHARE`,
      [ids],
    );
  }

  async list(tx: Tx, filter: PartyFilter, limit: number, after?: string): Promise<PartyRow[]> {
    return tx.rows<PartyRow>(
      `SELECT ${columns} FROM compliance.party
        WHERE ($1::text IS NULL OR kind = $1) AND ($2::text IS NULL OR status = $2) AND ($3::text IS NULL OR book_id = $3)
          AND ($4::boolean IS NULL OR is_held = $4) AND ($5::text IS NULL OR party_id > $5)
        ORDER BY party_id LIMIT $6`,
      [filter.kind ?? null, filter.status ?? null, filter.book ?? null, filter.isHeld ?? null, after ?? null, limit],
    );
  }

  /** Parties in force that this list version has not been held against yet. */
  async toRescreen(tx: Tx, listVersionId: string, after: string, limit: number): Promise<PartyRow[]> {
    return tx.rows<PartyRow>(
      `SELECT ${columns} FROM compliance.party p
        WHERE party_id > $2 AND status <> 'WITHDRAWN'
          AND NOT EXISTS (SELECT FROM compliance.party_screened s
                           WHERE s.list_version_id = $1 AND s.party_id = p.party_id AND s.party_version = p.version)
        ORDER BY party_id LIMIT $3 FOR UPDATE`,
      [listVersionId, after, limit],
    );
  }

  async count(tx: Tx): Promise<number> {
    return present(
      await tx.row<{ count: number }>(
        `SELECT count(*)::int AS count FROM compliance.party WHERE status <> 'WITHDRAWN'`,
      ),
    ).count;
  }

  /** Adds the new ones and a version of those that changed; returns the ids of both. What is the same stays untouched. */
  async register(tx: Tx, parties: readonly Party[], importId: string): Promise<string[]> {
    const rows = await tx.rows<{ id: string }>(
      `WITH given AS (
         SELECT * FROM jsonb_to_recordset($1::jsonb) AS p ("partyId" text, kind text, "legalForm" text, name text, country text,
           "birthDate" date, lei text, book text, status text)),
       registered AS (
         INSERT INTO compliance.party AS p (party_id, version, kind, legal_form, name, country, birth_date, lei, book_id, status, import_id)
         SELECT "partyId", 1, kind, "legalForm", name, country, "birthDate", lei, book, status, $2 FROM given ORDER BY "partyId"
         ON CONFLICT (party_id) DO UPDATE
           SET version = p.version + 1, kind = excluded.kind, legal_form = excluded.legal_form, name = excluded.name,
               country = excluded.country, birth_date = excluded.birth_date, lei = excluded.lei, book_id = excluded.book_id,
               status = excluded.status, import_id = excluded.import_id, changed_at = kernel.now()
           WHERE (p.kind, p.legal_form, p.name, p.country, p.birth_date, p.lei, p.book_id, p.status)
                 IS DISTINCT FROM (excluded.kind, excluded.legal_form, excluded.name, excluded.country, excluded.birth_date,
                                   excluded.lei, excluded.book_id, excluded.status)
         RETURNING p.*),
       versioned AS (
         INSERT INTO compliance.party_version (party_id, version, kind, legal_form, name, country, birth_date, lei, book_id, status, import_id)
         SELECT party_id, version, kind, legal_form, name, country, birth_date, lei, book_id, status, import_id FROM registered)
       SELECT party_id AS id FROM registered ORDER BY party_id`,
      [JSON.stringify(parties), importId],
    );
    return rows.map(({ id }) => id);
  }

  async setHeld(tx: Tx, ids: readonly string[], isHeld: boolean): Promise<void> {
    await tx.execute('UPDATE compliance.party SET is_held = $2 WHERE party_id = ANY ($1::text[])', [ids, isHeld]);
  }

  async withdrawImport(tx: Tx, importId: string): Promise<string[]> {
    const rows = await tx.rows<{ id: string }>(
      `WITH withdrawn AS (
         UPDATE compliance.party SET status = 'WITHDRAWN', version = version + 1, changed_at = kernel.now()
          WHERE import_id = $1 AND status <> 'WITHDRAWN' RETURNING *),
       versioned AS (
         INSERT INTO compliance.party_version (party_id, version, kind, legal_form, name, country, birth_date, lei, book_id, status, import_id)
         SELECT party_id, version, kind, legal_form, name, country, birth_date, lei, book_id, status, import_id FROM withdrawn)
       SELECT party_id AS id FROM withdrawn ORDER BY party_id`,
      [importId],
    );
    return rows.map(({ id }) => id);
  }

  async importState(tx: Tx, importId: string): Promise<'APPLIED' | 'SIGNED' | 'ROLLED_BACK' | undefined> {
    const row = await tx.row<{ state: 'APPLIED' | 'SIGNED' | 'ROLLED_BACK' }>(
      'SELECT state FROM compliance.party_import WHERE import_id = $1 FOR UPDATE',
      [importId],
    );
    return row?.state;
  }

  async setImportState(tx: Tx, importId: string, state: 'APPLIED' | 'SIGNED' | 'ROLLED_BACK'): Promise<void> {
    await tx.execute(
      `INSERT INTO compliance.party_import (import_id, state) VALUES ($1, $2)
       ON CONFLICT (import_id) DO UPDATE SET state = excluded.state, changed_at = kernel.now()`,
      [importId, state],
    );
  }
}
