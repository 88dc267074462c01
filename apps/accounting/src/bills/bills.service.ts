import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { ibanProblem } from '#libs/identifiers/index.js';
import { isRefused, newId, type Problem, problem } from '#libs/kernel/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { formatDecimal, parseDecimal } from '#libs/money/index.js';
import { proposalHours, stateAfter } from '../accounts/limit-changes.js';
import { Accounts } from '../accounts/accounts.service.js';
import { Assets } from '../assets/assets.service.js';
import { billLimitOf, functionalCurrencyOf } from '../business-days/books.js';
import { BusinessDays } from '../business-days/business-days.service.js';
import { Charts } from '../chart/charts.service.js';
import { costCentre } from '../dimensions/dimensions.js';
import { Dimensions } from '../dimensions/dimensions.service.js';
import { type PostingItem, type PostingLine, refusalText, retryableCodes, transferOf } from '../journal/posting.js';
import { PostingService } from '../journal/posting.service.js';
import { Reversals } from '../journal/reversals.service.js';
import { readBills } from './bill-file.js';
import { type Bill, type BillLine, hashOfBill, needsSecondPerson, suppliersCode, totalOf } from './bills.js';
import { type BillRow, BillsRepository, type SupplierRow } from './bills.repository.js';

/** A bill as somebody enters it; what is left out of a line is the supplier's. */
export interface AskedBill {
  readonly supplierId: string;
  readonly number: string;
  readonly billDate: string;
  readonly dueDate: string;
  readonly currency: string;
  readonly lines: readonly {
    readonly kind: 'NET' | 'TAX';
    readonly code: string | null;
    readonly costCentre: string | null;
    readonly amount: string;
    readonly description: string;
  }[];
}
type Path = readonly (string | number)[];
interface Place {
  readonly bill: (field: string) => Path;
  readonly line: (n: number, field: string) => Path;
}
type Done = { bill?: BillRow; problems: readonly Problem[] };

/** What the firm owes its suppliers: entered, approved by a second person above a limit, booked, paid. */
@Injectable()
export class Bills implements OnModuleInit {
  constructor(
    private readonly repository: BillsRepository,
    private readonly accounts: Accounts,
    private readonly charts: Charts,
    private readonly assets: Assets,
    private readonly dimensions: Dimensions,
    private readonly days: BusinessDays,
    private readonly posting: PostingService,
    private readonly reversals: Reversals,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
  ) {}

  onModuleInit(): void {
    this.reversals.guard(async (tx, entryId) => {
      const id = await this.repository.ofEntry(tx, entryId);
      return id === undefined
        ? []
        : [problem('ENTRY_OF_BILL', `It books ${id}: cancel the bill, or take the payment back`, ['entryId'])];
    });
  }

  async setSupplier(
    tx: Tx,
    asked: Omit<SupplierRow, 'supplierId'> & { supplierId: string | null },
    by: string,
  ): Promise<{ supplier?: SupplierRow; problems: Problem[] }> {
    const problems: Problem[] = [];
    if (!(await this.charts.find(tx, asked.book)))
      return { problems: [problem('BOOK_NOT_FOUND', `There is no book ${asked.book}`, ['book'])] };
    await this.repository.lock(tx, asked.book);
    const all = await this.repository.suppliers(tx, asked.book);
    const before = all.find(({ supplierId }) => supplierId === asked.supplierId);
    if (asked.supplierId !== null && !before)
      problems.push(problem('SUPPLIER_NOT_FOUND', 'The book has no such supplier', ['supplierId']));
    if (all.some((one) => one.name === asked.name && one.supplierId !== asked.supplierId))
      problems.push(problem('DUPLICATE_SUPPLIER', `${asked.name} is there already`, ['name']));
    const iban = asked.iban === null ? undefined : ibanProblem(asked.iban, ['iban']);
    if (iban) problems.push(iban);
    if (asked.defaultCode !== null)
      problems.push(...(await this.codeProblems(tx, asked.book, [{ code: asked.defaultCode, path: ['defaultCode'] }])));
    if (problems.length > 0) return { problems };
    const supplier = { ...asked, supplierId: asked.supplierId ?? newId('sup') };
    await (before ? this.repository.changeSupplier(tx, supplier) : this.repository.addSupplier(tx, supplier, by));
    await this.audit.append(tx, {
      action: before ? 'SUPPLIER_CHANGED' : 'SUPPLIER_ADDED',
      objectKind: 'SUPPLIER',
      objectId: supplier.supplierId,
      bookId: supplier.book,
      principal: by,
      after: { name: supplier.name, defaultCode: supplier.defaultCode, defaultCostCentre: supplier.defaultCostCentre },
    });
    return { supplier, problems };
  }

  async enter(tx: Tx, book: string, asked: AskedBill, by: string): Promise<Done> {
    const place: Place = { bill: (field) => [field], line: (n, field) => ['lines', n, field] };
    const { bills, problems } = await this.enterAll(tx, book, [{ asked, place }], by);
    return { bill: bills[0], problems };
  }

  /** The bills of a file: all of them, or none when one line is wrong. */
  async import(
    tx: Tx,
    book: string,
    file: string,
    by: string,
  ): Promise<{ bills: BillRow[]; problems: readonly Problem[] }> {
    const read = readBills(file);
    if (isRefused(read)) return { bills: [], problems: read.problems };
    const byName = new Map((await this.repository.suppliers(tx, book)).map((one) => [one.name, one.supplierId]));
    return this.enterAll(
      tx,
      book,
      read.value.map(({ at, supplier, ...bill }) => ({
        asked: { ...bill, supplierId: byName.get(supplier) ?? supplier },
        place: {
          bill: (field) => ['file', at, field === 'supplierId' ? 'supplier' : field],
          line: (n, field) => ['file', at + n, field],
        },
      })),
      by,
    );
  }

  private async enterAll(
    tx: Tx,
    book: string,
    all: readonly { asked: AskedBill; place: Place }[],
    by: string,
  ): Promise<{ bills: BillRow[]; problems: Problem[] }> {
    if (!(await this.charts.find(tx, book)))
      return { bills: [], problems: [problem('BOOK_NOT_FOUND', `There is no book ${book}`, ['book'])] };
    await this.repository.lock(tx, book);
    const suppliers = new Map((await this.repository.suppliers(tx, book)).map((one) => [one.supplierId, one]));
    const assets = await this.assets.find(
      tx,
      all.map(({ asked }) => asked.currency),
    );
    const known = await this.repository.known(
      tx,
      all.map(({ asked }) => asked),
    );
    const problems: Problem[] = [];
    const codes: { code: string; path: Path }[] = [];
    const centres: { dimension: string; value: string; path: Path; date: string }[] = [];
    const bills: (Bill & { scale: number })[] = [];
    for (const { asked, place } of all) {
      const supplier = suppliers.get(asked.supplierId);
      if (!supplier)
        problems.push(problem('SUPPLIER_NOT_FOUND', 'The book has no such supplier', place.bill('supplierId')));
      const key = `${asked.supplierId} ${asked.number.toUpperCase()}`;
      if (known.has(key))
        problems.push(
          problem('DUPLICATE_BILL', `${asked.number} of the supplier is there already`, place.bill('number')),
        );
      known.add(key);
      if (asked.dueDate < asked.billDate)
        problems.push(problem('DATES_OUT_OF_ORDER', 'It is due before its date', place.bill('dueDate')));
      const asset = assets.get(asked.currency);
      if (asset?.kind !== 'CURRENCY')
        problems.push(
          problem('ASSET_NOT_FOUND', `${asked.currency} is no currency that is registered`, place.bill('currency')),
        );
      const lines = asked.lines.map((line, n): BillLine => {
        const amount = parseDecimal(line.amount, asset?.scale ?? 12);
        if (isRefused(amount))
          problems.push(...amount.problems.map((one) => ({ ...one, path: place.line(n, 'amount') })));
        else if (amount.value <= 0n)
          problems.push(problem('AMOUNT_NOT_POSITIVE', 'Every amount is positive', place.line(n, 'amount')));
        const code = line.code ?? supplier?.defaultCode ?? null;
        const centre = line.costCentre ?? supplier?.defaultCostCentre ?? null;
        if (code === null)
          problems.push(problem('CODE_MISSING', 'Neither the line nor the supplier has a code', place.line(n, 'code')));
        else codes.push({ code, path: place.line(n, 'code') });
        if (centre !== null)
          centres.push({
            dimension: costCentre,
            value: centre,
            path: place.line(n, 'costCentre'),
            date: asked.billDate,
          });
        const { kind, description } = line;
        const units = isRefused(amount) ? '0' : String(amount.value);
        return { kind, code: code ?? '', costCentre: centre, units, description };
      });
      if (lines.length === 0) problems.push(problem('BILL_WITHOUT_LINES', 'A bill has a line', place.bill('lines')));
      const { supplierId, number, billDate, dueDate, currency } = asked;
      bills.push({ book, supplierId, number, billDate, dueDate, asset: currency, lines, scale: asset?.scale ?? 0 });
    }
    problems.push(...(await this.codeProblems(tx, book, codes)));
    for (const one of centres) problems.push(...(await this.dimensions.check(tx, book, one.date, [one])));
    if (problems.length > 0) return { bills: [], problems };
    const functionalCurrency = functionalCurrencyOf(book);
    const entered: BillRow[] = [];
    for (const bill of bills) {
      const limit = parseDecimal(billLimitOf(book), bill.scale);
      const totalUnits = totalOf(bill.lines);
      const billId = newId('bil');
      await this.repository.add(
        tx,
        {
          ...bill,
          billId,
          totalUnits: String(totalUnits),
          needsSecondPerson: needsSecondPerson(
            { asset: bill.asset, totalUnits },
            { functionalCurrency, limitUnits: isRefused(limit) ? 0n : limit.value },
          ),
          payloadHash: hashOfBill({ ...bill }),
          enteredBy: by,
        },
        bill.lines,
      );
      const row = await this.repository.find(tx, billId);
      if (!row) throw new Error(`bill ${billId} is gone`);
      entered.push(row);
      await this.record(tx, 'BILL_ENTERED', row, by, null, { total: row.totalUnits, asset: row.asset });
    }
    return { bills: entered, problems };
  }

  /** Up to the limit whoever may; above it, a second person is asked. */
  async approve(tx: Tx, billId: string, by: string): Promise<Done> {
    const bill = await this.repository.find(tx, billId, true);
    const refused = refusalOf(bill, ['ENTERED']);
    if (!bill || refused) return { problems: refused ?? [] };
    if (bill.approvalId !== null)
      return { problems: [problem('APPROVAL_PENDING', 'A second person was asked already', ['billId'])] };
    if (bill.needsSecondPerson) await this.ask(tx, bill);
    else {
      await this.repository.approve(tx, billId, by, bill.payloadHash);
      await this.record(tx, 'BILL_APPROVED', bill, by, null, { payloadHash: bill.payloadHash });
    }
    return { bill: await this.repository.find(tx, billId), problems: [] };
  }

  private async ask(tx: Tx, bill: BillRow): Promise<void> {
    const approvalId = newId('apr');
    const clock = await tx.row<{ expires: Date }>('SELECT kernel.now() + make_interval(hours => $1) AS expires', [
      proposalHours,
    ]);
    await this.repository.asksApproval(tx, bill.billId, approvalId);
    await this.outbox.add(tx, 'compliance.request-approval.v1', {
      approvalId,
      kind: 'SUPPLIER_BILL',
      service: 'accounting',
      objectKind: 'SUPPLIER_BILL',
      objectId: bill.billId,
      book: bill.book,
      payloadHash: bill.payloadHash,
      summary: `Bill ${bill.number} of ${bill.supplier}: ${amountOf(bill)}, due ${bill.dueDate}`.slice(0, 280),
      // Who entered it is the maker, whoever asks.
      requestedBy: bill.enteredBy,
      expiresAt: (clock?.expires ?? new Date(0)).toISOString(),
    });
    await this.record(tx, 'BILL_APPROVAL_ASKED', bill, bill.enteredBy, null, { approvalId });
  }

  async decided(tx: Tx, event: PayloadOf<'compliance.approval-decided.v1'>): Promise<void> {
    const bill = await this.repository.ofApproval(tx, event.approvalId);
    if (bill?.state !== 'ENTERED') return;
    const next = stateAfter(event.outcome, event.payloadHash, bill.payloadHash);
    const applies = next === 'APPLY' && event.decidedBy !== bill.enteredBy;
    if (applies) await this.repository.approve(tx, bill.billId, event.decidedBy, event.payloadHash);
    // It may be asked for again.
    else await this.repository.asksApproval(tx, bill.billId, null);
    const action = applies ? 'BILL_APPROVED' : `BILL_APPROVAL_${next === 'APPLY' ? 'REFUSED' : next}`;
    await this.record(tx, action, bill, event.decidedBy, event.reason, { approvalId: event.approvalId });
  }

  /** Books its lines against the account of suppliers. */
  async post(tx: Tx, billId: string, by: string): Promise<Done> {
    const bill = await this.repository.find(tx, billId, true);
    const refused = refusalOf(bill, ['APPROVED']);
    if (!bill || refused) return { problems: refused ?? [] };
    const lines = await this.repository.lines(tx, [billId]);
    const date = await this.openDate(tx, bill.book);
    if (date === undefined) return { problems: [dayNotOpen] };
    const told = lines.flatMap(({ n, costCentre: value }) =>
      value === null ? [] : [{ n, dimension: costCentre, value, path: ['billId'] }],
    );
    const unusable = await this.dimensions.check(tx, bill.book, date, told);
    if (unusable.length > 0) return { problems: unusable };
    await this.charts.openDirect(tx, bill.book, [suppliersCode, ...lines.map(({ code }) => code)]);
    const postings = lines.map((line): PostingLine => ({
      account: line.code,
      asset: bill.asset,
      side: 'DEBIT',
      units: line.units,
    }));
    const result = await this.book(tx, by, {
      ...entryOf(bill, date, `bill:${billId}`, `Bill ${bill.number} of ${bill.supplier}`),
      op: 'ENTRY',
      kind: 'BILL',
      postings: [...postings, { account: suppliersCode, asset: bill.asset, side: 'CREDIT', units: bill.totalUnits }],
    });
    if (result.problems.length > 0) return { problems: result.problems };
    await this.dimensions.keep(
      tx,
      bill.book,
      told.map(({ n, dimension, value }) => ({ entryId: result.id, n, dimension, value })),
    );
    await this.repository.posted(tx, billId, result.id);
    await this.record(tx, 'BILL_POSTED', bill, by, null, { entryId: result.id });
    return { bill: await this.repository.find(tx, billId), problems: [] };
  }

  /** Records that it was paid out of a nostro, whole or in part. */
  async pay(
    tx: Tx,
    asked: { billId: string; nostro: string; amount: string | null; valueDate: string | null },
    by: string,
  ): Promise<Done> {
    const bill = await this.repository.find(tx, asked.billId, true);
    const refused = refusalOf(bill, ['POSTED']);
    if (!bill || refused) return { problems: refused ?? [] };
    const problems: Problem[] = [];
    const openUnits = BigInt(bill.totalUnits) - BigInt(bill.paidUnits);
    const amount = parseDecimal(asked.amount ?? formatDecimal(openUnits, bill.scale), bill.scale);
    if (isRefused(amount)) problems.push(...amount.problems.map((one) => ({ ...one, path: ['amount'] })));
    else if (amount.value <= 0n) problems.push(problem('AMOUNT_NOT_POSITIVE', 'Every amount is positive', ['amount']));
    else if (amount.value > openUnits)
      problems.push(problem('BILL_OVERPAID', `${formatDecimal(openUnits, bill.scale)} of it is open`, ['amount']));
    const [nostro] = await this.accounts.byNumber(tx, [{ book: bill.book, number: asked.nostro }]);
    if (nostro?.kind !== 'NOSTRO')
      problems.push(problem('ACCOUNT_NOT_FOUND', `The book has no nostro ${asked.nostro}`, ['nostro']));
    if (isRefused(amount) || problems.length > 0) return { problems };
    const date = await this.openDate(tx, bill.book);
    if (date === undefined) return { problems: [dayNotOpen] };
    const units = String(amount.value);
    const paymentId = newId('bpy');
    const result = await this.book(tx, by, {
      ...entryOf(bill, date, `bill-payment:${paymentId}`, `Payment of bill ${bill.number} of ${bill.supplier}`),
      op: 'ENTRY',
      kind: 'BILL_PAYMENT',
      valueDate: asked.valueDate ?? date,
      postings: transferOf(suppliersCode, asked.nostro, bill.asset, units),
    });
    if (result.problems.length > 0) return { problems: result.problems };
    await this.repository.addPayment(tx, {
      paymentId,
      billId: bill.billId,
      book: bill.book,
      units,
      nostro: asked.nostro,
      entryId: result.id,
      paidBy: by,
    });
    await this.record(tx, 'BILL_PAID', bill, by, null, { paymentId, units });
    return { bill: await this.repository.find(tx, bill.billId), problems: [] };
  }

  /** The money came back: the payment's entry is reversed and the bill is open by it again. */
  async takePaymentBack(tx: Tx, asked: { paymentId: string; reason: string }, by: string): Promise<Done> {
    const billId = await this.repository.billOfPayment(tx, asked.paymentId);
    const bill = billId === undefined ? undefined : await this.repository.find(tx, billId, true);
    const payment = bill
      ? (await this.repository.payments(tx, [bill.billId])).find(({ paymentId }) => paymentId === asked.paymentId)
      : undefined;
    if (!bill || !payment)
      return { problems: [problem('PAYMENT_NOT_FOUND', 'There is no such payment of a bill', ['paymentId'])] };
    if (payment.reversalEntryId !== null)
      return { problems: [problem('ALREADY_REVERSED', 'The payment came back before', ['paymentId'])] };
    const result = await this.reverse(tx, bill, payment.entryId, asked.reason, by);
    if (result.problems.length > 0) return { problems: result.problems };
    await this.repository.paymentCameBack(tx, asked.paymentId, result.id);
    await this.record(tx, 'BILL_PAYMENT_REVERSED', bill, by, asked.reason, { paymentId: asked.paymentId });
    return { bill: await this.repository.find(tx, bill.billId), problems: [] };
  }

  /** What is not paid at all is cancelled; what was booked is taken back by a linked reversal. */
  async cancel(tx: Tx, asked: { billId: string; reason: string }, by: string): Promise<Done> {
    const bill = await this.repository.find(tx, asked.billId, true);
    const refused = refusalOf(bill, ['ENTERED', 'APPROVED', 'POSTED']);
    if (!bill || refused) return { problems: refused ?? [] };
    if (bill.paidUnits !== '0')
      return { problems: [problem('BILL_PAID_IN_PART', 'Take its payments back first', ['billId'])] };
    let reversal: string | null = null;
    if (bill.entryId !== null) {
      const result = await this.reverse(tx, bill, bill.entryId, asked.reason, by);
      if (result.problems.length > 0) return { problems: result.problems };
      reversal = result.id;
    }
    await this.repository.cancel(tx, asked.billId, by, asked.reason, reversal);
    await this.record(tx, 'BILL_CANCELLED', bill, by, asked.reason, { reversalEntryId: reversal });
    return { bill: await this.repository.find(tx, asked.billId), problems: [] };
  }

  private async reverse(tx: Tx, bill: BillRow, entryId: string, reason: string, by: string) {
    const date = await this.openDate(tx, bill.book);
    if (date === undefined) return { id: '', problems: [dayNotOpen] };
    return this.book(tx, by, {
      ...entryOf(bill, date, `bill-reversal:${entryId}`, reason.slice(0, 140)),
      op: 'REVERSAL',
      kind: 'CORRECTION',
      reverses: entryId,
    });
  }

  private async book(tx: Tx, by: string, item: PostingItem): Promise<{ id: string; problems: Problem[] }> {
    const [result] = await this.posting.post(tx, { items: [item], requestedBy: by });
    if (result?.outcome === 'POSTED') return { id: result.id ?? '', problems: [] };
    const code = result?.code;
    const isRetryable = code !== undefined && retryableCodes.has(code);
    return { id: '', problems: [problem(code ?? '', result ? refusalText(result) : '', ['billId'], isRetryable)] };
  }

  /** Cost, or an asset of the chart with one account of its own, such as prepaid expenses. */
  private async codeProblems(tx: Tx, book: string, asked: readonly { code: string; path: Path }[]): Promise<Problem[]> {
    const chart = (await this.charts.find(tx, book))?.chart;
    const known = new Map(chart?.accounts.map((one) => [one.code, one]));
    return asked.flatMap(({ code, path }) => {
      const found = known.get(code);
      if (!found) return [problem('CODE_NOT_FOUND', `The chart has no ${code}`, path)];
      return found.role === 'DIRECT' && (found.type === 'EXPENSE' || found.type === 'ASSET')
        ? []
        : [problem('CODE_NOT_OF_COST', `${code} is no code of expenses or assets with an account of its own`, path)];
    });
  }

  private async openDate(tx: Tx, book: string): Promise<string | undefined> {
    const day = await this.days.worked(tx, book);
    return day?.state === 'OPEN' ? day.businessDate : undefined;
  }

  private async record(tx: Tx, action: string, bill: BillRow, by: string, reason: string | null, after: object) {
    await this.audit.append(tx, {
      action,
      objectKind: 'SUPPLIER_BILL',
      objectId: bill.billId,
      bookId: bill.book,
      principal: by,
      ...(reason === null ? {} : { reason }),
      after: { number: bill.number, supplierId: bill.supplierId, ...after },
    });
  }
}

const dayNotOpen = problem('DAY_NOT_OPEN', 'The book has no open business day', ['billId'], true);

const amountOf = (bill: BillRow): string => `${formatDecimal(BigInt(bill.totalUnits), bill.scale)} ${bill.asset}`;

const entryOf = (bill: BillRow, businessDate: string, key: string, description: string) => ({
  key,
  book: bill.book,
  businessDate,
  valueDate: businessDate,
  description: description.slice(0, 140),
  subject: { kind: 'SUPPLIER_BILL', id: bill.billId },
});

function refusalOf(bill: BillRow | undefined, states: readonly BillRow['state'][]): Problem[] | undefined {
  if (!bill) return [problem('BILL_NOT_FOUND', 'There is no such bill', ['billId'])];
  if (states.includes(bill.state)) return undefined;
  return [problem('BILL_IN_OTHER_STATE', `The bill is ${bill.state}`, ['billId'])];
}
