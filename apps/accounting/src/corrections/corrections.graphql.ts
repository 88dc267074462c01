import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { ArrayMaxSize, IsIn, IsOptional, Length, MaxLength, MinLength } from 'class-validator';
import {
  connection,
  DateScalar,
  DateTimeScalar,
  DecimalScalar,
  JsonScalar,
  ProblemType,
  RequiresScopes,
} from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { correctionStates, type CorrectionState } from './corrections.repository.js';

const CorrectionStateEnum = Object.fromEntries(correctionStates.map((name) => [name, name]));
registerEnumType(CorrectionStateEnum, {
  name: 'CorrectionState',
  description:
    'PREVIEWING, PREVIEWED, PROPOSED, RUNNING, DONE; or REFUSED (with its code), REJECTED, EXPIRED, WITHDRAWN, STALE.',
});
const transformationKinds = ['REVERSE', 'NEWEST_RULES', 'ACCOUNT', 'FACTOR', 'PRICE'] as const;
const TransformationKindEnum = Object.fromEntries(transformationKinds.map((name) => [name, name]));
registerEnumType(TransformationKindEnum, {
  name: 'CorrectionTransformationKind',
  description:
    'What is booked instead: nothing; the same event by the newest rules; another account; facts times a fraction; a quantity at another price.',
});

@ObjectType('CorrectionEffect', { description: 'What a correction does to an account, debits less credits.' })
@RequiresScopes('ledger:read')
export class CorrectionEffectType {
  @Field(() => String) account!: string;
  @Field(() => String) asset!: string;
  @Field(() => DecimalScalar, { description: 'When it was previewed.' }) before!: string;
  @Field(() => DecimalScalar) reversal!: string;
  @Field(() => DecimalScalar) rebooking!: string;
  @Field(() => DecimalScalar) after!: string;
}

@ObjectType('CorrectionTotal', { description: 'Over all accounts; both are zero.' })
@RequiresScopes('ledger:read')
export class CorrectionTotalType {
  @Field(() => String) asset!: string;
  @Field(() => DecimalScalar) reversal!: string;
  @Field(() => DecimalScalar) rebooking!: string;
  @Field(() => Int) accounts!: number;
}

@ObjectType('CorrectionEntry', { description: 'One original, and what becomes or became of it.' })
@RequiresScopes('ledger:read')
export class CorrectionEntryType {
  @Field(() => Int) n!: number;
  @Field(() => ID) originalEntryId!: string;
  @Field(() => JsonScalar, { nullable: true, description: 'Null when it is only reversed, or left out.' }) rebooking!:
    object | null;
  @Field(() => String, {
    description: 'LEFT_OUT (the preview foresaw its code), WAITING, DONE or REFUSED (with its code).',
  })
  state!: string;
  @Field(() => String, { nullable: true }) code!: string | null;
  @Field(() => ID, { nullable: true }) reversalEntryId!: string | null;
  @Field(() => ID, { nullable: true }) rebookingEntryId!: string | null;
}

@ObjectType('Correction', {
  description: 'Entries corrected together: previewed, agreed to by hash, reversed and booked anew.',
})
@RequiresScopes('ledger:read')
export class CorrectionType {
  @Field(() => ID) id!: string;
  @Field(() => String) book!: string;
  @Field(() => JsonScalar) selection!: object;
  @Field(() => JsonScalar) transformation!: object;
  @Field(() => String) reason!: string;
  @Field(() => Boolean, { description: 'Booked also where the balance does not cover it; the excess is a work item.' })
  forced!: boolean;
  @Field(() => CorrectionStateEnum) state!: CorrectionState;
  @Field(() => String, { nullable: true }) refusalCode!: string | null;
  @Field(() => String) requestedBy!: string;
  @Field(() => DateTimeScalar) requestedAt!: Date;
  @Field(() => ID, { nullable: true }) previewJobRunId!: string | null;
  @Field(() => ID, { nullable: true, description: 'Its effects as CSV: a report file.' }) previewFileId!: string | null;
  @Field(() => String, {
    nullable: true,
    description: 'SHA-256 over what was asked for and every line of the preview.',
  })
  previewHash!: string | null;
  @Field(() => ID, { nullable: true }) approvalId!: string | null;
  @Field(() => String, { nullable: true }) proposedBy!: string | null;
  @Field(() => DateTimeScalar, { nullable: true }) expiresAt!: Date | null;
  @Field(() => String, { nullable: true }) decidedBy!: string | null;
  @Field(() => String, { nullable: true }) decisionReason!: string | null;
  @Field(() => ID, { nullable: true }) jobRunId!: string | null;
  @Field(() => DateTimeScalar, { nullable: true }) finishedAt!: Date | null;
}

@ObjectType('CorrectionCounts')
@RequiresScopes('ledger:read')
export class CorrectionCountsType {
  @Field(() => Int) leftOut!: number;
  @Field(() => Int) waiting!: number;
  @Field(() => Int) done!: number;
  @Field(() => Int) refused!: number;
}

@ObjectType()
export class CorrectionConnection extends connection(CorrectionType, 'Correction') {}

@InputType()
export class CorrectionFactInput {
  @Field(() => String) @Length(1, 40) name!: string;
  @Field(() => String) @Length(1, 140) value!: string;
}

@InputType({ description: 'All that is given must hold; at least one that narrows it down is given.' })
export class CorrectionSelectionInput {
  @Field(() => [ID], { nullable: true }) @IsOptional() @ArrayMaxSize(10_000) entryIds?: string[] | null;
  @Field(() => [String], { nullable: true }) @IsOptional() @ArrayMaxSize(100) kinds?: string[] | null;
  @Field(() => String, { nullable: true, description: 'Such as PAYMENT or INSTRUCTION.' }) subjectKind?: string | null;
  @Field(() => [String], { nullable: true }) @IsOptional() @ArrayMaxSize(10_000) subjectIds?: string[] | null;
  @Field(() => String, {
    nullable: true,
    description: 'Of the key an entry was booked under, which names what asked for it.',
  })
  keyPrefix?: string | null;
  @Field(() => String, { nullable: true }) requestedBy?: string | null;
  @Field(() => Int, { nullable: true, description: 'The version of the posting rules that made it.' }) ruleVersion?:
    number | null;
  @Field(() => String, { nullable: true, description: 'The kind of event that led to it.' }) eventKind?: string | null;
  @Field(() => [CorrectionFactInput], { nullable: true, description: 'Facts of that event.' })
  @IsOptional()
  @ArrayMaxSize(20)
  facts?: CorrectionFactInput[] | null;
  @Field(() => String, { nullable: true }) account?: string | null;
  @Field(() => DateScalar, { nullable: true, description: 'Business dates, both included.' }) from?: string | null;
  @Field(() => DateScalar, { nullable: true }) to?: string | null;
}

@InputType()
export class CorrectionTransformationInput {
  @Field(() => TransformationKindEnum) @IsIn(transformationKinds) kind!: (typeof transformationKinds)[number];
  @Field(() => String, { nullable: true, description: 'ACCOUNT and PRICE: what is replaced.' }) from?: string | null;
  @Field(() => String, { nullable: true, description: 'ACCOUNT and PRICE: by what.' }) to?: string | null;
  @Field(() => String, { nullable: true, description: 'FACTOR: a positive whole number.' }) numerator?: string | null;
  @Field(() => String, { nullable: true, description: 'FACTOR: a positive whole number.' }) denominator?: string | null;
  @Field(() => [String], { nullable: true, description: 'FACTOR: which facts of the event; `amount` unless given.' })
  @IsOptional()
  @ArrayMaxSize(10)
  facts?: string[] | null;
}

@InputType()
export class PreviewCorrectionInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => CorrectionSelectionInput) selection!: CorrectionSelectionInput;
  @Field(() => CorrectionTransformationInput) transformation!: CorrectionTransformationInput;
  @Field(() => String) @MinLength(3) @MaxLength(140) reason!: string;
  @Field(() => Boolean, { nullable: true, description: 'Book it also where the balance does not cover it.' }) forced?:
    boolean | null;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@InputType()
export class ProposeCorrectionInput {
  @Field(() => ID) @Length(3, 64) correctionId!: string;
  @Field(() => String, { description: 'Of the preview that was read.' }) @Length(64, 64) previewHash!: string;
  @Field(() => DateTimeScalar, { nullable: true, description: 'A day from now unless given.' }) expiresAt?: Date | null;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@ObjectType('CorrectionPayload')
export class CorrectionPayload {
  @Field(() => CorrectionType, { nullable: true }) correction?: CorrectionType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
