import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type Tx } from '#libs/database/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { dueWithinHours, WorkItems } from '#libs/work-items/index.js';
import { clockOfBook, cutOffOfBook, isDateOfBook, nextDateOfBook } from './books.js';
import { type DayTrouble, revisionOf } from './business-day.js';
import { BusinessDaysRepository, type DayRow } from './business-days.repository.js';
import { DayCalendarsService } from './day-calendars.service.js';

const dueAt = dueWithinHours(1);

/** What a new version of a calendar means for the dates a book has already. */
@Injectable()
export class DayRevisions {
  constructor(
    private readonly days: BusinessDaysRepository,
    private readonly calendars: DayCalendarsService,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
    private readonly workItems: WorkItems,
  ) {}

  /** The date that is only announced moves; the one being worked stays as it was opened, and somebody is told. */
  async follow(tx: Tx, book: string, calendarId: string): Promise<void> {
    await this.days.lockBook(tx, book);
    const latest = await this.days.latest(tx, book);
    if (!latest) return;
    const calendars = await this.calendars.current(tx);
    const before = latest.state === 'NEXT' ? await this.days.latestWorked(tx, book) : latest;
    // The date a book has rolled to is counted from the one that was closed.
    const date =
      latest.state === 'NEXT' && before ? nextDateOfBook(book, before.businessDate, calendars) : latest.businessDate;
    const cutOff = cutOffOfBook(book, date, calendars);
    const nextBusinessDate = nextDateOfBook(book, date, calendars);
    const revision = revisionOf(latest, {
      date,
      isWorkingDay: isDateOfBook(book, date, calendars),
      nextBusinessDate,
      cutOff,
    });
    if (revision.isReplaced) {
      await this.days.skip(tx, book, latest.businessDate);
      await this.days.insertNext(tx, book, date, nextBusinessDate, cutOff);
      if (before) await this.announce(tx, before, date);
    } else if (revision.isChanged) {
      await this.days.revise(tx, book, date, nextBusinessDate, latest.state === 'NEXT' ? cutOff : undefined);
      if (latest.state !== 'NEXT') await this.announce(tx, latest, nextBusinessDate);
    }
    if (revision.isReplaced || revision.isChanged) {
      await this.audit.append(tx, {
        action: 'BUSINESS_DAY_FOLLOWS_CALENDAR',
        objectKind: 'BUSINESS_DAY',
        objectId: `${book}/${latest.businessDate}`,
        bookId: book,
        principal: 'system',
        after: { calendar: `${calendarId}@${calendars.of(calendarId).version}`, date, nextBusinessDate },
      });
    }
    if (revision.trouble) await this.tell(tx, latest, revision.trouble, calendarId);
  }

  private async announce(tx: Tx, day: DayRow, nextBusinessDate: string): Promise<void> {
    await this.outbox.add(tx, 'accounting.business-day-changed.v1', {
      book: day.book,
      businessDate: day.businessDate,
      state: day.state === 'CLOSED' ? 'CLOSED' : 'OPEN',
      nextBusinessDate,
      ...clockOfBook(day.book),
    });
  }

  private async tell(tx: Tx, { book, businessDate }: DayRow, trouble: DayTrouble, calendarId: string): Promise<void> {
    await this.workItems.open(tx, {
      key: `day-and-calendar:${book}:${businessDate}:${trouble}`,
      kind: 'BUSINESS_DAY_AGAINST_CALENDAR',
      category: 'OTHER',
      objectKind: 'BUSINESS_DAY',
      objectId: `${book}/${businessDate}`,
      reference: `${book} ${businessDate}`,
      reasonCode: trouble,
      bookId: book,
      ownerTeam: 'operations',
      dueAt: await dueAt(tx),
      nextAction:
        trouble === 'CLOSED_WHILE_WORKED'
          ? `${calendarId} was closed on the date that is being worked: agree what is still done, then end the day`
          : `${calendarId} closes before the cut-off of the date that is being worked: ask for the cut-off in time`,
    });
  }
}
