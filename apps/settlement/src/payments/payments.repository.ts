import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { type CutOff, type DebtorFact, type Payment } from './payment.js';
import { type PaymentStatus } from './payment-status.js';

export interface PaymentRow {
  readonly paymentId: string;
  readonly bookId: string;
  readonly source: string;
  readonly endToEndId: string;
  readonly debtorAccount: string;
  readonly currency: string;
  readonly amountMinor: string;
  readonly creditorSealed: string;
  readonly creditorAccount: string;
  readonly creditorCountry: string | null;
  readonly remittanceSealed: string | null;
  readonly status: PaymentStatus;
  readonly refusalCode: string | null;
  readonly refusalMessage: string | null;
  readonly problems: Problem[];
  readonly alertId: string | null;
  readonly screeningId: string | null;
  readonly wasHeld: boolean;
  readonly receivedDate: PlainDate;
  readonly businessDate: PlainDate;
  readonly missedDates: number;
  readonly cutOffAt: Date | null;
  readonly channel: string;
  readonly nostroAccount: string;
  readonly entryId: string | null;
  readonly returnEntryId: string | null;
  readonly returnReason: string | null;
  readonly contentHash: string;
  readonly batchMessageId: string | null;
  /** What the hits come to that came when it was with the ledger or later; while one is open or confirmed, it is not sent. */
  readonly lateHit: 'OPEN' | 'RELEASED' | 'CONFIRMED' | null;
  readonly lateAlertId: string | null;
  readonly receivedAt: Date;
}

/** A hit of a payment; a late one came when the payment was with the ledger or later. */
export interface PaymentHit {
  readonly paymentId: string;
  readonly alertId: string;
  readonly bookId: string;
  readonly state: 'OPEN' | 'RELEASED' | 'CONFIRMED';
  readonly isLate: boolean;
  readonly wasSent: boolean;
}

const hitColumns = `payment_id AS "paymentId", alert_id AS "alertId", book_id AS "bookId", state, is_late AS "isLate", was_sent AS "wasSent"`;

export const paymentColumns = `
  p.payment_id AS "paymentId", p.book_id AS "bookId", p.source, p.end_to_end_id AS "endToEndId", p.debtor_account AS "debtorAccount",
  p.currency, p.amount_minor AS "amountMinor", p.creditor_sealed AS "creditorSealed", p.creditor_account AS "creditorAccount",
  p.creditor_country AS "creditorCountry", p.remittance_sealed AS "remittanceSealed", p.status, p.refusal_code AS "refusalCode",
  p.refusal_message AS "refusalMessage", p.problems, p.alert_id AS "alertId", p.screening_id AS "screeningId", p.was_held AS "wasHeld",
  p.received_date AS "receivedDate", p.business_date AS "businessDate", p.missed_dates AS "missedDates", p.cut_off_at AS "cutOffAt", p.channel,
  p.nostro_account AS "nostroAccount", p.entry_id AS "entryId", p.return_entry_id AS "returnEntryId", p.return_reason AS "returnReason",
  p.content_hash AS "contentHash", p.batch_message_id AS "batchMessageId", p.late_hit AS "lateHit", p.late_alert_id AS "lateAlertId", p.received_at AS "receivedAt"`;

export const paymentOf = (row: PaymentRow): Payment => ({ ...row, amountMinor: BigInt(row.amountMinor) });

export interface NewPayment extends Omit<Payment, 'channel' | 'nostroAccount' | 'missedDates'> {
  readonly source: string;
  readonly refusal: Problem | undefined;
  readonly receivedDate: PlainDate;
  readonly cutOffAt: Date | null;
  readonly fileId: string | null;
  readonly contentHash: string;
  readonly submittedBy: string;
}

/** Where a payment goes, and what is learnt on the way. */
export interface PaymentMove {
  readonly paymentId: string;
  readonly to: PaymentStatus;
  readonly alertId?: string | null;
  readonly screeningId?: string | null;
  readonly listVersionId?: string | null;
  readonly refusal?: { code: string; message: string } | null;
  readonly entryId?: string | null;
  readonly returnReason?: string | null;
  readonly agentReference?: string | null;
  /** The date it goes to, when its own was missed. */
  readonly businessDate?: PlainDate | null;
}

export interface Nostro {
  readonly account: string;
  readonly bookId: string;
  readonly currency: string;
  readonly channel: string;
  readonly agentBic: string | null;
}

@Injectable()
export class PaymentsRepository {
  async now(tx: Tx): Promise<Date> {
    const row = await tx.row<{ now: Date }>('SELECT kernel.now() AS now');
    if (!row) throw new Error('the clock does not answer');
    return row.now;
  }

  /** An intake holds its book's day until it is committed; the cut-off waits for it. */
  async holdDay(tx: Tx, book: string): Promise<void> {
    await tx.execute('SELECT 1 FROM settlement.book_day WHERE book_id = $1 FOR SHARE', [book]);
  }

  async debtors(tx: Tx, accounts: readonly string[]): Promise<Map<string, DebtorFact>> {
    const rows = await tx.rows<DebtorFact>(
      `SELECT account, min(book_id) AS "bookId", array_agg(DISTINCT currency) FILTER (WHERE currency IS NOT NULL) AS currencies
         FROM settlement.client_account WHERE account = ANY($1::text[]) AND kind = 'CLIENT_CASH' AND superseded_at IS NULL GROUP BY account`,
      [accounts],
    );
    return new Map(rows.map((row) => [row.account, { ...row, currencies: (row.currencies as string[] | null) ?? [] }]));
  }

  async cutOffs(tx: Tx, on: PlainDate): Promise<Map<string, CutOff>> {
    const rows = await tx.rows<CutOff & { currency: string }>(
      `SELECT DISTINCT ON (currency) currency, local_time AS "localTime", zone, calendar_id AS "calendarId"
         FROM settlement.payment_cut_off WHERE valid_from <= $1::date ORDER BY currency, valid_from DESC`,
      [on],
    );
    return new Map(rows.map((row) => [row.currency, row]));
  }

  /** The account each currency of a book is paid from: the plain one before those kept for a purpose. */
  async nostros(tx: Tx): Promise<Map<string, Nostro>> {
    const rows = await tx.rows<Nostro>(
      `SELECT DISTINCT ON (book_id, currency) account, book_id AS "bookId", currency, channel, agent_bic AS "agentBic"
         FROM settlement.nostro ORDER BY book_id, currency, length(account), account`,
    );
    return new Map(rows.map((row) => [`${row.bookId}/${row.currency}`, row]));
  }

  async find(tx: Tx, paymentIds: readonly string[], lock = false): Promise<Map<string, PaymentRow>> {
    const rows = await tx.rows<PaymentRow>(
      `SELECT ${paymentColumns} FROM settlement.payment p WHERE p.payment_id = ANY($1::text[]) ORDER BY p.payment_id ${lock ? 'FOR UPDATE' : ''}`,
      [paymentIds],
    );
    return new Map(rows.map((row) => [row.paymentId, row]));
  }

  /** Answers the ids that are new; a payment that exists is left as it is. */
  async insert(
    tx: Tx,
    payments: readonly (NewPayment & { channel: string; nostroAccount: string })[],
  ): Promise<Set<string>> {
    if (payments.length === 0) return new Set();
    const rows = payments.map(({ refusal, amountMinor, cutOffAt, ...rest }) => ({
      ...rest,
      amountMinor: amountMinor.toString(),
      cutOffAt: cutOffAt?.toISOString() ?? null,
      refusalCode: refusal?.code ?? null,
      refusalMessage: refusal?.message ?? null,
      problems: refusal ? [refusal] : [],
    }));
    const inserted = await tx.rows<{ paymentId: string }>(
      `INSERT INTO settlement.payment (payment_id, book_id, source, end_to_end_id, debtor_account, currency, amount_minor, creditor_sealed, creditor_account,
         creditor_country, remittance_sealed, status, refusal_code, refusal_message, problems, received_date, business_date, cut_off_at, channel,
         nostro_account, file_id, content_hash, submitted_by)
       SELECT r."paymentId", r."bookId", r.source, r."endToEndId", r."debtorAccount", r.currency, r."amountMinor", r."creditorSealed", r."creditorAccount",
         r."creditorCountry", r."remittanceSealed", r.status, r."refusalCode", r."refusalMessage", r.problems, r."receivedDate", r."businessDate",
         r."cutOffAt", r.channel, r."nostroAccount", r."fileId", r."contentHash", r."submittedBy"
         FROM jsonb_to_recordset($1::jsonb) AS r("paymentId" text, "bookId" text, source text, "endToEndId" text, "debtorAccount" text, currency text,
           "amountMinor" numeric, "creditorSealed" text, "creditorAccount" text, "creditorCountry" text, "remittanceSealed" text, status text,
           "refusalCode" text, "refusalMessage" text, problems jsonb, "receivedDate" date, "businessDate" date, "cutOffAt" timestamptz, channel text,
           "nostroAccount" text, "fileId" text, "contentHash" text, "submittedBy" text)
       ON CONFLICT DO NOTHING RETURNING payment_id AS "paymentId"`,
      [JSON.stringify(rows)],
    );
    return new Set(inserted.map(({ paymentId }) => paymentId));
  }

  /** Moves payments that stand where they are expected; answers those that moved. */
  async move(tx: Tx, changes: readonly PaymentMove[], from: readonly PaymentStatus[]): Promise<PaymentRow[]> {
    if (changes.length === 0) return [];
    const rows = changes.map(({ refusal, ...rest }) => ({
      ...rest,
      refusalCode: refusal?.code ?? null,
      refusalMessage: refusal?.message ?? null,
    }));
    return tx.rows<PaymentRow>(
      `WITH asked AS (SELECT * FROM jsonb_to_recordset($1::jsonb) AS r("paymentId" text, "to" text, "alertId" text, "screeningId" text,
                "listVersionId" text, "refusalCode" text, "refusalMessage" text, "entryId" text, "returnReason" text, "agentReference" text, "businessDate" date)),
            locked AS (SELECT payment_id FROM settlement.payment WHERE payment_id IN (SELECT "paymentId" FROM asked) AND status = ANY($2::text[])
                        ORDER BY payment_id FOR UPDATE)
       UPDATE settlement.payment p SET status = r."to", alert_id = coalesce(r."alertId", p.alert_id), screening_id = coalesce(r."screeningId", p.screening_id),
              list_version_id = coalesce(r."listVersionId", p.list_version_id), refusal_code = r."refusalCode", refusal_message = r."refusalMessage",
              entry_id = coalesce(r."entryId", p.entry_id), return_reason = coalesce(r."returnReason", p.return_reason),
              agent_reference = coalesce(r."agentReference", p.agent_reference),
              business_date = coalesce(r."businessDate", p.business_date),
              missed_dates = p.missed_dates + CASE WHEN p.status = 'BOOKING' AND r."to" = 'READY' THEN 1 ELSE 0 END, was_held = p.was_held OR r."to" = 'HELD'
         FROM asked r JOIN locked l ON l.payment_id = r."paymentId"
        WHERE p.payment_id = r."paymentId"
       RETURNING ${paymentColumns}`,
      [JSON.stringify(rows), from],
    );
  }

  /** READY payments of dates that are open or have passed, to be booked now. */
  async lockReady(
    tx: Tx,
    filter: { book?: string; businessDate?: PlainDate; paymentIds?: readonly string[] },
    limit: number,
  ): Promise<PaymentRow[]> {
    return tx.rows<PaymentRow>(
      `SELECT ${paymentColumns} FROM settlement.payment p JOIN settlement.book_day d ON d.book_id = p.book_id
        WHERE p.status = 'READY' AND p.business_date <= d.business_date AND d.state <> 'CLOSED'
          AND ($1::text IS NULL OR p.book_id = $1) AND ($2::date IS NULL OR p.business_date <= $2) AND ($3::text[] IS NULL OR p.payment_id = ANY($3))
        ORDER BY p.payment_id LIMIT $4 FOR UPDATE OF p`,
      [filter.book ?? null, filter.businessDate ?? null, filter.paymentIds ?? null, limit],
    );
  }

  async lockUnsent(tx: Tx, limit: number): Promise<PaymentRow[]> {
    return tx.rows<PaymentRow>(
      `SELECT ${paymentColumns} FROM settlement.payment p WHERE p.status = 'BOOKED' AND p.batch_message_id IS NULL
          AND coalesce(p.late_hit, 'RELEASED') = 'RELEASED'
        ORDER BY p.channel, p.payment_id LIMIT $1 FOR UPDATE`,
      [limit],
    );
  }

  /** Keeps hits, with their payments locked; answers those that were not told before. */
  async addHits(tx: Tx, hits: readonly { paymentId: string; alertId: string }[]): Promise<PaymentHit[]> {
    if (hits.length === 0) return [];
    return tx.rows<PaymentHit>(
      `INSERT INTO settlement.payment_hit (payment_id, alert_id, book_id, is_late, was_sent, after_sequence)
       SELECT p.payment_id, r."alertId", p.book_id, false, false, 0
         FROM jsonb_to_recordset($1::jsonb) AS r("paymentId" text, "alertId" text) JOIN settlement.payment p ON p.payment_id = r."paymentId"
        ORDER BY p.payment_id, r."alertId"
       ON CONFLICT DO NOTHING RETURNING ${hitColumns}`,
      [JSON.stringify(hits)],
    );
  }

  /** Undefined when this hit is not open. */
  async decideHit(
    tx: Tx,
    decided: { paymentId: string; alertId: string; decision: 'RELEASED' | 'CONFIRMED' },
  ): Promise<PaymentHit | undefined> {
    return tx.row<PaymentHit>(
      `UPDATE settlement.payment_hit SET state = $3, decided_at = kernel.now() WHERE payment_id = $1 AND alert_id = $2 AND state = 'OPEN'
       RETURNING ${hitColumns}`,
      [decided.paymentId, decided.alertId, decided.decision],
    );
  }

  /** The hit that still stops a payment: a confirmed one before those that are open. */
  async standingHit(tx: Tx, paymentId: string): Promise<PaymentHit | undefined> {
    return tx.row<PaymentHit>(
      `SELECT ${hitColumns} FROM settlement.payment_hit WHERE payment_id = $1 AND state <> 'RELEASED'
        ORDER BY state = 'OPEN', hit_at, alert_id LIMIT 1`,
      [paymentId],
    );
  }

  /** What the late hits of payments come to: confirmed when one is, else open when one is; answers those payments. */
  async markLateHits(tx: Tx, paymentIds: readonly string[]): Promise<PaymentRow[]> {
    return tx.rows<PaymentRow>(
      `UPDATE settlement.payment p SET late_hit = h.state, late_alert_id = h.alert_id
         FROM (SELECT DISTINCT ON (payment_id) payment_id, alert_id, state FROM settlement.payment_hit
                WHERE payment_id = ANY($1::text[]) AND is_late
                ORDER BY payment_id, CASE state WHEN 'CONFIRMED' THEN 1 WHEN 'OPEN' THEN 2 ELSE 3 END, hit_at, alert_id) h
        WHERE p.payment_id = h.payment_id
       RETURNING ${paymentColumns}`,
      [paymentIds],
    );
  }

  async markSent(tx: Tx, paymentIds: readonly string[], messageId: string): Promise<void> {
    await tx.execute(
      `UPDATE settlement.payment SET batch_message_id = $2 WHERE payment_id = ANY($1::text[]) AND status = 'BOOKED' AND batch_message_id IS NULL`,
      [paymentIds, messageId],
    );
  }

  /** Whatever went out through a channel under these end-to-end ids: several payments may have the same. */
  async sentThrough(
    tx: Tx,
    channel: string,
    endToEndIds: readonly string[],
  ): Promise<Map<string, readonly PaymentRow[]>> {
    const rows = await tx.rows<PaymentRow>(
      `SELECT ${paymentColumns} FROM settlement.payment p WHERE p.channel = $1 AND p.end_to_end_id = ANY($2::text[])
          AND p.batch_message_id IS NOT NULL ORDER BY p.payment_id`,
      [channel, endToEndIds],
    );
    const found = new Map<string, PaymentRow[]>();
    for (const row of rows) {
      const same = found.get(row.endToEndId);
      if (same) same.push(row);
      else found.set(row.endToEndId, [row]);
    }
    return found;
  }

  /** Answers those that had none yet. */
  async setReturnEntry(
    tx: Tx,
    returned: readonly { paymentId: string; entryId: string }[],
  ): Promise<{ paymentId: string; bookId: string; entryId: string }[]> {
    if (returned.length === 0) return [];
    return tx.rows(
      `UPDATE settlement.payment p SET return_entry_id = r."entryId" FROM jsonb_to_recordset($1::jsonb) AS r("paymentId" text, "entryId" text)
        WHERE p.payment_id = r."paymentId" AND p.status = 'RETURNED' AND p.return_entry_id IS NULL
       RETURNING p.payment_id AS "paymentId", p.book_id AS "bookId", p.return_entry_id AS "entryId"`,
      [JSON.stringify(returned)],
    );
  }

  async recordReplays(
    tx: Tx,
    replays: readonly {
      bookId: string;
      businessDate: PlainDate;
      kind: 'REPLAY' | 'KEY_REUSED';
      reference: string;
      requestedBy: string;
    }[],
  ): Promise<void> {
    if (replays.length === 0) return;
    await tx.execute(
      `INSERT INTO settlement.payment_replay (book_id, business_date, kind, reference, requested_by)
       SELECT r."bookId", r."businessDate", r.kind, r.reference, r."requestedBy"
         FROM jsonb_to_recordset($1::jsonb) AS r("bookId" text, "businessDate" date, kind text, reference text, "requestedBy" text)`,
      [JSON.stringify(replays)],
    );
  }

  async list(tx: Tx, filter: PaymentFilter, limit: number, after?: readonly (string | null)[]): Promise<PaymentRow[]> {
    return tx.rows<PaymentRow>(
      `SELECT ${paymentColumns} FROM settlement.payment p
        WHERE ($1::text IS NULL OR p.book_id = $1) AND ($2::text IS NULL OR p.status = $2) AND ($3::date IS NULL OR p.business_date = $3)
          AND ($4::text IS NULL OR p.end_to_end_id = $4) AND ($5::text IS NULL OR p.debtor_account = $5) AND ($6::date IS NULL OR p.received_date = $6)
          AND ($7::text IS NULL OR p.payment_id > $7)
        ORDER BY p.payment_id LIMIT $8`,
      [
        filter.book ?? null,
        filter.status ?? null,
        filter.businessDate ?? null,
        filter.endToEndId ?? null,
        filter.debtorAccount ?? null,
        filter.receivedDate ?? null,
        after?.[0] ?? null,
        limit,
      ],
    );
  }

  async history(
    tx: Tx,
    paymentIds: readonly string[],
  ): Promise<Map<string, { fromStatus: string; toStatus: string; reasonCode: string | null; at: Date }[]>> {
    const rows = await tx.rows<{
      paymentId: string;
      fromStatus: string;
      toStatus: string;
      reasonCode: string | null;
      at: Date;
    }>(
      `SELECT payment_id AS "paymentId", from_status AS "fromStatus", to_status AS "toStatus", reason_code AS "reasonCode", at
         FROM settlement.payment_status_history WHERE payment_id = ANY($1::text[]) ORDER BY payment_id, sequence`,
      [paymentIds],
    );
    const found = new Map<string, typeof rows>();
    for (const row of rows) found.set(row.paymentId, [...(found.get(row.paymentId) ?? []), row]);
    return found;
  }
}

export interface PaymentFilter {
  readonly book?: string | null;
  readonly status?: string | null;
  readonly businessDate?: string | null;
  readonly receivedDate?: string | null;
  readonly endToEndId?: string | null;
  readonly debtorAccount?: string | null;
}

/** Where a payment leaves when no account at an agent is known for its book and currency: the channel of its currency. */
export function nostroFor(nostros: ReadonlyMap<string, Nostro>, bookId: string, currency: string): Nostro {
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
