import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { addDays } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { type Decision, isRefused, type Problem, problem } from '#libs/kernel/index.js';
import { type LongJob, Outbox } from '#libs/messaging/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import {
  contentOf,
  followsLast,
  type Frequency,
  issue,
  type Issued,
  type IssuedLine,
  type LastStatement,
  periodStart,
  periodsOver,
  type StatementHead,
  usualFrequency,
} from './issued-statement.js';
import {
  type DueRow,
  IssuedStatementsRepository,
  type IssuedStatementRow,
  type LineRow,
  type SettingRow,
} from './issued-statements.repository.js';

/** More than this is no statement any more: the account is told more often. */
export const statementEntriesMax = 10_000;
const accountsPerStep = 200;
const linesPerStep = 20_000;

export interface StatementsAsked {
  readonly book: string;
  readonly frequency: Frequency;
  readonly to: string;
  readonly requestedBy: string;
}

/** How far the issuing of many stands. */
export interface IssuingPlace {
  readonly after: string;
  readonly issued: number;
  readonly refused: number;
}
export const issuingBegins: IssuingPlace = { after: '0', issued: 0, refused: 0 };

interface Attempt {
  readonly due: DueRow;
  readonly decision: Decision<Issued>;
}

/** Statements of account that leave the house: numbered, continuing the last, and the same whenever they are made again. */
@Injectable()
export class IssuedStatements {
  constructor(
    private readonly repository: IssuedStatementsRepository,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
    private readonly workItems: WorkItems,
  ) {}

  /** Asks for the statements of all accounts of one rhythm. Asking again issues what is missing. */
  async request(tx: Tx, asked: StatementsAsked): Promise<{ jobRunId?: string; problems: Problem[] }> {
    const problems: Problem[] = [];
    if (periodStart(asked.frequency, asked.to) === undefined)
      problems.push(problem('INVALID_PERIOD', `No period that is ${asked.frequency} ends on ${asked.to}`, ['to']));
    if (!(await this.repository.areOver(tx, asked.book, asked.to))) problems.push(notOver(asked.book, asked.to));
    if (problems.length > 0) return { problems };
    const { jobRunId } = await this.outbox.add(tx, 'accounting.issue-statements.v1', asked, {
      businessKey: `${asked.book} ${asked.frequency.toLowerCase()} to ${asked.to}`,
    });
    return { ...(jobRunId === undefined ? {} : { jobRunId }), problems: [] };
  }

  /** A business date is closed: whoever is told in a rhythm that ended with it gets a statement. */
  async dateClosed(tx: Tx, book: string, closed: string, next: string): Promise<void> {
    for (const { frequency, to } of periodsOver(closed, next)) {
      if ((await this.repository.count(tx, book, frequency)) === 0) continue;
      await this.request(tx, { book, frequency, to, requestedBy: 'service:accounting' });
    }
  }

  count(tx: Tx, { book, frequency }: StatementsAsked): Promise<number> {
    return this.repository.count(tx, book, frequency);
  }

  /** Issues for the accounts behind a place, as many as fit into one transaction; null when there are no more. */
  async step(tx: Tx, asked: StatementsAsked, place: IssuingPlace, job: LongJob): Promise<IssuingPlace | null> {
    const { book, to, frequency } = asked;
    const from = periodStart(frequency, to);
    if (from === undefined) throw new Error(`no period that is ${frequency} ends on ${to}`);
    const due = await this.repository.due(tx, { book, from, to, frequency }, place.after, accountsPerStep);
    let lines = 0;
    const now = due.filter((row, n) => {
      lines += Math.min(linesOf(row), statementEntriesMax);
      return n === 0 || lines <= linesPerStep;
    });
    const last = now.at(-1);
    if (last === undefined) return null;
    const attempts = await this.attempt(tx, now, (row) => ({ from: row.to === null ? from : addDays(row.to, 1), to }));
    await this.store(tx, attempts, asked.requestedBy, job.id);
    const refused = attempts.flatMap(({ due: row, decision }) => (isRefused(decision) ? [{ row, decision }] : []));
    await this.openRefused(tx, to, refused);
    return {
      after: last.id,
      issued: place.issued + attempts.length - refused.length,
      refused: place.refused + refused.length,
    };
  }

  /** One account, now. Its first statement begins where it is told to. */
  async issueOne(
    tx: Tx,
    asked: { book: string; account: string; asset: string; from?: string | null; to: string },
    by: string,
  ): Promise<{ statement?: IssuedStatementRow; problems: readonly Problem[] }> {
    const { book, account, asset, to } = asked;
    const due = await this.repository.one(tx, book, account, asset, asked.from ?? to, to);
    if (!due) return { problems: [problem('ACCOUNT_NOT_FOUND', `There is no ${account} in ${asset}`, ['account'])] };
    const from = asked.from ?? (due.to === null ? to : addDays(due.to, 1));
    const problems: Problem[] = [];
    const follows = followsLast(lastOf(due), { from, to });
    if (isRefused(follows)) problems.push(...follows.problems);
    if (!(await this.repository.areOver(tx, book, to))) problems.push(notOver(book, to));
    if (problems.length > 0) return { problems };
    const attempts = await this.attempt(tx, [due], () => ({ from, to }));
    const decision = attempts[0]?.decision;
    if (!decision || isRefused(decision)) return { problems: decision?.problems ?? [] };
    await this.store(tx, attempts, by, null);
    const statement = await this.repository.find(tx, { book, account, asset, number: decision.value.number });
    await this.audit.append(tx, {
      action: 'STATEMENT_ISSUED',
      objectKind: 'ACCOUNT_STATEMENT',
      objectId: `${account}/${asset}/${decision.value.number}`,
      bookId: book,
      principal: by,
      reason: '',
      after: { from, to, contentHash: decision.value.contentHash },
    });
    return { ...(statement ? { statement } : {}), problems: [] };
  }

  /** The text of a statement, made again from the ledger. Its hash is the one that was kept when it was issued. */
  async content(tx: Tx, row: IssuedStatementRow): Promise<string> {
    const head = { ...row };
    return contentOf(
      head,
      {
        number: row.number,
        version: row.version,
        reason: row.reason,
        from: row.from,
        to: row.to,
        opening: BigInt(row.opening),
        debits: BigInt(row.debits),
        credits: BigInt(row.credits),
        closing: BigInt(row.closing),
      },
      await this.linesOf(tx, row),
    );
  }

  async linesOf(tx: Tx, row: IssuedStatementRow): Promise<IssuedLine[]> {
    const rows = await this.repository.lines(tx, [
      { id: row.ledgerAccountId, first: row.firstSequence, last: row.lastSequence },
    ]);
    return rows.map(toLine);
  }

  async setFrequency(
    tx: Tx,
    asked: { book: string; account: string; frequency: Frequency; reason: string },
    by: string,
  ): Promise<{ setting?: SettingRow; problems: Problem[] }> {
    const kind = await this.repository.kindOf(tx, asked.book, asked.account);
    if (kind === undefined)
      return { problems: [problem('ACCOUNT_NOT_FOUND', `There is no ${asked.account}`, ['account'])] };
    const before = await this.repository.setting(tx, asked.book, asked.account);
    if ((before?.frequency ?? usualFrequency(kind)) === asked.frequency)
      return { problems: [problem('NOTHING_CHANGES', `It is ${asked.frequency} already`, ['frequency'])] };
    await this.repository.set(tx, { ...asked, version: (before?.version ?? 0) + 1, setBy: by });
    await this.audit.append(tx, {
      action: 'STATEMENT_FREQUENCY_SET',
      objectKind: 'ACCOUNT',
      objectId: asked.account,
      bookId: asked.book,
      principal: by,
      reason: asked.reason,
      after: { frequency: asked.frequency },
    });
    const setting = await this.repository.setting(tx, asked.book, asked.account);
    return { ...(setting ? { setting } : {}), problems: [] };
  }

  /** What was posted to an account by many at once has its place before the account is told of it. */
  private async folded(
    tx: Tx,
    rows: readonly DueRow[],
    periodOf: (row: DueRow) => { from: string; to: string },
  ): Promise<DueRow[]> {
    const waiting = rows.filter((row) => BigInt(row.lastSequence) > BigInt(row.foldedSequence));
    if (waiting.length > 0)
      await this.repository.fold(
        tx,
        waiting.map(({ id }) => id),
      );
    const read: DueRow[] = [];
    for (const row of rows) {
      const { from, to } = periodOf(row);
      const again = waiting.includes(row) ? this.repository.one(tx, row.book, row.account, row.asset, from, to) : row;
      read.push((await again) ?? row);
    }
    return read;
  }

  private async attempt(
    tx: Tx,
    given: readonly DueRow[],
    periodOf: (row: DueRow) => { from: string; to: string },
  ): Promise<Attempt[]> {
    const rows = await this.folded(tx, given, periodOf);
    const fitting = rows.filter((row) => linesOf(row) <= statementEntriesMax);
    const lines = new Map<string, IssuedLine[]>();
    const read = await this.repository.lines(
      tx,
      fitting.map((row) => ({
        id: row.id,
        first: String(BigInt(row.beforeSequence) + 1n),
        last: row.lastSequence,
      })),
    );
    for (const row of read) lines.set(row.ledgerAccountId, [...(lines.get(row.ledgerAccountId) ?? []), toLine(row)]);
    return rows.map((due): Attempt => ({ due, decision: decide(due, periodOf(due), lines.get(due.id) ?? []) }));
  }

  private async store(tx: Tx, attempts: readonly Attempt[], by: string, jobRunId: string | null): Promise<void> {
    await this.repository.insert(
      tx,
      attempts.flatMap(({ due, decision }) => {
        if (isRefused(decision)) return [];
        const { opening, closing, debits, credits, entries, firstSequence, lastSequence, ...issued } = decision.value;
        return [
          {
            ...issued,
            ledgerAccountId: due.id,
            book: due.book,
            account: due.account,
            asset: due.asset,
            firstSequence: String(firstSequence),
            lastSequence: String(lastSequence),
            movedIn: [],
            movedOut: [],
            opening: String(opening),
            debits: String(debits),
            credits: String(credits),
            closing: String(closing),
            entryCount: entries,
            reason: null,
            correctionId: null,
            issuedBy: by,
            jobRunId,
          },
        ];
      }),
    );
  }

  private async openRefused(
    tx: Tx,
    to: string,
    refused: readonly { row: DueRow; decision: Extract<Decision<Issued>, { ok: false }> }[],
  ): Promise<void> {
    if (refused.length === 0) return;
    const clock = await tx.row<{ due: Date }>(`SELECT kernel.now() + interval '1 day' AS due`);
    await this.workItems.openMany(
      tx,
      refused.map(({ row, decision }) => ({
        key: `statement:${row.book}:${row.account}:${row.asset}:${to}`,
        kind: 'STATEMENT_NOT_ISSUED',
        category: 'OTHER' as const,
        objectKind: 'ACCOUNT',
        objectId: row.account,
        reference: `${row.account} ${row.asset} to ${to}`,
        reasonCode: decision.problems[0]?.code ?? 'STATEMENT_NOT_ISSUED',
        bookId: row.book,
        ownerTeam: 'operations',
        dueAt: clock?.due ?? new Date(0),
        nextAction: `Find out why, then issue it by hand: ${decision.problems[0]?.message ?? ''}`.slice(0, 280),
      })),
    );
  }
}

const linesOf = (row: DueRow): number => Math.max(0, Number(BigInt(row.lastSequence) - BigInt(row.beforeSequence)));

const notOver = (book: string, to: string): Problem =>
  problem('DATES_NOT_OVER', `${book} may still be posted to on a date up to ${to}`, ['to']);

const lastOf = (due: DueRow): LastStatement | undefined =>
  due.number === null || due.to === null
    ? undefined
    : {
        number: due.number,
        to: due.to,
        lastSequence: BigInt(due.lastStatementSequence ?? 0),
        closing: BigInt(due.closing ?? 0),
      };

function decide(due: DueRow, period: { from: string; to: string }, lines: readonly IssuedLine[]): Decision<Issued> {
  if (linesOf(due) > statementEntriesMax)
    return refusedBy('TOO_MANY_ENTRIES', `More than ${statementEntriesMax} entries; tell the account more often`);
  if (BigInt(due.lastSequence) > BigInt(due.foldedSequence))
    return refusedBy('STATEMENT_NOT_CONTIGUOUS', 'Postings of the period have no place on the account yet');
  const head: StatementHead = due;
  const before = { sequence: BigInt(due.beforeSequence), balanceAfter: BigInt(due.beforeBalance) };
  return issue(head, period, lastOf(due), before, lines);
}

const refusedBy = (code: string, message: string): Decision<never> => ({
  ok: false,
  problems: [problem(code, message)],
});

const toLine = (row: LineRow): IssuedLine => ({
  ...row,
  sequence: BigInt(row.sequence),
  units: BigInt(row.units),
  balanceAfter: BigInt(row.balanceAfter),
});
