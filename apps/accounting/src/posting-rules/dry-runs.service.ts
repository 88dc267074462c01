import { Injectable } from '@nestjs/common';
import { type PostingEvent, type PostingEventKind } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { newId, type Problem, problem } from '#libs/kernel/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { type BookedEvent, type Candidate, compare } from './dry-run.js';
import { type RuleSet } from './posting-rules.js';
import { PostingRulesRepository } from './posting-rules.repository.js';
import { RuleChanges } from './rule-changes.service.js';

export interface DryRunRow {
  readonly dryRunId: string;
  readonly book: string;
  readonly from: string;
  readonly to: string;
  readonly version: number | null;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly jobRunId: string | null;
  readonly state: 'RUNNING' | 'DONE';
  readonly entries: string;
  readonly withoutEvent: string;
  readonly differing: string;
  readonly notBooked: string;
  readonly finishedAt: Date | null;
}

export interface DryRunSum {
  readonly account: string;
  readonly asset: string;
  readonly scale: number;
  readonly now: string;
  readonly then: string;
  readonly isKnown: boolean;
}

export interface DryRunAsked {
  readonly book: string;
  readonly from: string;
  readonly to: string;
  /** Rules to try: a draft, a stored version, or what is proposed. One of the three. */
  readonly rules?: unknown;
  readonly version?: number | null;
  readonly changeId?: string | null;
  readonly first: number;
}

/** Where a dry run stands: behind this entry. */
export interface DryRunPlace {
  readonly date: string;
  readonly sequence: string;
  readonly done: number;
  readonly differing: number;
  readonly notBooked: number;
}
export const beginning: DryRunPlace = { date: '0001-01-01', sequence: '0', done: 0, differing: 0, notBooked: 0 };

const columns = `d.dry_run_id AS "dryRunId", d.book_id AS book, d.from_date AS "from", d.to_date AS "to", d.version, d.requested_by AS "requestedBy",
  d.requested_at AS "requestedAt", d.job_run_id AS "jobRunId", d.state, d.entries, d.without_event AS "withoutEvent", d.differing,
  d.not_booked AS "notBooked", d.finished_at AS "finishedAt"`;
export const entriesPerStep = 500;

/** History replayed through other rules: what would have been booked, and nothing is. */
@Injectable()
export class DryRuns {
  constructor(
    private readonly rules: PostingRulesRepository,
    private readonly changes: RuleChanges,
    private readonly outbox: Outbox,
  ) {}

  find(tx: Tx, dryRunId: string): Promise<DryRunRow | undefined> {
    return tx.row<DryRunRow>(`SELECT ${columns} FROM accounting.posting_rule_dry_run d WHERE d.dry_run_id = $1`, [
      dryRunId,
    ]);
  }

  async start(tx: Tx, asked: DryRunAsked, by: string): Promise<{ dryRun?: DryRunRow; problems: Problem[] }> {
    const { book, from, to, version, first } = asked;
    const { rules, problems } = await this.tried(tx, asked);
    if (to < from) problems.push(problem('PERIOD_ENDS_BEFORE_IT_BEGINS', 'The period ends before it begins', ['to']));
    if (rules === undefined || problems.length > 0) return { problems };
    const dryRunId = newId('drr');
    await tx.execute(
      `INSERT INTO accounting.posting_rule_dry_run (dry_run_id, book_id, from_date, to_date, rules, version, most, requested_by)
       VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7, $8)`,
      [dryRunId, book, from, to, JSON.stringify(rules), version ?? null, first, by],
    );
    const { jobRunId } = await this.outbox.add(
      tx,
      'accounting.dry-run-rules.v1',
      { dryRunId, book },
      { businessKey: `${book} ${from} to ${to}` },
    );
    await tx.execute('UPDATE accounting.posting_rule_dry_run SET job_run_id = $2 WHERE dry_run_id = $1', [
      dryRunId,
      jobRunId ?? null,
    ]);
    return { dryRun: await this.find(tx, dryRunId), problems: [] };
  }

  private async tried(tx: Tx, asked: DryRunAsked): Promise<{ rules?: RuleSet; problems: Problem[] }> {
    const { book, rules, version, changeId } = asked;
    const named = [rules, version, changeId].filter((one) => one !== undefined && one !== null);
    if (named.length !== 1)
      return {
        problems: [problem('REQUIRED', 'Rules, a version or a proposal is tried: one of the three', ['rules'])],
      };
    if (changeId) {
      const change = await this.changes.find(tx, changeId);
      if (change?.book !== book) return { problems: [problem('NOT_FOUND', 'There is no such proposal', ['changeId'])] };
      return { rules: change.rules, problems: [] };
    }
    if (version !== undefined && version !== null) {
      const [stored] = await this.rules.versions(tx, [{ book, version }]);
      if (!stored) return { problems: [problem('NOT_FOUND', 'The book has no such version', ['version'])] };
      return { rules: stored.rules, problems: [] };
    }
    return this.changes.read(tx, book, rules);
  }

  /** How many entries there are to replay, and how many of the period came of no event that is known. */
  async count(tx: Tx, { book, from, to }: DryRunRow): Promise<{ total: number; withoutEvent: number }> {
    const row = await tx.row<{ total: string; without: string }>(
      `SELECT count(p.entry_id) AS total, count(*) FILTER (WHERE p.entry_id IS NULL) AS without
         FROM accounting.journal_entry e LEFT JOIN accounting.posting_event p USING (entry_id)
        WHERE e.book_id = $1 AND e.business_date BETWEEN $2 AND $3`,
      [book, from, to],
    );
    return { total: Number(row?.total ?? 0), withoutEvent: Number(row?.without ?? 0) };
  }

  /** Replays the entries behind a place; null when there is none. */
  async step(tx: Tx, dryRunId: string, after: DryRunPlace): Promise<DryRunPlace | null> {
    const run = await tx.row<DryRunRow & { rules: RuleSet; most: number }>(
      `SELECT ${columns}, d.rules, d.most FROM accounting.posting_rule_dry_run d WHERE d.dry_run_id = $1`,
      [dryRunId],
    );
    if (!run) throw new Error(`there is no dry run ${dryRunId}`);
    const entries = await this.entries(tx, run, after);
    const last = entries.at(-1);
    if (last === undefined) return null;
    const { sums, differing, notBooked } = compare(entries, run.rules);
    await tx.execute(
      `INSERT INTO accounting.posting_rule_dry_run_sum AS s (dry_run_id, book_id, account, asset, now_units, then_units)
       SELECT $1, $2, r.* FROM unnest($3::text[], $4::text[], $5::numeric[], $6::numeric[]) AS r(account, asset, as_booked, as_tried) ORDER BY r.account, r.asset
       ON CONFLICT (dry_run_id, account, asset) DO UPDATE SET now_units = s.now_units + excluded.now_units, then_units = s.then_units + excluded.then_units`,
      [
        dryRunId,
        run.book,
        sums.map(({ account }) => account),
        sums.map(({ asset }) => asset),
        sums.map(({ now }) => String(now)),
        sums.map(({ then }) => String(then)),
      ],
    );
    await tx.execute(
      `INSERT INTO accounting.posting_rule_dry_run_difference (dry_run_id, book_id, n, entry_id, candidate)
       SELECT $1, $2, r.n, r."entryId", r.candidate FROM jsonb_to_recordset($3::jsonb) AS r(n int, "entryId" text, candidate jsonb) WHERE r.n <= $4`,
      [
        dryRunId,
        run.book,
        JSON.stringify(
          differing
            .slice(0, Math.max(0, run.most - after.differing))
            .map(({ entryId, candidate }, n) => ({ n: after.differing + n + 1, entryId, candidate })),
        ),
        run.most,
      ],
    );
    return {
      date: last.businessDate,
      sequence: last.sequence,
      done: after.done + entries.length,
      differing: after.differing + differing.length,
      notBooked: after.notBooked + notBooked,
    };
  }

  private async entries(
    tx: Tx,
    { book, from, to }: DryRunRow,
    after: DryRunPlace,
  ): Promise<(BookedEvent & { businessDate: string; sequence: string })[]> {
    const rows = await tx.rows<
      Omit<BookedEvent, 'event'> & {
        businessDate: string;
        sequence: string;
        eventKind: PostingEventKind;
        facts: PostingEvent['facts'];
      }
    >(
      `SELECT e.entry_id AS "entryId", e.kind, e.description, e.business_date AS "businessDate", e.sequence, p.event_kind AS "eventKind", p.facts,
              (SELECT jsonb_agg(jsonb_build_object('account', l.number, 'asset', g.asset, 'units', g.units::text) ORDER BY g.n)
                 FROM accounting.posting g JOIN accounting.ledger_account l USING (ledger_account_id) WHERE g.entry_id = e.entry_id) AS postings
         FROM accounting.journal_entry e JOIN accounting.posting_event p USING (entry_id)
        WHERE e.book_id = $1 AND e.business_date BETWEEN $2 AND $3 AND (e.business_date, e.sequence) > ($4::date, $5::bigint)
        ORDER BY e.business_date, e.sequence LIMIT $6`,
      [book, from, to, after.date, after.sequence, entriesPerStep],
    );
    return rows.map(({ eventKind, facts, ...row }) => ({ ...row, event: { kind: eventKind, facts } as PostingEvent }));
  }

  async finish(
    tx: Tx,
    dryRunId: string,
    { done, differing, notBooked }: DryRunPlace,
    withoutEvent: number,
  ): Promise<void> {
    await tx.execute(
      `UPDATE accounting.posting_rule_dry_run SET state = 'DONE', entries = $2, differing = $3, not_booked = $4, without_event = $5, finished_at = kernel.now()
        WHERE dry_run_id = $1`,
      [dryRunId, done, differing, notBooked, withoutEvent],
    );
  }

  async sums(tx: Tx, dryRunId: string, onlyDiffering: boolean): Promise<DryRunSum[]> {
    return tx.rows<DryRunSum>(
      `SELECT s.account, s.asset, coalesce(a.scale, 0) AS scale, s.now_units AS now, s.then_units AS then,
              EXISTS (SELECT FROM accounting.account n WHERE n.book_id = s.book_id AND n.number = s.account) AS "isKnown"
         FROM accounting.posting_rule_dry_run_sum s LEFT JOIN accounting.asset a USING (asset)
        WHERE s.dry_run_id = $1 AND (NOT $2 OR s.now_units <> s.then_units) ORDER BY s.account, s.asset`,
      [dryRunId, onlyDiffering],
    );
  }

  async differences(tx: Tx, dryRunId: string): Promise<{ n: number; entryId: string; candidate: Candidate }[]> {
    return tx.rows(
      `SELECT f.n, f.entry_id AS "entryId", f.candidate FROM accounting.posting_rule_dry_run_difference f WHERE f.dry_run_id = $1 ORDER BY f.n`,
      [dryRunId],
    );
  }
}
