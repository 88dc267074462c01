import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { idFrom, newId, type Problem, problem } from '#libs/kernel/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { overrideSource } from '../static-data/static-data.js';
import { StaticDataService } from '../static-data/static-data.service.js';
import { plainDecimal } from '../trades/decimal-text.js';
import { TradesService } from '../trades/trades.service.js';
import {
  type ChangeKind,
  type ChangePayload,
  type ChangeState,
  checkPriceOverride,
  checkSsiChange,
  judgeDecision,
  payloadHashOf,
  type PriceOverride,
  type SsiChange,
} from './change.js';
import { type CalendarClosure } from './closure.js';
import { ClosuresService } from './closures.service.js';

export interface PendingChange {
  changeId: string;
  approvalId: string;
  kind: ChangeKind;
  objectId: string;
  bookId: string;
  payload: ChangePayload;
  payloadHash: string;
  reason: string;
  state: ChangeState;
  proposedBy: string;
  proposedAt: Date;
  /** With its microseconds, for the cursor. */
  proposedAtExact: string;
  expiresAt: Date;
  decidedBy: string | null;
  decidedAt: Date | null;
  outcomeNote: string | null;
}

export interface ChangeAnswer {
  readonly change: PendingChange | null;
  readonly problems: readonly Problem[];
}

export type SsiChangeInput = Omit<SsiChange, 'ssiId' | 'cashAccount'> & {
  readonly ssiId?: string | null;
  readonly cashAccount?: string | null;
};

const columns = `change_id AS "changeId", approval_id AS "approvalId", kind, object_id AS "objectId", book_id AS "bookId", payload,
  payload_hash AS "payloadHash", reason, state, proposed_by AS "proposedBy", proposed_at AS "proposedAt", proposed_at::text AS "proposedAtExact", expires_at AS "expiresAt",
  decided_by AS "decidedBy", decided_at AS "decidedAt", outcome_note AS "outcomeNote"`;

/** A proposal that nobody decided on is void after a day. */
const validForMs = 24 * 3_600_000;

@Injectable()
export class ChangesService {
  constructor(
    private readonly staticData: StaticDataService,
    private readonly trades: TradesService,
    private readonly closures: ClosuresService,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
  ) {}

  async proposeSsiChange(
    tx: Tx,
    input: SsiChangeInput,
    reason: string,
    expiresAt: Date | null,
    by: string,
  ): Promise<ChangeAnswer> {
    const { change, book, problems } = await this.readSsiChange(tx, input);
    if (problems.length > 0) return { change: null, problems };
    const summary = `SSI of ${change.counterpartyId} for ${change.market} at ${change.placeId}: ${change.agentBic}, account ${change.safekeepingAccount}, from ${change.validFrom}`;
    return this.propose(tx, {
      kind: 'SSI_CHANGE',
      objectId: change.ssiId,
      book,
      payload: change,
      reason,
      expiresAt,
      summary,
      by,
    });
  }

  async proposePriceOverride(
    tx: Tx,
    input: PriceOverride,
    reason: string,
    expiresAt: Date | null,
    by: string,
  ): Promise<ChangeAnswer> {
    const { change, book, problems } = await this.readPriceOverride(tx, input);
    if (problems.length > 0) return { change: null, problems };
    return this.propose(tx, {
      kind: 'PRICE_OVERRIDE',
      objectId: priceId(change),
      book,
      payload: change,
      reason,
      expiresAt,
      summary: summaryOf(change),
      by,
    });
  }

  async proposeClosure(
    tx: Tx,
    closure: CalendarClosure,
    reason: string,
    expiresAt: Date | null,
    by: string,
  ): Promise<ChangeAnswer> {
    const problems = await this.closures.check(tx, closure);
    if (problems.length > 0) return { change: null, problems };
    return this.propose(tx, {
      kind: 'CALENDAR_CLOSURE',
      objectId: closureId(closure),
      book: '*',
      payload: closure,
      reason,
      expiresAt,
      summary: summaryOfClosure(closure),
      by,
    });
  }

  /** The faults of a change that nobody has proposed yet. */
  async checkSsi(tx: Tx, input: SsiChangeInput): Promise<Problem[]> {
    return (await this.readSsiChange(tx, input)).problems;
  }

  async checkPrice(tx: Tx, input: PriceOverride): Promise<Problem[]> {
    return (await this.readPriceOverride(tx, input)).problems;
  }

  private async readSsiChange(
    tx: Tx,
    input: SsiChangeInput,
  ): Promise<{ change: SsiChange; book: string; problems: Problem[] }> {
    const { counterpartyId, market, placeId } = input;
    const candidates = await this.staticData.ssisOf(tx, counterpartyId);
    const existing = candidates.find((one) => one.market === market && one.placeId === placeId);
    const change: SsiChange = {
      ssiId: input.ssiId ?? existing?.ssiId ?? idFrom('ssi', counterpartyId, market, placeId),
      counterpartyId,
      market,
      placeId,
      agentBic: input.agentBic,
      safekeepingAccount: input.safekeepingAccount,
      cashAccount: input.cashAccount ?? null,
      validFrom: input.validFrom,
    };
    const place = (await this.staticData.places(tx)).find((one) => one.placeId === placeId);
    const counterparty = await this.staticData.counterparty(tx, counterpartyId);
    return {
      change,
      book: place?.bookId ?? '',
      problems: checkSsiChange(change, {
        hasCounterparty: counterparty !== undefined,
        hasPlace: place?.kind === 'EXTERNAL',
      }),
    };
  }

  private async readPriceOverride(
    tx: Tx,
    input: PriceOverride,
  ): Promise<{ change: PriceOverride; book: string; problems: Problem[] }> {
    const instrument = await this.staticData.instrument(tx, input.isin);
    const place = (await this.staticData.places(tx)).find((one) => one.placeId === instrument?.placeId);
    const change = {
      isin: input.isin,
      priceDate: input.priceDate,
      price: plainDecimal(input.price) ?? input.price,
      currency: input.currency,
    };
    return { change, book: place?.bookId ?? '', problems: checkPriceOverride(change, instrument) };
  }

  private async propose(
    tx: Tx,
    given: {
      kind: ChangeKind;
      objectId: string;
      book: string;
      payload: ChangePayload;
      reason: string;
      expiresAt: Date | null;
      summary: string;
      by: string;
    },
  ): Promise<ChangeAnswer> {
    const clock = await tx.row<{ now: Date }>('SELECT kernel.now() AS now');
    const now = clock?.now ?? new Date(0);
    const expiresAt = given.expiresAt ?? new Date(now.getTime() + validForMs);
    if (expiresAt <= now)
      return { change: null, problems: [problem('EXPIRES_IN_THE_PAST', 'expiresAt is in the future', ['expiresAt'])] };
    const changeId = newId('chg');
    const approvalId = newId('apr');
    const payloadHash = payloadHashOf(given.kind, given.payload);
    const inserted = await tx.execute(
      `INSERT INTO settlement.pending_change (change_id, approval_id, kind, object_id, book_id, payload, payload_hash, reason, state, proposed_by, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, 'PENDING', $9, $10) ON CONFLICT DO NOTHING`,
      [
        changeId,
        approvalId,
        given.kind,
        given.objectId,
        given.book,
        JSON.stringify(given.payload),
        payloadHash,
        given.reason,
        given.by,
        expiresAt.toISOString(),
      ],
    );
    if (inserted === 0)
      return {
        change: null,
        problems: [problem('CHANGE_PENDING', `a change of ${given.objectId} waits for a decision already`)],
      };
    await this.outbox.add(tx, 'compliance.request-approval.v1', {
      approvalId,
      kind: given.kind,
      service: 'settlement',
      objectKind: objectKinds[given.kind],
      objectId: given.objectId,
      book: given.book,
      payloadHash,
      summary: given.summary.slice(0, 280),
      requestedBy: given.by,
      expiresAt: expiresAt.toISOString(),
    });
    await this.audit.append(tx, {
      action: 'change.proposed',
      objectKind: given.kind,
      objectId: given.objectId,
      bookId: given.book,
      principal: given.by,
      reason: given.reason,
      after: given.payload,
    });
    return { change: await this.find(tx, changeId), problems: [] };
  }

  /** The maker changes what was asked for: an approval of the old payload is void from here on. */
  async changeProposal(
    tx: Tx,
    changeId: string,
    given: NewPayloads,
    reason: string,
    by: string,
  ): Promise<ChangeAnswer> {
    const before = await this.lock(tx, { changeId });
    if (!before)
      return { change: null, problems: [problem('CHANGE_NOT_FOUND', 'there is no such change', ['changeId'])] };
    if (before.state !== 'PENDING')
      return { change: null, problems: [problem('CHANGE_DECIDED', `the change is ${before.state}`, ['changeId'])] };
    if (before.proposedBy !== by)
      return { change: null, problems: [problem('NOT_THE_MAKER', 'only its maker changes a proposal', ['changeId'])] };
    const read = await this.readAgain(tx, before, given);
    if (!read)
      return {
        change: null,
        problems: [problem('REQUIRED', `the new payload of ${before.kind} is missing`, [payloadFields[before.kind]])],
      };
    if (read.objectId !== before.objectId)
      read.problems.push(
        problem('ANOTHER_OBJECT', 'a proposal stays about the same object', [payloadFields[before.kind]]),
      );
    if (read.problems.length > 0) return { change: null, problems: read.problems };
    const payloadHash = payloadHashOf(before.kind, read.change);
    await tx.execute(
      'UPDATE settlement.pending_change SET payload = $2::jsonb, payload_hash = $3, reason = $4 WHERE change_id = $1',
      [changeId, JSON.stringify(read.change), payloadHash, reason],
    );
    await this.outbox.add(tx, 'compliance.change-approval-payload.v1', {
      approvalId: before.approvalId,
      payloadHash,
      summary: read.summary.slice(0, 280),
      changedBy: by,
    });
    await this.audit.append(tx, {
      action: 'change.payload-changed',
      objectKind: before.kind,
      objectId: before.objectId,
      bookId: before.bookId,
      principal: by,
      reason,
      before: before.payload,
      after: read.change,
    });
    return { change: await this.find(tx, changeId), problems: [] };
  }

  /** The new payload of a proposal, read by the rules of its kind; undefined when it was not given. */
  private async readAgain(
    tx: Tx,
    before: PendingChange,
    given: NewPayloads,
  ): Promise<{ change: ChangePayload; objectId: string; summary: string; problems: Problem[] } | undefined> {
    switch (before.kind) {
      case 'SSI_CHANGE': {
        if (!given.ssi) return undefined;
        const read = await this.readSsiChange(tx, { ...given.ssi, ssiId: before.objectId });
        const summary = `SSI ${before.objectId} changed: ${read.change.safekeepingAccount}`;
        return { ...read, objectId: before.objectId, summary };
      }
      case 'PRICE_OVERRIDE': {
        if (!given.priceOverride) return undefined;
        const read = await this.readPriceOverride(tx, given.priceOverride);
        return { ...read, objectId: priceId(read.change), summary: summaryOf(read.change) };
      }
      case 'CALENDAR_CLOSURE': {
        if (!given.calendarClosure) return undefined;
        const change = given.calendarClosure;
        const problems = await this.closures.check(tx, change);
        return { change, problems, objectId: closureId(change), summary: summaryOfClosure(change) };
      }
    }
  }

  /** Applies what was approved, if it is still what is asked for. Decisions on other services' objects pass by. */
  async decided(tx: Tx, decision: PayloadOf<'compliance.approval-decided.v1'>): Promise<void> {
    if (decision.service !== 'settlement') return;
    const pending = await this.lock(tx, { approvalId: decision.approvalId });
    if (!pending) return;
    const judged = judgeDecision(pending, decision);
    if (!judged) return;
    const verdict = judged.state === 'APPLIED' ? await this.stillGood(tx, pending, judged) : judged;
    await tx.execute(
      `UPDATE settlement.pending_change SET state = $2, decided_by = $3, decided_at = kernel.now(), outcome_note = $4 WHERE change_id = $1`,
      [pending.changeId, verdict.state, decision.decidedBy, verdict.note || decision.reason],
    );
    if (verdict.state === 'APPLIED') await this.apply(tx, pending, decision.decidedBy);
    await this.audit.append(tx, {
      action: `change.${verdict.state.toLowerCase()}`,
      objectKind: pending.kind,
      objectId: pending.objectId,
      bookId: pending.bookId,
      principal: decision.decidedBy,
      reason: verdict.note || decision.reason,
      after: pending.payload,
    });
  }

  /** A day that was open when its closure was asked for may be over, or closed, when it is decided. */
  private async stillGood(
    tx: Tx,
    pending: PendingChange,
    judged: { readonly state: ChangeState; readonly note: string },
  ): Promise<{ readonly state: ChangeState; readonly note: string }> {
    if (pending.kind !== 'CALENDAR_CLOSURE') return judged;
    const problems = await this.closures.check(tx, pending.payload as CalendarClosure);
    return problems.length === 0
      ? judged
      : { state: 'REFUSED', note: problems.map(({ code, message }) => `${code}: ${message}`).join('; ') };
  }

  private async apply(tx: Tx, pending: PendingChange, by: string): Promise<void> {
    if (pending.kind === 'CALENDAR_CLOSURE') {
      await this.closures.apply(tx, pending.payload as CalendarClosure, {
        changeId: pending.changeId,
        reason: pending.reason,
        by,
      });
      return;
    }
    if (pending.kind === 'SSI_CHANGE') {
      const { validFrom, ...ssi } = pending.payload as SsiChange;
      await this.staticData.saveVersions(tx, 'ssi', [{ ...ssi, validFrom }], {
        source: 'APPROVED_CHANGE',
        originId: pending.changeId,
      });
      await this.trades.retryRepairs(tx, { counterpartyIds: [ssi.counterpartyId] });
      return;
    }
    const override = pending.payload as PriceOverride;
    await this.staticData.savePrices(tx, [{ ...override, source: overrideSource }], pending.changeId);
    await this.trades.retryRepairs(tx, { isins: [override.isin] });
  }

  async find(tx: Tx, changeId: string): Promise<PendingChange | null> {
    return (
      (await tx.row<PendingChange>(`SELECT ${columns} FROM settlement.pending_change WHERE change_id = $1`, [
        changeId,
      ])) ?? null
    );
  }

  async page(
    tx: Tx,
    filter: { state?: string | null | undefined; kind?: string | null | undefined },
    after: readonly (string | null)[] | undefined,
    limit: number,
  ): Promise<PendingChange[]> {
    return tx.rows<PendingChange>(
      `SELECT ${columns} FROM settlement.pending_change
        WHERE ($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR kind = $2)
          AND ($3::timestamptz IS NULL OR (proposed_at, change_id) < ($3, $4::text))
        ORDER BY proposed_at DESC, change_id DESC LIMIT $5`,
      [filter.state ?? null, filter.kind ?? null, after?.[0] ?? null, after?.[1] ?? null, limit],
    );
  }

  private async lock(tx: Tx, by: { changeId?: string; approvalId?: string }): Promise<PendingChange | null> {
    return (
      (await tx.row<PendingChange>(
        `SELECT ${columns} FROM settlement.pending_change WHERE change_id = $1 OR approval_id = $2 FOR UPDATE`,
        [by.changeId ?? null, by.approvalId ?? null],
      )) ?? null
    );
  }
}

export interface NewPayloads {
  readonly ssi?: SsiChangeInput | null;
  readonly priceOverride?: PriceOverride | null;
  readonly calendarClosure?: CalendarClosure | null;
}

const objectKinds: Readonly<Record<ChangeKind, string>> = {
  SSI_CHANGE: 'SSI',
  PRICE_OVERRIDE: 'PRICE',
  CALENDAR_CLOSURE: 'CALENDAR',
};
const payloadFields: Readonly<Record<ChangeKind, string>> = {
  SSI_CHANGE: 'ssi',
  PRICE_OVERRIDE: 'priceOverride',
  CALENDAR_CLOSURE: 'calendarClosure',
};
const priceId = (change: PriceOverride) => `${change.isin}:${change.priceDate}`;
const closureId = (closure: CalendarClosure) => `${closure.calendarId}:${closure.day}`;
const summaryOfClosure = ({ calendarId, day, closesAt }: CalendarClosure) =>
  `${calendarId} closes on ${day}${closesAt === null ? '' : ` at ${closesAt}`}`;
const summaryOf = (change: PriceOverride) =>
  `Price of ${change.isin} on ${change.priceDate}: ${change.price} ${change.currency}`;
