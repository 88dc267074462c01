import { type Type } from '@nestjs/common';
import { Args, ID, Int, Mutation, Query, Resolver } from '@nestjs/graphql';
import { daysBetween } from '#libs/calendar/index.js';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { type Tx } from '#libs/database/index.js';
import { DateScalar, ReadTx, RequiresScopes } from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { formatDecimal } from '#libs/money/index.js';
import { Mutations } from '../mutations.js';
import {
  BillInput,
  BillPayload,
  BillsPayload,
  BillStateEnum,
  BillType,
  CancelBillInput,
  EnterBillInput,
  ImportBillsInput,
  PayablesControlType,
  PayableType,
  PayBillInput,
  ReverseBillPaymentInput,
  SetSupplierInput,
  SupplierPayload,
  SupplierType,
} from './bills.graphql.js';
import { ageOf } from './bills.js';
import { type BillRow, BillsRepository } from './bills.repository.js';
import { Bills } from './bills.service.js';

@Resolver(() => BillType)
export class BillsResolver {
  constructor(
    private readonly bills: Bills,
    private readonly repository: BillsRepository,
    private readonly mutations: Mutations,
  ) {}

  @Query(() => [SupplierType])
  @RequiresScopes('ledger:read')
  async suppliers(@Args('book', { type: () => String }) book: string, @ReadTx() tx: Tx): Promise<SupplierType[]> {
    return this.repository.suppliers(tx, book);
  }

  @Query(() => BillType, { nullable: true })
  @RequiresScopes('ledger:read')
  async bill(@Args('id', { type: () => ID }) id: string, @ReadTx() tx: Tx): Promise<BillType | null> {
    const row = await this.repository.find(tx, id);
    return row ? ((await this.shown(tx, [row]))[0] ?? null) : null;
  }

  @Query(() => [BillType], { name: 'bills', description: 'Of a book, those entered last first.' })
  @RequiresScopes('ledger:read')
  async list(
    @Args('book', { type: () => String }) book: string,
    @Args('state', { type: () => BillStateEnum, nullable: true }) state: string | null,
    @Args('first', { type: () => Int, defaultValue: 100 }) first: number,
    @ReadTx() tx: Tx,
  ): Promise<BillType[]> {
    return this.shown(tx, await this.repository.list(tx, book, state, Math.min(500, Math.max(1, first))));
  }

  @Query(() => [PayableType], { description: 'What is open on a date, the longest due first.' })
  @RequiresScopes('ledger:read')
  async payables(
    @Args('book', { type: () => String }) book: string,
    @Args('asOf', { type: () => DateScalar }) asOf: string,
    @ReadTx() tx: Tx,
  ): Promise<PayableType[]> {
    return (await this.repository.payables(tx, book, asOf)).map((one) => ({
      billId: one.billId,
      supplier: one.supplier,
      number: one.number,
      dueDate: one.dueDate,
      currency: one.asset,
      total: formatDecimal(BigInt(one.totalUnits), one.scale),
      open: formatDecimal(BigInt(one.openUnits), one.scale),
      daysOverdue: Math.max(0, daysBetween(one.dueDate, asOf)),
      age: ageOf(one.dueDate, asOf),
    }));
  }

  @Query(() => [PayablesControlType], { description: 'Whether the open bills are what the account of suppliers has.' })
  @RequiresScopes('ledger:read')
  async payablesControl(
    @Args('book', { type: () => String }) book: string,
    @ReadTx() tx: Tx,
  ): Promise<PayablesControlType[]> {
    return (await this.repository.control(tx, book)).map(({ asset, scale, accountUnits, billUnits }) => ({
      currency: asset,
      account: formatDecimal(BigInt(accountUnits), scale),
      bills: formatDecimal(BigInt(billUnits), scale),
      difference: formatDecimal(BigInt(accountUnits) - BigInt(billUnits), scale),
    }));
  }

  @Mutation(() => SupplierPayload, { description: 'Adds a supplier, or changes one that is there.' })
  @RequiresScopes('ledger:post')
  setSupplier(
    @Args('input', { type: () => SetSupplierInput }) input: SetSupplierInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'setSupplier',
      SetSupplierInput,
      input,
      principal,
      async (tx): Promise<SupplierPayload> => {
        const { supplierId = null, book, name, partyId = null, iban = null } = input;
        const { defaultCode = null, defaultCostCentre = null } = input;
        const asked = { supplierId, book, name, partyId, iban, defaultCode, defaultCostCentre };
        const { supplier, problems } = await this.bills.setSupplier(tx, asked, principal.subject);
        return supplier ? { supplier, problems, replayed: false } : this.mutations.faulty(problems);
      },
    );
  }

  @Mutation(() => BillPayload, { description: 'Enters a bill; nothing is booked yet.' })
  @RequiresScopes('ledger:post')
  enterBill(
    @Args('input', { type: () => EnterBillInput }) input: EnterBillInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    const { lines, ...bill } = input;
    const given = lines.map(({ code, costCentre, ...line }) => ({
      ...line,
      code: code ?? null,
      costCentre: costCentre ?? null,
    }));
    return this.run('enterBill', EnterBillInput, input, principal, (tx) =>
      this.bills.enter(tx, input.book, { ...bill, lines: given }, principal.subject),
    );
  }

  @Mutation(() => BillsPayload, {
    description: 'Enters the bills of a file: all of them, or none when one line is wrong.',
  })
  @RequiresScopes('ledger:post')
  importBills(
    @Args('input', { type: () => ImportBillsInput }) input: ImportBillsInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run('importBills', ImportBillsInput, input, principal, async (tx): Promise<BillsPayload> => {
      const { bills, problems } = await this.bills.import(tx, input.book, input.file, principal.subject);
      if (problems.length > 0) return Object.assign(this.mutations.faulty(problems), { bills: [] });
      return { bills: await this.shown(tx, bills), problems: [], replayed: false };
    });
  }

  @Mutation(() => BillPayload, {
    description: 'Approves a bill up to the limit of the book; above it, asks a second person.',
  })
  @RequiresScopes('ledger:post')
  approveBill(@Args('input', { type: () => BillInput }) input: BillInput, @CurrentPrincipal() principal: Principal) {
    return this.run('approveBill', BillInput, input, principal, (tx) =>
      this.bills.approve(tx, input.billId, principal.subject),
    );
  }

  @Mutation(() => BillPayload, { description: 'Books the lines of an approved bill against the account of suppliers.' })
  @RequiresScopes('ledger:post')
  postBill(@Args('input', { type: () => BillInput }) input: BillInput, @CurrentPrincipal() principal: Principal) {
    return this.run('postBill', BillInput, input, principal, (tx) =>
      this.bills.post(tx, input.billId, principal.subject),
    );
  }

  @Mutation(() => BillPayload, { description: 'Records that a bill was paid out of a nostro, whole or in part.' })
  @RequiresScopes('ledger:post')
  payBill(@Args('input', { type: () => PayBillInput }) input: PayBillInput, @CurrentPrincipal() principal: Principal) {
    const { billId, nostro, amount = null, valueDate = null } = input;
    return this.run('payBill', PayBillInput, input, principal, (tx) =>
      this.bills.pay(tx, { billId, nostro, amount, valueDate }, principal.subject),
    );
  }

  @Mutation(() => BillPayload, { description: 'Takes a payment back that came back; the bill is open by it again.' })
  @RequiresScopes('ledger:post')
  reverseBillPayment(
    @Args('input', { type: () => ReverseBillPaymentInput }) input: ReverseBillPaymentInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.run('reverseBillPayment', ReverseBillPaymentInput, input, principal, (tx) =>
      this.bills.takePaymentBack(tx, input, principal.subject),
    );
  }

  @Mutation(() => BillPayload, { description: 'Cancels a bill of which nothing is paid; its entry is reversed.' })
  @RequiresScopes('ledger:post')
  cancelBill(
    @Args('input', { type: () => CancelBillInput }) input: CancelBillInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.run('cancelBill', CancelBillInput, input, principal, (tx) =>
      this.bills.cancel(tx, input, principal.subject),
    );
  }

  private run<Input extends { idempotencyKey: string }>(
    name: string,
    type: Type<Input>,
    input: Input,
    principal: Principal,
    work: (tx: Tx) => Promise<{ bill?: BillRow; problems: readonly Problem[] }>,
  ) {
    return this.mutations.run(name, type, input, principal, async (tx): Promise<BillPayload> => {
      const { bill, problems } = await work(tx);
      if (!bill) return this.mutations.faulty(problems);
      const [shown] = await this.shown(tx, [bill]);
      return { bill: shown ?? null, problems: [...problems], replayed: false };
    });
  }

  private async shown(tx: Tx, rows: readonly BillRow[]): Promise<BillType[]> {
    const ids = rows.map(({ billId }) => billId);
    const lines = await this.repository.lines(tx, ids);
    const payments = await this.repository.payments(tx, ids);
    return rows.map((row) => {
      const isOfBill = ({ billId }: { billId: string }) => billId === row.billId;
      const amount = (units: string) => formatDecimal(BigInt(units), row.scale);
      return {
        ...row,
        currency: row.asset,
        total: amount(row.totalUnits),
        paid: amount(row.paidUnits),
        lines: lines.filter(isOfBill).map((line) => ({ ...line, amount: amount(line.units) })),
        payments: payments.filter(isOfBill).map((one) => ({ ...one, amount: amount(one.units) })),
      };
    });
  }
}
