import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type EntryOutcome, type ItemToPost } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import {
  type PaymentReference,
  paymentVersions,
  readPaymentReturns,
  readPaymentStatusReport,
  writeCreditTransferInitiation,
} from '#libs/iso20022/index.js';
import { idFrom, problem, type Problem } from '#libs/kernel/index.js';
import { unsealText } from '#libs/messaging/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { ExchangeHandlersService, type InboundMessage } from '../exchange/exchange-handlers.service.js';
import { ExchangeOutboxService } from '../exchange/exchange-outbox.service.js';
import { LedgerService } from '../ledger/ledger.service.js';
import { TradesService } from '../trades/trades.service.js';
import { type Payment, returnEntry, returnKey } from './payment.js';
import { PaymentChangesService } from './payment-changes.service.js';
import { matchPayment } from './payment-matching.js';
import { lateHit, lateHitKey, returnNotBooked } from './payment-work-items.js';
import { nostroFor, type PaymentHit, paymentOf, type PaymentRow, PaymentsRepository } from './payments.repository.js';

const paymentsPerBatch = 500;
const accounting = 'service:accounting';
/** Agents whose money goes free when the ledger says no: nothing has left, so the client is simply told. */
const returnedByAgent: readonly PaymentRow['status'][] = ['BOOKED', 'EXECUTED'];

/** What we have agents pay, and what they say of it. */
@Injectable()
export class AgentPaymentsService implements OnModuleInit {
  constructor(
    private readonly repository: PaymentsRepository,
    private readonly changes: PaymentChangesService,
    private readonly trades: TradesService,
    private readonly exchange: ExchangeOutboxService,
    private readonly handlers: ExchangeHandlersService,
    private readonly ledger: LedgerService,
    private readonly workItems: WorkItems,
  ) {}

  onModuleInit(): void {
    this.handlers.register('pacs.002', (tx, messages) => this.receiveStatuses(tx, messages));
    this.handlers.register('pacs.004', (tx, messages) => this.receiveReturns(tx, messages));
  }

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

  /** Hits that came too late to hold the payments: those that have not left stay, and a person has each. */
  async stopForHits(tx: Tx, hits: readonly PaymentHit[]): Promise<void> {
    if (hits.length === 0) return;
    const rows = await this.repository.markLateHits(
      tx,
      hits.map(({ paymentId }) => paymentId),
    );
    const payments = new Map(rows.map((row) => [row.paymentId, paymentOf(row)]));
    const dueAt = new Date((await this.repository.now(tx)).getTime() + 3_600_000);
    await this.workItems.openMany(
      tx,
      hits.flatMap(({ paymentId, alertId, wasSent }) => {
        const payment = payments.get(paymentId);
        return payment === undefined ? [] : [lateHit(payment, alertId, wasSent, dueAt)];
      }),
      'settlement',
    );
  }

  /** A late hit is decided: released, it no longer keeps the payment here; confirmed, the work stays with whoever has it. */
  async lateHitDecided(tx: Tx, { paymentId, alertId, state }: PaymentHit, by: string): Promise<void> {
    await this.repository.markLateHits(tx, [paymentId]);
    if (state === 'CONFIRMED') return;
    await this.workItems.close(tx, lateHitKey(paymentId, alertId), 'compliance released the hit', by);
    while ((await this.sendBooked(tx, paymentsPerBatch)) === paymentsPerBatch);
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
      const again = await this.takeBack(
        tx,
        inOurs.map(({ payment, amount, reason, settlementDate }) => ({
          payment,
          reason,
          amountMinor: amount.amountMinor,
          date: settlementDate ?? null,
        })),
        `exchange:${channel}`,
      );
      problems.push(
        ...again.map(({ endToEndId }) =>
          problem('ALREADY_RETURNED', `${endToEndId} has come back before; only that was booked.`),
        ),
      );
      if (problems.length > 0) refused.set(messageId, problems);
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

  /** Once for each payment; answers those that have come back before. */
  private async takeBack(
    tx: Tx,
    returned: readonly { payment: PaymentRow; reason: string; amountMinor: bigint; date: PlainDate | null }[],
    by: string,
  ): Promise<PaymentRow[]> {
    const once = new Map<string, (typeof returned)[number]>();
    for (const one of returned) if (!once.has(one.payment.paymentId)) once.set(one.payment.paymentId, one);
    const moved = await this.changes.move(
      tx,
      [...once.values()].map(({ payment, reason }) => ({
        paymentId: payment.paymentId,
        to: 'RETURNED' as const,
        returnReason: reason,
      })),
      returnedByAgent,
      by,
    );
    const movedIds = new Set(moved.map(({ paymentId }) => paymentId));
    const entries: ItemToPost[] = [];
    const again: PaymentRow[] = [];
    for (const one of returned) {
      const { payment, reason, amountMinor, date } = one;
      if (once.get(payment.paymentId) !== one || !movedIds.has(payment.paymentId)) {
        again.push(payment);
        continue;
      }
      const current = await this.trades.bookingDate(tx, payment.bookId);
      entries.push(
        returnEntry(paymentOf(payment), amountMinor, reason, { businessDate: current, valueDate: date ?? current }),
      );
    }
    await this.ledger.postFacts(tx, entries);
    return again;
  }

  /** What the ledger made of the money that came back. */
  async returnsDecided(tx: Tx, outcomes: readonly EntryOutcome[]): Promise<void> {
    const returns = outcomes.filter(({ key, subject }) => key === returnKey(subject.id));
    await this.changes.setReturnEntry(
      tx,
      returns.flatMap((outcome) =>
        outcome.outcome === 'POSTED' ? [{ paymentId: outcome.subject.id, entryId: outcome.entryId }] : [],
      ),
      accounting,
    );
    const refused = returns.flatMap((outcome) => (outcome.outcome === 'REFUSED' ? [outcome] : []));
    if (refused.length === 0) return;
    const rows = await this.repository.find(
      tx,
      refused.map(({ subject }) => subject.id),
    );
    const dueAt = new Date((await this.repository.now(tx)).getTime() + 2 * 3_600_000);
    await this.workItems.openMany(
      tx,
      refused.flatMap(({ key, subject, code }) => {
        const row = rows.get(subject.id);
        return row === undefined ? [] : [returnNotBooked(paymentOf(row), `confirmation:${key}`, code, dueAt)];
      }),
      'settlement',
    );
  }
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
