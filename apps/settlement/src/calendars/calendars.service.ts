import { Injectable } from '@nestjs/common';
import { calendarIds, lastBuiltInYear, type PlainDate, yearOf } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import {
  type CalendarContent,
  calendarFrom,
  Calendars,
  type Closure,
  contentHashOf,
  contentOf,
  type StoredCalendar,
} from './calendars.js';
import { CalendarsRepository, type CalendarVersion } from './calendars.repository.js';

/** A calendar that ends sooner than this is asked for. */
const expiryWarningYears = 1;
/** Versions kept in the process: some of each calendar, never a list that grows. */
const versionsKept = 200;

/** Calendars as versioned data: settlement dates and cut-offs are counted on what is stored, and can name its version. */
@Injectable()
export class CalendarsService {
  /** A stored version never changes, so it is read once; its hash tells it from one that was rolled back. */
  private readonly versions = new Map<string, StoredCalendar>();
  private latest: { readonly key: string; readonly calendars: Calendars } | undefined;

  constructor(
    private readonly repository: CalendarsRepository,
    private readonly workItems: WorkItems,
    private readonly outbox: Outbox,
  ) {}

  /** All calendars as they are known now, or as they were at a moment: one small statement, and what is new to this process. */
  async current(tx: Tx, knownAt: Date | null = null): Promise<Calendars> {
    const heads = await this.repository.heads(tx, knownAt);
    const keyOf = ({ id, version, hash }: CalendarVersion) => `${id}@${version}:${hash}`;
    const key = heads.map(keyOf).join(' ');
    if (this.latest?.key === key) return this.latest.calendars;
    const unknown = heads.filter((head) => !this.versions.has(keyOf(head)));
    if (this.versions.size + unknown.length > versionsKept) this.versions.clear();
    const missing = heads.filter((head) => !this.versions.has(keyOf(head)));
    const contents = await this.repository.contents(tx, missing);
    for (const head of missing) {
      const content = contents.get(`${head.id}@${head.version}`);
      if (!content) throw new Error(`calendar ${head.id} has no version ${head.version}`);
      this.versions.set(keyOf(head), calendarFrom(String(head.version), content));
    }
    const calendars = new Calendars(heads.flatMap((head) => this.versions.get(keyOf(head)) ?? []));
    if (knownAt === null) this.latest = { key, calendars };
    return calendars;
  }

  /** The version of a calendar that was known at a moment, with its days of a period. */
  async version(
    tx: Tx,
    id: string,
    knownAt: Date | null,
    from: PlainDate,
    to: PlainDate,
  ): ReturnType<CalendarsRepository['version']> {
    return id.includes('\u0000') ? undefined : this.repository.version(tx, id, knownAt, from, to);
  }

  /** Whoever writes dates holds the calendars for as long; a closure waits for them, so that it misses none of their dates. */
  async hold(tx: Tx): Promise<void> {
    await this.repository.share(tx);
  }

  /**
   * Stores a new version of each calendar that is not as it was stored last; the rest stays. What was decided about
   * single days is told again with it: whoever keeps no calendar yet, or an older one, has it from here on.
   */
  async refresh(tx: Tx): Promise<number> {
    const closures = await this.repository.closures(tx);
    const heads = new Map((await this.repository.heads(tx, null)).map((head) => [head.id, head]));
    const isStale = (content: CalendarContent) => heads.get(content.id)?.hash !== contentHashOf(content);
    const contents = calendarIds().map((id) => contentOf(id, closures));
    const closed = new Set(closures.map(({ calendarId }) => calendarId));
    await this.announce(
      tx,
      contents.flatMap((content) => {
        const head = heads.get(content.id);
        return head === undefined || !closed.has(content.id) || isStale(content) ? [] : [{ ...content, ...head }];
      }),
    );
    const changed = contents.filter(isStale);
    if (changed.length === 0) return 0;
    await this.repository.lock(tx);
    return this.write(tx, changed, null);
  }

  /** Two people closed a day: a new version of its calendar. The caller has asked whether the day is open. */
  async close(
    tx: Tx,
    closure: Closure & { readonly reason: string; readonly changeId: string; readonly by: string },
  ): Promise<number> {
    await this.repository.lock(tx);
    await this.repository.addClosure(tx, closure);
    const closures = await this.repository.closures(tx);
    return this.write(tx, [contentOf(closure.calendarId, closures)], closure.changeId);
  }

  private async write(tx: Tx, contents: readonly CalendarContent[], originId: string | null): Promise<number> {
    const heads = new Map((await this.repository.heads(tx, null)).map((head) => [head.id, head]));
    const versions = contents
      .map((content) => ({ ...content, hash: contentHashOf(content), before: heads.get(content.id) }))
      .filter(({ hash, before }) => before?.hash !== hash)
      .map(({ before, ...content }) => ({ ...content, version: (before?.version ?? 0) + 1 }));
    await this.repository.insert(tx, versions, originId);
    await this.announce(tx, versions);
    return versions.length;
  }

  /** The books' own days are accounting's: it hears every version, whole. */
  private async announce(tx: Tx, versions: readonly (CalendarContent & CalendarVersion)[]): Promise<void> {
    await this.outbox.addAll(
      tx,
      versions.map(({ id, version, hash, holidays, earlyCloses, zone }) => ({
        name: 'settlement.calendar-versioned.v1' as const,
        payload: {
          calendar: id,
          version,
          contentHash: hash,
          closedDays: [...holidays],
          earlyCloses: [...earlyCloses],
          zone,
        },
        businessKey: `${id} version ${version}`,
      })),
    );
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
