import { Field, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import { Length } from 'class-validator';
import { DateScalar, DateTimeScalar, DecimalScalar, ProblemType, RequiresScopes } from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';

@ObjectType('ValuationRun', {
  description: 'A book valued at a date, as a job: run again, it posts what is not posted yet.',
})
@RequiresScopes('ledger:read')
export class ValuationRunType {
  @Field(() => ID) id!: string;
  @Field(() => String) book!: string;
  @Field(() => DateScalar) businessDate!: string;
  @Field(() => Boolean, { description: 'Figures more than five days old are used all the same.' })
  acceptStale!: boolean;
  @Field(() => String, {
    description: 'RUNNING, DONE, or REFUSED with its problems: then the step that has them posted nothing.',
  })
  state!: string;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => ID, { nullable: true }) jobRunId!: string | null;
  @Field(() => String) requestedBy!: string;
  @Field(() => DateTimeScalar) requestedAt!: Date;
  @Field(() => DateTimeScalar, { nullable: true }) finishedAt!: Date | null;
}

@ObjectType('ValuationPayload')
export class ValuationPayload {
  @Field(() => ValuationRunType, { nullable: true }) run?: ValuationRunType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}

@InputType()
export class ValueBookInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => DateScalar, { description: 'The open business date.' }) businessDate!: string;
  @Field(() => Boolean, { defaultValue: false, description: 'Use figures that are more than five days old.' })
  acceptStale!: boolean;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@ObjectType('CurrencyDeal', { description: 'What an entry bought of a currency, positive, or sold.' })
@RequiresScopes('ledger:read')
export class CurrencyDealType {
  @Field(() => ID) entryId!: string;
  @Field(() => DecimalScalar, { description: 'In the foreign currency.' }) amount!: string;
  @Field(() => DecimalScalar, {
    description: 'What was paid for it in the functional currency, negative when received.',
  })
  equivalent!: string;
  @Field(() => DecimalScalar, { description: 'By average cost.' }) realised!: string;
}

@ObjectType('CurrencyRevaluation', {
  description:
    'A position in a foreign currency at the rate of a date; amounts in the functional currency unless said.',
})
@RequiresScopes('ledger:read')
export class CurrencyRevaluationType {
  book!: string;
  @Field(() => DateScalar) businessDate!: string;
  @Field(() => String) currency!: string;
  @Field(() => Int, { description: 'Of the date: the next one came with another rate or later deals.' })
  version!: number;
  @Field(() => String) functionalCurrency!: string;
  @Field(() => DecimalScalar, { description: 'In the foreign currency: what the book has beyond what it owes.' })
  position!: string;
  @Field(() => DecimalScalar, { description: 'By average, without revaluations.' }) cost!: string;
  @Field(() => String, {
    description: 'The versions of the rates: `RATE:41@2026-11-24`, two joined by `+`; empty when nothing is open.',
  })
  figures!: string;
  @Field(() => Boolean) isStale!: boolean;
  @Field(() => DecimalScalar) equivalentBefore!: string;
  @Field(() => DecimalScalar) equivalentAfter!: string;
  @Field(() => DecimalScalar, { description: 'Since the beginning.' }) realised!: string;
  @Field(() => DecimalScalar, { description: 'Since the beginning.' }) unrealised!: string;
  @Field(() => DecimalScalar, { description: 'What this one posted.' }) realisedPosted!: string;
  @Field(() => DecimalScalar, { description: 'What this one posted.' }) unrealisedPosted!: string;
  @Field(() => ID, { nullable: true, description: 'Absent when there was nothing to post.' }) entryId!: string | null;
}

@ObjectType('CurrencyConversion', { description: 'Income and expense of a day that became functional.' })
@RequiresScopes('ledger:read')
export class CurrencyConversionType {
  @Field(() => ID) entryId!: string;
  @Field(() => DateScalar) businessDate!: string;
  @Field(() => String) currency!: string;
  @Field(() => String) figures!: string;
  @Field(() => Boolean) isStale!: boolean;
}
