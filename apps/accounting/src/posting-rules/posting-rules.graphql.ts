import { Field, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import { IsDefined, Length, Max, MaxLength, Min, MinLength } from 'class-validator';
import {
  DateScalar,
  DateTimeScalar,
  DecimalScalar,
  JsonScalar,
  ProblemType,
  RequiresScopes,
} from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { SideEnum } from '../accounts/accounts.graphql.js';
import { JournalEntryType } from '../journal/journal.graphql.js';
import { type RuleSet } from './posting-rules.js';

@ObjectType('PostingEventKind', {
  description: 'A kind of event that rules say postings for, with the facts it tells.',
})
@RequiresScopes('ledger:read')
export class PostingEventKindType {
  @Field(() => String) kind!: string;
  @Field(() => JsonScalar, {
    description: 'Each fact with its type, the values it can have, or the facts of each member of a list.',
  })
  facts!: object;
}

@ObjectType('PostingRule', { description: 'What one kind of event leads to.' })
@RequiresScopes('ledger:read')
export class PostingRuleType {
  @Field(() => String) event!: string;
  @Field(() => String) entryKind!: string;
  @Field(() => String, { description: 'Facts stand in braces.' }) description!: string;
  @Field(() => [String], { description: 'Each posting as a person reads it.' }) postings!: string[];
}

@ObjectType('PostingRuleVersion', {
  description: 'Rules of a book. In force on a business date is the newest version that is valid from it or before.',
})
@RequiresScopes('ledger:read')
export class PostingRuleVersionType {
  @Field(() => String) book!: string;
  @Field(() => Int) version!: number;
  @Field(() => DateScalar, { description: 'The first business date; 0001-01-01 is always.' }) validFrom!: string;
  @Field(() => [PostingRuleType], { description: 'To be read.' }) rules!: PostingRuleType[];
  @Field(() => JsonScalar, { description: 'As they are given to propose others or to try them.' }) source!: RuleSet;
  @Field(() => String) reason!: string;
  @Field(() => String) proposedBy!: string;
  @Field(() => String) approvedBy!: string;
  @Field(() => ID, { nullable: true, description: 'Absent on version 1, which came with the system.' }) approvalId!:
    string | null;
  @Field(() => DateTimeScalar) storedAt!: Date;
}

@ObjectType('PostingEvent', { description: 'What an entry came of.' })
@RequiresScopes('ledger:read')
export class PostingEventType {
  @Field(() => String) kind!: string;
  @Field(() => JsonScalar, { description: 'Amounts in the smallest units of their asset.' }) facts!: object;
  book!: string;
  version!: number;
}

@ObjectType('PostingRuleChange', { description: 'Other rules that wait for, or had, a second person.' })
@RequiresScopes('ledger:read')
export class PostingRuleChangeType {
  @Field(() => ID) id!: string;
  @Field(() => ID) approvalId!: string;
  @Field(() => String) book!: string;
  @Field(() => DateScalar) validFrom!: string;
  @Field(() => [PostingRuleType]) rules!: PostingRuleType[];
  @Field(() => JsonScalar) source!: RuleSet;
  @Field(() => String) reason!: string;
  @Field(() => String) payloadHash!: string;
  @Field(() => String, {
    description: 'PROPOSED, APPLIED, REFUSED (with its code), REJECTED, EXPIRED, WITHDRAWN or STALE.',
  })
  state!: string;
  @Field(() => String) requestedBy!: string;
  @Field(() => DateTimeScalar) requestedAt!: Date;
  @Field(() => DateTimeScalar) expiresAt!: Date;
  @Field(() => String, { nullable: true }) decidedBy!: string | null;
  @Field(() => String, { nullable: true }) decisionReason!: string | null;
  @Field(() => Int, { nullable: true, description: 'The version that came of it.' }) version!: number | null;
  @Field(() => String, { nullable: true }) refusalCode!: string | null;
}
@ObjectType('PostingRuleChangePayload')
export class PostingRuleChangePayload {
  @Field(() => PostingRuleChangeType, { nullable: true }) change?: PostingRuleChangeType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
@InputType()
export class ProposePostingRulesInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => JsonScalar, { description: 'A list with one rule for each kind of event.' })
  @IsDefined()
  rules!: unknown;
  @Field(() => DateScalar, { description: 'A business date that is not open yet.' }) validFrom!: string;
  @Field(() => String) @MinLength(3) @MaxLength(140) reason!: string;
  @Field(() => DateTimeScalar, { nullable: true, description: 'A day from now unless given.' }) expiresAt?: Date | null;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@ObjectType('PostingRuleDryRunSum', { description: 'Debits less credits on an account.' })
@RequiresScopes('ledger:read')
export class DryRunSumType {
  @Field(() => String) accountNumber!: string;
  @Field(() => String) asset!: string;
  @Field(() => DecimalScalar, { description: 'As booked.' }) now!: string;
  @Field(() => DecimalScalar, { description: 'As the rules would have it.' }) then!: string;
  @Field(() => Boolean, { description: 'False: the book has no account of that number.' }) isKnown!: boolean;
}
@ObjectType('PostingRuleDryRunPosting')
@RequiresScopes('ledger:read')
export class DryRunPostingType {
  @Field(() => String) accountNumber!: string;
  @Field(() => String) asset!: string;
  @Field(() => SideEnum) side!: 'DEBIT' | 'CREDIT';
  @Field(() => DecimalScalar) amount!: string;
}
@ObjectType('PostingRuleDryRunDifference', {
  description: 'An entry that the rules would book otherwise, or not at all.',
})
@RequiresScopes('ledger:read')
export class DryRunDifferenceType {
  @Field(() => Int) n!: number;
  @Field(() => JournalEntryType, { nullable: true, description: 'As it was booked.' }) entry!: JournalEntryType | null;
  @Field(() => String, { nullable: true, description: 'The kind it would have.' }) kind!: string | null;
  @Field(() => String, { nullable: true }) description!: string | null;
  @Field(() => [DryRunPostingType]) postings!: DryRunPostingType[];
  @Field(() => [ProblemType], { description: 'Why it would not be booked.' }) problems!: Problem[];
}
@ObjectType('PostingRuleDryRun', {
  description: 'The entries of a period replayed through other rules. Nothing is booked; reversals are not replayed.',
})
@RequiresScopes('ledger:read')
export class DryRunType {
  @Field(() => ID) id!: string;
  @Field(() => String) book!: string;
  @Field(() => DateScalar) from!: string;
  @Field(() => DateScalar) to!: string;
  @Field(() => Int, { nullable: true, description: 'Of a stored version; absent when a draft is tried.' }) version!:
    number | null;
  @Field(() => String, { description: 'RUNNING or DONE. How far it is, and whether it failed, says its job.' })
  state!: string;
  @Field(() => ID, { nullable: true }) jobRunId!: string | null;
  @Field(() => String) requestedBy!: string;
  @Field(() => DateTimeScalar) requestedAt!: Date;
  @Field(() => DateTimeScalar, { nullable: true }) finishedAt!: Date | null;
  @Field(() => Int, { description: 'Entries replayed.' }) entries!: number;
  @Field(() => Int, { description: 'Entries of the period that came of no event: these are left out.' })
  withoutEvent!: number;
  @Field(() => Int) differing!: number;
  @Field(() => Int, { description: 'Those among them that would not be booked.' }) notBooked!: number;
}
@ObjectType('PostingRuleDryRunPayload')
export class DryRunPayload {
  @Field(() => DryRunType, { nullable: true }) dryRun?: DryRunType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
@InputType()
export class DryRunPostingRulesInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => DateScalar) from!: string;
  @Field(() => DateScalar) to!: string;
  @Field(() => JsonScalar, { nullable: true, description: 'A draft; this, a version or a proposal.' }) rules?: unknown;
  @Field(() => Int, { nullable: true }) version?: number | null;
  @Field(() => ID, { nullable: true }) changeId?: string | null;
  @Field(() => Int, { defaultValue: 20, description: 'How many differing entries are kept.' })
  @Min(0)
  @Max(500)
  first!: number;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}
