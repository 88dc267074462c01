import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsIn,
  Length,
  MaxLength,
  MinLength,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import {
  CurrencyCodeScalar,
  DateScalar,
  DateTimeScalar,
  DecimalScalar,
  ProblemType,
  RequiresScopes,
} from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { ages } from './bills.js';

const enumOf = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, name]));
export const BillStateEnum = enumOf(['ENTERED', 'APPROVED', 'POSTED', 'PAID', 'CANCELLED']);
export const BillLineKindEnum = enumOf(['NET', 'TAX']);
export const BillAgeEnum = enumOf(ages);
registerEnumType(BillStateEnum, { name: 'BillState' });
registerEnumType(BillLineKindEnum, { name: 'BillLineKind', description: 'Tax is a line of its own.' });
registerEnumType(BillAgeEnum, { name: 'BillAge', description: 'Days overdue.' });

@ObjectType('Supplier')
@RequiresScopes('ledger:read')
export class SupplierType {
  @Field(() => ID) supplierId!: string;
  @Field(() => String) book!: string;
  @Field(() => String) name!: string;
  @Field(() => ID, { nullable: true, description: 'The party that compliance knows it as.' }) partyId!: string | null;
  @Field(() => String, { nullable: true }) iban!: string | null;
  @Field(() => String, { nullable: true }) defaultCode!: string | null;
  @Field(() => String, { nullable: true }) defaultCostCentre!: string | null;
}

@ObjectType('BillLine')
@RequiresScopes('ledger:read')
export class BillLineType {
  @Field(() => Int) n!: number;
  @Field(() => BillLineKindEnum) kind!: string;
  @Field(() => String) code!: string;
  @Field(() => String, { nullable: true }) costCentre!: string | null;
  @Field(() => DecimalScalar) amount!: string;
  @Field(() => String) description!: string;
}

@ObjectType('BillPayment')
@RequiresScopes('ledger:read')
export class BillPaymentType {
  @Field(() => ID) paymentId!: string;
  @Field(() => DecimalScalar) amount!: string;
  @Field(() => String) nostro!: string;
  @Field(() => ID) entryId!: string;
  @Field(() => String) paidBy!: string;
  @Field(() => DateTimeScalar) paidAt!: Date;
  @Field(() => ID, { nullable: true, description: 'It came back by this entry.' }) reversalEntryId!: string | null;
}

@ObjectType('Bill', { description: 'A bill of a supplier.' })
@RequiresScopes('ledger:read')
export class BillType {
  @Field(() => ID) billId!: string;
  @Field(() => String) book!: string;
  @Field(() => ID) supplierId!: string;
  @Field(() => String) supplier!: string;
  @Field(() => String) number!: string;
  @Field(() => DateScalar) billDate!: string;
  @Field(() => DateScalar) dueDate!: string;
  @Field(() => CurrencyCodeScalar) currency!: string;
  @Field(() => DecimalScalar) total!: string;
  @Field(() => DecimalScalar) paid!: string;
  @Field(() => BillStateEnum) state!: string;
  @Field(() => Boolean, { description: 'Above the limit of the book, or in another currency.' })
  needsSecondPerson!: boolean;
  @Field(() => String) payloadHash!: string;
  @Field(() => String) enteredBy!: string;
  @Field(() => DateTimeScalar) enteredAt!: Date;
  @Field(() => ID, { nullable: true }) approvalId!: string | null;
  @Field(() => String, { nullable: true }) approvedBy!: string | null;
  @Field(() => ID, { nullable: true }) entryId!: string | null;
  @Field(() => String, { nullable: true }) cancelledBy!: string | null;
  @Field(() => String, { nullable: true }) cancelReason!: string | null;
  @Field(() => ID, { nullable: true }) reversalEntryId!: string | null;
  @Field(() => [BillLineType]) lines!: BillLineType[];
  @Field(() => [BillPaymentType]) payments!: BillPaymentType[];
}

@ObjectType('Payable', { description: 'What is open of a bill, and how long it has been due.' })
@RequiresScopes('ledger:read')
export class PayableType {
  @Field(() => ID) billId!: string;
  @Field(() => String) supplier!: string;
  @Field(() => String) number!: string;
  @Field(() => DateScalar) dueDate!: string;
  @Field(() => CurrencyCodeScalar) currency!: string;
  @Field(() => DecimalScalar) total!: string;
  @Field(() => DecimalScalar) open!: string;
  @Field(() => Int, { description: 'Zero until the due date has passed.' }) daysOverdue!: number;
  @Field(() => BillAgeEnum) age!: string;
}

@ObjectType('PayablesControl', { description: 'The account of suppliers beside the open bills.' })
@RequiresScopes('ledger:read')
export class PayablesControlType {
  @Field(() => CurrencyCodeScalar) currency!: string;
  @Field(() => DecimalScalar) account!: string;
  @Field(() => DecimalScalar) bills!: string;
  @Field(() => DecimalScalar) difference!: string;
}

const isGiven = (_: object, value: unknown) => value !== undefined && value !== null;

@InputType()
export class SetSupplierInput {
  @Field(() => ID, { nullable: true, description: 'Left out for a new one.' }) supplierId?: string | null;
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => String) @MinLength(1) @MaxLength(140) name!: string;
  @Field(() => ID, { nullable: true }) @ValidateIf(isGiven) @Length(1, 64) partyId?: string | null;
  @Field(() => String, { nullable: true }) iban?: string | null;
  @Field(() => String, { nullable: true }) @ValidateIf(isGiven) @Length(1, 20) defaultCode?: string | null;
  @Field(() => String, { nullable: true }) @ValidateIf(isGiven) @Length(1, 40) defaultCostCentre?: string | null;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@InputType()
export class BillLineInput {
  @Field(() => BillLineKindEnum, { defaultValue: 'NET' }) @IsIn(['NET', 'TAX']) kind!: 'NET' | 'TAX';
  @Field(() => String, { nullable: true, description: 'The code of the supplier unless given.' })
  @ValidateIf(isGiven)
  @Length(1, 20)
  code?: string | null;
  @Field(() => String, { nullable: true, description: 'The cost centre of the supplier unless given.' })
  @ValidateIf(isGiven)
  @Length(1, 40)
  costCentre?: string | null;
  @Field(() => DecimalScalar) amount!: string;
  @Field(() => String) @MinLength(1) @MaxLength(140) description!: string;
}

@InputType()
export class EnterBillInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => ID) @Length(1, 64) supplierId!: string;
  @Field(() => String) @MinLength(1) @MaxLength(64) number!: string;
  @Field(() => DateScalar) billDate!: string;
  @Field(() => DateScalar) dueDate!: string;
  @Field(() => CurrencyCodeScalar) currency!: string;
  @Field(() => [BillLineInput])
  @ArrayMinSize(1)
  @ArrayMaxSize(500)
  @ValidateNested({ each: true })
  @Type(() => BillLineInput)
  lines!: BillLineInput[];
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@InputType()
export class ImportBillsInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => String, {
    description:
      'CSV: supplier,number,billDate,dueDate,currency,kind,code,costCentre,amount,description; one line for each line of a bill.',
  })
  @MinLength(1)
  @MaxLength(1_000_000)
  file!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@InputType()
export class BillInput {
  @Field(() => ID) @Length(1, 64) billId!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@InputType()
export class CancelBillInput extends BillInput {
  @Field(() => String) @MinLength(3) @MaxLength(140) reason!: string;
}

@InputType()
export class PayBillInput extends BillInput {
  @Field(() => String) @Length(1, 64) nostro!: string;
  @Field(() => DecimalScalar, { nullable: true, description: 'What is open of it unless given.' }) amount?:
    string | null;
  @Field(() => DateScalar, { nullable: true }) valueDate?: string | null;
}

@InputType()
export class ReverseBillPaymentInput {
  @Field(() => ID) @Length(1, 64) paymentId!: string;
  @Field(() => String) @MinLength(3) @MaxLength(140) reason!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@ObjectType('SupplierPayload')
export class SupplierPayload {
  @Field(() => SupplierType, { nullable: true }) supplier?: SupplierType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
@ObjectType('BillPayload')
export class BillPayload {
  @Field(() => BillType, { nullable: true }) bill?: BillType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
@ObjectType('BillsPayload')
export class BillsPayload {
  @Field(() => [BillType], { description: 'Those of the file, in its order.' }) bills!: BillType[];
  @Field(() => [ProblemType], {
    description: 'Every fault, with the place of the line after the header and the column.',
  })
  problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
