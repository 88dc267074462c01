import { Field, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import { IsNotEmpty, MaxLength } from 'class-validator';
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
import { type Problem } from '#libs/kernel/index.js';

@ObjectType('StaticDataChange', {
  description: 'A change of static data that a second person decides on. The hash binds the approval to the payload.',
})
@RequiresScopes('static:read')
export class StaticDataChangeType {
  @Field(() => ID) id!: string;
  @Field(() => ID) approvalId!: string;
  @Field(() => String, { description: 'SSI_CHANGE, PRICE_OVERRIDE or CALENDAR_CLOSURE' }) kind!: string;
  @Field(() => ID) objectId!: string;
  @Field(() => String) book!: string;
  @Field(() => JsonScalar) payload!: unknown;
  @Field(() => String) payloadHash!: string;
  @Field(() => String) reason!: string;
  @Field(() => String, { description: 'PENDING, APPLIED, REJECTED, EXPIRED, WITHDRAWN or REFUSED' }) state!: string;
  @Field(() => String) proposedBy!: string;
  @Field(() => DateTimeScalar) proposedAt!: Date;
  @Field(() => DateTimeScalar) expiresAt!: Date;
  @Field(() => String, { nullable: true }) decidedBy!: string | null;
  @Field(() => DateTimeScalar, { nullable: true }) decidedAt!: Date | null;
  @Field(() => String, { nullable: true }) outcomeNote!: string | null;
}

@ObjectType()
export class StaticDataChangeConnection extends connection(StaticDataChangeType, 'StaticDataChange') {}

@InputType()
export class SsiFields {
  @Field(() => String, {
    nullable: true,
    description: 'Left out: the one in force for the market and place, or a new one.',
  })
  ssiId?: string | null;
  @Field(() => String) counterparty!: string;
  @Field(() => String) market!: string;
  @Field(() => String) place!: string;
  @Field(() => String) agentBic!: string;
  @Field(() => String) safekeepingAccount!: string;
  @Field(() => String, { nullable: true }) cashAccount?: string | null;
  @Field(() => DateScalar) validFrom!: string;
}

@InputType()
export class PriceOverrideFields {
  @Field(() => String) isin!: string;
  @Field(() => DateScalar) priceDate!: string;
  @Field(() => DecimalScalar) price!: string;
  @Field(() => CurrencyCodeScalar) currency!: string;
}

@InputType()
export class CalendarClosureFields {
  @Field(() => String) calendar!: string;
  @Field(() => DateScalar) day!: string;
  @Field(() => String, {
    nullable: true,
    description: 'Wall time at which the day closes early; left out, it is closed.',
  })
  closesAt?: string | null;
}

@InputType({ description: 'One of them.' })
export class ProposedChangeFields {
  @Field(() => SsiFields, { nullable: true }) ssi?: SsiFields | null;
  @Field(() => PriceOverrideFields, { nullable: true }) priceOverride?: PriceOverrideFields | null;
  @Field(() => String, { nullable: true, description: 'The ISIN of an instrument that would be suspended.' })
  suspendedIsin?: string | null;
  @Field(() => CalendarClosureFields, { nullable: true }) calendarClosure?: CalendarClosureFields | null;
}

@ObjectType('TouchedObjects')
@RequiresScopes('static:read')
export class TouchedObjectsType {
  @Field(() => Int) count!: number;
  @Field(() => [ID], { description: 'The first twenty, in their order.' }) ids!: readonly string[];
}

@ObjectType('StaticDataChangePreview', {
  description: 'What a change would touch, in the books that the caller sees. A change with problems touches nothing.',
})
@RequiresScopes('static:read')
export class StaticDataChangePreviewType {
  @Field(() => [ProblemType]) problems!: readonly Problem[];
  @Field(() => TouchedObjectsType, { description: 'Trades in repair: they are judged again.' })
  tradesInRepair!: TouchedObjectsType;
  @Field(() => TouchedObjectsType, { description: 'Open trades not instructed yet, those in repair among them.' })
  trades!: TouchedObjectsType;
  @Field(() => TouchedObjectsType) unsentInstructions!: TouchedObjectsType;
  @Field(() => TouchedObjectsType, { description: 'A place has them: they stay as they are, and a person acts.' })
  sentInstructions!: TouchedObjectsType;
}

@InputType({ isAbstract: true })
abstract class ProposalInput {
  @Field(() => String) @IsNotEmpty() @MaxLength(128) idempotencyKey!: string;
  @Field(() => String) @IsNotEmpty() @MaxLength(280) reason!: string;
}

@InputType()
export class ProposeSsiChangeInput extends ProposalInput {
  @Field(() => SsiFields) ssi!: SsiFields;
  @Field(() => DateTimeScalar, { nullable: true, description: 'A day from now unless given.' }) expiresAt?: Date | null;
}

@InputType()
export class ProposePriceOverrideInput extends ProposalInput {
  @Field(() => PriceOverrideFields) priceOverride!: PriceOverrideFields;
  @Field(() => DateTimeScalar, { nullable: true, description: 'A day from now unless given.' }) expiresAt?: Date | null;
}

@InputType()
export class ProposeCalendarClosureInput extends ProposalInput {
  @Field(() => CalendarClosureFields) closure!: CalendarClosureFields;
  @Field(() => DateTimeScalar, { nullable: true, description: 'A day from now unless given.' }) expiresAt?: Date | null;
}

@InputType()
export class ChangeProposalInput extends ProposalInput {
  @Field(() => String) @IsNotEmpty() changeId!: string;
  @Field(() => SsiFields, { nullable: true }) ssi?: SsiFields | null;
  @Field(() => PriceOverrideFields, { nullable: true }) priceOverride?: PriceOverrideFields | null;
  @Field(() => CalendarClosureFields, { nullable: true }) calendarClosure?: CalendarClosureFields | null;
}

@ObjectType()
export class StaticDataChangePayload {
  @Field(() => StaticDataChangeType, { nullable: true }) change!: StaticDataChangeType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
