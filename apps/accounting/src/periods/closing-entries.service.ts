import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type Problem, problem } from '#libs/kernel/index.js';
import { termsOfBook } from '../business-days/books.js';
import { BusinessDays } from '../business-days/business-days.service.js';
import { Charts } from '../chart/charts.service.js';
import { type PostingItem } from '../journal/posting.js';
import { PostingService } from '../journal/posting.service.js';
import { closingEntries } from './closing-entries.js';
import { type PeriodRow } from './periods.js';
import { Periods, problemsOf } from './periods.service.js';

/** With the adjustment period the year is closed: its result goes to retained earnings, and comes back when it is reopened. */
@Injectable()
export class ClosingEntries implements OnModuleInit {
  constructor(
    private readonly periods: Periods,
    private readonly days: BusinessDays,
    private readonly charts: Charts,
    private readonly posting: PostingService,
  ) {}

  onModuleInit(): void {
    this.periods.withHardClose({
      close: (tx, period, by) => (period.kind === 'ADJUSTMENT' ? this.close(tx, period, by) : Promise.resolve([])),
      reopenable: async (tx, period) =>
        period.kind !== 'ADJUSTMENT' || (await this.openDate(tx, period.book)) ? [] : [noOpenDate],
      reopen: (tx, period, by) => (period.kind === 'ADJUSTMENT' ? this.reopen(tx, period, by) : Promise.resolve([])),
    });
  }

  private async openDate(tx: Tx, book: string): Promise<string | undefined> {
    const day = await this.days.worked(tx, book);
    return day?.state === 'OPEN' ? day.businessDate : undefined;
  }

  private async close(tx: Tx, period: PeriodRow, by: string): Promise<Problem[]> {
    const { book } = period;
    const businessDate = await this.openDate(tx, book);
    if (businessDate === undefined) return [noOpenDate];
    const balances = await tx.rows<{ account: string; asset: string; units: string }>(
      `SELECT l.number AS account, l.asset, (t.debit - t.credit)::text AS units
         FROM accounting.period_totals($1, $2) t JOIN accounting.ledger_account l USING (ledger_account_id)
         JOIN accounting.account a ON a.book_id = l.book_id AND a.number = l.number
         JOIN accounting.gl_account g ON g.book_id = a.book_id AND g.code = a.gl_code
        WHERE g.type IN ('INCOME','EXPENSE') AND t.debit <> t.credit ORDER BY 1, 2`,
      [book, period.period],
    );
    if (balances.length === 0) return [];
    const retainedEarnings = termsOfBook(book).retainedEarnings ?? '3200';
    const code = await tx.row(
      `SELECT 1 FROM accounting.gl_account g WHERE g.book_id = $1 AND g.code = $2 AND g.type = 'EQUITY' AND g.role = 'DIRECT'`,
      [book, retainedEarnings],
    );
    if (!code)
      return [
        problem('RETAINED_EARNINGS_MISSING', `The chart has no direct equity code ${retainedEarnings} for the result`, [
          'period',
        ]),
      ];
    await this.charts.openDirect(tx, book, [retainedEarnings]);
    const items = closingEntries(
      balances.map((row) => ({ ...row, units: BigInt(row.units) })),
      { ...period, closing: period.closings + 1, businessDate, retainedEarnings },
    );
    return this.book(tx, period, items, by);
  }

  private async reopen(tx: Tx, period: PeriodRow, by: string): Promise<Problem[]> {
    const businessDate = await this.openDate(tx, period.book);
    if (businessDate === undefined) return [noOpenDate];
    const entries = await tx.rows<{ id: string; description: string }>(
      `SELECT e.entry_id AS id, e.description FROM accounting.entry_accounting_date a JOIN accounting.journal_entry e USING (entry_id)
        WHERE a.book_id = $1 AND a.period = $2 AND a.purpose = 'CLOSING' AND e.reverses_entry_id IS NULL
          AND NOT EXISTS (SELECT FROM accounting.journal_entry r WHERE r.reverses_entry_id = e.entry_id) ORDER BY e.sequence`,
      [period.book, period.period],
    );
    const items = entries.map(({ id, description }): PostingItem => ({
      op: 'REVERSAL',
      key: `closing-reversed:${id}`,
      book: period.book,
      group: 'closing',
      kind: 'CLOSING',
      businessDate,
      valueDate: period.lastDate,
      description: `Taken back: ${description}`.slice(0, 140),
      subject: { kind: 'JOURNAL_ENTRY', id },
      reverses: id,
    }));
    return this.book(tx, period, items, by);
  }

  /** Tried first, so that a refusal (an account that is blocked) uses up no key: the next close has the same. */
  private async book(
    tx: Tx,
    period: PeriodRow,
    items: readonly PostingItem[],
    requestedBy: string,
  ): Promise<Problem[]> {
    const tried = await this.posting.post(tx, { items, requestedBy, validateOnly: true });
    const refused = problemsOf(tried, ['period']);
    if (refused.length > 0) return refused;
    const { results, problems } = await this.periods.postInto(
      tx,
      { items, requestedBy },
      { accountingDate: period.lastDate, period: period.period, purpose: 'CLOSING' },
      true,
    );
    const faults = [...problems, ...problemsOf(results, ['period'])];
    if (faults.length > 0)
      throw new Error(`the closing entries of ${period.period} were refused: ${faults[0]?.code ?? ''}`);
    return [];
  }
}

const noOpenDate = problem(
  'PERIOD_NOT_OPEN',
  'The book has no open business date to book the closing entries on',
  ['period'],
  true,
);
