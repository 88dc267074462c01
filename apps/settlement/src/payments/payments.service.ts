import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import {
  type EntryOutcome,
  type EntryToPost,
  itemsPerCommandMax,
  type ObjectToScreen,
  type ScreeningOutcome,
} from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import {
  type PaymentReference,
  paymentVersions,
  readPaymentReturns,
  readPaymentStatusReport,
  writeCreditTransferInitiation,
} from '#libs/iso20022/index.js';
import { chunk, idFrom, problem, type Problem } from '#libs/kernel/index.js';
import { Outbox, sealText, unsealText } from '#libs/messaging/index.js';
import { ExchangeHandlersService, type InboundMessage } from '../exchange/exchange-handlers.service.js';
import { ExchangeOutboxService } from '../exchange/exchange-outbox.service.js';
import { StaticDataService } from '../static-data/static-data.service.js';
import { TradesService } from '../trades/trades.service.js';
import {
  bookingDateOf,
  contentHashOf,
  type Payment,
  paymentEntry,
  paymentIdOf,
  paymentKey,
  type PaymentRequest,
  returnEntry,
  returnKey,
  validatePayment,
} from './payment.js';
import { PaymentChangesService } from './payment-changes.service.js';
import { matchPayment } from './payment-matching.js';
import { type NewPayment, type Nostro, paymentOf, type PaymentRow, PaymentsRepository } from './payments.repository.js';

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
}

const paymentsPerBatch = 500;
const ourselves = 'service:settlement';
const compliance = 'service:compliance';
const ledger = 'service:accounting';
/** Agents whose money goes free when the ledger says no: nothing has left, so the client is simply told. */
const returnedByAgent: readonly PaymentRow['status'][] = ['BOOKED', 'EXECUTED'];

@Injectable()
export class PaymentsService implements OnModuleInit {
  constructor(
    private readonly repository: PaymentsRepository,
    private readonly changes: PaymentChangesService,
    private readonly trades: TradesService,
    private readonly staticData: StaticDataService,
    private readonly exchange: ExchangeOutboxService,
    private readonly handlers: ExchangeHandlersService,
    private readonly outbox: Outbox,
  ) {}

  onModuleInit(): void {
    this.handlers.register('pacs.002', (tx, messages) => this.receiveStatuses(tx, messages));
    this.handlers.register('pacs.004', (tx, messages) => this.receiveReturns(tx, messages));
  }

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
      if (valid === undefined) return { paymentId: null, isReplay: false, problems, hash };
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
      return { paymentId, isReplay: false, problems: valid.refusal ? [valid.refusal] : [], hash };
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
    await this.changes.move(
      tx,
      facts.filter(({ isHit }) => isHit).map((fact) => ({ ...fact, to: 'HELD' as const })),
      ['SCREENING', 'READY'],
      compliance,
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

  /** RELEASED goes on as if it had been clear; CONFIRMED stops it for good. */
  async applyHoldDecision(
    tx: Tx,
    decided: { objectId: string; decision: 'RELEASED' | 'CONFIRMED'; decidedBy: string },
  ): Promise<void> {
    const to = decided.decision === 'RELEASED' ? ('READY' as const) : ('STOPPED' as const);
    const moved = await this.changes.move(tx, [{ paymentId: decided.objectId, to }], ['HELD'], decided.decidedBy);
    if (to === 'READY')
      await this.bookNow(
        tx,
        moved.map(({ paymentId }) => paymentId),
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

  private async book(tx: Tx, ready: readonly PaymentRow[]): Promise<number> {
    if (ready.length === 0) return 0;
    await this.changes.move(
      tx,
      ready.map(({ paymentId }) => ({ paymentId, to: 'BOOKING' as const })),
      ['READY'],
      ourselves,
    );
    await this.post(
      tx,
      ready.map((row) => paymentEntry(paymentOf(row))),
    );
    return ready.length;
  }

  private async post(tx: Tx, entries: readonly EntryToPost[]): Promise<void> {
    for (const items of chunk(entries, itemsPerCommandMax)) {
      await this.outbox.add(tx, 'accounting.post-entries.v1', {
        batchId: idFrom('bat', ...items.map(({ key }) => key)),
        items,
      });
    }
  }

  /** What the ledger booked goes to the agent; what it refused is refused, with the ledger's reason. */
  async entriesDecided(tx: Tx, outcomes: readonly EntryOutcome[]): Promise<void> {
    const orders = outcomes.filter(({ key, subject }) => key === paymentKey(subject.id));
    await this.changes.move(
      tx,
      orders.flatMap((outcome) =>
        outcome.outcome === 'POSTED'
          ? [{ paymentId: outcome.subject.id, to: 'BOOKED' as const, entryId: outcome.entryId }]
          : [],
      ),
      ['BOOKING'],
      ledger,
    );
    await this.changes.move(
      tx,
      orders.flatMap((outcome) =>
        outcome.outcome === 'REFUSED'
          ? [
              {
                paymentId: outcome.subject.id,
                to: 'REFUSED' as const,
                refusal: { code: outcome.code, message: outcome.message },
              },
            ]
          : [],
      ),
      ['BOOKING'],
      ledger,
    );
    await this.changes.setReturnEntry(
      tx,
      outcomes.flatMap((outcome) =>
        outcome.outcome === 'POSTED' && outcome.key === returnKey(outcome.subject.id)
          ? [{ paymentId: outcome.subject.id, entryId: outcome.entryId }]
          : [],
      ),
      ledger,
    );
    while ((await this.sendBooked(tx, paymentsPerBatch)) === paymentsPerBatch);
  }

  // ---- the agents ---------------------------------------------------------------------------------------------

  /** One pain.001 per agent and account for what is booked and has not left. */
  async sendBooked(tx: Tx, limit: number): Promise<number> {
    const rows = await this.repository.lockUnsent(tx, Math.min(limit, paymentsPerBatch));
    if (rows.length === 0) return 0;
    const now = await this.repository.now(tx);
    const nostros = await this.repository.nostros(tx);
    const groups = new Map<string, Payment[]>();
    for (const payment of rows.map(paymentOf)) {
      const key = `${payment.channel}/${payment.nostroAccount}/${payment.businessDate}`;
      const group = groups.get(key);
      if (group) group.push(payment);
      else groups.set(key, [payment]);
    }
    for (const payments of groups.values()) {
      const [first] = payments;
      if (first === undefined) continue;
      const messageId = idFrom('pmt', ...payments.map(({ paymentId }) => paymentId));
      const agentBic = nostroFor(nostros, first.bookId, first.currency).agentBic;
      const document = writeCreditTransferInitiation({
        messageId,
        createdAt: now.toISOString().replace(/\.\d+Z$/, 'Z'),
        initiatorName: 'Northgate',
        batchId: messageId,
        executionDate: first.businessDate,
        debtorName: `Northgate ${first.bookId}`,
        debtorAccount: { other: first.nostroAccount },
        ...(agentBic ? { debtorAgentBic: agentBic } : {}),
        transfers: payments.map(transferOf),
      });
      await this.exchange.send(tx, [{ channel: first.channel, messageId, type: paymentVersions.initiation, document }]);
      await this.changes.markSent(tx, payments, messageId);
    }
    return rows.length;
  }

  async receiveStatuses(tx: Tx, messages: readonly InboundMessage[]): Promise<Map<string, readonly Problem[]>> {
    const refused = new Map<string, readonly Problem[]>();
    for (const { messageId, channel, document } of messages) {
      const read = readPaymentStatusReport(document);
      if (!read.ok) {
        refused.set(messageId, read.problems);
        continue;
      }
      const { facts, problems } = await this.match(tx, channel, read.value.originalMessageId, read.value.statuses);
      if (problems.length > 0) refused.set(messageId, problems);
      const executed = facts.filter(({ status }) => status === 'ACSC' || status === 'ACCC');
      await this.changes.move(
        tx,
        executed.map(({ payment, agentReference }) => ({
          paymentId: payment.paymentId,
          to: 'EXECUTED' as const,
          agentReference: agentReference ?? null,
        })),
        ['BOOKED'],
        `exchange:${channel}`,
      );
      const rejected = facts.filter(({ status }) => status === 'RJCT');
      await this.takeBack(
        tx,
        rejected.map(({ payment, reason }) => ({
          payment,
          reason: reason ?? 'NARR',
          amountMinor: BigInt(payment.amountMinor),
          date: null,
        })),
        `exchange:${channel}`,
      );
    }
    return refused;
  }

  async receiveReturns(tx: Tx, messages: readonly InboundMessage[]): Promise<Map<string, readonly Problem[]>> {
    const refused = new Map<string, readonly Problem[]>();
    for (const { messageId, channel, document } of messages) {
      const read = readPaymentReturns(document);
      if (!read.ok) {
        refused.set(messageId, read.problems);
        continue;
      }
      const { facts, problems } = await this.match(tx, channel, read.value.originalMessageId, read.value.returns);
      const inOurs = facts.filter(({ payment, amount }) => payment.currency === amount.currency);
      problems.push(
        ...facts
          .filter(({ payment, amount }) => payment.currency !== amount.currency)
          .map(({ payment }) => problem('OTHER_CURRENCY', `${payment.endToEndId} was paid in ${payment.currency}.`)),
      );
      if (problems.length > 0) refused.set(messageId, problems);
      await this.takeBack(
        tx,
        inOurs.map(({ payment, amount, reason, settlementDate }) => ({
          payment,
          reason,
          amountMinor: amount.amountMinor,
          date: settlementDate ?? null,
        })),
        `exchange:${channel}`,
      );
    }
    return refused;
  }

  /** What an agent said of payments, each with the one it means; what it means is told where that is not clear. */
  private async match<Said extends PaymentReference>(
    tx: Tx,
    channel: string,
    ofMessage: string,
    said: readonly Said[],
  ): Promise<{ facts: (Said & { payment: PaymentRow })[]; problems: Problem[] }> {
    const sent = await this.repository.sentThrough(
      tx,
      channel,
      said.map(({ endToEndId }) => endToEndId),
    );
    const facts: (Said & { payment: PaymentRow })[] = [];
    const problems: Problem[] = [];
    for (const one of said) {
      // The message may say once for all of its payments which of ours it answers.
      const reference = { ...(ofMessage === '' ? {} : { originalMessageId: ofMessage }), ...one };
      const match = matchPayment(channel, reference, sent.get(one.endToEndId) ?? []);
      if (match.ok) facts.push({ ...one, payment: match.value });
      else problems.push(...match.problems);
    }
    return { facts, problems };
  }

  private async takeBack(
    tx: Tx,
    returned: readonly { payment: PaymentRow; reason: string; amountMinor: bigint; date: PlainDate | null }[],
    by: string,
  ): Promise<void> {
    const moved = await this.changes.move(
      tx,
      returned.map(({ payment, reason }) => ({
        paymentId: payment.paymentId,
        to: 'RETURNED' as const,
        returnReason: reason,
      })),
      returnedByAgent,
      by,
    );
    const movedIds = new Set(moved.map(({ paymentId }) => paymentId));
    const entries: EntryToPost[] = [];
    for (const { payment, reason, amountMinor, date } of returned.filter((one) =>
      movedIds.has(one.payment.paymentId),
    )) {
      const day = await this.bookDates(tx, payment.bookId);
      const current =
        (await this.trades.bookDay(tx, payment.bookId))?.state === 'CLOSED' ? day.nextBusinessDate : day.businessDate;
      entries.push(
        returnEntry(paymentOf(payment), amountMinor, reason, { businessDate: current, valueDate: date ?? current }),
      );
    }
    await this.post(tx, entries);
  }
}

const reused = (): Problem =>
  problem('IDEMPOTENCY_KEY_REUSED', 'This end-to-end id was used before for another payment.', ['endToEndId']);

/** Where a payment leaves when no account at an agent is known for its book and currency: the channel of its currency. */
function nostroFor(nostros: ReadonlyMap<string, Nostro>, bookId: string, currency: string): Nostro {
  return (
    nostros.get(`${bookId}/${currency}`) ?? {
      account: `NOSTRO-${currency}`,
      bookId,
      currency,
      channel: `AGENT-${currency}`,
      agentBic: null,
    }
  );
}

function transferOf(payment: Payment) {
  const isIbanLike = /^[A-Z]{2}\d{2}[A-Za-z0-9]{1,30}$/.test(payment.creditorAccount);
  return {
    instructionId: payment.paymentId,
    endToEndId: payment.endToEndId,
    amount: { currency: payment.currency, amountMinor: payment.amountMinor },
    creditorName: unsealText(payment.creditorSealed),
    creditorAccount: isIbanLike ? { iban: payment.creditorAccount } : { other: payment.creditorAccount },
    ...(payment.creditorCountry ? { creditorCountry: payment.creditorCountry } : {}),
    ...(payment.remittanceSealed ? { remittance: unsealText(payment.remittanceSealed) } : {}),
  };
}
