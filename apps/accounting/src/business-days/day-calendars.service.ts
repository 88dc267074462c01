import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type CalendarVersioned } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { builtInDays, type DayCalendar, type DayCalendars } from './books.js';

interface StoredCalendar {
  readonly id: string;
  readonly version: number;
  readonly closedDays: PlainDate[];
  readonly earlyCloses: { day: PlainDate; localTime: string }[];
  readonly zone: string | null;
}

/** The calendars that the days of the books are counted on, as settlement tells of them: versions that never change. */
@Injectable()
export class DayCalendarsService {
  /** Told again, or told late, a version changes nothing that is newer. Returns whether it is the newest one now. */
  async keep(tx: Tx, told: CalendarVersioned): Promise<boolean> {
    const added = await tx.execute(
      `INSERT INTO accounting.calendar_version (calendar_id, version, content_hash, closed_days, early_closes, zone)
       VALUES ($1, $2, $3, $4::date[], $5::jsonb, $6) ON CONFLICT (calendar_id, version) DO NOTHING`,
      [told.calendar, told.version, told.contentHash, told.closedDays, JSON.stringify(told.earlyCloses), told.zone],
    );
    const kept = await tx.row<{ hash: string; newest: number }>(
      `SELECT content_hash AS hash, (SELECT max(version) FROM accounting.calendar_version WHERE calendar_id = $1) AS newest
         FROM accounting.calendar_version WHERE calendar_id = $1 AND version = $2`,
      [told.calendar, told.version],
    );
    if (kept?.hash !== told.contentHash)
      throw new Error(`calendar ${told.calendar} version ${told.version} was told with other days before`);
    return added === 1 && kept.newest === told.version;
  }

  /** The newest version of each calendar; the rules of the product for one that was never told of. */
  async current(tx: Tx): Promise<DayCalendars> {
    const rows = await tx.rows<StoredCalendar>(
      `SELECT DISTINCT ON (calendar_id) calendar_id AS id, version, to_jsonb(closed_days) AS "closedDays",
              early_closes AS "earlyCloses", zone
         FROM accounting.calendar_version ORDER BY calendar_id, version DESC`,
    );
    const stored = new Map(rows.map((row) => [row.id, calendarFrom(row)]));
    return { of: (id) => stored.get(id) ?? builtInDays.of(id) };
  }
}

function calendarFrom({ id, version, closedDays, earlyCloses, zone }: StoredCalendar): DayCalendar {
  const early = new Map(earlyCloses.map(({ day, localTime }) => [day, localTime]));
  return {
    id,
    version: String(version),
    weekend: [6, 7],
    holidays: new Set(closedDays),
    earlyClose: (day) => early.get(day),
    zone,
  };
}
