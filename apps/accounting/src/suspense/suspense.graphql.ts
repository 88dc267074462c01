import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { Length } from 'class-validator';
import { DateScalar, DecimalScalar, ProblemType, RequiresScopes } from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { SideEnum } from '../accounts/accounts.graphql.js';
import { type AgeBucket, ageBuckets } from './suspense.js';

const AgeBucketEnum = Object.fromEntries(ageBuckets.map(({ name }) => [name, name]));
registerEnumType(AgeBucketEnum, {
  name: 'AgeBucket',
  description: 'Calendar days since the business date of an item.',
});

@ObjectType('SuspenseItem', { description: 'What is left of a posting on a suspense account.' })
@RequiresScopes('ledger:read')
export class SuspenseItemType {
  @Field(() => ID) entryId!: string;
  @Field(() => Int) n!: number;
  @Field(() => DateScalar) businessDate!: string;
  @Field(() => Int) ageDays!: number;
  @Field(() => AgeBucketEnum) bucket!: AgeBucket;
  @Field(() => SideEnum) side!: 'DEBIT' | 'CREDIT';
  @Field(() => DecimalScalar, { description: 'What is open of it.' }) open!: string;
  @Field(() => DecimalScalar, { description: 'What came.' }) amount!: string;
  @Field(() => String, { description: 'Kind and id of what it is about.' }) reference!: string;
  @Field(() => String) description!: string;
  @Field(() => ID, { nullable: true, description: 'The work that sees to it.' }) workItemId!: string | null;
}
@ObjectType('SuspenseBucket')
@RequiresScopes('ledger:read')
export class SuspenseBucketType {
  @Field(() => AgeBucketEnum) bucket!: AgeBucket;
  @Field(() => Int) items!: number;
  @Field(() => DecimalScalar) open!: string;
}
@ObjectType('SuspenseAccount', { description: 'A suspense account in one asset, item by item.' })
@RequiresScopes('ledger:read')
export class SuspenseAccountType {
  @Field(() => String) account!: string;
  @Field(() => String) asset!: string;
  @Field(() => SideEnum) side!: 'DEBIT' | 'CREDIT';
  @Field(() => DecimalScalar, { description: 'The balance: the sum of its items, which stand on one side.' })
  open!: string;
  @Field(() => [SuspenseBucketType]) buckets!: SuspenseBucketType[];
  @Field(() => [SuspenseItemType], { description: 'The oldest first.' }) items!: SuspenseItemType[];
}
@ObjectType('SuspenseWorkPayload')
export class SuspenseWorkPayload {
  @Field(() => Int, { description: 'How many items became work.' }) raised!: number;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
@InputType()
export class RaiseSuspenseWorkInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}
