import { Injectable } from '@nestjs/common';
import { calendarData, calendarIds, lastBuiltInYear, type PlainDate, yearOf } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { canonicalJson, sha256Hex } from '#libs/kernel/index.js';
import { WorkItems } from '#libs/work-items/index.js';

/** Years kept beside the one being worked, so that every open settlement date is covered. */
const yearsBack = 1;
const yearsAhead = 3;
/** A calendar that ends sooner than this is asked for. */
const expiryWarningYears = 1;

/** Calendars as versioned data: what was known on a day can be asked later. */
@Injectable()
export class CalendarsService {
  constructor(private readonly workItems: WorkItems) {}

  /** Stores a new version of each calendar that is not as it was stored last; the rest stays. */
  async store(tx: Tx, businessDate: PlainDate): Promise<number> {
    const year = yearOf(businessDate);
    const latest = await tx.rows<{ id: string; version: number; hash: string }>(
      `SELECT DISTINCT ON (calendar_id) calendar_id AS id, version, content_hash AS hash FROM settlement.calendar_version ORDER BY calendar_id, version DESC`,
    );
    const known = new Map(latest.map((one) => [one.id, one]));
    const versions = calendarIds().flatMap((id) => {
      const data = calendarData(id, year - yearsBack, year + yearsAhead);
      const hash = sha256Hex(canonicalJson(data));
      const before = known.get(id);
      return before?.hash === hash ? [] : [{ id, version: (before?.version ?? 0) + 1, hash, days: data.holidays }];
    });
    if (versions.length === 0) return 0;
    await tx.execute(
      `INSERT INTO settlement.calendar_version (calendar_id, version, data_from, data_to, content_hash)
       SELECT id, version, $2, $3, hash FROM jsonb_to_recordset($1::jsonb) AS r(id text, version int, hash text) ON CONFLICT DO NOTHING`,
      [JSON.stringify(versions), `${year - yearsBack}-01-01`, `${year + yearsAhead}-12-31`],
    );
    await tx.execute(
      `INSERT INTO settlement.calendar_closed_day (calendar_id, version, day)
       SELECT id, version, day::date FROM jsonb_to_recordset($1::jsonb) AS r(id text, version int, days jsonb), jsonb_array_elements_text(days) AS day
       ON CONFLICT DO NOTHING`,
      [JSON.stringify(versions)],
    );
    return versions.length;
  }

  /** A calendar that runs out makes wrong dates silently: somebody is told a year before. */
  async checkExpiry(tx: Tx, book: string, businessDate: PlainDate): Promise<void> {
    if (yearOf(businessDate) + expiryWarningYears <= lastBuiltInYear) return;
    await this.workItems.open(tx, {
      key: `calendars-expire:${lastBuiltInYear}`,
      kind: 'CALENDAR_EXPIRES',
      category: 'OTHER',
      objectKind: 'CALENDAR',
      objectId: String(lastBuiltInYear),
      reference: `calendars end with ${lastBuiltInYear}`,
      reasonCode: 'CALENDAR_EXPIRES',
      bookId: book,
      ownerTeam: 'static-data',
      dueAt: new Date(`${lastBuiltInYear}-06-30T12:00:00Z`),
      nextAction: 'Load the calendars of the following years',
    });
  }
}
