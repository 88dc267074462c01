import { Injectable } from '@nestjs/common';
import { type Actor, AuditTrail } from '#libs/audit/index.js';
import { type Tx } from '#libs/database/index.js';
import { type PaymentStatus } from './payment-status.js';
import {
  type NewPayment,
  type PaymentHit,
  type PaymentMove,
  type PaymentRow,
  PaymentsRepository,
} from './payments.repository.js';

const objectKind = 'PAYMENT';

/** The only way to change a payment: each change is written with its leaf in the audit log, in one statement for any number. */
@Injectable()
export class PaymentChangesService {
  constructor(
    private readonly repository: PaymentsRepository,
    private readonly audit: AuditTrail,
  ) {}

  /** Answers the ids that are new; a payment that exists is left as it is. */
  async create(
    tx: Tx,
    payments: readonly (NewPayment & { channel: string; nostroAccount: string })[],
  ): Promise<Set<string>> {
    const fresh = await this.repository.insert(tx, payments);
    await this.audit.appendMany(
      tx,
      payments
        .filter(({ paymentId }) => fresh.has(paymentId))
        .map((payment) => ({
          action: payment.status === 'REFUSED' ? 'payment.received-refused' : 'payment.received',
          objectKind,
          objectId: payment.paymentId,
          bookId: payment.bookId,
          principal: payment.submittedBy,
          ...(payment.refusal ? { reason: payment.refusal.code } : {}),
          // Whom it goes to is personal: the hash of the request stands for it.
          after: {
            status: payment.status,
            source: payment.source,
            endToEndId: payment.endToEndId,
            currency: payment.currency,
            amountMinor: payment.amountMinor.toString(),
            businessDate: payment.businessDate,
            contentHash: payment.contentHash,
          },
        })),
    );
    return fresh;
  }

  /** Moves payments that stand where they are expected; answers those that moved. */
  async move(
    tx: Tx,
    changes: readonly PaymentMove[],
    from: readonly PaymentStatus[],
    by: Actor,
  ): Promise<PaymentRow[]> {
    const moved = await this.repository.move(tx, changes, from);
    const datesOf = new Map(changes.map(({ paymentId, businessDate }) => [paymentId, businessDate]));
    await this.audit.appendMany(
      tx,
      moved.map((row) => {
        const reason = row.refusalCode ?? row.returnReason ?? (row.status === 'HELD' ? row.alertId : null);
        const redated = datesOf.get(row.paymentId) ?? null;
        return {
          action: redated === null ? `payment.${row.status.toLowerCase()}` : 'payment.redated',
          objectKind,
          objectId: row.paymentId,
          bookId: row.bookId,
          principal: by,
          ...(reason === null ? {} : { reason }),
          after: {
            status: row.status,
            entryId: row.entryId,
            screeningId: row.screeningId,
            ...(redated === null ? {} : { businessDate: redated }),
          },
        };
      }),
    );
    return moved;
  }

  /** Answers those that were not told before. */
  async addHits(tx: Tx, hits: readonly { paymentId: string; alertId: string }[], by: Actor): Promise<PaymentHit[]> {
    const fresh = await this.repository.addHits(tx, hits);
    await this.recordHits(tx, fresh, by);
    return fresh;
  }

  /** Undefined when this hit is not open. */
  async decideHit(
    tx: Tx,
    decided: { paymentId: string; alertId: string; decision: 'RELEASED' | 'CONFIRMED' },
    by: Actor,
  ): Promise<PaymentHit | undefined> {
    const hit = await this.repository.decideHit(tx, decided);
    if (hit !== undefined) await this.recordHits(tx, [hit], by);
    return hit;
  }

  private async recordHits(tx: Tx, hits: readonly PaymentHit[], by: Actor): Promise<void> {
    await this.audit.appendMany(
      tx,
      hits.map(({ paymentId, alertId, bookId, state, isLate, wasSent }) => ({
        action: `payment.${isLate ? 'late-hit' : 'hit'}-${state.toLowerCase()}`,
        objectKind,
        objectId: paymentId,
        bookId,
        principal: by,
        reason: alertId,
        after: { alertId, state, isLate, wasSent },
      })),
    );
  }

  async markSent(tx: Tx, payments: readonly { paymentId: string; bookId: string }[], messageId: string): Promise<void> {
    await this.repository.markSent(
      tx,
      payments.map(({ paymentId }) => paymentId),
      messageId,
    );
    await this.audit.appendMany(
      tx,
      payments.map(({ paymentId, bookId }) => ({
        action: 'payment.sent',
        objectKind,
        objectId: paymentId,
        bookId,
        principal: 'service:settlement',
        after: { messageId },
      })),
    );
  }

  async setReturnEntry(tx: Tx, returned: readonly { paymentId: string; entryId: string }[], by: Actor): Promise<void> {
    const booked = await this.repository.setReturnEntry(tx, returned);
    await this.audit.appendMany(
      tx,
      booked.map(({ paymentId, bookId, entryId }) => ({
        action: 'payment.return-booked',
        objectKind,
        objectId: paymentId,
        bookId,
        principal: by,
        after: { entryId },
      })),
    );
  }
}
