import { Field, InputType, ObjectType } from '@nestjs/graphql';
import { Length, Matches, MaxLength, MinLength } from 'class-validator';
import { DateScalar, DecimalScalar, ProblemType, RequiresScopes } from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';

@ObjectType('DimensionValue', {
  description: 'A value postings of a book may be told by, such as a cost centre, while it is valid.',
})
@RequiresScopes('ledger:read')
export class DimensionValueType {
  @Field(() => String) book!: string;
  @Field(() => String) dimension!: string;
  @Field(() => String) value!: string;
  @Field(() => String) name!: string;
  @Field(() => DateScalar) validFrom!: string;
  @Field(() => DateScalar, { nullable: true, description: 'The last date it is used on.' }) validTo!: string | null;
}

@ObjectType('CostOfCentre')
@RequiresScopes('ledger:read')
export class CostOfCentreType {
  @Field(() => String) value!: string;
  @Field(() => String) name!: string;
  @Field(() => DecimalScalar) amount!: string;
}

@ObjectType('CostOfCode', { description: 'What a code of expenses has: its centres and the rest are its total.' })
@RequiresScopes('ledger:read')
export class CostOfCodeType {
  @Field(() => String) code!: string;
  @Field(() => String) name!: string;
  @Field(() => String) asset!: string;
  @Field(() => DecimalScalar, { description: 'Of its accounts, whatever their postings are told by.' }) total!: string;
  @Field(() => [CostOfCentreType]) centres!: CostOfCentreType[];
  @Field(() => DecimalScalar, { description: 'What no posting tells the centre of.' }) undistributed!: string;
}

@InputType()
export class SetDimensionValueInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => String, { description: 'Such as COST_CENTRE.' })
  @Matches(/^[A-Z][A-Z0-9_]{1,29}$/, { message: 'dimension is written in capitals' })
  dimension!: string;
  @Field(() => String)
  @Matches(/^[0-9A-Za-z][0-9A-Za-z._-]{0,39}$/, { message: 'value is written in letters, digits, dots and dashes' })
  value!: string;
  @Field(() => String) @MinLength(1) @MaxLength(140) name!: string;
  @Field(() => DateScalar) validFrom!: string;
  @Field(() => DateScalar, { nullable: true }) validTo?: string | null;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@ObjectType('DimensionValuePayload')
export class DimensionValuePayload {
  @Field(() => DimensionValueType, { nullable: true }) dimensionValue?: DimensionValueType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
