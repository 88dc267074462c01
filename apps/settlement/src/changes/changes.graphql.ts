import { Field, ID, InputType, ObjectType } from '@nestjs/graphql';
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
  @Field(() => String, { description: 'SSI_CHANGE or PRICE_OVERRIDE' }) kind!: string;
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
export class ChangeProposalInput extends ProposalInput {
  @Field(() => String) @IsNotEmpty() changeId!: string;
  @Field(() => SsiFields, { nullable: true }) ssi?: SsiFields | null;
  @Field(() => PriceOverrideFields, { nullable: true }) priceOverride?: PriceOverrideFields | null;
}

@ObjectType()
export class StaticDataChangePayload {
  @Field(() => StaticDataChangeType, { nullable: true }) change!: StaticDataChangeType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
