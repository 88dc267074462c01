import { Directive, Field, ID, Int, ObjectType } from '@nestjs/graphql';
import { DateTimeScalar, JsonScalar, RequiresScopes } from '#libs/graphql/index.js';
import { enumOf } from '../graphql.js';
import { type ScreenedKind, screenedKinds } from './screening.js';
import { type ScreeningRow } from './screening.repository.js';

export const ScreenedKindEnum = enumOf('ScreenedObjectKind', screenedKinds);
const ScreeningOutcomeEnum = enumOf('ScreeningOutcome', ['CLEAR', 'HIT']);

@ObjectType('Screening', {
  description: 'A screening and all it takes to replay it, kept also when nothing was found.',
})
@Directive('@key(fields: "id")')
@RequiresScopes('screening:read')
export class ScreeningType {
  @Field(() => ID) id!: string;
  @Field(() => ScreenedKindEnum) objectKind!: ScreenedKind;
  @Field(() => String) objectId!: string;
  @Field(() => String) reference!: string;
  @Field(() => String) book!: string;
  @Field(() => ID, { nullable: true }) partyId!: string | null;
  @Field(() => ScreeningOutcomeEnum) outcome!: 'CLEAR' | 'HIT';
  @Field(() => Int, { description: 'Of the best name found, in basis points; 0 when none came near.' }) score!: number;
  @Field(() => [ID], { description: 'The list versions it was held against.' }) listVersionIds!: string[];
  @Field(() => String) configurationHash!: string;
  @Field(() => JsonScalar, { description: 'Which words matched which entry, and the nearest names that did not.' })
  explanation!: unknown;
  @Field(() => DateTimeScalar) screenedAt!: Date;
}

/** Trades are settlement's: here they are looked up by what was screened. */
@ObjectType('Trade')
@Directive('@key(fields: "id")')
export class TradeStub {
  @Field(() => ID)
  @RequiresScopes('trades:read')
  id!: string;
}

@ObjectType('Payment')
@Directive('@key(fields: "id")')
export class PaymentStub {
  @Field(() => ID)
  @RequiresScopes('payments:read')
  id!: string;
}

@ObjectType('Instruction')
@Directive('@key(fields: "id", resolvable: false)')
export class InstructionStub {
  @Field(() => ID)
  @RequiresScopes('trades:read')
  id!: string;
}

export const toScreeningType = ({ screeningId, ...row }: ScreeningRow): ScreeningType => ({ ...row, id: screeningId });
