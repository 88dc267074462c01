import { Directive, Field, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import {
  connection,
  DateScalar,
  DateTimeScalar,
  DecimalScalar,
  MoneyType,
  RequiresScopes,
} from '#libs/graphql/index.js';
import { currencyExponent, formatDecimal } from '#libs/money/index.js';

@ObjectType('JournalEntry')
@Directive('@key(fields: "id", resolvable: false)')
@RequiresScopes('ledger:read')
export class JournalEntryReference {
  @Field(() => ID) id!: string;
}

@ObjectType('InstructionStatusChange', { description: 'One change of one process; a reason alone is a change too.' })
@RequiresScopes('trades:read')
export class InstructionStatusChangeType {
  @Field(() => String, { description: 'PROCESSING, MATCHING, SETTLEMENT, CANCELLATION or HOLD' }) process!: string;
  @Field(() => String) fromStatus!: string;
  @Field(() => String) toStatus!: string;
  @Field(() => String, { nullable: true, description: 'ISO 20022 code' }) reasonCode!: string | null;
  @Field(() => DateTimeScalar) at!: Date;
}

@ObjectType('InstructionSettlement', {
  description: 'A piece that a place confirmed or a cycle attempted, and what the ledger made of it.',
})
@RequiresScopes('trades:read')
export class InstructionSettlementType {
  @Field(() => DecimalScalar) quantity!: string;
  @Field(() => MoneyType, { nullable: true }) amount!: MoneyType | null;
  @Field(() => DateScalar) effectiveDate!: string;
  @Field(() => String, { description: 'REQUESTED, BOOKED or REFUSED' }) state!: string;
  @Field(() => String, { nullable: true }) refusalCode!: string | null;
  @Field(() => String, { nullable: true }) marketReference!: string | null;
  @Field(() => JournalEntryReference, { nullable: true }) journalEntry!: JournalEntryReference | null;
}

@ObjectType('Instruction', {
  description: 'What a place of settlement was asked to do, and how it stands: one status for each process.',
})
@Directive('@key(fields: "id")')
@RequiresScopes('trades:read')
export class InstructionType {
  @Field(() => ID) id!: string;
  @Field(() => ID) tradeId!: string;
  @Field(() => String) executionId!: string;
  @Field(() => String) book!: string;
  @Field(() => String) place!: string;
  @Field(() => String, { description: 'DELI or RECE' }) direction!: string;
  @Field(() => String, { description: 'APMT against payment, FREE free of payment' }) payment!: string;
  @Field(() => String) isin!: string;
  @Field(() => DecimalScalar) quantity!: string;
  @Field(() => MoneyType) amount!: MoneyType;
  @Field(() => DateScalar) settlementDate!: string;
  @Field(() => String) clientAccount!: string;
  @Field(() => String, { nullable: true }) counterpartyId!: string | null;
  @Field(() => String) processingStatus!: string;
  @Field(() => String) matchingStatus!: string;
  @Field(() => String) settlementStatus!: string;
  @Field(() => String) cancellationStatus!: string;
  @Field(() => String, { nullable: true, description: 'ISO 20022 code of why it waits' }) reasonCode!: string | null;
  @Field(() => [String], { description: 'PARTY, CSD, VALIDATION, CONDITIONAL, COMPLIANCE' }) holds!: string[];
  @Field(() => DecimalScalar) settledQuantity!: string;
  @Field(() => MoneyType) settledAmount!: MoneyType;
  @Field(() => DateTimeScalar) createdAt!: Date;
  @Field(() => DateTimeScalar, { nullable: true }) sentAt!: Date | null;
  @Field(() => DateTimeScalar, { nullable: true }) settledAt!: Date | null;
  @Field(() => JournalEntryReference, {
    nullable: true,
    description: 'The entry that booked it, the latest of several.',
  })
  journalEntry!: JournalEntryReference | null;
}

@ObjectType('InstructionConnection')
@RequiresScopes('trades:read')
export class InstructionConnection extends connection(InstructionType, 'Instruction') {}

@InputType('InstructionFilter')
export class InstructionFilterInput {
  @Field(() => String, { nullable: true }) book?: string | null;
  @Field(() => String, { nullable: true }) place?: string | null;
  @Field(() => DateScalar, { nullable: true }) settlementDate?: string | null;
  @Field(() => String, { nullable: true }) settlementStatus?: string | null;
  @Field(() => String, { nullable: true }) matchingStatus?: string | null;
  @Field(() => String, { nullable: true }) processingStatus?: string | null;
  @Field(() => String, { nullable: true }) reasonCode?: string | null;
  @Field(() => String, { nullable: true }) clientAccount?: string | null;
  @Field(() => String, { nullable: true }) executionId?: string | null;
  @Field(() => Boolean, { nullable: true }) isHeld?: boolean | null;
}

export interface InstructionViewRow {
  readonly id: string;
  readonly tradeId: string;
  readonly executionId: string;
  readonly book: string;
  readonly place: string;
  readonly direction: string;
  readonly payment: string;
  readonly isin: string;
  readonly quantityUnits: string;
  readonly quantityScale: number;
  readonly amountMinor: string;
  readonly currency: string;
  readonly settlementDate: string;
  readonly clientAccount: string;
  readonly counterpartyId: string | null;
  readonly processingStatus: string;
  readonly matchingStatus: string;
  readonly settlementStatus: string;
  readonly cancellationStatus: string;
  readonly reasonCode: string | null;
  readonly holds: string;
  readonly settledQuantityUnits: string;
  readonly settledAmountMinor: string;
  readonly createdAt: Date;
  readonly sentAt: Date | null;
  readonly settledAt: Date | null;
  readonly entryId: string | null;
}

const money = (minor: string, currency: string): MoneyType => ({
  amount: formatDecimal(BigInt(minor), currencyExponent(currency)),
  currency,
});

export const toInstructionType = (row: InstructionViewRow): InstructionType => ({
  ...row,
  quantity: formatDecimal(BigInt(row.quantityUnits), row.quantityScale),
  amount: money(row.amountMinor, row.currency),
  holds: row.holds === '' ? [] : row.holds.split(' '),
  settledQuantity: formatDecimal(BigInt(row.settledQuantityUnits), row.quantityScale),
  settledAmount: money(row.settledAmountMinor, row.currency),
  journalEntry: row.entryId === null ? null : { id: row.entryId },
});

@ObjectType('Position', { description: 'An account and an instrument: what it traded, what waits, what has settled.' })
@RequiresScopes('trades:read')
export class PositionType {
  @Field(() => String) account!: string;
  @Field(() => String) isin!: string;
  @Field(() => String) book!: string;
  @Field(() => DateScalar) asOf!: string;
  @Field(() => DecimalScalar, { description: 'Settled and everything traded beside.' }) traded!: string;
  @Field(() => DecimalScalar, { description: 'To come, positive when the account receives.' }) pending!: string;
  @Field(() => DecimalScalar) settled!: string;
  @Field(() => DecimalScalar, { description: 'Settled and promised to a delivery that waits.' }) blocked!: string;
  @Field(() => DecimalScalar, { description: 'Settled less blocked.' }) available!: string;
  @Field(() => Int) pendingInstructions!: number;
}
