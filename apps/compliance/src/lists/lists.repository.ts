import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { idFrom } from '#libs/kernel/index.js';
import { present } from '../present.js';
import { entryContentHash, type ListEntry } from '#libs/sanctions-list/index.js';

export type ListPart = 'NAMES' | 'ALIASES' | 'ADDRESSES';

export interface ListVersionRow {
  listVersionId: string;
  source: string;
  name: string;
  contentHash: string;
  previousVersionId: string | null;
  entryCount: number;
  aliasCount: number;
  addressCount: number;
  addedCount: number | null;
  changedCount: number | null;
  removedCount: number | null;
  partyHitCount: number | null;
  state: 'RECEIVED' | 'ACTIVE' | 'SUPERSEDED';
  receivedAt: Date;
  receivedBy: string;
  activatedAt: Date | null;
  rescreenedAt: Date | null;
  jobRunId: string | null;
  sequence: string;
}

export interface StoredEntry {
  entryVersionId: string;
  name: string;
  aliases: string[];
}

export interface DeltaCounts {
  added: number;
  changed: number;
  removed: number;
}

export function entryVersionIdOf(source: string, entry: ListEntry): string {
  return idFrom('lev', source, entry.entryId, entryContentHash(entry));
}

const columns = `list_version_id AS "listVersionId", source, name, content_hash AS "contentHash", previous_version_id AS "previousVersionId",
  entry_count AS "entryCount", alias_count AS "aliasCount", address_count AS "addressCount", added_count AS "addedCount",
  changed_count AS "changedCount", removed_count AS "removedCount", party_hit_count AS "partyHitCount", state,
  received_at AS "receivedAt", received_by AS "receivedBy", activated_at AS "activatedAt", rescreened_at AS "rescreenedAt",
  job_run_id AS "jobRunId", sequence`;

@Injectable()
export class ListsRepository {
  /** Two files of one source never arrive at once. */
  async lockSource(tx: Tx, source: string): Promise<void> {
    await tx.execute(`SELECT pg_advisory_xact_lock(hashtext('compliance.list:' || $1))`, [source]);
  }

  async latestOf(tx: Tx, source: string): Promise<ListVersionRow | undefined> {
    return tx.row<ListVersionRow>(
      `SELECT ${columns} FROM compliance.list_version WHERE source = $1 ORDER BY sequence DESC LIMIT 1`,
      [source],
    );
  }

  async find(tx: Tx, listVersionId: string): Promise<ListVersionRow | undefined> {
    return tx.row<ListVersionRow>(`SELECT ${columns} FROM compliance.list_version WHERE list_version_id = $1`, [
      listVersionId,
    ]);
  }

  async insert(
    tx: Tx,
    version: Pick<
      ListVersionRow,
      | 'listVersionId'
      | 'source'
      | 'name'
      | 'contentHash'
      | 'previousVersionId'
      | 'entryCount'
      | 'aliasCount'
      | 'addressCount'
      | 'receivedBy'
    >,
    parts: readonly { part: ListPart; content: string }[],
  ): Promise<void> {
    await tx.execute(
      `INSERT INTO compliance.list_version (list_version_id, source, name, content_hash, previous_version_id, entry_count, alias_count,
         address_count, received_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        version.listVersionId,
        version.source,
        version.name,
        version.contentHash,
        version.previousVersionId,
        version.entryCount,
        version.aliasCount,
        version.addressCount,
        version.receivedBy,
      ],
    );
    await tx.execute(
      `INSERT INTO compliance.list_content (list_version_id, part, content)
       SELECT $1, part, content FROM unnest($2::text[], $3::text[]) AS p (part, content)`,
      [version.listVersionId, parts.map(({ part }) => part), parts.map(({ content }) => content)],
    );
  }

  async setJobRun(tx: Tx, listVersionId: string, jobRunId: string | null): Promise<void> {
    await tx.execute('UPDATE compliance.list_version SET job_run_id = $2 WHERE list_version_id = $1', [
      listVersionId,
      jobRunId,
    ]);
  }

  async content(tx: Tx, listVersionId: string): Promise<Map<ListPart, string>> {
    const rows = await tx.rows<{ part: ListPart; content: string }>(
      'SELECT part, content FROM compliance.list_content WHERE list_version_id = $1',
      [listVersionId],
    );
    return new Map(rows.map(({ part, content }) => [part, content]));
  }

  async storeEntries(
    tx: Tx,
    version: { listVersionId: string; source: string },
    entries: readonly ListEntry[],
  ): Promise<void> {
    const rows = entries.map((entry) => ({
      id: entryVersionIdOf(version.source, entry),
      number: entry.entryId,
      kind: entry.kind,
      name: entry.name,
      aliases: entry.aliases.map((alias) => alias.name),
      programs: entry.programs,
      remarks: entry.remarks ?? '',
    }));
    await tx.execute(
      `WITH given AS MATERIALIZED (
         SELECT * FROM jsonb_to_recordset($3::jsonb)
           AS e (id text, number text, kind text, name text, aliases jsonb, programs jsonb, remarks text)),
       stored AS (
         INSERT INTO compliance.list_entry (entry_version_id, source, entry_number, kind, name, aliases, programs, remarks)
         SELECT id, $2, number, kind, name, aliases, programs, remarks FROM given ON CONFLICT (entry_version_id) DO NOTHING)
       INSERT INTO compliance.list_version_entry (list_version_id, entry_version_id)
       SELECT $1, id FROM given ON CONFLICT DO NOTHING`,
      [version.listVersionId, version.source, JSON.stringify(rows)],
    );
  }

  async storedCount(tx: Tx, listVersionId: string): Promise<number> {
    const row = await tx.row<{ count: number }>(
      'SELECT count(*)::int AS count FROM compliance.list_version_entry WHERE list_version_id = $1',
      [listVersionId],
    );
    return present(row).count;
  }

  /** Screenings in flight end first, those that come wait until the new version is in force. */
  async lockForActivation(tx: Tx): Promise<void> {
    await tx.execute('SELECT FROM compliance.list_state FOR UPDATE');
  }

  async lockForScreening(tx: Tx): Promise<void> {
    await tx.execute('SELECT FROM compliance.list_state FOR SHARE');
  }

  /** The newest version before this one that every party has been screened against; a discarded activation leaves a gap. */
  async lastScreenedBefore(tx: Tx, version: ListVersionRow): Promise<string | null> {
    const row = await tx.row<{ id: string }>(
      `SELECT list_version_id AS id FROM compliance.list_version
        WHERE source = $1 AND sequence < $2 AND rescreened_at IS NOT NULL ORDER BY sequence DESC LIMIT 1`,
      [version.source, version.sequence],
    );
    return row?.id ?? null;
  }

  async isNewerInForce(tx: Tx, version: ListVersionRow): Promise<boolean> {
    const row = await tx.row(
      `SELECT FROM compliance.list_version WHERE source = $1 AND sequence > $2 AND state <> 'RECEIVED' LIMIT 1`,
      [version.source, version.sequence],
    );
    return row !== undefined;
  }

  async supersede(tx: Tx, listVersionId: string): Promise<void> {
    await tx.execute(`UPDATE compliance.list_version SET state = 'SUPERSEDED' WHERE list_version_id = $1`, [
      listVersionId,
    ]);
  }

  async delta(tx: Tx, listVersionId: string, previousVersionId: string | null): Promise<DeltaCounts> {
    const row = await tx.row<DeltaCounts>(
      `WITH before AS (
         SELECT entry_version_id, entry_number FROM compliance.list_version_entry JOIN compliance.list_entry USING (entry_version_id)
          WHERE list_version_id = $2),
       after AS (
         SELECT entry_version_id, entry_number FROM compliance.list_version_entry JOIN compliance.list_entry USING (entry_version_id)
          WHERE list_version_id = $1)
       SELECT (SELECT count(*)::int FROM after WHERE entry_number NOT IN (SELECT entry_number FROM before)) AS added,
              (SELECT count(*)::int FROM after JOIN before USING (entry_number)
                WHERE after.entry_version_id <> before.entry_version_id) AS changed,
              (SELECT count(*)::int FROM before WHERE entry_number NOT IN (SELECT entry_number FROM after)) AS removed`,
      [listVersionId, previousVersionId],
    );
    return present(row);
  }

  async putInForce(tx: Tx, version: ListVersionRow, comparedWithId: string | null, delta: DeltaCounts): Promise<Date> {
    await tx.execute(`UPDATE compliance.list_version SET state = 'SUPERSEDED' WHERE source = $1 AND state = 'ACTIVE'`, [
      version.source,
    ]);
    const [row] = await tx.rows<{ at: Date }>(
      `UPDATE compliance.list_version
          SET state = 'ACTIVE', activated_at = kernel.now(), added_count = $2, changed_count = $3, removed_count = $4,
              compared_with_id = $5
        WHERE list_version_id = $1 RETURNING activated_at AS at`,
      [version.listVersionId, delta.added, delta.changed, delta.removed, comparedWithId],
    );
    return present(row).at;
  }

  async finishRescreening(tx: Tx, listVersionId: string, partyHits: number): Promise<void> {
    await tx.execute(
      'UPDATE compliance.list_version SET rescreened_at = kernel.now(), party_hit_count = $2 WHERE list_version_id = $1',
      [listVersionId, partyHits],
    );
  }

  async active(tx: Tx): Promise<{ listVersionId: string; source: string }[]> {
    return tx.rows(
      `SELECT list_version_id AS "listVersionId", source FROM compliance.list_version WHERE state = 'ACTIVE' ORDER BY activated_at, sequence`,
    );
  }

  async entries(tx: Tx, listVersionId: string): Promise<StoredEntry[]> {
    return tx.rows<StoredEntry>(
      `SELECT entry_version_id AS "entryVersionId", name, aliases
         FROM compliance.list_version_entry JOIN compliance.list_entry USING (entry_version_id)
        WHERE list_version_id = $1 ORDER BY entry_version_id`,
      [listVersionId],
    );
  }

  /** Entries that parties have not been screened against yet: new ones and new contents of old ones. */
  async newEntries(tx: Tx, listVersionId: string): Promise<StoredEntry[]> {
    return tx.rows<StoredEntry>(
      `SELECT entry_version_id AS "entryVersionId", name, aliases
         FROM compliance.list_version_entry JOIN compliance.list_entry USING (entry_version_id)
        WHERE list_version_id = $1
          AND NOT EXISTS (
            SELECT FROM compliance.list_version_entry old
              JOIN compliance.list_version version ON version.compared_with_id = old.list_version_id
             WHERE version.list_version_id = $1 AND old.entry_version_id = list_version_entry.entry_version_id)
        ORDER BY entry_version_id`,
      [listVersionId],
    );
  }

  /** Newest first. */
  async list(tx: Tx, source: string | null, limit: number, before?: string): Promise<ListVersionRow[]> {
    return tx.rows<ListVersionRow>(
      `SELECT ${columns} FROM compliance.list_version
        WHERE ($1::text IS NULL OR source = $1) AND ($2::bigint IS NULL OR sequence < $2) ORDER BY sequence DESC LIMIT $3`,
      [source, before ?? null, limit],
    );
  }
}
