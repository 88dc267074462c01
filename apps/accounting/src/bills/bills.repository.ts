import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type BillLine } from './bills.js';

export interface SupplierRow {
  readonly supplierId: string;
  readonly book: string;
  readonly name: string;
  readonly partyId: string | null;
  readonly iban: string | null;
  readonly defaultCode: string | null;
  readonly defaultCostCentre: string | null;
}

export interface BillRow {
  readonly billId: string;
  readonly book: string;
  readonly supplierId: string;
  readonly supplier: string;
  readonly number: string;
  readonly billDate: string;
  readonly dueDate: string;
  readonly asset: string;
  readonly scale: number;
  readonly totalUnits: string;
  readonly paidUnits: string;
  readonly needsSecondPerson: boolean;
  readonly payloadHash: string;
  readonly state: 'ENTERED' | 'APPROVED' | 'POSTED' | 'PAID' | 'CANCELLED';
  readonly enteredBy: string;
  readonly enteredAt: Date;
  readonly approvalId: string | null;
  readonly approvedBy: string | null;
  readonly entryId: string | null;
  readonly cancelledBy: string | null;
  readonly cancelReason: string | null;
  readonly reversalEntryId: string | null;
}

export interface BillLineRow extends BillLine {
  readonly billId: string;
  readonly n: number;
}

export interface PaymentRow {
  readonly paymentId: string;
  readonly billId: string;
  readonly book: string;
  readonly units: string;
  readonly nostro: string;
  readonly entryId: string;
  readonly paidBy: string;
  readonly paidAt: Date;
  readonly reversalEntryId: string | null;
}

export interface PayableRow {
  readonly billId: string;
  readonly supplier: string;
  readonly number: string;
  readonly dueDate: string;
  readonly asset: string;
  readonly scale: number;
  readonly totalUnits: string;
  readonly openUnits: string;
}

export interface ControlRow {
  readonly asset: string;
  readonly scale: number;
  readonly accountUnits: string;
  readonly billUnits: string;
}

const supplierColumns = `s.supplier_id AS "supplierId", s.book_id AS book, s.name, s.party_id AS "partyId", s.iban, s.default_code AS "defaultCode",
  s.default_cost_centre AS "defaultCostCentre"`;
const columns = `b.bill_id AS "billId", b.book_id AS book, b.supplier_id AS "supplierId", s.name AS supplier, b.number, b.bill_date AS "billDate",
  b.due_date AS "dueDate", b.asset, a.scale, b.total_units AS "totalUnits", accounting.bill_paid(b.bill_id)::text AS "paidUnits",
  b.needs_second_person AS "needsSecondPerson", b.payload_hash AS "payloadHash", b.state, b.entered_by AS "enteredBy", b.entered_at AS "enteredAt",
  b.approval_id AS "approvalId", b.approved_by AS "approvedBy", b.entry_id AS "entryId", b.cancelled_by AS "cancelledBy", b.cancel_reason AS "cancelReason",
  b.reversal_entry_id AS "reversalEntryId"`;
const bills = `accounting.bill b JOIN accounting.supplier s USING (supplier_id) JOIN accounting.asset a ON a.asset = b.asset`;

@Injectable()
export class BillsRepository {
  async suppliers(tx: Tx, book: string): Promise<SupplierRow[]> {
    return tx.rows<SupplierRow>(
      `SELECT ${supplierColumns} FROM accounting.supplier s WHERE s.book_id = $1 ORDER BY s.name`,
      [book],
    );
  }

  async addSupplier(tx: Tx, supplier: SupplierRow, by: string): Promise<void> {
    await tx.execute(
      `INSERT INTO accounting.supplier (supplier_id, book_id, name, party_id, iban, default_code, default_cost_centre, entered_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        ...[supplier.supplierId, supplier.book, supplier.name, supplier.partyId],
        ...[supplier.iban, supplier.defaultCode, supplier.defaultCostCentre, by],
      ],
    );
  }

  async changeSupplier(tx: Tx, supplier: SupplierRow): Promise<void> {
    await tx.execute(
      `UPDATE accounting.supplier SET name = $2, party_id = $3, iban = $4, default_code = $5, default_cost_centre = $6 WHERE supplier_id = $1`,
      [
        ...[supplier.supplierId, supplier.name, supplier.partyId],
        ...[supplier.iban, supplier.defaultCode, supplier.defaultCostCentre],
      ],
    );
  }

  /** One at a time enters bills of a book, so that a number comes once. */
  async lock(tx: Tx, book: string): Promise<void> {
    await tx.execute(`SELECT pg_advisory_xact_lock(hashtextextended('bills:' || $1, 0))`, [book]);
  }

  /** Those of the numbers that stand already, as supplier and number in capitals. */
  async known(tx: Tx, asked: readonly { supplierId: string; number: string }[]): Promise<Set<string>> {
    const rows = await tx.rows<{ key: string }>(
      `SELECT b.supplier_id || ' ' || upper(b.number) AS key FROM accounting.bill b JOIN unnest($1::text[], $2::text[]) AS w (supplier, number)
          ON b.supplier_id = w.supplier AND upper(b.number) = upper(w.number) WHERE b.state <> 'CANCELLED'`,
      [asked.map(({ supplierId }) => supplierId), asked.map(({ number }) => number)],
    );
    return new Set(rows.map(({ key }) => key));
  }

  async add(
    tx: Tx,
    bill: Pick<
      BillRow,
      | 'billId'
      | 'book'
      | 'supplierId'
      | 'number'
      | 'billDate'
      | 'dueDate'
      | 'asset'
      | 'totalUnits'
      | 'needsSecondPerson'
      | 'payloadHash'
      | 'enteredBy'
    >,
    lines: readonly BillLine[],
  ): Promise<void> {
    await tx.execute(
      `INSERT INTO accounting.bill (bill_id, book_id, supplier_id, number, bill_date, due_date, asset, total_units, needs_second_person, payload_hash, entered_by)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
      [
        ...[bill.billId, bill.book, bill.supplierId, bill.number, bill.billDate, bill.dueDate, bill.asset],
        ...[bill.totalUnits, bill.needsSecondPerson, bill.payloadHash, bill.enteredBy],
      ],
    );
    await tx.execute(
      `INSERT INTO accounting.bill_line (bill_id, n, book_id, kind, code, cost_centre, units, description)
       SELECT $1, l.n, $2, l.kind, l.code, l."costCentre", l.units, l.description
         FROM jsonb_to_recordset($3::jsonb) AS l (n int, kind text, code text, "costCentre" text, units numeric, description text)`,
      [bill.billId, bill.book, JSON.stringify(lines.map((line, n) => ({ ...line, n: n + 1 })))],
    );
  }

  async find(tx: Tx, billId: string, lock = false): Promise<BillRow | undefined> {
    return tx.row<BillRow>(`SELECT ${columns} FROM ${bills} WHERE b.bill_id = $1 ${lock ? 'FOR UPDATE OF b' : ''}`, [
      billId,
    ]);
  }

  async ofApproval(tx: Tx, approvalId: string): Promise<BillRow | undefined> {
    return tx.row<BillRow>(`SELECT ${columns} FROM ${bills} WHERE b.approval_id = $1 FOR UPDATE OF b`, [approvalId]);
  }

  async list(tx: Tx, book: string, state: string | null, first: number): Promise<BillRow[]> {
    return tx.rows<BillRow>(
      `SELECT ${columns} FROM ${bills} WHERE b.book_id = $1 AND ($2::text IS NULL OR b.state = $2) ORDER BY b.entered_at DESC, b.bill_id DESC LIMIT $3`,
      [book, state, first],
    );
  }

  async lines(tx: Tx, billIds: readonly string[]): Promise<BillLineRow[]> {
    return tx.rows<BillLineRow>(
      `SELECT l.bill_id AS "billId", l.n, l.kind, l.code, l.cost_centre AS "costCentre", l.units, l.description
         FROM accounting.bill_line l WHERE l.bill_id = ANY ($1::text[]) ORDER BY l.bill_id, l.n`,
      [billIds],
    );
  }

  async payments(tx: Tx, billIds: readonly string[]): Promise<PaymentRow[]> {
    return tx.rows<PaymentRow>(
      `SELECT p.payment_id AS "paymentId", p.bill_id AS "billId", p.book_id AS book, p.units, p.nostro, p.entry_id AS "entryId", p.paid_by AS "paidBy",
              p.paid_at AS "paidAt", p.reversal_entry_id AS "reversalEntryId"
         FROM accounting.bill_payment p WHERE p.bill_id = ANY ($1::text[]) ORDER BY p.bill_id, p.paid_at, p.payment_id`,
      [billIds],
    );
  }

  async billOfPayment(tx: Tx, paymentId: string): Promise<string | undefined> {
    const row = await tx.row<{ billId: string }>(
      'SELECT p.bill_id AS "billId" FROM accounting.bill_payment p WHERE p.payment_id = $1',
      [paymentId],
    );
    return row?.billId;
  }

  /** The bill or payment that an entry books. */
  async ofEntry(tx: Tx, entryId: string): Promise<string | undefined> {
    const row = await tx.row<{ id: string }>(
      `SELECT b.bill_id AS id FROM accounting.bill b WHERE b.entry_id = $1
       UNION ALL SELECT p.payment_id FROM accounting.bill_payment p WHERE p.entry_id = $1`,
      [entryId],
    );
    return row?.id;
  }

  async asksApproval(tx: Tx, billId: string, approvalId: string | null): Promise<void> {
    await tx.execute('UPDATE accounting.bill SET approval_id = $2 WHERE bill_id = $1', [billId, approvalId]);
  }

  async approve(tx: Tx, billId: string, by: string, hash: string): Promise<void> {
    await tx.execute(
      `UPDATE accounting.bill SET state = 'APPROVED', approved_by = $2, approved_hash = $3, approved_at = kernel.now() WHERE bill_id = $1`,
      [billId, by, hash],
    );
  }

  async posted(tx: Tx, billId: string, entryId: string): Promise<void> {
    await tx.execute(`UPDATE accounting.bill SET state = 'POSTED', entry_id = $2 WHERE bill_id = $1`, [
      billId,
      entryId,
    ]);
  }

  async cancel(tx: Tx, billId: string, by: string, reason: string, reversal: string | null): Promise<void> {
    await tx.execute(
      `UPDATE accounting.bill SET state = 'CANCELLED', cancelled_by = $2, cancel_reason = $3, reversal_entry_id = $4, cancelled_at = kernel.now() WHERE bill_id = $1`,
      [billId, by, reason, reversal],
    );
  }

  async addPayment(
    tx: Tx,
    { paymentId, billId, book, units, nostro, entryId, paidBy }: Omit<PaymentRow, 'paidAt' | 'reversalEntryId'>,
  ): Promise<void> {
    await tx.execute(
      `INSERT INTO accounting.bill_payment (payment_id, bill_id, book_id, units, nostro, entry_id, paid_by) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [paymentId, billId, book, units, nostro, entryId, paidBy],
    );
  }

  async paymentCameBack(tx: Tx, paymentId: string, reversal: string): Promise<void> {
    await tx.execute('UPDATE accounting.bill_payment SET reversal_entry_id = $2 WHERE payment_id = $1', [
      paymentId,
      reversal,
    ]);
  }

  /** What of the bills booked by a date is not paid by it, the longest due first. */
  async payables(tx: Tx, book: string, asOf: string): Promise<PayableRow[]> {
    return tx.rows<PayableRow>(
      `SELECT * FROM (
         SELECT b.bill_id AS "billId", s.name AS supplier, b.number, b.due_date AS "dueDate", b.asset, a.scale, b.total_units::text AS "totalUnits",
                (b.total_units - coalesce((SELECT sum(p.units) FROM accounting.bill_payment p JOIN accounting.journal_entry e USING (entry_id)
                    LEFT JOIN accounting.journal_entry r ON r.entry_id = p.reversal_entry_id
                   WHERE p.bill_id = b.bill_id AND e.business_date <= $2 AND (r.entry_id IS NULL OR r.business_date > $2)), 0))::text AS "openUnits"
           FROM ${bills} JOIN accounting.journal_entry e USING (entry_id) LEFT JOIN accounting.journal_entry r ON r.entry_id = b.reversal_entry_id
          WHERE b.book_id = $1 AND e.business_date <= $2 AND (r.entry_id IS NULL OR r.business_date > $2)) t
        WHERE t."openUnits" <> '0' ORDER BY t."dueDate", t.supplier, t.number`,
      [book, asOf],
    );
  }

  /** What the account of suppliers has, beside what the bills have that are not paid. */
  async control(tx: Tx, book: string): Promise<ControlRow[]> {
    return tx.rows<ControlRow>(
      `SELECT t.asset, a.scale, sum(t.account)::text AS "accountUnits", sum(t.bills)::text AS "billUnits"
         FROM (SELECT l.asset, -p.units AS account, 0::numeric AS bills FROM accounting.posting p JOIN accounting.ledger_account l USING (ledger_account_id)
                WHERE l.book_id = $1 AND l.number = '2230'
               UNION ALL
               SELECT b.asset, 0, b.total_units - accounting.bill_paid(b.bill_id) FROM accounting.bill b WHERE b.book_id = $1 AND b.state IN ('POSTED','PAID')) t
         JOIN accounting.asset a USING (asset) GROUP BY 1, 2 ORDER BY 1`,
      [book],
    );
  }
}
