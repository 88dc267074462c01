import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { configurationHash, matchingConfiguration } from './name-matching.js';
import { type ExplainedName, type ScreenedKind } from './screening.js';

export interface StoredExplanation {
  /** `ALL`: against all lists in force. `NEW_ENTRIES`: against what one list version brought. */
  readonly scope: 'ALL' | 'NEW_ENTRIES';
  readonly names: readonly ExplainedName[];
}

export interface ScreeningRow {
  screeningId: string;
  objectKind: ScreenedKind;
  objectId: string;
  reference: string;
  book: string;
  partyId: string | null;
  partyVersion: number | null;
  batchId: string | null;
  outcome: 'CLEAR' | 'HIT';
  score: number;
  listVersionIds: string[];
  configurationHash: string;
  explanation: StoredExplanation;
  sealedNames: string;
  screenedAt: Date;
  sequence: string;
}

export type NewScreening = Omit<ScreeningRow, 'screenedAt' | 'sequence' | 'configurationHash'>;

const columns = `screening_id AS "screeningId", object_kind AS "objectKind", object_id AS "objectId", reference, book_id AS book,
  party_id AS "partyId", party_version AS "partyVersion", batch_id AS "batchId", outcome, score, list_version_ids AS "listVersionIds",
  configuration_hash AS "configurationHash", explanation, sealed_names AS "sealedNames", screened_at AS "screenedAt", sequence`;

@Injectable()
export class ScreeningRepository {
  async insert(tx: Tx, screenings: readonly NewScreening[]): Promise<void> {
    if (screenings.length === 0) return;
    await tx.execute(
      `INSERT INTO compliance.matching_configuration (configuration_hash, configuration) VALUES ($1, $2::jsonb) ON CONFLICT DO NOTHING`,
      [configurationHash, JSON.stringify(matchingConfiguration)],
    );
    await tx.execute(
      `INSERT INTO compliance.screening (screening_id, object_kind, object_id, reference, book_id, party_id, party_version, batch_id,
         outcome, score, list_version_ids, configuration_hash, explanation, sealed_names)
       SELECT "screeningId", "objectKind", "objectId", reference, book, "partyId", "partyVersion", "batchId", outcome, score,
              ARRAY(SELECT jsonb_array_elements_text("listVersionIds")), $2, explanation, "sealedNames"
         FROM jsonb_to_recordset($1::jsonb) AS s ("screeningId" text, "objectKind" text, "objectId" text, reference text, book text,
              "partyId" text, "partyVersion" int, "batchId" text, outcome text, score int, "listVersionIds" jsonb, explanation jsonb,
              "sealedNames" text)`,
      [JSON.stringify(screenings), configurationHash],
    );
  }

  async recordParties(
    tx: Tx,
    screened: readonly { listVersionId: string; partyId: string; partyVersion: number; screeningId: string }[],
  ): Promise<void> {
    await tx.execute(
      `INSERT INTO compliance.party_screened (list_version_id, party_id, party_version, screening_id)
       SELECT "listVersionId", "partyId", "partyVersion", "screeningId"
         FROM jsonb_to_recordset($1::jsonb) AS s ("listVersionId" text, "partyId" text, "partyVersion" int, "screeningId" text)
       ON CONFLICT DO NOTHING`,
      [JSON.stringify(screened)],
    );
  }

  async find(tx: Tx, ids: readonly string[]): Promise<ScreeningRow[]> {
    return tx.rows<ScreeningRow>(`SELECT ${columns} FROM compliance.screening WHERE screening_id = ANY ($1::text[])`, [
      ids,
    ]);
  }

  /** Newest first. */
  async ofObjects(tx: Tx, objectKind: ScreenedKind, objectIds: readonly string[]): Promise<ScreeningRow[]> {
    return tx.rows<ScreeningRow>(
      `SELECT ${columns} FROM compliance.screening WHERE object_kind = $1 AND object_id = ANY ($2::text[]) ORDER BY sequence DESC`,
      [objectKind, objectIds],
    );
  }

  async clearedMatches(tx: Tx, partyIds: readonly string[]): Promise<Map<string, Set<string>>> {
    const rows = await tx.rows<{ partyId: string; partyVersion: number; entryVersionId: string }>(
      `SELECT party_id AS "partyId", party_version AS "partyVersion", entry_version_id AS "entryVersionId"
         FROM compliance.cleared_match WHERE party_id = ANY ($1::text[])`,
      [partyIds],
    );
    const cleared = new Map<string, Set<string>>();
    for (const row of rows) {
      const key = `${row.partyId}/${row.partyVersion}`;
      cleared.set(key, (cleared.get(key) ?? new Set()).add(row.entryVersionId));
    }
    return cleared;
  }
}
