import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Accounts } from '../accounts/accounts.service.js';
import { ApprovalsProcessor } from '../accounts/approvals.processor.js';
import { AssetsRepository } from '../assets/assets.repository.js';
import { Reversals } from '../journal/reversals.service.js';
import { accountOf } from '../testing/bench.js';
import { type ServiceUnderTest, startService } from '../testing/service.js';
import { payablesInvariant } from './bills.invariants.js';

let service: ServiceUnderTest;
const get = <T>(type: abstract new (...parameters: never[]) => T): T => service.app.get<T>(type, { strict: false });
const owner = async (sql: string, parameters: unknown[] = []) => {
  const client = await service.database.pool('owner').connect();
  try {
    await client.query(`SELECT set_config('app.books', '*', false)`);
    return (await client.query(sql, parameters)).rows as Record<string, unknown>[];
  } finally {
    client.release();
  }
};
interface Bill {
  billId: string;
  state: string;
  paid: string;
  payloadHash: string;
  approvalId: string | null;
  entryId: string | null;
  payments: { paymentId: string }[];
}
const selection =
  'bill { billId state total paid payloadHash needsSecondPerson approvalId approvedBy entryId payments { paymentId amount } }';
let keys = 0;
const change = (name: string, type: string, input: object, as: object = {}) =>
  service.mutate<{ bill: Bill | null }>(name, type, { idempotencyKey: `k${keys++}`, ...input }, selection, as);
const codes = (problems: readonly { code: string; path: string | null }[]) =>
  problems.map((one) => `${one.code} ${one.path}`);
let supplierId = '';
const net = (amount: string, more: object = {}) => ({ kind: 'NET', amount, description: 'Licences', ...more });
const enter = (number: string, lines: object[], more: object = {}) =>
  change('enterBill', 'EnterBillInput', {
    ...{ book: 'NGEU', supplierId, number, billDate: '2026-11-20', dueDate: '2026-11-22', currency: 'EUR', lines },
    ...more,
  });
const approve = (billId = '', as: object = {}) => change('approveBill', 'BillInput', { billId }, as);
const post = (billId = '') => change('postBill', 'BillInput', { billId });
const pay = (billId = '', more: object = {}) =>
  change('payBill', 'PayBillInput', { billId, nostro: 'NOSTRO-EUR', ...more });
const cancel = (billId = '') => change('cancelBill', 'CancelBillInput', { billId, reason: 'was not ours' });
const posted = async (number: string, lines: object[]) => {
  const { bill } = await enter(number, lines);
  await approve(bill?.billId);
  return (await post(bill?.billId)).bill;
};
const decide = (bill: Bill | null, decidedBy: string, more: object = {}) =>
  service.run((tx) =>
    get(ApprovalsProcessor).decided(tx, {
      approvalId: bill?.approvalId ?? '',
      kind: 'SUPPLIER_BILL',
      service: 'accounting',
      objectKind: 'SUPPLIER_BILL',
      objectId: bill?.billId ?? '',
      payloadHash: bill?.payloadHash ?? '',
      outcome: 'APPROVED',
      decidedBy,
      reason: 'seen',
      ...more,
    }),
  );
const asked = async (query: string) => (await service.ask(`{ ${query} }`)).data as Record<string, unknown>;
const control = async () =>
  (await asked('payablesControl(book: "NGEU") { currency account bills difference }')).payablesControl;
const broken = async () => {
  const client = await service.database.pool('verify').connect();
  try {
    return (
      await payablesInvariant.check(async (sql, parameters) => (await client.query(sql, parameters)).rows as never)
    ).broken;
  } finally {
    client.release();
  }
};

beforeAll(async () => {
  service = await startService();
  await service.run(async (tx) => {
    await get(AssetsRepository).ensureCurrencies(tx, ['EUR', 'USD']);
    await get(Accounts).open(tx, [accountOf('NOSTRO-EUR', 'NOSTRO', { currency: 'EUR' })]);
    await tx.execute(
      `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', '2026-11-25', 'OPEN', '2026-11-26')`,
    );
  });
  await service.mutate(
    'setDimensionValue',
    'SetDimensionValueInput',
    {
      book: 'NGEU',
      dimension: 'COST_CENTRE',
      value: 'IT',
      name: 'Technology',
      validFrom: '2026-01-01',
      idempotencyKey: 'd',
    },
    'replayed',
  );
});
afterAll(async () => {
  await service.stop();
});

describe('bills of suppliers', () => {
  it('come from suppliers of the book, with a code and a cost centre of theirs', async () => {
    const set = (input: object) =>
      service.mutate<{ supplier: { supplierId: string } | null }>(
        'setSupplier',
        'SetSupplierInput',
        { book: 'NGEU', idempotencyKey: `s${keys++}`, ...input },
        'supplier { supplierId }',
      );
    const wrong = await set({ name: 'Lumen', iban: 'DE00', defaultCode: '5900' });
    expect(codes(wrong.problems)).toEqual(['INVALID_IBAN iban', 'CODE_NOT_OF_COST defaultCode']);
    const { supplier, problems } = await set({ name: 'Lumen', defaultCode: '5500', defaultCostCentre: 'IT' });
    expect(problems).toEqual([]);
    supplierId = supplier?.supplierId ?? '';
    expect(codes((await set({ name: 'Lumen' })).problems)).toEqual(['DUPLICATE_SUPPLIER name']);
    expect(codes((await set({ name: 'Else', supplierId: 'sup_0' })).problems)).toEqual([
      'SUPPLIER_NOT_FOUND supplierId',
    ]);
  });

  it('are entered once, with every fault told at once', async () => {
    const wrong = await enter('R-0', [net('1.001'), net('0.00', { code: '1210', costCentre: 'NOWHERE' })], {
      dueDate: '2026-11-19',
      supplierId: 'sup_0',
    });
    expect(codes(wrong.problems).sort()).toEqual([
      'AMOUNT_NOT_POSITIVE lines.1.amount',
      'CODE_MISSING lines.0.code',
      'CODE_NOT_OF_COST lines.1.code',
      'DATES_OUT_OF_ORDER dueDate',
      'DIMENSION_VALUE_NOT_FOUND lines.1.costCentre',
      'EXCESS_SCALE lines.0.amount',
      'SUPPLIER_NOT_FOUND supplierId',
    ]);
    const tax = { kind: 'TAX', amount: '19.00', description: 'VAT' };
    const { bill, problems } = await enter('R-1', [net('100.00'), tax]);
    expect(problems).toEqual([]);
    expect(bill).toMatchObject({ state: 'ENTERED', total: '119.00', needsSecondPerson: false, entryId: null });
    expect(codes((await enter('r-1', [net('1.00')])).problems)).toEqual(['DUPLICATE_BILL number']);
    expect(codes((await post(bill?.billId)).problems)).toEqual(['BILL_IN_OTHER_STATE billId']);
    expect((await approve(bill?.billId)).bill).toMatchObject({ state: 'APPROVED', approvedBy: 'person:controller' });
    expect((await post(bill?.billId)).bill).toMatchObject({ state: 'POSTED' });
    expect(await control()).toEqual([{ currency: 'EUR', account: '119.00', bills: '119.00', difference: '0.00' }]);
    expect(
      (
        await asked(
          'costByCentre(book: "NGEU", from: "2026-11-25", to: "2026-11-25") { code total undistributed centres { value amount } }',
        )
      ).costByCentre,
    ).toEqual([{ code: '5500', total: '119.00', undistributed: '0.00', centres: [{ value: 'IT', amount: '119.00' }] }]);
  });

  it('are paid in parts, never above what they have, and a payment that comes back opens them again', async () => {
    const bill = await posted('R-2', [net('50.00')]);
    expect(codes((await pay(bill?.billId, { amount: '50.01' })).problems)).toEqual(['BILL_OVERPAID amount']);
    expect(codes((await pay(bill?.billId, { nostro: '5500', amount: '0.00' })).problems)).toEqual([
      'AMOUNT_NOT_POSITIVE amount',
      'ACCOUNT_NOT_FOUND nostro',
    ]);
    expect((await pay(bill?.billId, { amount: '20.00' })).bill).toMatchObject({ state: 'POSTED', paid: '20.00' });
    expect(codes((await cancel(bill?.billId)).problems)).toEqual(['BILL_PAID_IN_PART billId']);
    const rest = (await pay(bill?.billId)).bill;
    expect(rest).toMatchObject({ state: 'PAID', paid: '50.00' });
    expect(codes((await pay(bill?.billId)).problems)).toEqual(['BILL_IN_OTHER_STATE billId']);
    const back = { paymentId: rest?.payments[1]?.paymentId, reason: 'returned by the bank' };
    expect((await change('reverseBillPayment', 'ReverseBillPaymentInput', back)).bill).toMatchObject({
      state: 'POSTED',
      paid: '20.00',
    });
    expect(codes((await change('reverseBillPayment', 'ReverseBillPaymentInput', back)).problems)).toEqual([
      'ALREADY_REVERSED paymentId',
    ]);
    expect(
      (await asked('payables(book: "NGEU", asOf: "2026-11-25") { number open daysOverdue age }')).payables,
    ).toEqual([
      { number: 'R-1', open: '119.00', daysOverdue: 3, age: 'UP_TO_30' },
      { number: 'R-2', open: '30.00', daysOverdue: 3, age: 'UP_TO_30' },
    ]);
    expect((await asked('payables(book: "NGEU", asOf: "2026-11-24") { number }')).payables).toEqual([]);
    expect(await control()).toMatchObject([{ account: '149.00', difference: '0.00' }]);
  });

  it('above the limit, or in another currency, are approved by a second person for exactly these words', async () => {
    expect((await enter('R-3', [net('1.00')], { currency: 'USD' })).bill).toMatchObject({ needsSecondPerson: true });
    const { bill } = await enter('R-4', [net('5000.01')]);
    const waits = (await approve(bill?.billId)).bill;
    expect(waits).toMatchObject({ state: 'ENTERED', needsSecondPerson: true });
    expect(codes((await approve(bill?.billId)).problems)).toEqual(['APPROVAL_PENDING billId']);
    expect(await service.messages('compliance.request-approval.v1')).toMatchObject([
      {
        kind: 'SUPPLIER_BILL',
        objectId: bill?.billId,
        payloadHash: bill?.payloadHash,
        requestedBy: 'person:controller',
      },
    ]);
    const state = async () => (await asked(`bill(id: "${bill?.billId}") { state approvedBy approvalId }`)).bill;
    await decide(waits, 'person:controller');
    expect(await state()).toEqual({ state: 'ENTERED', approvedBy: null, approvalId: null });
    const again = (await approve(bill?.billId)).bill;
    await decide(again, 'person:other', { payloadHash: '0'.repeat(64) });
    expect(await state()).toMatchObject({ state: 'ENTERED' });
    const third = (await approve(bill?.billId)).bill;
    await decide(third, 'person:other');
    expect(await state()).toMatchObject({ state: 'APPROVED', approvedBy: 'person:other' });
    expect((await post(bill?.billId)).bill).toMatchObject({ state: 'POSTED' });
  });

  it('are cancelled by a linked reversal, and the number may come again', async () => {
    const bill = await posted('R-5', [net('7.00')]);
    const proposal = await service.run((tx) =>
      get(Reversals).propose(tx, { entryId: bill?.entryId ?? '', reason: 'alone' }, 'person:a'),
    );
    expect(proposal.problems.map(({ code }) => code)).toEqual(['ENTRY_OF_BILL']);
    expect((await cancel(bill?.billId)).bill).toMatchObject({ state: 'CANCELLED' });
    expect((await enter('R-5', [net('8.00')])).problems).toEqual([]);
    expect(await control()).toMatchObject([{ difference: '0.00' }]);
    expect(await broken()).toEqual([]);
  });

  it('come in by a file, all or none', async () => {
    const header = 'supplier,number,billDate,dueDate,currency,kind,code,costCentre,amount,description';
    const load = (key: string, ...lines: string[]) =>
      service.mutate<{ bills: object[] }>(
        'importBills',
        'ImportBillsInput',
        { book: 'NGEU', file: [header, ...lines].join('\n'), idempotencyKey: key },
        'bills { number total state lines { n code costCentre } }',
      );
    const good = 'Lumen,F-1,2026-11-20,2026-12-20,EUR,NET,5600,,100.00,Advice';
    const tax = 'Lumen,F-1,2026-11-20,2026-12-20,EUR,TAX,5600,,19.00,VAT';
    const wrong = await load('f', good, tax, 'Nobody,F-2,2026-11-20,2026-12-20,EUR,NET,5600,,1,x', good);
    expect(codes(wrong.problems)).toEqual(['SUPPLIER_NOT_FOUND file.2.supplier', 'DUPLICATE_BILL file.3.number']);
    expect((await load('f', good, tax)).bills).toEqual([
      {
        ...{ number: 'F-1', total: '119.00', state: 'ENTERED' },
        lines: [1, 2].map((n) => ({ n, code: '5600', costCentre: 'IT' })),
      },
    ]);
  });

  it('keep their words and their order by the tables too', async () => {
    const bill = await posted('R-6', [net('9.00')]);
    const entered = (await enter('R-7', [net('9000.00')])).bill;
    const update = (set: string, id = bill?.billId) =>
      owner(`UPDATE accounting.bill SET ${set} WHERE bill_id = $1`, [id]);
    await expect(update('total_units = 1')).rejects.toThrow('keeps its words');
    await expect(update(`state = 'PAID'`)).rejects.toThrow('is paid by its payments only');
    await expect(update(`state = 'CANCELLED', cancelled_by = 'x', cancel_reason = 'x'`)).rejects.toThrow(
      'taking its entry back',
    );
    const approved = `state = 'APPROVED', approved_hash = payload_hash, approved_by`;
    await expect(update(`${approved} = entered_by`, entered?.billId)).rejects.toThrow('approved_by_a_second_person');
    await expect(update(`state = 'APPROVED', approved_by = 'x', approved_hash = 'y'`, entered?.billId)).rejects.toThrow(
      'approved_by_somebody',
    );
    await expect(update(`state = 'POSTED'`, entered?.billId)).rejects.toThrow('does not go from ENTERED to POSTED');
    await update(`${approved} = 'person:x'`, entered?.billId);
    await expect(update(`state = 'POSTED', entry_id = '${bill?.entryId}'`, entered?.billId)).rejects.toThrow(
      'does not book the lines',
    );
    await expect(
      owner(`INSERT INTO accounting.bill_line VALUES ($1, 2, 'NGEU', 'NET', '5500', NULL, 1, 'x')`, [bill?.billId]),
    ).rejects.toThrow('comes with its bill');
    const paid = (units: number) =>
      owner(
        `INSERT INTO accounting.bill_payment (payment_id, bill_id, book_id, units, nostro, entry_id, paid_by) VALUES ('x', $1, 'NGEU', $2, 'NOSTRO-EUR', $3, 'x')`,
        [bill?.billId, units, bill?.entryId],
      );
    await expect(paid(901)).rejects.toThrow('does not have that much');
    await expect(paid(900)).rejects.toThrow('does not pay');
    await expect(
      owner(
        `INSERT INTO accounting.bill (bill_id, book_id, supplier_id, number, bill_date, due_date, asset, total_units, needs_second_person, payload_hash, entered_by)
         SELECT 'x', book_id, supplier_id, $1, bill_date, due_date, asset, 5, false, payload_hash, 'x' FROM accounting.bill WHERE number = 'R-6'`,
        ['R-8'],
      ),
    ).rejects.toThrow('are not its total');
    await expect(
      owner(
        `INSERT INTO accounting.bill (bill_id, book_id, supplier_id, number, bill_date, due_date, asset, total_units, needs_second_person, payload_hash, entered_by)
         SELECT 'x', book_id, supplier_id, 'r-6', bill_date, due_date, asset, 5, false, payload_hash, 'x' FROM accounting.bill WHERE number = 'R-6'`,
      ),
    ).rejects.toThrow('bill_number');
    await expect(owner('DELETE FROM accounting.bill_payment')).rejects.toThrow('by a reversal');
    expect(await broken()).toEqual([]);
  });
});
