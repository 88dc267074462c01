import { Directive, Field, ID, InputType, ObjectType } from '@nestjs/graphql';
import { ArrayMaxSize, ArrayMinSize, IsNotEmpty, IsOptional, Length, MaxLength } from 'class-validator';
import {
  connection,
  CurrencyCodeScalar,
  DateScalar,
  DateTimeScalar,
  DecimalScalar,
  MoneyType,
  ProblemType,
  RequiresScopes,
} from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { currencyExponent, formatDecimal } from '#libs/money/index.js';
import { unsealText } from '#libs/messaging/index.js';
import { JournalEntryReference } from '../instructions/instructions.graphql.js';
import { type PaymentRow } from './payments.repository.js';

@ObjectType('PaymentStatusChange')
@RequiresScopes('payments:read')
export class PaymentStatusChangeType {
  @Field(() => String) fromStatus!: string;
  @Field(() => String) toStatus!: string;
  @Field(() => String, { nullable: true }) reasonCode!: string | null;
  @Field(() => DateTimeScalar) at!: Date;
}

@ObjectType('Payment', { description: 'A payment order of a client, from intake to the answer of our agent.' })
@Directive('@key(fields: "id")')
@RequiresScopes('payments:read')
export class PaymentType {
  @Field(() => ID) id!: string;
  @Field(() => String) book!: string;
  @Field(() => String) endToEndId!: string;
  @Field(() => String) debtorAccount!: string;
  @Field(() => String) creditorName!: string;
  @Field(() => String) creditorAccount!: string;
  @Field(() => MoneyType) amount!: MoneyType;
  @Field(() => String, {
    description: 'SCREENING, HELD, STOPPED, READY, BOOKING, BOOKED, EXECUTED, RETURNED or REFUSED',
  })
  status!: string;
  @Field(() => ProblemType, { nullable: true }) refusal!: Problem | null;
  @Field(() => ID, { nullable: true }) alertId!: string | null;
  @Field(() => String, { nullable: true }) returnReason!: string | null;
  @Field(() => DateScalar, { description: 'The business date it came in on.' }) receivedDate!: string;
  @Field(() => DateScalar, { description: 'The business date it is booked on.' }) businessDate!: string;
  @Field(() => DateTimeScalar, { nullable: true }) cutOffAt!: Date | null;
  @Field(() => DateTimeScalar) receivedAt!: Date;
  @Field(() => JournalEntryReference, { nullable: true }) journalEntry!: JournalEntryReference | null;
  @Field(() => JournalEntryReference, { nullable: true }) returnEntry!: JournalEntryReference | null;
}

@ObjectType('PaymentConnection')
@RequiresScopes('payments:read')
export class PaymentConnection extends connection(PaymentType, 'Payment') {}

@InputType('PaymentFilter')
export class PaymentFilterInput {
  @Field(() => String, { nullable: true }) book?: string | null;
  @Field(() => String, { nullable: true }) status?: string | null;
  @Field(() => DateScalar, { nullable: true }) businessDate?: string | null;
  @Field(() => DateScalar, { nullable: true }) receivedDate?: string | null;
  @Field(() => String, { nullable: true }) endToEndId?: string | null;
  @Field(() => String, { nullable: true }) debtorAccount?: string | null;
}

@InputType('SubmitPaymentInput')
export class SubmitPaymentInput {
  @Field(() => String) @IsNotEmpty() @MaxLength(35) endToEndId!: string;
  @Field(() => String) @IsNotEmpty() @MaxLength(64) debtorAccount!: string;
  @Field(() => String) @IsNotEmpty() @MaxLength(140) creditorName!: string;
  @Field(() => String, { nullable: true }) @IsOptional() @MaxLength(42) creditorIban?: string | null;
  @Field(() => String, { nullable: true }) @IsOptional() @MaxLength(34) creditorAccount?: string | null;
  @Field(() => String, { nullable: true }) @IsOptional() @Length(2, 2) creditorCountry?: string | null;
  @Field(() => DecimalScalar) @IsNotEmpty() amount!: string;
  @Field(() => CurrencyCodeScalar) @IsNotEmpty() currency!: string;
  @Field(() => DateScalar, { nullable: true }) @IsOptional() executionDate?: string | null;
  @Field(() => String, { nullable: true }) @IsOptional() @MaxLength(140) remittance?: string | null;
  @Field(() => String) @IsNotEmpty() @MaxLength(128) idempotencyKey!: string;
}

@InputType('SubmitPaymentsInput')
export class SubmitPaymentsInput {
  @Field(() => [SubmitPaymentInput]) @ArrayMinSize(1) @ArrayMaxSize(1_000) payments!: SubmitPaymentInput[];
}

@ObjectType('SubmitPaymentPayload')
export class SubmitPaymentPayload {
  @Field(() => PaymentType, { nullable: true }) payment!: PaymentType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}

@ObjectType('SubmitPaymentsPayload')
export class SubmitPaymentsPayload {
  @Field(() => [SubmitPaymentPayload], { description: 'In the order of the input.' }) results!: SubmitPaymentPayload[];
  @Field(() => [ProblemType], { description: 'What is wrong with the call as a whole.' }) problems!: Problem[];
}

export const toPaymentType = (row: PaymentRow): PaymentType => ({
  id: row.paymentId,
  book: row.bookId,
  endToEndId: row.endToEndId,
  debtorAccount: row.debtorAccount,
  creditorName: unsealText(row.creditorSealed),
  creditorAccount: row.creditorAccount,
  amount: { amount: formatDecimal(BigInt(row.amountMinor), currencyExponent(row.currency)), currency: row.currency },
  status: row.status,
  refusal:
    row.refusalCode === null
      ? null
      : {
          code: row.refusalCode,
          message: row.refusalMessage ?? row.refusalCode,
          path: [],
          retryable: row.refusalCode === 'INSUFFICIENT_FUNDS',
        },
  alertId: row.alertId,
  returnReason: row.returnReason,
  receivedDate: row.receivedDate,
  businessDate: row.businessDate,
  cutOffAt: row.cutOffAt,
  receivedAt: row.receivedAt,
  journalEntry: row.entryId === null ? null : { id: row.entryId },
  returnEntry: row.returnEntryId === null ? null : { id: row.returnEntryId },
});
