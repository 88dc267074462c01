import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type DayPhase } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { idFrom, isRefused, type Problem, problem } from '#libs/kernel/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { clockOfBook, cutOffOfBook, isDateOfBook, nextDateOfBook } from './books.js';
import { checkCutOffPhase, checkExtension, decideOpening, decidePhase, ownPhases } from './business-day.js';
import { BusinessDaysRepository, type DayRow, type PhaseRunRow } from './business-days.repository.js';
import { ControlTotalsRepository } from './control-totals.repository.js';
import { DayCalendarsService } from './day-calendars.service.js';

@Injectable()
export class BusinessDays {
  private phaseWaits: () => void = () => undefined;
  private readonly openedListeners: ((tx: Tx, book: string, businessDate: string) => Promise<void>)[] = [];

  constructor(
    private readonly days: BusinessDaysRepository,
    private readonly totals: ControlTotalsRepository,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
    private readonly calendars: DayCalendarsService,
  ) {}

  /** Rung after a commit that left a phase to start. */
  whenPhaseWaits(listener: () => void): void {
    this.phaseWaits = listener;
  }

  /** Told in the transaction in which a date opens. */
  whenOpened(listener: (tx: Tx, book: string, businessDate: string) => Promise<void>): void {
    this.openedListeners.push(listener);
  }

  /** Whoever opens a date of the book waits. */
  lock(tx: Tx, book: string): Promise<void> {
    return this.days.lockBook(tx, book);
  }

  /** The date that is open for posting. */
  worked(tx: Tx, book: string): Promise<DayRow | undefined> {
    return this.days.worked(tx, book);
  }

  /** Computed anew, as the phase of the day does. */
  controlTotals(tx: Tx, book: string): ReturnType<ControlTotalsRepository['differences']> {
    return this.totals.differences(tx, book);
  }

  async open(
    tx: Tx,
    book: string,
    businessDate: string,
    by: string,
  ): Promise<{ day?: DayRow; problems: readonly Problem[] }> {
    await this.days.lockBook(tx, book);
    const latest = await this.days.latest(tx, book);
    const isFirst = latest === undefined;
    const calendars = await this.calendars.current(tx);
    const decision = decideOpening({
      businessDate,
      isWorkingDay: isDateOfBook(book, businessDate, calendars),
      latest,
      isSigned: isFirst && (await this.days.isSigned(tx, book)),
      latestEntryDate: isFirst ? await this.days.latestEntryDate(tx, book) : undefined,
      migrationOpen: isFirst ? await this.totals.migrationOpen(tx, book) : [],
    });
    if (isRefused(decision)) return { problems: decision.problems };
    if (decision.value === 'OPEN') {
      const nextBusinessDate = nextDateOfBook(book, businessDate, calendars);
      const cutOff = cutOffOfBook(book, businessDate, calendars);
      await this.days.insertOrOpen(tx, book, businessDate, nextBusinessDate, cutOff);
      await this.outbox.add(tx, 'accounting.business-day-changed.v1', {
        book,
        businessDate,
        state: 'OPEN',
        nextBusinessDate,
        ...clockOfBook(book),
        ...(cutOff.isHalfDay ? { closesEarlyAt: cutOff.plannedAt.toISOString() } : {}),
      });
      await this.record(tx, 'BUSINESS_DAY_OPENED', book, businessDate, by);
      for (const listener of this.openedListeners) await listener(tx, book, businessDate);
    }
    return { day: await this.days.day(tx, book, businessDate), problems: [] };
  }

  /** Asks for a phase: it starts when all that was said before has been heard by every service. */
  async requestPhase(
    tx: Tx,
    asked: { book: string; businessDate?: string | null; phase: DayPhase; cycle: number },
    by: string,
  ): Promise<{ run?: PhaseRunRow; problems: readonly Problem[] }> {
    const { book, phase, cycle } = asked;
    await this.days.lockBook(tx, book);
    const day = asked.businessDate
      ? await this.days.day(tx, book, asked.businessDate)
      : await this.days.latestWorked(tx, book);
    if (!day || day.state === 'NEXT' || day.state === 'SKIPPED')
      return {
        problems: [problem('DAY_NOT_OPEN', 'The book has no open business day of that date', ['businessDate'])],
      };
    const runs = await this.days.runs(tx, [{ book, businessDate: day.businessDate }]);
    const decision = decidePhase(runs, { phase, cycle });
    if (isRefused(decision)) return { problems: decision.problems };
    if (decision.value !== 'KNOWN') {
      const early = checkCutOffPhase(phase, day.revisedCutOffAt, await this.days.now(tx));
      if (early.length > 0) return { problems: early };
    }
    const phaseRunId = idFrom('phr', book, day.businessDate, phase, String(cycle));
    if (decision.value !== 'KNOWN') {
      const barrierSequence = await this.outbox.nextSequence(tx);
      await this.outbox.useBarrier(tx, phaseRunId, barrierSequence);
      await this.days.request(tx, {
        phaseRunId,
        book,
        businessDate: day.businessDate,
        phase,
        cycle,
        barrierSequence,
        requestedBy: by,
      });
      tx.afterCommit(this.phaseWaits);
      await this.record(tx, 'PHASE_REQUESTED', book, day.businessDate, by, { phase, cycle });
    }
    return { run: await this.days.run(tx, phaseRunId), problems: [] };
  }

  /** Puts the cut-off of the open date off; its phase, and all that follow it, wait. */
  async extendCutOff(
    tx: Tx,
    asked: { book: string; businessDate: string; revisedCutOffAt: Date; reason: string },
    by: string,
  ): Promise<{ day?: DayRow; problems: readonly Problem[] }> {
    const { book, businessDate, revisedCutOffAt, reason } = asked;
    await this.days.lockBook(tx, book);
    const day = await this.days.day(tx, book, businessDate);
    if (!day)
      return {
        problems: [problem('DAY_NOT_OPEN', 'The book has no open business day of that date', ['businessDate'])],
      };
    const runs = await this.days.runs(tx, [{ book, businessDate }]);
    const calendars = await this.calendars.current(tx);
    const problems = checkExtension(
      {
        ...day,
        isAskedFor: runs.some(({ phase }) => phase === 'CUT_OFF'),
        now: await this.days.now(tx),
        nextCutOffAt: cutOffOfBook(book, day.nextBusinessDate, calendars).plannedAt,
      },
      revisedCutOffAt,
    );
    if (problems.length > 0) return { problems };
    await this.days.extendCutOff(tx, day, revisedCutOffAt, reason, by);
    const before = day.revisedCutOffAt ?? day.plannedCutOffAt;
    await this.audit.append(tx, {
      action: 'CUT_OFF_EXTENDED',
      objectKind: 'BUSINESS_DAY',
      objectId: `${book}/${businessDate}`,
      bookId: book,
      principal: by,
      reason,
      before: { cutOffAt: before?.toISOString() ?? null },
      after: { cutOffAt: revisedCutOffAt.toISOString() },
    });
    return { day: await this.days.day(tx, book, businessDate), problems: [] };
  }

  /** Starts every phase whose barrier has been reached. Returns how many, and how many wait on. */
  async startWaiting(tx: Tx): Promise<{ started: number; waiting: number }> {
    let started = 0;
    const runs = await this.days.lockWaiting(tx);
    for (const run of runs) {
      const { consumed, waiting } = await this.outbox.consumedBelow(tx, run.barrierSequence);
      if (!consumed) {
        await this.days.stillWaiting(tx, run.phaseRunId, waiting);
        continue;
      }
      const name = ownPhases.includes(run.phase) ? 'accounting.run-phase.v1' : 'settlement.run-phase.v1';
      const { phaseRunId, book, businessDate, phase, cycle, barrierSequence } = run;
      const added = await this.outbox.add(
        tx,
        name,
        { phaseRunId, book, businessDate, phase, cycle, barrierSequence },
        {
          businessKey: `${book} ${businessDate} ${phase}${cycle > 1 ? ` ${cycle}` : ''}`,
          requestedBy: run.requestedBy,
        },
      );
      await this.days.started(tx, phaseRunId, added.jobRunId ?? null);
      started += 1;
    }
    return { started, waiting: runs.length - started };
  }

  async complete(
    tx: Tx,
    phaseRunId: string,
    counts: Record<string, number>,
    problems: readonly { code: string; message: string }[],
  ): Promise<void> {
    const run = await this.days.run(tx, phaseRunId, true);
    if (!run) throw new Error(`${phaseRunId} was never asked for`);
    if (!(await this.days.completed(tx, phaseRunId, counts, problems))) return;
    await this.outbox.leaveBarrier(tx, phaseRunId);
    if (run.phase === 'CUT_OFF' && problems.length === 0) await this.days.cutOffReached(tx, run.book, run.businessDate);
    await this.record(
      tx,
      problems.length > 0 ? 'PHASE_STOPPED' : 'PHASE_COMPLETED',
      run.book,
      run.businessDate,
      run.requestedBy,
      {
        phase: run.phase,
        cycle: run.cycle,
        counts,
        problems,
      },
    );
  }

  async record(tx: Tx, action: string, book: string, businessDate: string, by: string, after?: object): Promise<void> {
    await this.audit.append(tx, {
      action,
      objectKind: 'BUSINESS_DAY',
      objectId: `${book}/${businessDate}`,
      bookId: book,
      principal: by,
      after,
    });
  }
}
