import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type Tx } from '#libs/database/index.js';
import { type Problem, problem } from '#libs/kernel/index.js';
import { type PostingItem, type PostingResult, refusalText, retryableCodes } from '../journal/posting.js';
import { PostingService } from '../journal/posting.service.js';
import {
  type Adjustment,
  checkAdjustment,
  checkHardClose,
  checkSoftClose,
  type PeriodRow,
  type PeriodState,
} from './periods.js';
import { PeriodsRepository } from './periods.repository.js';

export interface PeriodToChange {
  readonly book: string;
  readonly period: string;
  readonly reason: string;
}
type Changed = { period?: PeriodRow; problems: readonly Problem[] };

/** What else must be done before a period is hard closed, and what is done with it; in the order they are added. */
export interface HardCloseStep {
  check?(tx: Tx, period: PeriodRow): Promise<Problem[]>;
  close?(tx: Tx, period: PeriodRow, by: string): Promise<readonly Problem[]>;
  /** Before two people open it again: what stands against it. */
  reopenable?(tx: Tx, period: PeriodRow): Promise<Problem[]>;
  reopen?(tx: Tx, period: PeriodRow, by: string): Promise<readonly Problem[]>;
}

/** Closes the months of a book, and lets entries into those that still take them. */
@Injectable()
export class Periods {
  private readonly steps: HardCloseStep[] = [];
  private readonly listeners: ((tx: Tx, period: PeriodRow, by: string) => Promise<void>)[] = [];

  constructor(
    private readonly periods: PeriodsRepository,
    private readonly posting: PostingService,
    private readonly audit: AuditTrail,
  ) {}

  /** For other features: they know what else a closed book needs. */
  withHardClose(step: HardCloseStep): void {
    this.steps.push(step);
  }

  get hardCloseSteps(): readonly HardCloseStep[] {
    return this.steps;
  }

  /** Told in the transaction of the change. */
  whenChanged(listener: (tx: Tx, period: PeriodRow, by: string) => Promise<void>): void {
    this.listeners.push(listener);
  }

  find(tx: Tx, book: string, period: string): Promise<PeriodRow | undefined> {
    return this.periods.find(tx, book, period);
  }

  /** Shared until the end of the transaction: nobody closes or reopens it meanwhile. */
  take(tx: Tx, book: string, period: string): Promise<PeriodState | null> {
    return this.periods.take(tx, book, period);
  }

  async softClose(tx: Tx, asked: PeriodToChange, by: string): Promise<Changed> {
    return this.close(tx, asked, 'SOFT_CLOSED', by, async (period, others) => {
      const { open, isFollowed } = await this.periods.dates(tx, period);
      return checkSoftClose({ ...period, others }, open, isFollowed);
    });
  }

  async hardClose(tx: Tx, asked: PeriodToChange, by: string): Promise<Changed> {
    return this.close(tx, asked, 'HARD_CLOSED', by, async (period, others) => {
      const problems = checkHardClose({ ...period, others });
      if (problems.length > 0) return problems;
      for (const step of this.steps) problems.push(...((await step.check?.(tx, period)) ?? []));
      if (problems.length > 0) return problems;
      for (const step of this.steps) {
        const refused = (await step.close?.(tx, period, by)) ?? [];
        if (refused.length > 0) return [...refused];
      }
      return [];
    });
  }

  private async close(
    tx: Tx,
    { book, period: name, reason }: PeriodToChange,
    to: PeriodState,
    by: string,
    check: (period: PeriodRow, others: readonly PeriodRow[]) => Promise<Problem[]>,
  ): Promise<Changed> {
    await this.periods.lockBook(tx, book);
    const all = await this.periods.list(tx, book);
    const period = all.find((one) => one.period === name);
    if (!period) return { problems: [noPeriod(book, name)] };
    const problems = await check(period, all);
    if (problems.length > 0) return { problems };
    return { period: await this.change(tx, period, to, by, reason), problems };
  }

  /** Of a period whose change was decided; the tables decide it again. */
  async change(
    tx: Tx,
    period: PeriodRow,
    to: PeriodState,
    by: string,
    reason: string,
    approvalId: string | null = null,
  ): Promise<PeriodRow> {
    await this.periods.change(tx, period, to, by, reason, approvalId);
    const changed = await this.periods.find(tx, period.book, period.period);
    if (!changed) throw new Error(`${period.period} of ${period.book} is gone`);
    await this.record(
      tx,
      `PERIOD_${to === 'OPEN' || period.state === 'HARD_CLOSED' ? 'REOPENED' : to}`,
      changed,
      by,
      reason,
      {
        from: period.state,
        to,
        version: changed.version,
        snapshotHash: changed.snapshotHash,
        ...(approvalId === null ? {} : { approvalId }),
      },
    );
    for (const listener of this.listeners) await listener(tx, changed, by);
    return changed;
  }

  /** Whether entries of the business date may come into the period of an earlier one. */
  async check(
    tx: Tx,
    book: string,
    adjustment: Adjustment,
    businessDate: string,
    mayPostByHand: boolean,
  ): Promise<Problem[]> {
    const state = await this.periods.take(tx, book, adjustment.period);
    return checkAdjustment(adjustment, businessDate, state, mayPostByHand);
  }

  /**
   * Books items of one book today that belong to an earlier date. What does not let them in is told before anything is
   * booked, so that no key is used up by it.
   */
  async postInto(
    tx: Tx,
    call: { readonly items: readonly PostingItem[]; readonly requestedBy: string },
    adjustment: Adjustment,
    mayPostByHand: boolean,
  ): Promise<{ results: PostingResult[]; problems: Problem[] }> {
    const first = call.items[0];
    if (!first || !('businessDate' in first)) return { results: [], problems: [] };
    const problems = await this.check(tx, first.book, adjustment, first.businessDate, mayPostByHand);
    if (problems.length > 0) return { results: [], problems };
    const results = await this.posting.post(tx, call);
    const fresh = results.filter(({ outcome, replayed }) => outcome === 'POSTED' && !replayed);
    await this.periods.keepAccountingDates(
      tx,
      fresh.flatMap(({ id }) => (id === undefined ? [] : [id])),
      adjustment,
      mayPostByHand ? 'ledger:post' : null,
    );
    return { results, problems };
  }

  async record(
    tx: Tx,
    action: string,
    period: { book: string; period: string },
    by: string,
    reason: string,
    after: object,
  ) {
    await this.audit.append(tx, {
      action,
      objectKind: 'PERIOD',
      objectId: `${period.book}/${period.period}`,
      bookId: period.book,
      principal: by,
      reason,
      after,
    });
  }
}

export const noPeriod = (book: string, name: string): Problem =>
  problem('PERIOD_NOT_FOUND', `${book} has no period ${name}`, ['period']);

/** What a writer is told of items the ledger refused. */
export const problemsOf = (results: readonly PostingResult[], path: readonly (string | number)[] = []): Problem[] =>
  results.flatMap((result) =>
    result.outcome === 'POSTED' || result.code === undefined
      ? []
      : [problem(result.code, refusalText(result), path, retryableCodes.has(result.code))],
  );
