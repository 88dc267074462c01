import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type Tx } from '#libs/database/index.js';
import { isRefused, type Problem, problem } from '#libs/kernel/index.js';
import { type ChartFiles, readChart, writeChart } from './chart-file.js';
import { checkChange, checkChart } from './chart.js';
import { ChartsRepository, type ChartVersionRow } from './charts.repository.js';

@Injectable()
export class Charts {
  constructor(
    private readonly repository: ChartsRepository,
    private readonly audit: AuditTrail,
  ) {}

  find(tx: Tx, book: string, version: number | null = null): Promise<ChartVersionRow | undefined> {
    return this.repository.find(tx, book, version);
  }

  versions(tx: Tx, book: string, first: number, before?: number): Promise<ChartVersionRow[]> {
    return this.repository.versions(tx, book, first, before);
  }

  openDirect(tx: Tx, book: string, codes: readonly string[]): Promise<void> {
    return this.repository.openDirect(tx, book, codes);
  }

  /** The chart the files tell becomes the next version, or nothing is stored and every fault is told. Without `returns` they stay. */
  async import(
    tx: Tx,
    asked: { book: string; accounts: string; returns: string | null; reason: string },
    by: string,
  ): Promise<{ stored?: ChartVersionRow; problems: Problem[] }> {
    const { book, reason } = asked;
    const standing = await this.repository.find(tx, book);
    if (!standing) return { problems: [problem('BOOK_NOT_FOUND', `There is no book ${book}`, ['book'])] };
    await this.repository.lock(tx, book);
    const files: ChartFiles = {
      accounts: asked.accounts,
      returns: asked.returns ?? writeChart(standing.chart).returns,
    };
    const read = readChart(files);
    if (isRefused(read)) return { problems: [...read.problems] };
    const chart = read.value;
    const problems = [...checkChart(chart), ...checkChange(chart, await this.repository.codesInUse(tx, book))];
    if (problems.length > 0) return { problems };
    const version = await this.repository.store(tx, book, chart, reason, by);
    await this.audit.append(tx, {
      action: 'CHART_STORED',
      objectKind: 'CHART_OF_ACCOUNTS',
      objectId: `${book}/chart`,
      bookId: book,
      principal: by,
      reason,
      after: { version, codes: chart.accounts.length, returns: chart.returns.map(({ code }) => code) },
    });
    const stored = await this.repository.find(tx, book, version);
    return stored ? { stored, problems: [] } : { problems: [] };
  }
}
