import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { IsIn, Length, MaxLength, MinLength } from 'class-validator';
import {
  connection,
  DateScalar,
  DateTimeScalar,
  DecimalScalar,
  ProblemType,
  RequiresScopes,
} from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { frequencies, type Frequency } from './issued-statement.js';

export const FrequencyEnum = Object.fromEntries(frequencies.map((name) => [name, name]));
registerEnumType(FrequencyEnum, {
  name: 'StatementFrequency',
  description: 'Weeks end on Sunday, months on their last day; daily only when the account moved.',
});

@ObjectType('IssuedStatement', {
  description:
    'A statement of account that was issued: numbered without a gap, opening with what the last one closed with. Balances are positive on the normal side of the account.',
})
@RequiresScopes('ledger:read')
export class IssuedStatementType {
  @Field(() => ID) id!: string;
  @Field(() => String) book!: string;
  @Field(() => String) account!: string;
  @Field(() => String) asset!: string;
  @Field(() => Int) number!: number;
  @Field(() => Int, { description: 'A corrected statement is a new version of its number.' }) version!: number;
  @Field(() => Boolean, { description: 'No newer version supersedes it.' }) isLatest!: boolean;
  @Field(() => String, { nullable: true, description: 'Why there is another version.' }) reason!: string | null;
  @Field(() => ID, { nullable: true, description: 'The correction in bulk that touched it.' }) correctionId!:
    string | null;
  @Field(() => DateScalar) from!: string;
  @Field(() => DateScalar) to!: string;
  @Field(() => DecimalScalar) opening!: string;
  @Field(() => DecimalScalar) debits!: string;
  @Field(() => DecimalScalar) credits!: string;
  @Field(() => DecimalScalar) closing!: string;
  @Field(() => Int) entryCount!: number;
  @Field(() => String, { description: 'SHA-256 of `content`, kept when it was issued.' }) contentHash!: string;
  @Field(() => String) issuedBy!: string;
  @Field(() => DateTimeScalar) issuedAt!: Date;
  @Field(() => ID, { nullable: true }) jobRunId!: string | null;
}

@ObjectType()
export class IssuedStatementConnection extends connection(IssuedStatementType, 'IssuedStatement') {}

@InputType()
export class IssuedStatementFilter {
  @Field(() => String) book!: string;
  @Field(() => String, { nullable: true }) account?: string | null;
  @Field(() => String, { nullable: true }) asset?: string | null;
  @Field(() => Boolean, { nullable: true, description: 'Also those that were superseded.' }) allVersions?:
    boolean | null;
}

@InputType()
export class IssueStatementInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => String) @Length(1, 64) account!: string;
  @Field(() => String) @Length(1, 12) asset!: string;
  @Field(() => DateScalar, {
    nullable: true,
    description: 'The day after the last statement; of a first one any date, the last one unless given.',
  })
  from?: string | null;
  @Field(() => DateScalar) to!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@ObjectType('IssueStatementPayload')
export class IssueStatementPayload {
  @Field(() => IssuedStatementType, { nullable: true }) statement?: IssuedStatementType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}

@InputType()
export class IssueStatementsInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => FrequencyEnum) @IsIn(frequencies) frequency!: Frequency;
  @Field(() => DateScalar, { description: 'The last date of the period.' }) to!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@ObjectType('IssueStatementsPayload')
export class IssueStatementsPayload {
  @Field(() => ID, { nullable: true, description: 'Its counts tell how many were issued and refused.' })
  jobRunId?: string | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}

@ObjectType('StatementSetting', { description: 'How often an account gets its statement.' })
@RequiresScopes('ledger:read')
export class StatementSettingType {
  @Field(() => String) book!: string;
  @Field(() => String) account!: string;
  @Field(() => Int, { description: '0: nobody has set it, it is what is usual for its kind.' }) version!: number;
  @Field(() => FrequencyEnum) frequency!: Frequency;
  @Field(() => String, { nullable: true }) reason!: string | null;
  @Field(() => String, { nullable: true }) setBy!: string | null;
  @Field(() => DateTimeScalar, { nullable: true }) setAt!: Date | null;
}

@InputType()
export class SetStatementFrequencyInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => String) @Length(1, 64) account!: string;
  @Field(() => FrequencyEnum) @IsIn(frequencies) frequency!: Frequency;
  @Field(() => String) @MinLength(3) @MaxLength(140) reason!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@ObjectType('StatementSettingPayload')
export class StatementSettingPayload {
  @Field(() => StatementSettingType, { nullable: true }) setting?: StatementSettingType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
