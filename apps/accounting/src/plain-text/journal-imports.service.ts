import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type Tx } from '#libs/database/index.js';
import { idFrom, type Problem, problem, sha256Hex } from '#libs/kernel/index.js';
import { Charts } from '../chart/charts.service.js';
import { type EntryItem, type PostingResult } from '../journal/posting.js';
import { PostingService } from '../journal/posting.service.js';
import { adjustmentOf, checkAdjustment } from '../periods/periods.js';
import { Periods, problemsOf } from '../periods/periods.service.js';
import { numbersIn } from './account-names.js';
import {
  commoditiesIn,
  entriesOf,
  type ImportedEntry,
  type ImportedLine,
  namesIn,
  readJournal,
} from './imported-journal.js';
import { type JournalImportRow, PlainTextRepository } from './plain-text.repository.js';

const subjectKind = 'PLAIN_TEXT_JOURNAL';

interface Checked {
  readonly businessDate: string;
  readonly entries: readonly ImportedEntry[];
  readonly lines: readonly ImportedLine[];
  /** Codes whose one account may not be there yet. */
  readonly codes: readonly string[];
  readonly problems: Problem[];
}

/** Journals written by hand: checked when they come, and booked whole, or not at all, when a second person has agreed to these very bytes. */
@Injectable()
export class JournalImports {
  constructor(
    private readonly repository: PlainTextRepository,
    private readonly posting: PostingService,
    private readonly periods: Periods,
    private readonly charts: Charts,
    private readonly audit: AuditTrail,
  ) {}

  find(tx: Tx, id: string): Promise<JournalImportRow | undefined> {
    return this.repository.findImport(tx, id);
  }

  async submit(
    tx: Tx,
    { book, name, content }: { book: string; name: string; content: string },
    by: string,
  ): Promise<{ import?: JournalImportRow; isAlreadyReceived: boolean; problems: Problem[] }> {
    const sha256 = sha256Hex(content);
    const known = await this.repository.importOf(tx, book, sha256);
    if (known) return { import: known, isAlreadyReceived: true, problems: [] };
    if (!(await this.repository.hasBook(tx, book)))
      return { isAlreadyReceived: false, problems: [problem('BOOK_NOT_FOUND', `There is no book ${book}`, ['book'])] };
    const id = idFrom('jim', book, sha256);
    const checked = await this.check(tx, book, content);
    const problems =
      checked.problems.length > 0 ? checked.problems : await this.tryOut(tx, itemsOf(id, book, checked), checked);
    if (problems.length > 0) return { isAlreadyReceived: false, problems };
    await this.repository.insertImport(tx, {
      id,
      book,
      name,
      content,
      sha256,
      entryCount: checked.entries.length,
      lines: [...checked.lines],
      submittedBy: by,
    });
    await this.tell(tx, 'PLAIN_TEXT_JOURNAL_SUBMITTED', { id, book, sha256, entries: checked.entries.length }, by);
    const stored = await this.repository.findImport(tx, id);
    if (!stored) throw new Error(`import ${id} was not stored`);
    return { import: stored, isAlreadyReceived: stored.submittedBy !== by, problems: [] };
  }

  /** Everything is asked again: days, balances and blocks may have changed since. */
  async book(
    tx: Tx,
    { importId, sha256 }: { importId: string; sha256: string },
    by: string,
  ): Promise<{ import?: JournalImportRow; problems: Problem[] }> {
    const row = await this.repository.lockImport(tx, importId);
    if (!row) return { problems: [problem('NOT_FOUND', 'There is no such import', ['importId'])] };
    const problems: Problem[] = [];
    if (row.sha256 !== sha256)
      problems.push(problem('ANOTHER_PAYLOAD', 'What was read is not what is to be booked', ['sha256']));
    if (row.submittedBy === by)
      problems.push(problem('OWN_APPROVAL', 'Another person than the one who brought it books it', ['importId']));
    if (row.state === 'BOOKED') problems.push(problem('ALREADY_BOOKED', 'The file is booked', ['importId']));
    if (problems.length > 0) return { problems };
    const checked = await this.check(tx, row.book, row.content);
    if (checked.problems.length > 0) return { problems: checked.problems };
    const items = itemsOf(importId, row.book, checked);
    const { results, problems: refusals } = await this.postAll(tx, items, checked, by);
    if (refusals.length > 0) return { problems: refusals };
    const entryIds = new Map(results.map(({ id }, n) => [n + 1, id]));
    const lines = checked.lines.map((line) =>
      line.entry === undefined ? line : { ...line, entryId: entryIds.get(line.entry) },
    );
    await this.repository.booked(tx, importId, by, lines);
    await this.tell(
      tx,
      'PLAIN_TEXT_JOURNAL_BOOKED',
      { id: importId, book: row.book, sha256, entries: checked.entries.length },
      by,
    );
    return { import: await this.repository.findImport(tx, importId), problems: [] };
  }

  private async check(tx: Tx, book: string, content: string): Promise<Checked> {
    const read = readJournal(content);
    const nothing = { businessDate: '', entries: [], lines: [], codes: [] };
    if (read.problems.length > 0) return { ...nothing, problems: read.problems };
    const businessDate = await this.repository.openDate(tx, book);
    if (businessDate === undefined)
      return {
        ...nothing,
        problems: [problem('DAY_NOT_OPEN', 'The book has no open business day', ['book'], true)],
      };
    const names = namesIn(read).flatMap(numbersIn);
    const { accounts, otherCodes } = await this.repository.known(tx, book, [...new Set(names)]);
    const scales = await this.repository.scales(tx, commoditiesIn(read));
    const { entries, lines, problems } = entriesOf(read, { accounts, otherCodes, scales, businessDate });
    const used = new Set(entries.flatMap(({ postings }) => postings.map(({ account }) => account)));
    const codes = [...accounts.values()].filter(({ role, number }) => role === 'DIRECT' && used.has(number));
    for (const { date, line } of entries) {
      const adjustment = adjustmentOf(date, businessDate);
      if (!adjustment || date > businessDate) continue;
      const period = await this.periods.find(tx, book, adjustment.period);
      problems.push(
        ...checkAdjustment(adjustment, businessDate, period?.state ?? null, true).map((fault) => ({
          ...fault,
          path: ['content', line, 1],
        })),
      );
    }
    return { businessDate, entries, lines, codes: codes.map(({ code }) => code), problems };
  }

  /** Decided as if it were booked, and nothing of it stays. */
  private async tryOut(tx: Tx, items: readonly EntryItem[], { codes, entries }: Checked): Promise<Problem[]> {
    await tx.execute('SAVEPOINT tried');
    const book = items[0]?.book ?? '';
    if (codes.length > 0) await this.charts.openDirect(tx, book, codes);
    const results = await this.posting.post(tx, { items, requestedBy: 'system', validateOnly: true });
    await tx.execute('ROLLBACK TO SAVEPOINT tried');
    return refusalsOf(results, entries);
  }

  private async postAll(
    tx: Tx,
    items: readonly EntryItem[],
    { codes, entries, businessDate }: Checked,
    by: string,
  ): Promise<{ results: PostingResult[]; problems: Problem[] }> {
    await tx.execute('SAVEPOINT whole');
    if (codes.length > 0) await this.charts.openDirect(tx, items[0]?.book ?? '', codes);
    const results: PostingResult[] = new Array<PostingResult>(items.length);
    const problems: Problem[] = [];
    for (const date of [...new Set(entries.map((entry) => entry.date))].sort()) {
      const places = entries.flatMap((entry, n) => (entry.date === date ? [n] : []));
      const call = { items: places.map((n) => items[n] as EntryItem), requestedBy: by };
      const adjustment = adjustmentOf(date, businessDate);
      const posted = adjustment
        ? await this.periods.postInto(tx, call, adjustment, true)
        : { results: await this.posting.post(tx, call), problems: [] };
      problems.push(
        ...posted.problems,
        ...refusalsOf(
          posted.results,
          places.map((n) => entries[n] as ImportedEntry),
        ),
      );
      places.forEach((n, at) => {
        const result = posted.results[at];
        if (result) results[n] = result;
      });
    }
    if (problems.length > 0) await tx.execute('ROLLBACK TO SAVEPOINT whole');
    return { results, problems };
  }

  private async tell(
    tx: Tx,
    action: string,
    { id, book, sha256, entries }: { id: string; book: string; sha256: string; entries: number },
    by: string,
  ): Promise<void> {
    await this.audit.append(tx, {
      action,
      objectKind: subjectKind,
      objectId: id,
      bookId: book,
      principal: by,
      after: { sha256, entries },
    });
  }
}

const itemsOf = (id: string, book: string, { entries, businessDate }: Checked): EntryItem[] =>
  entries.map(({ line, valueDate, description, postings }) => ({
    op: 'ENTRY',
    key: `${id}:${line}`,
    group: id,
    book,
    kind: 'IMPORTED_JOURNAL',
    businessDate,
    valueDate,
    description,
    subject: { kind: subjectKind, id },
    postings,
  }));

/** What the ledger refuses, told of the lines; that others of the group were refused with it says nothing more. */
function refusalsOf(results: readonly PostingResult[], entries: readonly ImportedEntry[]): Problem[] {
  const all = results.flatMap((result, n) => problemsOf([result], ['content', entries[n]?.line ?? 0, 1]));
  const own = all.filter(({ code }) => code !== 'LINKED_ITEM_REFUSED');
  return own.length > 0 ? own : all;
}
