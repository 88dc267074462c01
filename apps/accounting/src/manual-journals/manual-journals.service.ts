import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { isRefused, newId, type Problem, problem } from '#libs/kernel/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { currencyExponent, formatDecimal } from '#libs/money/index.js';
import { proposalHours, type ProposalState, stateAfter } from '../accounts/limit-changes.js';
import { termsOfBook } from '../business-days/books.js';
import { BusinessDays } from '../business-days/business-days.service.js';
import { Charts } from '../chart/charts.service.js';
import { Dimensions } from '../dimensions/dimensions.service.js';
import { type EntryItem, type PostingLine } from '../journal/posting.js';
import { PostingService } from '../journal/posting.service.js';
import { adjustmentOf } from '../periods/periods.js';
import { Periods, problemsOf } from '../periods/periods.service.js';
import { Rates } from '../rates/rates.service.js';
import {
  amountOf,
  hashOfJournal,
  type KnownOfJournal,
  type ManualJournal,
  needsSecondPerson,
  readJournal,
} from './manual-journals.js';
import { ManualJournalsRepository, type ManualJournalRow } from './manual-journals.repository.js';

/** A fault with the place of its journal. */
export interface JournalFault {
  readonly at: number;
  readonly fault: Problem;
}
type NewJournal = Omit<Parameters<ManualJournalsRepository['insert']>[1], 'approvalId' | 'entryId'>;
interface Booking {
  readonly at: number;
  readonly journalId: string;
  readonly journal: ManualJournal;
  readonly postings: readonly PostingLine[];
  readonly row: NewJournal;
}

/** Journals by hand: booked at once up to the limit of the book, above it when a second person has agreed to exactly that. */
@Injectable()
export class ManualJournals {
  constructor(
    private readonly repository: ManualJournalsRepository,
    private readonly days: BusinessDays,
    private readonly charts: Charts,
    private readonly dimensions: Dimensions,
    private readonly periods: Periods,
    private readonly posting: PostingService,
    private readonly rates: Rates,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
  ) {}

  /** What journals name, with accounts opened for the codes that have none yet. */
  async known(tx: Tx, book: string, journals: readonly ManualJournal[]): Promise<KnownOfJournal> {
    const numbers = new Set(journals.flatMap(({ lines }) => lines.map(({ account }) => account)));
    await this.charts.openDirect(tx, book, [...numbers]);
    return this.repository.known(tx, book, journals);
  }

  async submit(
    tx: Tx,
    journal: ManualJournal,
    by: string,
  ): Promise<{ journal?: ManualJournalRow; problems: readonly Problem[] }> {
    const { rows, problems } = await this.submitAll(tx, journal.book, [journal], by);
    return { ...(rows[0] ? { journal: rows[0] } : {}), problems: problems.map(({ fault }) => fault) };
  }

  /**
   * Journals of one book: none is booked while one of them has a fault of its own. What the ledger refuses is told too, and
   * then the caller takes back what was booked beside it.
   */
  async submitAll(
    tx: Tx,
    book: string,
    journals: readonly ManualJournal[],
    by: string,
    importId: string | null = null,
  ): Promise<{ rows: ManualJournalRow[]; problems: JournalFault[] }> {
    const date = await this.openDate(tx, book);
    if (date === undefined) return { rows: [], problems: [{ at: 0, fault: notOpen }] };
    const known = await this.known(tx, book, journals);
    const problems: JournalFault[] = [];
    const toBook: Booking[] = [];
    const toPropose: NewJournal[] = [];
    const limit = await this.repository.limitInForce(tx, book);
    const valueOf = this.valuation(tx, book, known);
    for (const [at, journal] of journals.entries()) {
      const read = readJournal(journal, known);
      const faults = [...(await this.checkDate(tx, journal, date)), ...(isRefused(read) ? read.problems : [])];
      problems.push(...faults.map((fault) => ({ at, fault })));
      if (isRefused(read) || faults.length > 0) continue;
      const { currency, amount } = await valueOf(read.value, journal.accountingDate ?? date);
      const row = {
        journalId: newId('mjn'),
        book,
        journal,
        payloadHash: hashOfJournal(journal),
        currency,
        amountUnits: amount === null ? null : String(amount),
        limitUnits: String(limit),
        importId,
        requestedBy: by,
      };
      if (needsSecondPerson(amount, limit)) toPropose.push(row);
      else toBook.push({ at, row, journal, journalId: row.journalId, postings: read.value });
    }
    if (problems.length > 0) return { rows: [], problems };
    const { entries, refused } = await this.book(tx, toBook, date, by);
    if (refused.length > 0) return { rows: [], problems: refused };
    const rows: ManualJournalRow[] = [];
    for (const row of toPropose) rows.push(await this.propose(tx, row));
    for (const { row, journalId } of toBook) {
      const entryId = entries.get(journalId) ?? null;
      const stored = await this.repository.insert(tx, { ...row, approvalId: null, entryId }, proposalHours);
      rows.push(stored);
      // A file is told as one.
      if (importId === null)
        await this.record(tx, 'MANUAL_JOURNAL_POSTED', stored, by, stored.journal.reason, { entryId });
    }
    return { rows, problems };
  }

  /** What postings come to in the functional currency; the rates of a date are read once. */
  private valuation(tx: Tx, book: string, known: KnownOfJournal) {
    const currency = termsOfBook(book).functionalCurrency ?? 'EUR';
    const functional = { currency, scale: currencyExponent(currency) };
    const ratesOf = new Map<string, Awaited<ReturnType<Rates['ofDate']>>>();
    return async (postings: readonly PostingLine[], date: string) => {
      const rates = ratesOf.get(date) ?? (await this.rates.ofDate(tx, date));
      ratesOf.set(date, rates);
      const amount = amountOf(
        postings,
        (asset) => known.assets.get(asset)?.scale ?? 0,
        functional,
        (asset) => rates.between(asset, currency)?.rate,
      );
      return { currency, amount };
    };
  }

  private async propose(tx: Tx, row: NewJournal): Promise<ManualJournalRow> {
    const stored = await this.repository.insert(tx, { ...row, approvalId: newId('apr'), entryId: null }, proposalHours);
    const scale = currencyExponent(row.currency);
    const much =
      row.amountUnits === null
        ? 'an amount without a rate'
        : `${formatDecimal(BigInt(row.amountUnits), scale)} ${row.currency}`;
    await this.outbox.add(tx, 'compliance.request-approval.v1', {
      approvalId: stored.approvalId ?? '',
      kind: 'MANUAL_JOURNAL',
      service: 'accounting',
      objectKind: 'MANUAL_JOURNAL',
      objectId: stored.journalId,
      book: row.book,
      payloadHash: row.payloadHash,
      summary: `Journal of ${much} in ${row.book}, "${row.journal.description}": ${row.journal.reason}`.slice(0, 280),
      requestedBy: row.requestedBy,
      expiresAt: (stored.expiresAt ?? new Date(0)).toISOString(),
    });
    await this.record(tx, 'MANUAL_JOURNAL_PROPOSED', stored, row.requestedBy, row.journal.reason, {
      approvalId: stored.approvalId,
    });
    return stored;
  }

  async decided(tx: Tx, event: PayloadOf<'compliance.approval-decided.v1'>): Promise<void> {
    const open = await this.repository.find(tx, { approvalId: event.approvalId }, true);
    if (open?.state !== 'PROPOSED') return;
    const next = stateAfter(event.outcome, event.payloadHash, open.payloadHash);
    const done: { state: ProposalState; code: string | null; entryId: string | null } =
      next === 'APPLY'
        ? await this.bookApproved(tx, open, event.decidedBy)
        : { state: next, code: null, entryId: null };
    await this.repository.decide(tx, open.journalId, {
      state: done.state,
      by: event.decidedBy,
      reason: event.reason,
      refusalCode: done.code,
      entryId: done.entryId,
    });
    await this.record(tx, `MANUAL_JOURNAL_${done.state}`, open, event.decidedBy, event.reason, {
      approvalId: event.approvalId,
      code: done.code,
      entryId: done.entryId,
    });
  }

  /** What the book allowed when it was asked for may be closed by now. */
  private async bookApproved(tx: Tx, open: ManualJournalRow, decidedBy: string) {
    const refused = (code: string | undefined) => ({ state: 'REFUSED' as const, code: code ?? null, entryId: null });
    if (decidedBy === open.requestedBy) return refused('SECOND_PERSON_NEEDED');
    const date = await this.openDate(tx, open.book);
    if (date === undefined) return refused(notOpen.code);
    const read = readJournal(open.journal, await this.known(tx, open.book, [open.journal]));
    if (isRefused(read)) return refused(read.problems[0]?.code);
    const late = await this.checkDate(tx, open.journal, date);
    if (late.length > 0) return refused(late[0]?.code);
    const { journalId, journal } = open;
    const { entries, refused: against } = await this.book(
      tx,
      [{ at: 0, journalId, journal, postings: read.value }],
      date,
      decidedBy,
    );
    const entryId = entries.get(journalId);
    if (entryId === undefined) return refused(against[0]?.fault.code);
    return { state: 'POSTED' as const, code: null, entryId };
  }

  private async openDate(tx: Tx, book: string): Promise<string | undefined> {
    const day = await this.days.worked(tx, book);
    return day?.state === 'OPEN' ? day.businessDate : undefined;
  }

  /** Whether its period takes it, and its dimensions are used on its date. */
  private async checkDate(tx: Tx, journal: ManualJournal, businessDate: string): Promise<Problem[]> {
    const date = journal.accountingDate ?? businessDate;
    const adjustment = adjustmentOf(date, businessDate, journal);
    const asked = journal.lines.flatMap(({ dimensions }, n) =>
      dimensions.map((one, m) => ({ ...one, path: ['lines', n, 'dimensions', m] })),
    );
    const problems = await this.dimensions.check(tx, journal.book, date, asked);
    if (adjustment) problems.unshift(...(await this.periods.check(tx, journal.book, adjustment, businessDate, true)));
    else if (journal.isYearEnd)
      problems.unshift(
        problem('NOT_THE_YEAR_END', 'Adjustments of the year have its last day as accounting date', ['accountingDate']),
      );
    return problems;
  }

  /** Journals of one accounting date are one batch. */
  private async book(
    tx: Tx,
    bookings: readonly Omit<Booking, 'row'>[],
    businessDate: string,
    requestedBy: string,
  ): Promise<{ entries: Map<string, string>; refused: JournalFault[] }> {
    const entries = new Map<string, string>();
    const refused: JournalFault[] = [];
    const ofDate = new Map<string, Omit<Booking, 'row'>[]>();
    for (const one of bookings) {
      const { accountingDate, isYearEnd } = one.journal;
      const key = `${accountingDate ?? businessDate} ${String(isYearEnd)}`;
      ofDate.set(key, [...(ofDate.get(key) ?? []), one]);
    }
    for (const batch of ofDate.values()) {
      const adjustment =
        batch[0] && adjustmentOf(batch[0].journal.accountingDate ?? businessDate, businessDate, batch[0].journal);
      const items = batch.map(({ journalId, journal, postings }): EntryItem => ({
        op: 'ENTRY',
        key: `journal:${journalId}`,
        book: journal.book,
        kind: adjustment ? 'ADJUSTMENT' : 'JOURNAL',
        businessDate,
        valueDate: journal.valueDate ?? journal.accountingDate ?? businessDate,
        description: journal.description,
        subject: { kind: 'MANUAL_JOURNAL', id: journalId },
        postings,
      }));
      // Whoever posts by hand has the scope that adjusts a period that is soft closed.
      const { results, problems } = adjustment
        ? await this.periods.postInto(tx, { items, requestedBy }, adjustment, true)
        : { results: await this.posting.post(tx, { items, requestedBy }), problems: [] };
      for (const [n, { at, journalId, journal }] of batch.entries()) {
        const result = results[n];
        refused.push(
          ...[...problems, ...problemsOf(result ? [result] : [], ['lines'])].map((fault) => ({ at, fault })),
        );
        if (result?.outcome !== 'POSTED' || result.id === undefined) continue;
        entries.set(journalId, result.id);
        await this.dimensions.keep(tx, journal.book, dimensionsOf(result.id, journal));
      }
    }
    return { entries, refused };
  }

  private async record(
    tx: Tx,
    action: string,
    { journalId, book, payloadHash }: ManualJournalRow,
    by: string,
    reason: string,
    after: object,
  ): Promise<void> {
    await this.audit.append(tx, {
      action,
      objectKind: 'MANUAL_JOURNAL',
      objectId: journalId,
      bookId: book,
      principal: by,
      reason,
      after: { payloadHash, ...after },
    });
  }
}

const notOpen = problem('PERIOD_NOT_OPEN', 'The book has no open business day', ['book'], true);

const dimensionsOf = (entryId: string, { lines }: ManualJournal) =>
  lines.flatMap(({ dimensions }, n) => dimensions.map((one) => ({ ...one, entryId, n: n + 1 })));
