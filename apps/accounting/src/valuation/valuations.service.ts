import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { newId, type Problem, problem } from '#libs/kernel/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { ForeignExchange, type Outcome, ValuationRefused } from '../foreign-exchange/foreign-exchange.service.js';
import { OwnSecurities } from '../lots/own-securities.service.js';
import { type RatesOfDate } from '../rates/rates.js';
import { Rates } from '../rates/rates.service.js';

export interface ValuationRunRow {
  readonly runId: string;
  readonly book: string;
  readonly businessDate: PlainDate;
  readonly acceptStale: boolean;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly jobRunId: string | null;
  readonly state: 'RUNNING' | 'DONE' | 'REFUSED';
  readonly problems: Problem[];
  readonly finishedAt: Date | null;
}

const columns = `v.run_id AS "runId", v.book_id AS book, v.business_date AS "businessDate", v.accept_stale AS "acceptStale", v.requested_by AS "requestedBy",
  v.requested_at AS "requestedAt", v.job_run_id AS "jobRunId", v.state, v.problems, v.finished_at AS "finishedAt"`;

/** In this order: what an earlier one leaves in a foreign currency, a later one makes functional. */
export const valuationSteps = ['SECURITIES', 'CONVERT', 'REVALUE'] as const;
export type ValuationStep = (typeof valuationSteps)[number];

/** A book valued at a date: what is asked for, what the job does, and what came of it. */
@Injectable()
export class Valuations {
  constructor(
    private readonly rates: Rates,
    private readonly foreignExchange: ForeignExchange,
    private readonly ownSecurities: OwnSecurities,
    private readonly outbox: Outbox,
    private readonly workItems: WorkItems,
    private readonly audit: AuditTrail,
  ) {}

  find(tx: Tx, runId: string): Promise<ValuationRunRow | undefined> {
    return tx.row<ValuationRunRow>(`SELECT ${columns} FROM accounting.valuation_run v WHERE v.run_id = $1`, [runId]);
  }

  async start(
    tx: Tx,
    asked: { book: string; businessDate: PlainDate; acceptStale: boolean },
    by: string,
  ): Promise<{ run?: ValuationRunRow; problems: Problem[] }> {
    const { book, businessDate: date, acceptStale } = asked;
    if (!(await tx.row('SELECT 1 FROM accounting.account a WHERE a.book_id = $1 LIMIT 1', [book])))
      return { problems: [problem('BOOK_NOT_FOUND', `There is no book ${book}`, ['book'])] };
    const problems: Problem[] = [];
    const day = await tx.row<{ state: string }>(
      'SELECT d.state FROM accounting.business_day d WHERE d.book_id = $1 AND d.business_date = $2',
      [book, date],
    );
    if (day?.state !== 'OPEN')
      problems.push(
        day?.state === 'CLOSED' || day?.state === 'CLOSING'
          ? problem('PERIOD_CLOSED', 'The business date is being closed or is closed', ['businessDate'])
          : problem('PERIOD_NOT_OPEN', 'The business date is not open yet', ['businessDate'], true),
      );
    const valuing = { book, date, rates: await this.ratesOf(tx, book, date), acceptStale };
    problems.push(...(await this.ownSecurities.check(tx, valuing)), ...(await this.foreignExchange.check(tx, valuing)));
    if (problems.length > 0) return { problems };
    const runId = newId('val');
    await tx.execute(
      'INSERT INTO accounting.valuation_run (run_id, book_id, business_date, accept_stale, requested_by) VALUES ($1, $2, $3, $4, $5)',
      [runId, book, date, acceptStale, by],
    );
    const { jobRunId } = await this.outbox.add(
      tx,
      'accounting.value-book.v1',
      { runId, book },
      { businessKey: `${book} ${date}` },
    );
    await tx.execute('UPDATE accounting.valuation_run SET job_run_id = $2 WHERE run_id = $1', [
      runId,
      jobRunId ?? null,
    ]);
    await this.audit.append(tx, {
      action: 'VALUATION_ASKED_FOR',
      objectKind: 'VALUATION',
      objectId: runId,
      bookId: book,
      principal: by,
      after: { businessDate: date, acceptStale },
    });
    return { run: await this.find(tx, runId), problems: [] };
  }

  /** One step of a run. Everything is read under the lock of the book, so that two runs post nothing twice. */
  async step(tx: Tx, run: ValuationRunRow, step: ValuationStep): Promise<Outcome> {
    await tx.execute(`SELECT pg_advisory_xact_lock(hashtextextended('valuation:' || $1, 0))`, [run.book]);
    const { book, businessDate: date, acceptStale, requestedBy: by } = run;
    const asked = { book, date, acceptStale, by, rates: await this.ratesOf(tx, book, date) };
    switch (step) {
      case 'SECURITIES':
        return this.ownSecurities.value(tx, asked);
      case 'CONVERT':
        return this.foreignExchange.convert(tx, asked);
      case 'REVALUE':
        return this.foreignExchange.revalue(tx, asked);
    }
  }

  private async ratesOf(tx: Tx, book: string, date: PlainDate): Promise<RatesOfDate> {
    return this.rates.ofDate(tx, date, await this.ownSecurities.instruments(tx, book));
  }

  async finish(tx: Tx, run: ValuationRunRow, problems: readonly Problem[]): Promise<void> {
    await tx.execute(
      `UPDATE accounting.valuation_run SET state = $2, problems = $3::jsonb, finished_at = kernel.now() WHERE run_id = $1 AND state = 'RUNNING'`,
      [run.runId, problems.length > 0 ? 'REFUSED' : 'DONE', JSON.stringify(problems)],
    );
    const key = `valuation:${run.book}:${run.businessDate}`;
    if (problems.length === 0) await this.workItems.close(tx, key, 'The book is valued', run.requestedBy);
    else
      await this.openWork(
        tx,
        run,
        key,
        problems[0]?.code ?? 'RATE_MISSING',
        problems.map(({ message }) => message).join('; '),
      );
    const unexplained = await this.foreignExchange.unexplained(tx, run.book);
    const unexplainedKey = `equivalent-unexplained:${run.book}`;
    if (unexplained === 0n)
      await this.workItems.close(tx, unexplainedKey, 'Every unit has its position', run.requestedBy);
    else
      await this.openWork(
        tx,
        run,
        unexplainedKey,
        'EQUIVALENT_UNEXPLAINED',
        `${unexplained} smallest units on the account of the equivalent belong to no position: book them on`,
      );
  }

  /** A refusal of the ledger is an answer, anything else a fault of the job. */
  refusalOf(error: unknown): readonly Problem[] | undefined {
    return error instanceof ValuationRefused ? error.problems : undefined;
  }

  private async openWork(
    tx: Tx,
    run: ValuationRunRow,
    key: string,
    reasonCode: string,
    nextAction: string,
  ): Promise<void> {
    const clock = await tx.row<{ due: Date }>(`SELECT kernel.now() + interval '4 hours' AS due`);
    await this.workItems.openAgain(tx, [
      {
        key,
        kind: reasonCode === 'EQUIVALENT_UNEXPLAINED' ? 'EQUIVALENT_UNEXPLAINED' : 'VALUATION_REFUSED',
        category: 'OTHER',
        objectKind: 'VALUATION',
        objectId: run.runId,
        reference: `${run.book} ${run.businessDate}`,
        reasonCode,
        bookId: run.book,
        ownerTeam: 'finance',
        dueAt: clock?.due ?? new Date(0),
        nextAction: nextAction.slice(0, 500),
      },
    ]);
  }
}
