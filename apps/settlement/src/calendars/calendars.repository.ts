import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { type CalendarContent, type Closure, dataFrom, dataTo } from './calendars.js';

export interface CalendarVersion {
  readonly id: string;
  readonly version: number;
  readonly hash: string;
}

export interface CalendarVersionRow extends CalendarVersion {
  readonly builtInVersion: string;
  readonly zone: string | null;
  readonly recordedAt: Date;
  readonly originId: string | null;
}

const lockKey = `hashtextextended('calendars', 0)`;

@Injectable()
export class CalendarsRepository {
  async share(tx: Tx): Promise<void> {
    await tx.execute(`SELECT pg_advisory_xact_lock_shared(${lockKey})`);
  }

  async lock(tx: Tx): Promise<void> {
    await tx.execute(`SELECT pg_advisory_xact_lock(${lockKey})`);
  }

  /** The newest version of each calendar, or the newest at a moment; before all versions the first, whose rules were published long before. */
  async heads(tx: Tx, knownAt: Date | null): Promise<CalendarVersion[]> {
    return tx.rows<CalendarVersion>(
      `SELECT DISTINCT ON (calendar_id) calendar_id AS id, version, content_hash AS hash FROM settlement.calendar_version
        WHERE $1::timestamptz IS NULL OR recorded_at <= $1 OR version = 1 ORDER BY calendar_id, version DESC`,
      [knownAt?.toISOString() ?? null],
    );
  }

  async contents(tx: Tx, versions: readonly CalendarVersion[]): Promise<Map<string, CalendarContent>> {
    if (versions.length === 0) return new Map();
    const rows = await tx.rows<CalendarContent & { version: number }>(
      `SELECT v.calendar_id AS id, v.version, v.built_in_version AS "builtInVersion", v.zone,
              coalesce((SELECT jsonb_agg(d.day ORDER BY d.day) FROM settlement.calendar_closed_day d
                         WHERE d.calendar_id = v.calendar_id AND d.version = v.version), '[]') AS holidays,
              coalesce((SELECT jsonb_agg(jsonb_build_object('day', e.day, 'localTime', e.local_time) ORDER BY e.day)
                          FROM settlement.calendar_early_close e
                         WHERE e.calendar_id = v.calendar_id AND e.version = v.version), '[]') AS "earlyCloses"
         FROM jsonb_to_recordset($1::jsonb) AS wanted(id text, version int)
         JOIN settlement.calendar_version v ON v.calendar_id = wanted.id AND v.version = wanted.version`,
      [JSON.stringify(versions)],
    );
    return new Map(rows.map((row) => [`${row.id}@${row.version}`, row]));
  }

  /** What two people decided about single days, oldest first: a later word about a day goes over an earlier one. */
  async closures(tx: Tx): Promise<Closure[]> {
    return tx.rows<Closure>(
      `SELECT calendar_id AS "calendarId", day, closes_at AS "closesAt", zone FROM settlement.calendar_closure ORDER BY sequence`,
    );
  }

  async addClosure(
    tx: Tx,
    closure: Closure & { readonly reason: string; readonly changeId: string; readonly by: string },
  ): Promise<void> {
    await tx.execute(
      `INSERT INTO settlement.calendar_closure (calendar_id, day, closes_at, zone, reason, change_id, decided_by)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [closure.calendarId, closure.day, closure.closesAt, closure.zone, closure.reason, closure.changeId, closure.by],
    );
  }

  async insert(
    tx: Tx,
    versions: readonly (CalendarContent & CalendarVersion)[],
    originId: string | null,
  ): Promise<void> {
    if (versions.length === 0) return;
    const json = JSON.stringify(versions);
    await tx.execute(
      `INSERT INTO settlement.calendar_version (calendar_id, version, data_from, data_to, content_hash, built_in_version, zone, origin_id,
         closed_days, early_closes)
       SELECT id, version, $2, $3, hash, "builtInVersion", zone, $4, jsonb_array_length(holidays), jsonb_array_length("earlyCloses")
         FROM jsonb_to_recordset($1::jsonb) AS r(id text, version int, hash text, "builtInVersion" text, zone text, holidays jsonb, "earlyCloses" jsonb)`,
      [json, dataFrom, dataTo, originId],
    );
    await tx.execute(
      `INSERT INTO settlement.calendar_closed_day (calendar_id, version, day)
       SELECT id, version, day::date FROM jsonb_to_recordset($1::jsonb) AS r(id text, version int, holidays jsonb), jsonb_array_elements_text(holidays) AS day`,
      [json],
    );
    await tx.execute(
      `INSERT INTO settlement.calendar_early_close (calendar_id, version, day, local_time)
       SELECT r.id, r.version, e.day, e."localTime"
         FROM jsonb_to_recordset($1::jsonb) AS r(id text, version int, "earlyCloses" jsonb),
              jsonb_to_recordset("earlyCloses") AS e(day date, "localTime" text)`,
      [json],
    );
  }

  /** Every version of a calendar, oldest first. */
  async history(tx: Tx, id: string): Promise<CalendarVersionRow[]> {
    return tx.rows<CalendarVersionRow>(
      `SELECT calendar_id AS id, version, content_hash AS hash, built_in_version AS "builtInVersion", zone, recorded_at AS "recordedAt",
              origin_id AS "originId" FROM settlement.calendar_version WHERE calendar_id = $1 ORDER BY version`,
      [id],
    );
  }

  /** The version known at a moment, with its days of a period. */
  async version(
    tx: Tx,
    id: string,
    knownAt: Date | null,
    from: PlainDate,
    to: PlainDate,
  ): Promise<
    (CalendarVersionRow & { closedDays: PlainDate[]; earlyCloses: { day: PlainDate; localTime: string }[] }) | undefined
  > {
    return tx.row(
      `SELECT v.calendar_id AS id, v.version, v.content_hash AS hash, v.built_in_version AS "builtInVersion", v.zone,
              v.recorded_at AS "recordedAt", v.origin_id AS "originId",
              coalesce((SELECT jsonb_agg(d.day ORDER BY d.day) FROM settlement.calendar_closed_day d
                         WHERE d.calendar_id = v.calendar_id AND d.version = v.version AND d.day BETWEEN $3 AND $4), '[]') AS "closedDays",
              coalesce((SELECT jsonb_agg(jsonb_build_object('day', e.day, 'localTime', e.local_time) ORDER BY e.day)
                          FROM settlement.calendar_early_close e
                         WHERE e.calendar_id = v.calendar_id AND e.version = v.version AND e.day BETWEEN $3 AND $4), '[]') AS "earlyCloses"
         FROM settlement.calendar_version v WHERE v.calendar_id = $1 AND ($2::timestamptz IS NULL OR v.recorded_at <= $2 OR v.version = 1)
        ORDER BY v.version DESC LIMIT 1`,
      [id, knownAt?.toISOString() ?? null, from, to],
    );
  }
}
