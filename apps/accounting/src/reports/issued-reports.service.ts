import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type Tx } from '#libs/database/index.js';
import { accepted, type Decision, isRefused, type Problem, problem, refused } from '#libs/kernel/index.js';
import { type LongJob, Outbox } from '#libs/messaging/index.js';
import { formatDecimal } from '#libs/money/index.js';
import { type Bytes, renderTable, type Row, type TableFormat, tableFormats } from '#libs/tabular/index.js';
import { fileName } from '../report-files/report-files.js';
import { type ReportFileRow } from '../report-files/report-files.repository.js';
import { ReportFiles } from '../report-files/report-files.service.js';
import {
  type Heading,
  headOf,
  ledgerColumns,
  type ReportTable,
  statementTable,
  trialBalanceTable,
} from './report-tables.js';
import { ReportsRepository } from './reports.repository.js';
import { type Basis, type Report, Reports, type ReportScope, type Told } from './reports.service.js';

export const issuedKinds = [
  'TRIAL_BALANCE',
  'BALANCE_SHEET',
  'PROFIT_AND_LOSS',
  'CASH_FLOW',
  'GENERAL_LEDGER',
] as const;
export type IssuedKind = (typeof issuedKinds)[number];

const titles: Readonly<Record<IssuedKind, string>> = {
  TRIAL_BALANCE: 'Trial balance',
  BALANCE_SHEET: 'Balance sheet',
  PROFIT_AND_LOSS: 'Profit and loss',
  CASH_FLOW: 'Cash flow',
  GENERAL_LEDGER: 'General ledger',
};

export interface IssueAsked {
  readonly report: IssuedKind;
  readonly format: TableFormat;
  readonly books: readonly string[];
  /** Null for a balance sheet. */
  readonly from: string | null;
  readonly to: string;
  readonly comparedFrom: string | null;
  readonly comparedTo: string | null;
  readonly knownOn: string | null;
  readonly currency: string | null;
}

/** All that a report was made with: with the same, and the same ledger behind it, it is made again byte for byte. */
interface Pinned extends Omit<IssueAsked, 'currency'>, Basis {
  readonly version: number;
  readonly issuedAt: string;
  /** The file it was made of anew. */
  readonly reproduces: string | null;
}

/** Rows of the general ledger that are in memory at once. */
const rowsPerPage = 2_000;

/** Reports as they leave the house: a job makes a file of one, and it can be made again as it was known then. */
@Injectable()
export class IssuedReports {
  constructor(
    private readonly reports: Reports,
    private readonly repository: ReportsRepository,
    private readonly files: ReportFiles,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
  ) {}

  /**
   * Asks for a report. What is wrong with it is told at once: it is made once here, so that the job cannot fail of it. Unless
   * told it is as known at the last date that all its books have closed; one beyond that date is provisional.
   */
  async issue(tx: Tx, asked: IssueAsked, by: string): Promise<{ file?: ReportFileRow; problems: Problem[] }> {
    const problems: Problem[] = [];
    if ((asked.from === null) !== (asked.report === 'BALANCE_SHEET'))
      problems.push(problem('PERIOD_NEEDED', 'A balance sheet is of a date, every other report of a period', ['from']));
    if ((asked.report === 'TRIAL_BALANCE' || asked.report === 'GENERAL_LEDGER') && asked.books.length > 1)
      problems.push(problem('ONE_BOOK_ONLY', `A ${titles[asked.report].toLowerCase()} is of one book`, ['books']));
    if (problems.length > 0) return { problems };
    const known = await this.knownOf(tx, asked);
    const made = await this.table(tx, { ...asked, knownOn: known }, { version: 1, issuedAt: new Date(0) });
    if (isRefused(made)) return { problems: [...made.problems] };
    const { basis } = made.value;
    const row = await tx.row<{ now: Date; earlier: number }>(
      `SELECT kernel.now() AS now, count(f.*)::int AS earlier FROM (SELECT 1) one
         LEFT JOIN accounting.report_file f ON f.kind = $1 AND f.book_id = $2 AND f.state <> 'REFUSED' AND f.parameters->'reproduces' = 'null'::jsonb
          AND f.parameters->'books' = $3::jsonb AND f.parameters->'from' = $4::jsonb AND f.parameters->>'to' = $5 AND f.parameters->>'format' = $6`,
      [asked.report, asked.books[0], JSON.stringify(asked.books), JSON.stringify(asked.from), asked.to, asked.format],
    );
    const pinned: Pinned = {
      ...asked,
      ...basis,
      knownOn: known,
      version: (row?.earlier ?? 0) + 1,
      issuedAt: (row?.now ?? new Date(0)).toISOString(),
      reproduces: null,
    };
    return { file: await this.request(tx, pinned, by), problems: [] };
  }

  /** The report of a file made again, as it was known when it was issued: another file, with the same bytes. */
  async reproduce(tx: Tx, fileId: string, by: string): Promise<{ file?: ReportFileRow; problems: Problem[] }> {
    const file = await this.files.find(tx, fileId);
    if (!file || !isIssued(file.kind))
      return { problems: [problem('NOT_FOUND', 'There is no such report', ['fileId'])] };
    const pinned = pinnedOf(file);
    if (file.state !== 'READY')
      return { problems: [problem('REPORT_NOT_READY', 'The report is not made yet', ['fileId'], true)] };
    if (!pinned.isFinal)
      return {
        problems: [
          problem('REPORT_WAS_PROVISIONAL', 'It was made while its dates were open: only its file stays', ['fileId']),
        ],
      };
    return { file: await this.request(tx, { ...pinned, reproduces: fileId }, by), problems: [] };
  }

  /** The work of the job. */
  async make(job: LongJob, fileId: string): Promise<void> {
    const found = await job.step(async (tx) => {
      const file = await this.files.find(tx, fileId);
      if (!file) throw new Error(`there is no file ${fileId}`);
      const pinned = pinnedOf(file);
      const heading = { version: pinned.version, issuedAt: new Date(pinned.issuedAt) };
      const made = await this.table(tx, pinned, heading, pinned);
      if (isRefused(made)) throw new Error(`${fileId} cannot be made again: ${JSON.stringify(made.problems)}`);
      return {
        pinned,
        made: made.value.table,
        original: pinned.reproduces ? await this.files.find(tx, pinned.reproduces) : undefined,
      };
    });
    const { pinned, made, original } = found;
    let done = 0;
    const rows =
      pinned.report === 'GENERAL_LEDGER'
        ? this.ledgerRows(
            (work) => job.step(work),
            pinned,
            (more) => {
              done += more;
              job.progress(done);
            },
          )
        : made.rows;
    if (original) {
      const again = await hashOf(renderTable(pinned.format, made.table, rows));
      if (again !== original.sha256) {
        const differs = problem(
          'REPORT_DIFFERS',
          `Made again it has the hash ${again}, it was issued with ${original.sha256 ?? ''}`,
        );
        await job.finish((tx) => this.files.refuse(tx, fileId, [differs]));
        return;
      }
      done = 0;
      const anew =
        pinned.report === 'GENERAL_LEDGER'
          ? this.ledgerRows(
              (work) => job.step(work),
              pinned,
              () => undefined,
            )
          : made.rows;
      await this.files.write(job, fileId, renderTable(pinned.format, made.table, anew));
      return;
    }
    await this.files.write(job, fileId, renderTable(pinned.format, made.table, rows));
  }

  private async request(tx: Tx, pinned: Pinned, by: string): Promise<ReportFileRow | undefined> {
    const { report, format, books, from, to } = pinned;
    const [book = ''] = books;
    const { mediaType, extension } = tableFormats[format];
    const title = `${titles[report]} ${books.join(' ')} ${from === null ? to : `${from} ${to}`} v${pinned.version}${pinned.isFinal ? '' : ' provisional'}`;
    const parameters = { ...pinned };
    const id = await this.files.request(tx, {
      book,
      kind: report,
      name: fileName(title, extension),
      mediaType,
      parameters,
      requestedBy: by,
    });
    const { jobRunId } = await this.outbox.add(
      tx,
      'accounting.make-report.v1',
      { reportFileId: id, book },
      { businessKey: title },
    );
    await this.files.setJobRun(tx, id, jobRunId);
    await this.audit.append(tx, {
      action: pinned.reproduces === null ? 'REPORT_ISSUED' : 'REPORT_REPRODUCED',
      objectKind: 'REPORT_FILE',
      objectId: id,
      bookId: book,
      principal: by,
      after: { report, format, books, from, to, version: pinned.version, knownOn: pinned.knownOn },
    });
    return this.files.find(tx, id);
  }

  /** At the end of the last date that all books closed, unless an earlier one is asked for; null beyond it. */
  private async knownOf(tx: Tx, { books, to, knownOn }: IssueAsked): Promise<string | null> {
    if (knownOn !== null) return knownOn;
    let known: string | null = null;
    for (const book of books) {
      const closed = await this.repository.closedUntil(tx, book);
      if (closed === null || closed < to) return null;
      if (known === null || closed < known) known = closed;
    }
    return known;
  }

  private async table(
    tx: Tx,
    asked: IssueAsked,
    issued: { version: number; issuedAt: Date },
    pinned?: Basis,
  ): Promise<Decision<{ table: ReportTable; basis: Basis }>> {
    const { report, books, from, to, comparedFrom, comparedTo, knownOn } = asked;
    const scope: ReportScope = {
      books,
      knownOn,
      currency: pinned?.currency ?? asked.currency,
      ...(pinned ? { chartVersions: pinned.chartVersions, rates: pinned.rates } : {}),
    };
    const comparedWith =
      comparedTo === null ? null : comparedFrom === null ? comparedTo : `${comparedFrom} to ${comparedTo}`;
    const heading: Heading = { books, from, to, comparedWith, knownOn, ...issued };
    const as = (basis: Basis): Basis => (pinned ? { ...basis, rates: pinned.rates, isFinal: pinned.isFinal } : basis);
    const [book = ''] = books;
    const span = { from: from ?? to, to };
    if (report === 'TRIAL_BALANCE' || report === 'GENERAL_LEDGER') {
      const made = await this.reports.trialBalance(tx, book, span, scope);
      if (isRefused(made)) return made;
      const basis = as(basisOf(made.value));
      if (report === 'GENERAL_LEDGER')
        return accepted({ basis, table: { table: headOf(titles[report], heading, basis, ledgerColumns), rows: [] } });
      const rows = await this.repository.assets(tx, [...new Set(made.value.value.lines.map(({ asset }) => asset))]);
      const scales = new Map(rows.map(({ asset, scale }) => [asset, scale]));
      return accepted({
        basis,
        table: trialBalanceTable(heading, { ...made.value, ...basis }, (asset) => scales.get(asset) ?? 0),
      });
    }
    const of = (start: string | null, end: string): Promise<Decision<Report<Told>>> =>
      report === 'BALANCE_SHEET'
        ? this.reports.balanceSheet(tx, end, scope)
        : report === 'CASH_FLOW'
          ? this.reports.cashFlow(tx, { from: start ?? end, to: end }, scope)
          : this.reports.profitAndLoss(tx, { from: start ?? end, to: end }, scope);
    const now = await of(from, to);
    const beside = comparedTo === null ? undefined : await of(comparedFrom, comparedTo);
    if (isRefused(now)) return now;
    if (beside && isRefused(beside)) return refused(beside.problems);
    const rates = [...new Set([...now.value.rates, ...(beside?.value.rates ?? [])])].sort();
    const basis = as({ ...basisOf(now.value), rates, isFinal: now.value.isFinal && (beside?.value.isFinal ?? true) });
    return accepted({
      basis,
      table: statementTable(titles[report], heading, { ...now.value, ...basis }, beside?.value),
    });
  }

  /** Account by account: what it had, each entry, what it has. A page of entries at a time. */
  private async *ledgerRows(
    step: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>,
    { books, from, to, knownOn }: Pinned,
    told: (rows: number) => void,
  ): AsyncGenerator<Row, void, undefined> {
    const [book = ''] = books;
    const period = { book, from: from ?? to, to, knownOn };
    const codes = await step((tx) => this.repository.codes(tx, book));
    for (const code of codes) {
      for (let after: readonly [string, string] | undefined; ;) {
        const from_ = after;
        const accounts = await step((tx) =>
          this.repository.ledger(tx, { ...period, code, asset: null }, rowsPerPage, from_),
        );
        for (const account of accounts.slice(0, rowsPerPage)) {
          const { number, asset, scale } = account;
          const money = (units: bigint) => formatDecimal(units, scale);
          let balance = BigInt(account.opening);
          const head = [code, number, asset];
          yield { kind: 'heading', cells: [...head, null, null, '', 'Opening', null, null, money(balance)] };
          for (let place = '0'; ;) {
            const since = place;
            const entries = await step((tx) =>
              this.repository.entries(tx, { ...period, account: number, asset }, since, rowsPerPage),
            );
            for (const entry of entries) {
              const units = BigInt(entry.units);
              balance += units;
              const sides = units > 0n ? [money(units), null] : [null, money(-units)];
              yield {
                cells: [
                  ...head,
                  entry.accountingDate,
                  entry.valueDate,
                  entry.entryId,
                  entry.description,
                  ...sides,
                  money(balance),
                ],
              };
            }
            told(entries.length);
            place = entries.at(-1)?.sequence ?? place;
            if (entries.length < rowsPerPage) break;
          }
          yield {
            kind: 'subtotal',
            cells: [
              ...head,
              null,
              null,
              '',
              'Closing',
              money(BigInt(account.debit)),
              money(BigInt(account.credit)),
              money(balance),
            ],
          };
          if (balance !== BigInt(account.opening) + BigInt(account.debit) - BigInt(account.credit))
            throw new Error(`the entries of ${number} in ${asset} do not give its balance`);
        }
        if (accounts.length <= rowsPerPage) break;
        const last = accounts[rowsPerPage - 1];
        after = last ? [last.number, last.asset] : undefined;
      }
    }
  }
}

/** As `request` wrote them: a file of these kinds has no others. */
const pinnedOf = ({ parameters }: ReportFileRow): Pinned => parameters as unknown as Pinned;
const isIssued = (kind: string): boolean => (issuedKinds as readonly string[]).includes(kind);
const basisOf = ({ currency, scale, chartVersions, rates, isFinal }: Basis): Basis => ({
  currency,
  scale,
  chartVersions,
  rates,
  isFinal,
});

async function hashOf(bytes: Bytes): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of bytes) hash.update(piece);
  return hash.digest('hex');
}
