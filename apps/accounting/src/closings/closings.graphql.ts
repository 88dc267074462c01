import { Field, InputType, ObjectType } from '@nestjs/graphql';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsOptional, Length, MaxLength, MinLength, ValidateNested } from 'class-validator';
import { ProblemType } from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { AccountType, BalanceType } from '../accounts/accounts.graphql.js';
import { JournalEntryType } from '../journal/journal.graphql.js';

@InputType()
export class SweepTargetInput {
  @Field(() => String, { description: 'A currency or an ISIN.' }) @Length(3, 12) asset!: string;
  @Field(() => String, { description: 'Takes what is there of it.' }) @Length(1, 64) account!: string;
}
@InputType()
export class CloseAccountInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => String) @Length(1, 64) account!: string;
  @Field(() => [SweepTargetInput], {
    nullable: true,
    description:
      'Where what is there goes first, each asset to one account; without them the account is empty already.',
  })
  @IsOptional()
  @ArrayMaxSize(100)
  @ValidateNested({ each: true })
  @Type(() => SweepTargetInput)
  sweepTo?: SweepTargetInput[] | null;
  @Field(() => String) @MinLength(3) @MaxLength(280) reason!: string;
  @Field(() => String) @Length(1, 100) idempotencyKey!: string;
}
@InputType()
export class ReopenAccountInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => String) @Length(1, 64) account!: string;
  @Field(() => String) @MinLength(3) @MaxLength(280) reason!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}
@ObjectType('CloseAccountPayload')
export class CloseAccountPayload {
  @Field(() => AccountType, { nullable: true }) account?: AccountType | null;
  @Field(() => [JournalEntryType], { nullable: true, description: 'What was swept, in the order of the targets.' })
  entries?: JournalEntryType[] | null;
  @Field(() => [BalanceType], { nullable: true, description: 'When it is refused as not empty: what is still there.' })
  left?: BalanceType[] | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
