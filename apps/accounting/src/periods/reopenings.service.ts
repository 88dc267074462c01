import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { isRefused, newId, type Problem, problem } from '#libs/kernel/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { proposalHours, type ProposalState, stateAfter } from '../accounts/limit-changes.js';
import { decideReopening, hashOfReopening } from './periods.js';
import { PeriodsRepository, type ReopeningRow } from './periods.repository.js';
import { noPeriod, Periods } from './periods.service.js';

/** A closed period is opened again by two people: one asks and says why, another agrees to exactly that. */
@Injectable()
export class Reopenings {
  constructor(
    private readonly repository: PeriodsRepository,
    private readonly periods: Periods,
    private readonly outbox: Outbox,
  ) {}

  async propose(
    tx: Tx,
    asked: { book: string; period: string; reason: string; expiresAt?: Date | null },
    by: string,
  ): Promise<{ reopening?: ReopeningRow; problems: readonly Problem[] }> {
    const { book, reason, expiresAt = null } = asked;
    const others = await this.repository.list(tx, book);
    const period = others.find((one) => one.period === asked.period);
    if (!period) return { problems: [noPeriod(book, asked.period)] };
    const decision = decideReopening({ ...period, others });
    if (isRefused(decision)) return { problems: decision.problems };
    if (expiresAt !== null && (await tx.row('SELECT 1 WHERE $1::timestamptz <= kernel.now()', [expiresAt])))
      return { problems: [problem('ALREADY_EXPIRED', 'It would expire at once', ['expiresAt'])] };
    const approvalId = newId('apr');
    const payloadHash = hashOfReopening({ ...period, reason });
    const expires = await this.repository.propose(tx, {
      approvalId,
      period,
      reason,
      payloadHash,
      by,
      hours: proposalHours,
      expiresAt,
    });
    await this.outbox.add(tx, 'compliance.request-approval.v1', {
      approvalId,
      kind: 'PERIOD_REOPENING',
      service: 'accounting',
      objectKind: 'PERIOD',
      objectId: `${book}/${period.period}`,
      book,
      payloadHash,
      summary:
        `Reopen ${period.period} of ${book}, ${period.state === 'HARD_CLOSED' ? 'hard' : 'soft'} closed: ${reason}`.slice(
          0,
          280,
        ),
      requestedBy: by,
      expiresAt: expires.toISOString(),
    });
    await this.periods.record(tx, 'PERIOD_REOPENING_PROPOSED', period, by, reason, { approvalId, payloadHash });
    return { reopening: await this.repository.reopening(tx, approvalId), problems: [] };
  }

  async decided(tx: Tx, event: PayloadOf<'compliance.approval-decided.v1'>): Promise<void> {
    const open = await this.repository.reopening(tx, event.approvalId, true);
    if (open?.state !== 'PROPOSED') return;
    const next = stateAfter(event.outcome, event.payloadHash, open.payloadHash);
    const refusal = next === 'APPLY' ? await this.refusalOf(tx, open, event.decidedBy) : undefined;
    const state: ProposalState = next === 'APPLY' ? (refusal === undefined ? 'APPLIED' : 'REFUSED') : next;
    await this.repository.decide(tx, event.approvalId, {
      state,
      by: event.decidedBy,
      reason: event.reason,
      refusalCode: refusal ?? null,
    });
    if (state === 'APPLIED') await this.reopen(tx, open, event.decidedBy);
    else
      await this.periods.record(tx, `PERIOD_REOPENING_${state}`, open, event.decidedBy, event.reason, {
        approvalId: event.approvalId,
        refusalCode: refusal ?? null,
      });
  }

  /** What has come between while people thought about it. */
  private async refusalOf(tx: Tx, open: ReopeningRow, decidedBy: string): Promise<string | undefined> {
    await this.repository.lockBook(tx, open.book);
    const others = await this.repository.list(tx, open.book);
    const period = others.find((one) => one.period === open.period);
    if (decidedBy === open.requestedBy) return 'SECOND_PERSON_NEEDED';
    if (period?.version !== open.periodVersion) return 'PERIOD_CHANGED';
    const decision = decideReopening({ ...period, others });
    if (isRefused(decision)) return decision.problems[0]?.code;
    if (period.state !== 'HARD_CLOSED') return undefined;
    for (const step of this.periods.hardCloseSteps) {
      const [against] = (await step.reopenable?.(tx, period)) ?? [];
      if (against) return against.code;
    }
    return undefined;
  }

  private async reopen(tx: Tx, open: ReopeningRow, decidedBy: string): Promise<void> {
    const period = await this.repository.find(tx, open.book, open.period);
    if (!period) throw new Error(`${open.period} of ${open.book} is gone`);
    const to = period.state === 'HARD_CLOSED' ? 'SOFT_CLOSED' : 'OPEN';
    const reopened = await this.periods.change(tx, period, to, decidedBy, open.reason, open.approvalId);
    if (period.state !== 'HARD_CLOSED') return;
    for (const step of this.periods.hardCloseSteps) {
      const problems = (await step.reopen?.(tx, reopened, decidedBy)) ?? [];
      if (problems.length > 0)
        throw new Error(`${open.period} is not reopened: ${problems.map(({ code }) => code).join(', ')}`);
    }
  }
}
