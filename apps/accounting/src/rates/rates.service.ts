import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type PlainDate } from '#libs/calendar/index.js';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { canonicalJson, newId, type Problem, problem, sha256Hex } from '#libs/kernel/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { Rational } from '#libs/money/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { proposalHours, stateAfter } from '../accounts/limit-changes.js';
import { type Figure, type FigureKind, judge, lastGoodOf, RatesOfDate } from './rates.js';
import { type FigureRow, type NewFigure, RatesRepository, type ReleaseRow } from './rates.repository.js';

type Told = PayloadOf<'settlement.rates-versioned.v1'>['items'][number];

const requester = 'service:settlement';
const figureOf = (row: Omit<Figure, 'version'> & { readonly version: string }): Figure => ({
  kind: row.kind,
  version: BigInt(row.version),
  base: row.base,
  quote: row.quote,
  date: row.date,
  value: row.value,
  source: row.source,
});
const pairOf = ({ base, quote }: { base: string; quote: string }) => `${base}/${quote}`;
export const workItemKeyOf = (kind: FigureKind, version: string): string => `market-figure:${kind}:${version}`;

/** Accounting's own copy of rates and prices: what settlement tells, judged once more before anything is valued by it. */
@Injectable()
export class Rates {
  constructor(
    private readonly repository: RatesRepository,
    private readonly workItems: WorkItems,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
  ) {}

  /** Told again, or told late, a version changes nothing. Returns how many were new. */
  async keep(tx: Tx, kind: FigureKind, told: readonly Told[]): Promise<number> {
    await this.repository.lock(tx, kind);
    const known = new Map(
      (
        await this.repository.known(
          tx,
          kind,
          told.map(({ version }) => version),
        )
      ).map((row) => [row.version, row]),
    );
    for (const { version, value } of told) {
      const kept = known.get(version);
      if (kept && !sameNumber(kept.value, value))
        throw new Error(`${kind} ${version} was told with another value before`);
    }
    const withdrawn = told
      .filter(({ version, state }) => state === 'WITHDRAWN' && known.has(version))
      .map(({ version }) => version);
    await this.repository.setStates(tx, kind, withdrawn, 'WITHDRAWN');
    await this.workItems.closeMany(
      tx,
      withdrawn.map((version) => workItemKeyOf(kind, version)),
      'The figure was withdrawn',
      requester,
    );
    const news = [
      ...new Map(told.filter(({ version }) => !known.has(version)).map((one) => [one.version, one])).values(),
    ];
    const figures = await this.judged(tx, kind, news);
    await this.repository.add(tx, figures);
    await this.openWork(tx, figures);
    return figures.length;
  }

  /** The last good rates of a date, and the last good prices of the instruments. */
  async ofDate(tx: Tx, date: PlainDate, instruments: readonly string[] = []): Promise<RatesOfDate> {
    const rates = await this.repository.ratesOf(tx, date);
    const prices = instruments.length === 0 ? [] : await this.repository.pricesOf(tx, date, instruments);
    return new RatesOfDate([...rates, ...prices].map(figureOf), date);
  }

  /** The rates of a date by figures that were named before (`namedFigures`), whatever became of them since. */
  async ofFigures(tx: Tx, date: PlainDate, names: readonly string[]): Promise<RatesOfDate> {
    const versions = names.flatMap((name) => /^RATE:(\d+)@/.exec(name)?.[1] ?? []);
    return new RatesOfDate((await this.repository.known(tx, 'RATE', versions)).map(figureOf), date);
  }

  /** Asks a second person to agree that a held figure is right. */
  async proposeRelease(
    tx: Tx,
    asked: { kind: FigureKind; version: string; reason: string; expiresAt?: Date | null },
    by: string,
  ): Promise<{ release?: ReleaseRow; problems: Problem[] }> {
    const { kind, version, reason, expiresAt = null } = asked;
    const figure = await this.repository.find(tx, kind, version);
    if (!figure)
      return { problems: [problem('RATE_NOT_FOUND', `There is no ${kind} of version ${version}`, ['version'])] };
    const problems: Problem[] = [];
    if (figure.state !== 'HELD') problems.push(problem('RATE_NOT_HELD', `The figure is ${figure.state}`, ['version']));
    if (await this.repository.openRelease(tx, kind, version))
      problems.push(problem('RELEASE_PENDING', 'A release of it waits for a decision already', ['version']));
    if (expiresAt !== null && (await tx.row('SELECT 1 WHERE $1::timestamptz <= kernel.now()', [expiresAt])))
      problems.push(problem('ALREADY_EXPIRED', 'It would expire at once', ['expiresAt']));
    if (problems.length > 0) return { problems };
    const approvalId = newId('apr');
    const payloadHash = hashOf(figure, reason);
    const expires = await this.repository.addRelease(tx, {
      approvalId,
      kind,
      version,
      reason,
      payloadHash,
      by,
      hours: proposalHours,
      expiresAt,
    });
    await this.outbox.add(tx, 'compliance.request-approval.v1', {
      approvalId,
      kind: 'PRICE_OVERRIDE',
      service: 'accounting',
      objectKind: kind,
      objectId: objectIdOf(kind, version),
      book: '*',
      payloadHash,
      summary:
        `${figure.base} at ${figure.value} ${figure.quote} on ${figure.date} (${figure.source}) is used: ${reason}`.slice(
          0,
          280,
        ),
      requestedBy: by,
      expiresAt: expires.toISOString(),
    });
    await this.record(tx, 'MARKET_FIGURE_RELEASE_PROPOSED', figure, by, reason, { approvalId, payloadHash });
    return { release: await this.repository.release(tx, approvalId), problems: [] };
  }

  async decided(tx: Tx, event: PayloadOf<'compliance.approval-decided.v1'>): Promise<void> {
    const open = await this.repository.release(tx, event.approvalId, true);
    if (open?.state !== 'PROPOSED') return;
    await this.repository.lock(tx, open.kind);
    const figure = await this.repository.find(tx, open.kind, open.version);
    if (!figure) return;
    const next = stateAfter(event.outcome, event.payloadHash, open.payloadHash);
    // What was withdrawn meanwhile, or is agreed to by who asked, is not used.
    const applies = next === 'APPLY' && figure.state === 'HELD' && event.decidedBy !== open.requestedBy;
    const state = next !== 'APPLY' ? next : applies ? 'APPLIED' : 'REFUSED';
    await this.repository.decideRelease(tx, event.approvalId, state, event.decidedBy, event.reason);
    if (applies) await this.use(tx, figure, event.decidedBy);
    await this.record(tx, `MARKET_FIGURE_RELEASE_${state}`, figure, event.decidedBy, event.reason, {
      approvalId: event.approvalId,
    });
  }

  /** The figure is used, and with it those held behind it that are no jump from it: after a split all of them are. */
  private async use(tx: Tx, figure: FigureRow, by: string): Promise<void> {
    const used = [figure.version];
    await this.repository.setStates(tx, figure.kind, used, 'GOOD');
    for (const held of await this.repository.heldOfPair(tx, figure)) {
      const [last] = await this.repository.lastGood(tx, held.kind, [held]);
      if (judge(held, last?.value).state !== 'GOOD') continue;
      await this.repository.setStates(tx, held.kind, [held.version], 'GOOD');
      used.push(held.version);
    }
    await this.workItems.closeMany(
      tx,
      used.map((version) => workItemKeyOf(figure.kind, version)),
      'Two people agreed',
      by,
    );
  }

  /** In their order, each compared with what is good by then. */
  private async judged(tx: Tx, kind: FigureKind, told: readonly Told[]): Promise<NewFigure[]> {
    const good = new Map<string, Figure[]>();
    for (const row of await this.repository.lastGood(tx, kind, told))
      good.set(pairOf(row), [...(good.get(pairOf(row)) ?? []), figureOf(row)]);
    return told.map(({ state, ...one }) => {
      const figure = { kind, ...one };
      if (state === 'WITHDRAWN') return { ...figure, state, fault: 'RATE_WITHDRAWN' as const, comparedVersion: null };
      const last = lastGoodOf(good.get(pairOf(one)) ?? [], one.date);
      const judgement = judge(figure, last?.value);
      if (judgement.state === 'GOOD') good.set(pairOf(one), [...(good.get(pairOf(one)) ?? []), figureOf(figure)]);
      return { ...figure, ...judgement, comparedVersion: last ? String(last.version) : null };
    });
  }

  private async openWork(tx: Tx, figures: readonly NewFigure[]): Promise<void> {
    const faulty = figures.filter(({ state }) => state === 'HELD' || state === 'REFUSED');
    if (faulty.length === 0) return;
    const clock = await tx.row<{ due: Date }>(`SELECT kernel.now() + interval '4 hours' AS due`);
    await this.workItems.openMany(
      tx,
      faulty.map(({ kind, version, base, quote, value, date, state, fault }) => ({
        key: workItemKeyOf(kind, version),
        kind: state === 'HELD' ? 'MARKET_FIGURE_HELD' : 'MARKET_FIGURE_REFUSED',
        category: 'OTHER' as const,
        objectKind: kind,
        objectId: objectIdOf(kind, version),
        reference: `${base}/${quote} ${date}`,
        reasonCode: fault ?? 'RATE_JUMPED',
        bookId: '*',
        ownerTeam: 'static-data',
        dueAt: clock?.due ?? new Date(0),
        nextAction:
          state === 'HELD'
            ? `${base} at ${value} ${quote} is far from the last good one, which is used meanwhile: release it, or have it corrected`
            : `${base} at ${value} ${quote} is never used, the last good one is: have it corrected`,
      })),
    );
  }

  private async record(
    tx: Tx,
    action: string,
    figure: FigureRow,
    by: string,
    reason: string,
    after: object,
  ): Promise<void> {
    await this.audit.append(tx, {
      action,
      objectKind: figure.kind,
      objectId: objectIdOf(figure.kind, figure.version),
      principal: by,
      reason,
      after: { base: figure.base, quote: figure.quote, date: figure.date, value: figure.value, ...after },
    });
  }
}

const objectIdOf = (kind: FigureKind, version: string): string => `${kind}:${version}`;

const hashOf = ({ kind, version, base, quote, date, value, source }: FigureRow, reason: string): string =>
  sha256Hex(canonicalJson({ kind, version, base, quote, date, value, source, reason }));

/** `1.50` and `1.5` are one number. */
const sameNumber = (one: string, other: string): boolean => Rational.parse(one).equals(Rational.parse(other));
