import { Injectable, type OnModuleInit } from '@nestjs/common';
import { chunk, problem } from '#libs/kernel/index.js';
import { type LongJob } from '#libs/messaging/index.js';
import { type Tx } from '#libs/database/index.js';
import { AffirmationService, type ImportedLine } from '../trades/affirmation.service.js';
import { allocationColumns } from '../trades/allocations.js';
import { countOutcomes } from '../trades/capture.js';
import { confirmationColumns } from '../trades/confirmations.js';
import { tradeColumns } from '../trades/trade-line.js';
import { TradesService } from '../trades/trades.service.js';
import { type CsvLine, qualifierOf, readCsv } from './file.js';
import { ExpectedFilesService } from './expected-files.service.js';
import { type FileReadResult, FileReadersService, type StoredFile } from './file-readers.service.js';
import { FilesRepository, type NewFileLine } from './files.repository.js';

/** Lines of one transaction: a handful of statements each, and little to do again after a kill. */
export const linesPerStep = 500;

type Take<Column extends string> = (
  tx: Tx,
  lines: readonly CsvLine<Column>[],
  file: StoredFile,
) => Promise<NewFileLine[]>;

/** The three kinds of file that are read line by line into trades. */
@Injectable()
export class LineReadersService implements OnModuleInit {
  constructor(
    private readonly readers: FileReadersService,
    private readonly repository: FilesRepository,
    private readonly expected: ExpectedFilesService,
    private readonly trades: TradesService,
    private readonly affirmation: AffirmationService,
  ) {}

  onModuleInit(): void {
    this.readers.register('TRADES', {
      read: (file, content, job) =>
        this.readLines(file, content, job, tradeColumns, (tx, lines) => this.takeTrades(tx, lines, file)),
    });
    this.readers.register('ALLOCATIONS', { read: (file, content, job) => this.readAllocations(file, content, job) });
    this.readers.register('CONFIRMATIONS', {
      read: (file, content, job) =>
        this.readLines(file, content, job, confirmationColumns, async (tx, lines) =>
          imported(
            file,
            lines,
            await this.affirmation.confirm(
              tx,
              lines.map(({ cells }) => cells),
              file.fileId,
            ),
          ),
        ),
    });
  }

  /** The outcome of a line is stored with its effect, so the stored lines are the checkpoint. */
  private async readLines<Column extends string>(
    file: StoredFile,
    content: Buffer,
    job: LongJob,
    columns: readonly Column[],
    take: Take<Column>,
  ): Promise<FileReadResult> {
    const read = readCsv(content, columns);
    if (!read.lines) return { counts: {}, problems: read.problems, isRefused: true };
    const done = await job.step((tx) => this.repository.linesDone(tx, file.fileId));
    const counts = { ...done.counts };
    const left = read.lines.filter(({ line }) => line > done.lastLine);
    let taken = read.lines.length - left.length;
    for (const part of chunk(left, linesPerStep)) {
      const outcomes = await job.step(async (tx) => {
        // The job sees every book; the lines may only reach those of whoever sent them.
        await seeBooks(tx, file.books);
        const lines = await take(tx, part, file);
        await seeBooks(tx, null);
        await this.repository.insertLines(tx, file.fileId, lines);
        job.progress(taken + part.length, read.lines.length, added(counts, countOutcomes(lines)));
        return lines;
      });
      taken += part.length;
      Object.assign(counts, added(counts, countOutcomes(outcomes)));
    }
    const open = await job.step((tx) => this.expected.openQualifiers(tx, file.kind, file.businessDate));
    const qualifier = qualifierOf(file.name, open);
    // A file of nothing but copies is not the one that is waited for.
    const isNew =
      read.lines.length === 0 ||
      Object.entries(counts).some(([outcome, count]) => outcome !== 'DUPLICATE' && count > 0);
    return {
      counts,
      problems: [],
      isRefused: false,
      expected: qualifier === null || !isNew ? undefined : { qualifier },
    };
  }

  private async takeTrades(
    tx: Tx,
    lines: readonly CsvLine<(typeof tradeColumns)[number]>[],
    file: StoredFile,
  ): Promise<NewFileLine[]> {
    const outcomes = await this.trades.capture(
      tx,
      lines.map(({ cells }) => cells),
      { fileId: file.fileId, capturedBy: file.receivedBy },
    );
    return outcomes.map((outcome, index) => ({
      line: lines[index]?.line ?? 0,
      bookId: outcome.bookId ?? file.book ?? '*',
      businessDate: outcome.businessDate ?? file.businessDate,
      outcome: outcome.outcome,
      problems: outcome.problems,
      reference: outcome.reference,
      objectId: outcome.tradeId,
      assetClass: outcome.assetClass,
      market: outcome.market,
      currency: outcome.currency,
      amount: outcome.amount,
    }));
  }

  private async readAllocations(file: StoredFile, content: Buffer, job: LongJob): Promise<FileReadResult> {
    const result = await this.readLines(file, content, job, allocationColumns, async (tx, lines) =>
      imported(
        file,
        lines,
        await this.affirmation.allocate(
          tx,
          lines.map(({ cells }) => cells),
          file.fileId,
        ),
      ),
    );
    if (result.isRefused) return result;
    return job.step(async (tx) => {
      const broken = await this.affirmation.completeBlocks(tx, file.fileId);
      if (broken.length === 0) return result;
      const message = 'the allocations do not add up to the block in quantity and amount';
      await this.repository.refuseLinesOf(tx, file.fileId, broken, [
        problem('ALLOCATION_MISMATCH', message, ['quantity']),
      ]);
      const { counts } = await this.repository.linesDone(tx, file.fileId);
      return {
        ...result,
        counts,
        problems: [problem('ALLOCATION_MISMATCH', `${message}: ${broken.length} blocks`, ['content'])],
      };
    });
  }
}

const imported = (
  file: StoredFile,
  lines: readonly { line: number }[],
  outcomes: readonly ImportedLine[],
): NewFileLine[] =>
  outcomes.map((outcome, index) => ({
    line: lines[index]?.line ?? 0,
    bookId: outcome.bookId ?? file.book ?? '*',
    businessDate: file.businessDate,
    outcome: outcome.outcome,
    problems: outcome.problems,
    reference: outcome.reference,
    objectId: outcome.tradeId,
  }));

const seeBooks = (tx: Tx, books: readonly string[] | null = null) =>
  tx.execute(`SELECT set_config('app.books', $1, true)`, [books === null ? '*' : books.join(',')]);

const added = (before: Record<string, number>, more: Record<string, number>): Record<string, number> => {
  const sum = { ...before };
  for (const [name, count] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
};
