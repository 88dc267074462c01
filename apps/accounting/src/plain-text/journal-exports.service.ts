import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type Problem, problem } from '#libs/kernel/index.js';
import { type LongJob, Outbox } from '#libs/messaging/index.js';
import { fileName } from '../report-files/report-files.js';
import { type ReportFileRow } from '../report-files/report-files.repository.js';
import { ReportFiles } from '../report-files/report-files.service.js';
import { accountsText, assetsText, entriesText, headOf, openingHead, openingPostings } from './exported-journal.js';
import { type EntryPlace, type ExportSpan, PlainTextRepository } from './plain-text.repository.js';

export const plainTextJournal = 'PLAIN_TEXT_JOURNAL';
const rowsPerStep = 500;

export interface ExportAsked extends ExportSpan {
  /** What stood before the first date comes first, so that balances are those of the ledger. */
  readonly withOpening: boolean;
}

/** A book's journal between two dates as a text that hledger reads, written row by row by a job. */
@Injectable()
export class JournalExports {
  constructor(
    private readonly repository: PlainTextRepository,
    private readonly files: ReportFiles,
    private readonly outbox: Outbox,
  ) {}

  async request(tx: Tx, asked: ExportAsked, by: string): Promise<{ file?: ReportFileRow; problems: Problem[] }> {
    const { book, from, to, withOpening } = asked;
    const problems: Problem[] = [];
    if (to < from) problems.push(problem('INVALID_PERIOD', 'The period ends before it begins', ['to']));
    if (!(await this.repository.hasBook(tx, book)))
      problems.push(problem('BOOK_NOT_FOUND', `There is no book ${book}`, ['book']));
    if (problems.length > 0) return { problems };
    const id = await this.files.request(tx, {
      book,
      kind: plainTextJournal,
      name: fileName(`${book} ${from} to ${to}`, 'journal'),
      mediaType: 'text/plain; charset=utf-8',
      parameters: { from, to, withOpening },
      requestedBy: by,
    });
    const { jobRunId } = await this.outbox.add(
      tx,
      'accounting.export-plain-text-journal.v1',
      { fileId: id, book },
      { businessKey: `${book} ${from} to ${to}`, requestedBy: by },
    );
    await this.files.setJobRun(tx, id, jobRunId);
    return { file: await this.files.find(tx, id), problems };
  }

  async make(job: LongJob, fileId: string): Promise<void> {
    const file = await job.step((tx) => this.files.find(tx, fileId));
    if (!file) throw new Error(`there is no file ${fileId}`);
    const { from, to, withOpening } = file.parameters as { from: string; to: string; withOpening: boolean };
    const span = { book: file.book, from, to };
    await this.files.write(job, fileId, this.textOf(job, { ...span, withOpening }));
  }

  private async *textOf(job: LongJob, asked: ExportAsked): AsyncGenerator<Uint8Array, void, undefined> {
    const { book, from, to, withOpening } = asked;
    const bytes = (text: string) => Buffer.from(text, 'utf8');
    const assets = await job.step(async (tx) => {
      job.progress(0, await this.repository.countEntries(tx, asked));
      return this.repository.assets(tx, book);
    });
    yield bytes(headOf(`Book ${book} from ${from} to ${to}${withOpening ? ', with what stood before' : ''}`));
    yield bytes(assetsText(assets));
    for (let after = ''; ;) {
      const accounts = await job.step((tx) => this.repository.accounts(tx, book, after, rowsPerStep));
      if (accounts.length === 0) break;
      yield bytes(accountsText(accounts));
      after = accounts.at(-1)?.number ?? after;
    }
    if (withOpening) for await (const text of this.opening(job, asked)) yield bytes(text);
    yield bytes('\n');
    let done = 0;
    for (const pass of [1, 2] as const) {
      for (let place: EntryPlace = { pass, date: '0001-01-01', sequence: '0' }; ;) {
        const entries = await job.step(async (tx) => {
          const page = await this.repository.entries(tx, asked, place, rowsPerStep);
          done += page.length;
          job.progress(done);
          return page;
        });
        const last = entries.at(-1);
        if (!last) break;
        yield bytes(entriesText(entries));
        place = { pass, date: last.businessDate, sequence: last.sequence };
      }
    }
  }

  /** On the day before the first one: a transaction for each asset, which is zero as the ledger is. */
  private async *opening(job: LongJob, { book, from }: ExportAsked): AsyncGenerator<string, void, undefined> {
    const before = new Date(Date.parse(`${from}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10);
    let asset: string | undefined;
    for (let after = { asset: '', number: '' }; ;) {
      const place = after;
      const page = await job.step((tx) => this.repository.standing(tx, book, from, place, rowsPerStep));
      const last = page.at(-1);
      if (!last) return;
      for (const posting of page) {
        if (posting.asset !== asset) yield `\n${openingHead(before, posting.asset)}`;
        asset = posting.asset;
        yield openingPostings([posting]);
      }
      after = last;
    }
  }
}
