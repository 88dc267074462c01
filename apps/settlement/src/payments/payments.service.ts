import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import {
  type EntryOutcome,
  itemsPerCommandMax,
  type ObjectToScreen,
  type ScreeningOutcome,
} from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { chunk, idFrom, problem, type Problem } from '#libs/kernel/index.js';
import { Outbox, sealText } from '#libs/messaging/index.js';
import { isDateRefusal } from '../ledger/fact-entry.js';
import { LedgerService } from '../ledger/ledger.service.js';
import { StaticDataService } from '../static-data/static-data.service.js';
import { TradesService } from '../trades/trades.service.js';
import { AgentPaymentsService } from './agent-payments.service.js';
import {
  type BookDates,
  bookingDateOf,
  contentHashOf,
  paymentEntry,
  paymentIdOf,
  paymentKey,
  type PaymentRequest,
  redated,
  validatePayment,
} from './payment.js';
import { PaymentChangesService } from './payment-changes.service.js';
import {
  type NewPayment,
  nostroFor,
  type PaymentMove,
  paymentOf,
  type PaymentRow,
  PaymentsRepository,
} from './payments.repository.js';

export interface PaymentOrigin {
  /** Whose end-to-end ids these are: ids of two sources never meet. */
  readonly source: string;
  readonly submittedBy: string;
  readonly fileId: string | null;
}

export interface SubmittedPayment {
  readonly paymentId: string | null;
  /** The same payment came before, and nothing happened. */
  readonly isReplay: boolean;
  readonly problems: Problem[];
  /** The book of the account that pays, where there is such an account. */
  readonly bookId: string | null;
}

const paymentsPerBatch = 500;
const ourselves = 'service:settlement';
const compliance = 'service:compliance';
const accounting = 'service:accounting';

@Injectable()
export class PaymentsService {
  constructor(
    private readonly repository: PaymentsRepository,
    private readonly changes: PaymentChangesService,
    private readonly trades: TradesService,
    private readonly staticData: StaticDataService,
    private readonly outbox: Outbox,
    private readonly ledger: LedgerService,
    private readonly agents: AgentPaymentsService,
  ) {}

  // ---- intake -------------------------------------------------------------------------------------------------

  /** Takes payments in: valid ones are screened, wrong ones stored as refused, what is no payment is answered only. */
  async submit(tx: Tx, requests: readonly PaymentRequest[], origin: PaymentOrigin): Promise<SubmittedPayment[]> {
    const now = await this.repository.now(tx);
    const debtors = await this.repository.debtors(tx, [...new Set(requests.map(({ debtorAccount }) => debtorAccount))]);
    const nostros = await this.repository.nostros(tx);
    const days = new Map<string, Awaited<ReturnType<PaymentsService['bookDates']>>>();
    for (const book of new Set([...debtors.values()].map(({ bookId }) => bookId)))
      days.set(book, await this.bookDates(tx, book));
    const cutOffs = await this.repository.cutOffs(tx, now.toISOString().slice(0, 10));
    const calendars = await this.staticData.calendarsHeld(tx);
    const judged = requests.map((request) => ({
      request,
      ...validatePayment(request, debtors.get(request.debtorAccount)),
    }));
    const wanted = new Map<string, NewPayment & { channel: string; nostroAccount: string }>();
    const results = judged.map(({ request, problems, valid }): SubmittedPayment & { hash: string } => {
      const hash = contentHashOf(request);
      const bookId = debtors.get(request.debtorAccount)?.bookId ?? null;
      if (valid === undefined) return { paymentId: null, isReplay: false, problems, hash, bookId };
      const day = days.get(valid.bookId);
      if (day === undefined) throw new Error(`book ${valid.bookId} has no date`);
      const paymentId = paymentIdOf(origin.source, request.endToEndId);
      const before = wanted.get(paymentId);
      if (before !== undefined)
        return {
          paymentId,
          isReplay: before.contentHash === hash,
          problems: before.contentHash === hash ? [] : [reused()],
          hash,
          bookId,
        };
      const nostro = nostroFor(nostros, valid.bookId, request.currency);
      wanted.set(paymentId, {
        paymentId,
        bookId: valid.bookId,
        source: origin.source,
        endToEndId: request.endToEndId,
        debtorAccount: request.debtorAccount,
        currency: request.currency,
        amountMinor: valid.amountMinor,
        creditorSealed: sealText(request.creditorName),
        creditorAccount: valid.creditorAccount,
        creditorCountry: request.creditorCountry ?? null,
        remittanceSealed: request.remittance ? sealText(request.remittance) : null,
        status: valid.refusal ? 'REFUSED' : 'SCREENING',
        refusal: valid.refusal,
        ...bookingDateOf(request, now, day, cutOffs.get(request.currency), calendars),
        channel: nostro.channel,
        nostroAccount: nostro.account,
        fileId: origin.fileId,
        contentHash: hash,
        submittedBy: origin.submittedBy,
      });
      return { paymentId, isReplay: false, problems: valid.refusal ? [valid.refusal] : [], hash, bookId };
    });
    const fresh = await this.changes.create(tx, [...wanted.values()]);
    const known = await this.repository.find(
      tx,
      [...wanted.keys()].filter((id) => !fresh.has(id)),
    );
    await this.screen(
      tx,
      [...wanted.values()].filter(({ paymentId, status }) => fresh.has(paymentId) && status === 'SCREENING'),
    );
    return results.map(({ hash, ...result }) => {
      const earlier = result.paymentId === null ? undefined : known.get(result.paymentId);
      if (earlier === undefined) return result;
      return earlier.contentHash === hash
        ? { ...result, isReplay: true, problems: earlier.problems }
        : { ...result, problems: [reused()] };
    });
  }

  private async screen(tx: Tx, payments: readonly NewPayment[]): Promise<void> {
    const items = payments.map(
      ({ paymentId, endToEndId, bookId, creditorSealed, creditorCountry }): ObjectToScreen => ({
        objectKind: 'PAYMENT',
        objectId: paymentId,
        reference: endToEndId,
        book: bookId,
        names: [
          {
            role: 'CREDITOR',
            sealedName: creditorSealed,
            ...(creditorCountry?.length === 2 ? { country: creditorCountry } : {}),
          },
        ],
      }),
    );
    for (const part of chunk(items, itemsPerCommandMax)) {
      await this.outbox.add(tx, 'compliance.screen-objects.v1', {
        batchId: idFrom('scb', ...part.map(({ objectId }) => objectId)),
        items: part,
      });
    }
  }

  private async bookDates(
    tx: Tx,
    book: string,
  ): Promise<{ businessDate: PlainDate; isOpen: boolean; nextBusinessDate: PlainDate }> {
    await this.repository.holdDay(tx, book);
    const day = await this.trades.bookDay(tx, book);
    if (day)
      return { businessDate: day.businessDate, isOpen: day.state === 'OPEN', nextBusinessDate: day.nextBusinessDate };
    const date = await this.trades.intakeDate(tx, book);
    return { businessDate: date, isOpen: false, nextBusinessDate: date };
  }

  /** A request that came before, or that used its key again for something else: counted, without effect. */
  async recordReplay(
    tx: Tx,
    kind: 'REPLAY' | 'KEY_REUSED',
    request: { debtorAccount: string; endToEndId: string },
    requestedBy: string,
  ): Promise<void> {
    const debtor = (await this.repository.debtors(tx, [request.debtorAccount])).get(request.debtorAccount);
    if (debtor === undefined) return;
    const { businessDate, isOpen, nextBusinessDate } = await this.bookDates(tx, debtor.bookId);
    await this.repository.recordReplays(tx, [
      {
        bookId: debtor.bookId,
        businessDate: isOpen ? businessDate : nextBusinessDate,
        kind,
        reference: request.endToEndId,
        requestedBy,
      },
    ]);
  }

  // ---- compliance ---------------------------------------------------------------------------------------------

  async applyScreening(tx: Tx, outcomes: readonly ScreeningOutcome[]): Promise<void> {
    const facts = outcomes.map((outcome) => ({
      paymentId: outcome.objectId,
      alertId: outcome.alertId ?? null,
      screeningId: outcome.screeningId,
      listVersionId: outcome.listVersionId,
      isHit: outcome.outcome === 'HIT',
    }));
    const hits = facts.flatMap((fact) => (fact.isHit ? [{ ...fact, alertId: fact.alertId ?? fact.screeningId }] : []));
    const fresh = await this.changes.addHits(tx, hits, compliance);
    const isFresh = new Set(fresh.map(({ paymentId, alertId }) => `${paymentId}/${alertId}`));
    await this.changes.move(
      tx,
      hits
        .filter(({ paymentId, alertId }) => isFresh.has(`${paymentId}/${alertId}`))
        .map((fact) => ({ ...fact, to: 'HELD' as const })),
      ['SCREENING', 'READY'],
      compliance,
    );
    await this.agents.stopForHits(
      tx,
      fresh.filter(({ isLate }) => isLate),
    );
    const clear = await this.changes.move(
      tx,
      facts.filter(({ isHit }) => !isHit).map((fact) => ({ ...fact, to: 'READY' as const })),
      ['SCREENING'],
      compliance,
    );
    await this.bookNow(
      tx,
      clear.map(({ paymentId }) => paymentId),
    );
  }

  /**
   * A hit that is confirmed stops the payment for good. It goes on, as if it had been clear, when the last of its hits is
   * released; a decision on a hit that is not open says nothing.
   */
  async applyHoldDecision(
    tx: Tx,
    decided: { objectId: string; alertId: string; decision: 'RELEASED' | 'CONFIRMED'; decidedBy: string },
  ): Promise<void> {
    const { objectId: paymentId, alertId, decision, decidedBy } = decided;
    const hit = await this.changes.decideHit(tx, { paymentId, alertId, decision }, decidedBy);
    if (hit === undefined) return;
    if (hit.isLate) await this.agents.lateHitDecided(tx, hit, decidedBy);
    const standing = await this.repository.standingHit(tx, paymentId);
    const to = standing === undefined ? 'READY' : standing.state === 'CONFIRMED' ? 'STOPPED' : 'HELD';
    const moved = await this.changes.move(
      tx,
      [{ paymentId, to, ...(standing === undefined ? {} : { alertId: standing.alertId }) }],
      ['HELD'],
      decidedBy,
    );
    if (to === 'READY')
      await this.bookNow(
        tx,
        moved.map((row) => row.paymentId),
      );
  }

  // ---- booking ------------------------------------------------------------------------------------------------

  private async bookNow(tx: Tx, paymentIds: readonly string[]): Promise<void> {
    for (const part of chunk(paymentIds, itemsPerCommandMax))
      await this.book(tx, await this.repository.lockReady(tx, { paymentIds: part }, itemsPerCommandMax));
  }

  /** Payments whose date has opened; answers how many went to the ledger. */
  async bookReady(tx: Tx, book: string, businessDate: PlainDate, limit: number): Promise<number> {
    return this.book(
      tx,
      await this.repository.lockReady(tx, { book, businessDate }, Math.min(limit, itemsPerCommandMax)),
    );
  }

  /** Answers how many were looked at: those whose own date has passed may have gone to a later one instead. */
  private async book(tx: Tx, ready: readonly PaymentRow[]): Promise<number> {
    const later = await this.redate(tx, ready);
    const moved = await this.changes.move(
      tx,
      ready
        .filter(({ paymentId }) => !later.has(paymentId))
        .map(({ paymentId }) => ({ paymentId, to: 'BOOKING' as const })),
      ['READY'],
      ourselves,
    );
    await this.ledger.post(
      tx,
      moved.map((row) => paymentEntry(paymentOf(row))),
    );
    return ready.length;
  }

  /** Gives payments whose date has passed the one they can still be booked on; answers those that go to a later one. */
  private async redate(tx: Tx, ready: readonly PaymentRow[]): Promise<Set<string>> {
    const days = await this.daysOf(tx, ready);
    const late = ready.filter(({ bookId, businessDate }) => businessDate < (days.get(bookId)?.businessDate ?? ''));
    if (late.length === 0) return new Set();
    const dateOf = await this.redating(tx, days);
    const moved = await this.changes.move(
      tx,
      late.map((row) => ({ paymentId: row.paymentId, to: 'READY' as const, businessDate: dateOf(row) })),
      ['READY'],
      ourselves,
    );
    return new Set(
      moved
        .filter(({ bookId, businessDate }) => businessDate !== days.get(bookId)?.businessDate)
        .map(({ paymentId }) => paymentId),
    );
  }

  private async daysOf(tx: Tx, rows: readonly PaymentRow[]): Promise<Map<string, BookDates>> {
    const days = new Map<string, BookDates>();
    for (const book of new Set(rows.map(({ bookId }) => bookId))) days.set(book, await this.bookDates(tx, book));
    return days;
  }

  private async redating(tx: Tx, days: ReadonlyMap<string, BookDates>): Promise<(row: PaymentRow) => PlainDate> {
    const now = await this.repository.now(tx);
    const cutOffs = await this.repository.cutOffs(tx, now.toISOString().slice(0, 10));
    const calendars = await this.staticData.calendarsHeld(tx);
    return ({ bookId, currency, businessDate }) => {
      const day = days.get(bookId);
      if (day === undefined) throw new Error(`book ${bookId} has no date`);
      const date = redated(now, day, cutOffs.get(currency), calendars);
      // The ledger closes a date before we hear of it: what it refused there goes to the one after.
      return date > businessDate ? date : redated(now, { ...day, isOpen: false }, cutOffs.get(currency), calendars);
    };
  }

  /**
   * What the ledger booked goes to the agent; what it refused is refused, with the ledger's reason. Nothing is wrong
   * with a payment whose date closed before it was booked: it is tried again with the next date.
   */
  async entriesDecided(tx: Tx, outcomes: readonly EntryOutcome[]): Promise<void> {
    await this.ordersDecided(tx, outcomes);
    await this.agents.returnsDecided(tx, outcomes);
    while ((await this.agents.sendBooked(tx, paymentsPerBatch)) === paymentsPerBatch);
  }

  private async ordersDecided(tx: Tx, outcomes: readonly EntryOutcome[]): Promise<void> {
    const known = await this.repository.find(tx, [...new Set(outcomes.map(({ subject }) => subject.id))], true);
    // Only the key that is asked for now: an answer to an earlier attempt says nothing new.
    const orders = outcomes.filter(({ key, subject }) => {
      const row = known.get(subject.id);
      return row?.status === 'BOOKING' && key === paymentKey(row);
    });
    const missed: PaymentRow[] = [];
    const moves: PaymentMove[] = [];
    for (const outcome of orders) {
      const paymentId = outcome.subject.id;
      const row = known.get(paymentId);
      if (outcome.outcome === 'POSTED') moves.push({ paymentId, to: 'BOOKED', entryId: outcome.entryId });
      else if (isDateRefusal(outcome.code) && row !== undefined) missed.push(row);
      else moves.push({ paymentId, to: 'REFUSED', refusal: { code: outcome.code, message: outcome.message } });
    }
    await this.changes.move(tx, moves, ['BOOKING'], accounting);
    if (missed.length === 0) return;
    const dateOf = await this.redating(tx, await this.daysOf(tx, missed));
    await this.changes.move(
      tx,
      missed.map((row) => ({ paymentId: row.paymentId, to: 'READY' as const, businessDate: dateOf(row) })),
      ['BOOKING'],
      accounting,
    );
    await this.holdLateHits(tx, missed);
    await this.bookNow(
      tx,
      missed.map(({ paymentId }) => paymentId),
    );
  }

  /** What was hit while it was with the ledger, and comes back from there, is held like any other. */
  private async holdLateHits(tx: Tx, missed: readonly PaymentRow[]): Promise<void> {
    const hit = missed.filter(({ lateHit }) => lateHit === 'OPEN' || lateHit === 'CONFIRMED');
    const held = hit.map(({ paymentId, lateAlertId }) => ({ paymentId, to: 'HELD' as const, alertId: lateAlertId }));
    await this.changes.move(tx, held, ['READY'], compliance);
    const confirmed = hit.filter(({ lateHit }) => lateHit === 'CONFIRMED');
    await this.changes.move(
      tx,
      confirmed.map(({ paymentId }) => ({ paymentId, to: 'STOPPED' as const })),
      ['HELD'],
      compliance,
    );
  }
}

const reused = (): Problem =>
  problem('IDEMPOTENCY_KEY_REUSED', 'This end-to-end id was used before for another payment.', ['endToEndId']);
