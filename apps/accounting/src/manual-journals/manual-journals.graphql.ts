import { Field, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsIn,
  IsOptional,
  Length,
  MaxLength,
  MinLength,
  ValidateNested,
} from 'class-validator';
import {
  connection,
  DateScalar,
  DateTimeScalar,
  DecimalScalar,
  ProblemType,
  RequiresScopes,
} from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { SideEnum } from '../accounts/accounts.graphql.js';

@ObjectType('JournalLineDimension')
@RequiresScopes('ledger:read')
export class LineDimensionType {
  @Field(() => String) dimension!: string;
  @Field(() => String) value!: string;
}
@ObjectType('JournalLine')
@RequiresScopes('ledger:read')
export class JournalLineType {
  @Field(() => String) account!: string;
  @Field(() => SideEnum) side!: 'DEBIT' | 'CREDIT';
  @Field(() => DecimalScalar) amount!: string;
  @Field(() => String) asset!: string;
  @Field(() => [LineDimensionType]) dimensions!: LineDimensionType[];
}

@ObjectType('ManualJournal', { description: 'A journal by hand: booked, or waiting for a second person.' })
@RequiresScopes('ledger:read')
export class ManualJournalType {
  @Field(() => ID) id!: string;
  @Field(() => String) book!: string;
  @Field(() => String) description!: string;
  @Field(() => [JournalLineType]) lines!: JournalLineType[];
  @Field(() => DateScalar, { nullable: true }) valueDate!: string | null;
  @Field(() => DateScalar, { nullable: true }) accountingDate!: string | null;
  @Field(() => Boolean) isYearEnd!: boolean;
  @Field(() => String) reason!: string;
  @Field(() => String) evidence!: string;
  @Field(() => String) payloadHash!: string;
  @Field(() => String, {
    description: 'POSTED, PROPOSED, REFUSED (with its code), REJECTED, EXPIRED, WITHDRAWN or STALE.',
  })
  state!: string;
  @Field(() => String, { description: 'The functional currency of the book.' }) currency!: string;
  @Field(() => DecimalScalar, {
    nullable: true,
    description: 'In the functional currency; absent when a rate is missing.',
  })
  amount!: string | null;
  @Field(() => DecimalScalar, { description: 'What one person booked alone at that time.' }) limit!: string;
  @Field(() => ID, { nullable: true }) approvalId!: string | null;
  @Field(() => ID, { nullable: true, description: 'The file it came in.' }) importId!: string | null;
  @Field(() => ID, { nullable: true }) entryId!: string | null;
  @Field(() => String) requestedBy!: string;
  @Field(() => DateTimeScalar) requestedAt!: Date;
  @Field(() => DateTimeScalar, { nullable: true }) expiresAt!: Date | null;
  @Field(() => String, { nullable: true }) decidedBy!: string | null;
  @Field(() => String, { nullable: true }) decisionReason!: string | null;
  @Field(() => String, { nullable: true }) refusalCode!: string | null;
}
@ObjectType('ManualJournalConnection')
export class ManualJournalConnection extends connection(ManualJournalType, 'ManualJournal') {}
@ObjectType('ManualJournalPayload')
export class ManualJournalPayload {
  @Field(() => ManualJournalType, { nullable: true }) journal?: ManualJournalType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}

@InputType()
export class JournalLineDimensionInput {
  @Field(() => String) @Length(1, 40) dimension!: string;
  @Field(() => String) @Length(1, 64) value!: string;
}
@InputType()
export class JournalLineInput {
  @Field(() => String) @Length(1, 64) account!: string;
  @Field(() => SideEnum) @IsIn(['DEBIT', 'CREDIT']) side!: 'DEBIT' | 'CREDIT';
  @Field(() => DecimalScalar) amount!: string;
  @Field(() => String, { description: 'A currency or an ISIN.' }) @Length(3, 12) asset!: string;
  @Field(() => [JournalLineDimensionInput], { defaultValue: [] })
  @ArrayMaxSize(10)
  @ValidateNested({ each: true })
  @Type(() => JournalLineDimensionInput)
  dimensions!: JournalLineDimensionInput[];
}
@InputType()
export class PostJournalInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => String) @Length(1, 140) description!: string;
  @Field(() => [JournalLineInput])
  @ArrayMinSize(2)
  @ArrayMaxSize(400)
  @ValidateNested({ each: true })
  @Type(() => JournalLineInput)
  lines!: JournalLineInput[];
  @Field(() => DateScalar, {
    nullable: true,
    description: 'The accounting date, else the business date, unless given.',
  })
  valueDate?: string | null;
  @Field(() => DateScalar, {
    nullable: true,
    description: 'A date before the business date, whose period still takes entries.',
  })
  accountingDate?: string | null;
  @Field(() => Boolean, {
    defaultValue: false,
    description: 'Of the adjustment period of the year; the accounting date is its last day.',
  })
  isYearEnd!: boolean;
  @Field(() => String) @MinLength(3) @MaxLength(140) reason!: string;
  @Field(() => String, { description: 'What shows that it is right: a reference, a hash, a text.' })
  @Length(1, 1000)
  evidence!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@ObjectType('JournalLimit', { description: 'How much one person books by hand alone.' })
@RequiresScopes('ledger:read')
export class JournalLimitType {
  @Field(() => ID) id!: string;
  @Field(() => String) book!: string;
  @Field(() => Int, { nullable: true, description: 'Of those that were in force; the highest is.' }) version!:
    number | null;
  @Field(() => DecimalScalar) limit!: string;
  @Field(() => String) currency!: string;
  @Field(() => String) reason!: string;
  @Field(() => String) payloadHash!: string;
  @Field(() => String) state!: string;
  @Field(() => String) requestedBy!: string;
  @Field(() => DateTimeScalar) requestedAt!: Date;
  @Field(() => DateTimeScalar) expiresAt!: Date;
  @Field(() => String, { nullable: true }) decidedBy!: string | null;
}
@ObjectType('JournalLimitPayload')
export class JournalLimitPayload {
  @Field(() => JournalLimitType, { nullable: true }) limit?: JournalLimitType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
@InputType()
export class ProposeJournalLimitInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => DecimalScalar, { description: 'In the functional currency of the book.' }) limit!: string;
  @Field(() => String) @MinLength(3) @MaxLength(140) reason!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@ObjectType('HandPostingPayload')
export class HandPostingPayload {
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
@InputType()
export class AllowHandPostingInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => String, { description: 'A code of the chart.' }) @Length(1, 20) code!: string;
  @Field(() => Boolean) isAllowed!: boolean;
  @Field(() => String) @MinLength(3) @MaxLength(140) reason!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@ObjectType('JournalImportFault')
@RequiresScopes('ledger:read')
export class JournalImportFaultType {
  @Field(() => Int, { description: 'Of the file, from 1: the header.' }) line!: number;
  @Field(() => String, { nullable: true }) column!: string | null;
  @Field(() => String) code!: string;
  @Field(() => String) message!: string;
}
@ObjectType('JournalImport', {
  description: 'A file of journals: booked whole, or refused with what is wrong line by line.',
})
@RequiresScopes('ledger:read')
export class JournalImportType {
  @Field(() => ID) id!: string;
  @Field(() => String) book!: string;
  @Field(() => String) fileName!: string;
  @Field(() => String, { description: 'SHA-256.' }) contentHash!: string;
  @Field(() => String, { description: 'RUNNING, DONE or REFUSED.' }) state!: string;
  @Field(() => Int) lines!: number;
  @Field(() => Int) journals!: number;
  @Field(() => [JournalImportFaultType]) report!: JournalImportFaultType[];
  @Field(() => String) requestedBy!: string;
  @Field(() => DateTimeScalar) requestedAt!: Date;
  @Field(() => DateTimeScalar, { nullable: true }) finishedAt!: Date | null;
  @Field(() => ID, { nullable: true, description: 'Of a large file.' }) jobRunId!: string | null;
}
@ObjectType('JournalImportPayload')
export class JournalImportPayload {
  @Field(() => JournalImportType, { nullable: true }) import?: JournalImportType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
@InputType()
export class ImportJournalsInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => String) @Length(1, 140) fileName!: string;
  @Field(() => String, {
    description:
      'CSV: journal, account, side, amount, asset, description, reason, evidence; valueDate, accountingDate, yearEnd and dimension:NAME when wanted.',
  })
  @Length(1, 2_000_000)
  content!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@InputType()
export class ManualJournalFilterInput {
  @Field(() => String) book!: string;
  @Field(() => String, { nullable: true }) @IsOptional() state?: string | null;
  @Field(() => ID, { nullable: true }) @IsOptional() importId?: string | null;
}
