import { Directive, Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsDefined,
  IsIn,
  IsOptional,
  Length,
  MaxLength,
  Min,
  MinLength,
  ValidateNested,
} from 'class-validator';
import {
  connection,
  CurrencyCodeScalar,
  DateScalar,
  DateTimeScalar,
  DecimalScalar,
  JsonScalar,
  ProblemType,
  RequiresScopes,
} from '#libs/graphql/index.js';
import { entryKinds } from '#libs/contracts/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { SideEnum } from '../accounts/accounts.graphql.js';
import { type SweepSide, sweepSides } from './posting.js';
import { PostingPreviewType } from './previews.graphql.js';

export const SweepSideEnum = Object.fromEntries(sweepSides.map((name) => [name, name]));
registerEnumType(SweepSideEnum, {
  name: 'SweepSide',
  description: 'How far a sweep goes: what the debited account has, what the credited one owes, or the less of both.',
});

@ObjectType('Posting', { description: 'One side of an entry: a positive amount of one asset on one account.' })
@RequiresScopes('ledger:read')
export class PostingType {
  @Field(() => Int) n!: number;
  @Field(() => String) accountNumber!: string;
  @Field(() => String) asset!: string;
  @Field(() => SideEnum) side!: 'DEBIT' | 'CREDIT';
  @Field(() => DecimalScalar) amount!: string;
  @Field(() => String, {
    nullable: true,
    description:
      'Counts the postings of the account in the asset, without a gap. On a rollup account it is given a moment later.',
  })
  accountSequence!: string | null;
  @Field(() => DecimalScalar, {
    nullable: true,
    description: 'Positive on the normal side of the account; with its sequence.',
  })
  balanceAfter!: string | null;
  /** For the account that is looked up. */
  book!: string;
}

@ObjectType('JournalEntry', {
  description: 'Debits and credits that belong together; never changed, corrected by a linked reversal.',
})
@Directive('@key(fields: "id")')
@RequiresScopes('ledger:read')
export class JournalEntryType {
  @Field(() => ID) id!: string;
  @Field(() => String, { description: 'In the order of booking, over all books.' }) sequence!: string;
  @Field(() => String) book!: string;
  @Field(() => String) kind!: string;
  @Field(() => DateScalar) businessDate!: string;
  @Field(() => DateScalar) valueDate!: string;
  @Field(() => DateTimeScalar) bookedAt!: Date;
  @Field(() => String) description!: string;
  @Field(() => String) subjectKind!: string;
  @Field(() => ID) subjectId!: string;
  @Field(() => String) requestedBy!: string;
  @Field(() => Int) postingCount!: number;
  @Field(() => String, { nullable: true, description: 'Why it was booked without cover.' }) forcedReason!:
    string | null;
  @Field(() => ID, { nullable: true }) holdId!: string | null;
  reversesEntryId!: string | null;
  reversedByEntryId!: string | null;
  partEntryIds!: string[];
}
@ObjectType('JournalEntryConnection')
export class JournalEntryConnection extends connection(JournalEntryType, 'JournalEntry') {}

@InputType('JournalEntryFilter')
export class JournalEntryFilterInput {
  @Field(() => String, { nullable: true }) book?: string | null;
  @Field(() => DateScalar, { nullable: true }) businessDate?: string | null;
  @Field(() => String, { nullable: true }) kind?: string | null;
  @Field(() => String, { nullable: true }) subjectKind?: string | null;
  @Field(() => String, { nullable: true }) subjectId?: string | null;
  @Field(() => String, { nullable: true, description: 'An account number.' }) account?: string | null;
  @Field(() => String, { nullable: true, description: 'With an account: only what moved this asset.' }) asset?:
    string | null;
}

@ObjectType('LedgerSummary')
@RequiresScopes('ledger:read')
export class LedgerSummaryType {
  @Field(() => Int) entries!: number;
  @Field(() => Int) postings!: number;
  @Field(() => JsonScalar, { description: 'Debits less credits per asset: every one is "0".' }) sums!: Record<
    string,
    string
  >;
}

@ObjectType('PostingResultCode')
@RequiresScopes('ledger:read')
export class PostingResultCodeType {
  @Field(() => String) code!: string;
  @Field(() => String) meaning!: string;
}

@ObjectType('ReversedPart')
@RequiresScopes('ledger:read')
export class ReversedPartType {
  @Field(() => Int, { description: 'The number of the posting in its entry.' }) posting!: number;
  @Field(() => String) asset!: string;
  @Field(() => DecimalScalar) amount!: string;
}

@ObjectType('ReversalProposal', { description: 'A reversal by hand that waits for, or had, a second person.' })
@RequiresScopes('ledger:read')
export class ReversalType {
  @Field(() => ID) id!: string;
  @Field(() => ID) approvalId!: string;
  @Field(() => String) book!: string;
  @Field(() => String) reason!: string;
  @Field(() => String) payloadHash!: string;
  @Field(() => String, {
    description: 'PROPOSED, POSTED, REFUSED (with its code), REJECTED, EXPIRED, WITHDRAWN or STALE.',
  })
  state!: string;
  @Field(() => String) requestedBy!: string;
  @Field(() => DateTimeScalar) requestedAt!: Date;
  @Field(() => DateTimeScalar) expiresAt!: Date;
  @Field(() => String, { nullable: true }) decidedBy!: string | null;
  @Field(() => String, { nullable: true }) decisionReason!: string | null;
  @Field(() => String, { nullable: true }) refusalCode!: string | null;
  @Field(() => [ReversedPartType], {
    nullable: true,
    description: 'Of which postings how much; absent: the whole entry.',
  })
  part!: ReversedPartType[] | null;
  entryId!: string;
  reversingEntryId!: string | null;
}
@ObjectType('ReversalPayload')
export class ReversalPayload {
  @Field(() => ReversalType, { nullable: true }) change?: ReversalType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
@InputType()
export class ReversedPartInput {
  @Field(() => Int, { description: 'The number of the posting in its entry.' }) @Min(1) posting!: number;
  @Field(() => DecimalScalar) amount!: string;
}
@InputType()
export class ProposeReversalInput {
  @Field(() => ID) @Length(3, 64) entryId!: string;
  @Field(() => String) @MinLength(3) @MaxLength(140) reason!: string;
  @Field(() => [ReversedPartInput], {
    nullable: true,
    description: 'Takes back a part: of which postings how much, zero per asset. The whole entry unless given.',
  })
  @IsOptional()
  @ArrayMinSize(1)
  @ArrayMaxSize(400)
  @ValidateNested({ each: true })
  @Type(() => ReversedPartInput)
  part?: ReversedPartInput[] | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'A day from now unless given.' }) expiresAt?: Date | null;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@InputType()
export class PostingInput {
  @Field(() => String) @Length(1, 64) account!: string;
  @Field(() => String, { description: 'A currency or an ISIN.' }) @Length(3, 12) asset!: string;
  @Field(() => SideEnum) @IsIn(['DEBIT', 'CREDIT']) side!: 'DEBIT' | 'CREDIT';
  @Field(() => DecimalScalar) amount!: string;
}
@InputType()
export class PostEntryInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => String) @IsIn(entryKinds) kind!: string;
  @Field(() => DateScalar, { nullable: true, description: 'The business date unless given.' }) valueDate?:
    string | null;
  @Field(() => String) @Length(1, 140) description!: string;
  @Field(() => [PostingInput])
  @ArrayMinSize(2)
  @ArrayMaxSize(400)
  @ValidateNested({ each: true })
  @Type(() => PostingInput)
  postings!: PostingInput[];
  @Field(() => String, {
    nullable: true,
    description: 'Of postEntries: the entries of one group are booked all or none.',
  })
  @IsOptional()
  @Length(1, 64)
  group?: string | null;
  @Field(() => Boolean, { nullable: true, description: 'Decides and books nothing.' }) validateOnly?: boolean | null;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}
@InputType()
export class PostEntriesInput {
  @Field(() => [PostEntryInput])
  @ArrayMinSize(1)
  @ArrayMaxSize(1_000)
  @ValidateNested({ each: true })
  @Type(() => PostEntryInput)
  entries!: PostEntryInput[];
}
@InputType('MoneyInput')
export class MoneyInput {
  @Field(() => DecimalScalar) amount!: string;
  @Field(() => CurrencyCodeScalar) currency!: string;
}
@InputType()
export class SecuritiesInput {
  @Field(() => String) @Length(12, 12) isin!: string;
  @Field(() => DecimalScalar) quantity!: string;
}
@InputType()
export class PostTransferInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => String) @Length(1, 64) debitAccount!: string;
  @Field(() => String) @Length(1, 64) creditAccount!: string;
  @Field(() => MoneyInput, { nullable: true, description: 'Cash; this or securities.' }) amount?: MoneyInput | null;
  @Field(() => SecuritiesInput, { nullable: true, description: 'Securities free of payment; this or an amount.' })
  securities?: SecuritiesInput | null;
  @Field(() => SweepSideEnum, {
    nullable: true,
    description: 'Makes it a sweep: what is there and no more than the amount. Nothing to sweep is no refusal.',
  })
  @IsOptional()
  @IsIn(sweepSides)
  upTo?: SweepSide | null;
  @Field(() => DateScalar, { nullable: true, description: 'The business date unless given.' }) valueDate?:
    string | null;
  @Field(() => String) @Length(1, 140) description!: string;
  @Field(() => Boolean, { nullable: true, description: 'Decides and books nothing.' }) validateOnly?: boolean | null;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}
@InputType()
export class PostDepositInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => String) @Length(1, 64) account!: string;
  @Field(() => MoneyInput) @IsDefined() amount!: MoneyInput;
  @Field(() => String, { nullable: true, description: "The nostro; the book's first of the currency unless given." })
  nostro?: string | null;
  @Field(() => DateScalar, { nullable: true, description: 'The business date unless given.' }) valueDate?:
    string | null;
  @Field(() => String) @Length(1, 140) description!: string;
  @Field(() => Boolean, { nullable: true, description: 'Decides and books nothing.' }) validateOnly?: boolean | null;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}
@InputType()
export class PostWithdrawalInput extends PostDepositInput {}

@ObjectType('EntryPayload')
export class EntryPayload {
  @Field(() => JournalEntryType, { nullable: true, description: 'Absent when refused and when only validated.' })
  entry?: JournalEntryType | null;
  @Field(() => DecimalScalar, {
    nullable: true,
    description: 'Of a sweep: what it moved; of nothing there is no entry.',
  })
  moved?: string | null;
  @Field(() => PostingPreviewType, { nullable: true, description: 'Of a dry run that the ledger was asked about.' })
  preview?: PostingPreviewType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
@ObjectType('EntriesPayload')
export class EntriesPayload {
  @Field(() => [EntryPayload], { description: 'One for each entry asked for, in their order.' }) items!: EntryPayload[];
  @Field(() => [ProblemType], { description: 'What is wrong with the input as a whole: then nothing is booked.' })
  problems!: Problem[];
}
