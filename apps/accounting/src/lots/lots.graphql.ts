import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsOptional, Length, ValidateNested } from 'class-validator';
import { DateScalar, DecimalScalar, ProblemType, RequiresScopes } from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';

export const DirectionEnum = { BUY: 'BUY', SELL: 'SELL' } as const;
registerEnumType(DirectionEnum, { name: 'TradeDirection' });
export const AmortisationEnum = { EFFECTIVE_INTEREST: 'EFFECTIVE_INTEREST', STRAIGHT_LINE: 'STRAIGHT_LINE' } as const;
registerEnumType(AmortisationEnum, {
  name: 'AmortisationMethod',
  description: 'How the cost of a bond is brought to par.',
});

@ObjectType('HoldingLot', {
  description:
    'A part of a holding with its own cost. SHORT: more was delivered than was there, and the cost is what was received.',
})
@RequiresScopes('ledger:read')
export class HoldingLotType {
  @Field(() => ID) id!: string;
  @Field(() => String) account!: string;
  @Field(() => String) instrument!: string;
  @Field(() => String, { description: 'LONG or SHORT.' }) side!: string;
  @Field(() => DateScalar) openedOn!: string;
  @Field(() => DecimalScalar) quantity!: string;
  @Field(() => DecimalScalar) cost!: string;
  @Field(() => String, { nullable: true }) currency!: string | null;
  @Field(() => ID, { description: 'The entry it came with.' }) openedBy!: string;
}

@ObjectType('RealisedResult', { description: 'A part of a lot that was closed, with what it brought.' })
@RequiresScopes('ledger:read')
export class RealisedResultType {
  @Field(() => ID, { description: 'To go on behind it.' }) id!: string;
  @Field(() => ID) lotId!: string;
  @Field(() => ID) entryId!: string;
  @Field(() => String) account!: string;
  @Field(() => String) instrument!: string;
  @Field(() => DateScalar) openedOn!: string;
  @Field(() => DateScalar) businessDate!: string;
  @Field(() => DecimalScalar) quantity!: string;
  @Field(() => DecimalScalar) cost!: string;
  @Field(() => DecimalScalar, { description: 'Its share of the amount.' }) amount!: string;
  @Field(() => DecimalScalar) realised!: string;
  @Field(() => String, { nullable: true }) currency!: string | null;
}

@ObjectType('OwnPosition', {
  description: 'An own holding as it was last valued; amounts in the currency of the instrument.',
})
@RequiresScopes('ledger:read')
export class OwnPositionType {
  @Field(() => String) account!: string;
  @Field(() => String) instrument!: string;
  @Field(() => DateScalar) businessDate!: string;
  @Field(() => Int) version!: number;
  @Field(() => String) currency!: string;
  @Field(() => DecimalScalar) quantity!: string;
  @Field(() => DecimalScalar, { description: 'Of a bond, brought towards par.' }) cost!: string;
  @Field(() => String, { description: 'The version of the price: `PRICE:7@2026-11-24`; empty when nothing is held.' })
  figures!: string;
  @Field(() => Boolean) isStale!: boolean;
  @Field(() => DecimalScalar) fairValue!: string;
  @Field(() => DecimalScalar, { description: 'Fair value less cost: the unrealised result since the beginning.' })
  unrealised!: string;
  @Field(() => DecimalScalar, { description: 'Since the beginning.' }) amortised!: string;
  @Field(() => DecimalScalar, { description: 'The coupon that stands to be paid.' }) accrued!: string;
  @Field(() => DecimalScalar, { description: 'Coupons earned since the beginning.' }) earned!: string;
  @Field(() => ID, { nullable: true }) entryId!: string | null;
}

@ObjectType('OwnTrade', { description: 'A trade of the house in securities.' })
@RequiresScopes('ledger:read')
export class OwnTradeType {
  @Field(() => ID) id!: string;
  @Field(() => String) book!: string;
  @Field(() => String) account!: string;
  @Field(() => String) instrument!: string;
  @Field(() => DirectionEnum) direction!: 'BUY' | 'SELL';
  @Field(() => DecimalScalar) quantity!: string;
  @Field(() => String) currency!: string;
  @Field(() => DecimalScalar) amount!: string;
  @Field(() => DecimalScalar) accrued!: string;
  @Field(() => DateScalar) tradeDate!: string;
  @Field(() => DateScalar) settlementDate!: string;
  @Field(() => String, { description: 'TRADE_DATE or SETTLEMENT_DATE.' }) recognition!: string;
  @Field(() => ID) entryId!: string;
  @Field(() => ID, { nullable: true, description: 'The entry of its settlement.' }) settledBy!: string | null;
}

@ObjectType('OwnTradePayload')
export class OwnTradePayload {
  @Field(() => OwnTradeType, { nullable: true }) trade?: OwnTradeType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
@ObjectType('OwnCouponPayload')
export class OwnCouponPayload {
  @Field(() => ID, { nullable: true }) entryId?: string | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}

@InputType()
export class LotPickInput {
  @Field(() => ID) @Length(3, 64) lotId!: string;
  @Field(() => DecimalScalar) quantity!: string;
}
@InputType()
export class BondTermsInput {
  @Field(() => DecimalScalar, { description: '0.045 is 4.5 % a year.' }) annualRate!: string;
  @Field(() => String, { description: 'By its market name, e.g. `ACT/ACT ICMA`.' }) @Length(1, 20) dayCount!: string;
  @Field(() => [DateScalar], { description: 'The boundaries of its periods of interest: the last is its maturity.' })
  @ArrayMaxSize(400)
  boundaries!: string[];
  @Field(() => AmortisationEnum, { defaultValue: 'EFFECTIVE_INTEREST' }) method!:
    'EFFECTIVE_INTEREST' | 'STRAIGHT_LINE';
}
@InputType()
export class BookOwnTradeInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => DateScalar, { description: 'The open business date.' }) businessDate!: string;
  @Field(() => DirectionEnum) direction!: 'BUY' | 'SELL';
  @Field(() => String, { description: 'The account of the own holding.' }) @Length(1, 64) holding!: string;
  @Field(() => String) @Length(12, 12) instrument!: string;
  @Field(() => DecimalScalar) quantity!: string;
  @Field(() => String) @Length(3, 3) currency!: string;
  @Field(() => DecimalScalar, { description: 'Without the accrued coupon.' }) amount!: string;
  @Field(() => DecimalScalar, { defaultValue: '0' }) accrued!: string;
  @Field(() => DateScalar) tradeDate!: string;
  @Field(() => DateScalar) settlementDate!: string;
  @Field(() => String) @Length(1, 64) depot!: string;
  @Field(() => String) @Length(1, 64) nostro!: string;
  @Field(() => [LotPickInput], {
    nullable: true,
    description: 'Which lots a sale closes, where the book leaves it to the seller.',
  })
  @IsOptional()
  @ValidateNested({ each: true })
  @Type(() => LotPickInput)
  @ArrayMaxSize(500)
  picks?: LotPickInput[] | null;
  @Field(() => BondTermsInput, { nullable: true, description: 'Of a bond, with the first trade in it.' })
  @IsOptional()
  @ValidateNested()
  @Type(() => BondTermsInput)
  bond?: BondTermsInput | null;
  @Field(() => String) @Length(1, 100) idempotencyKey!: string;
}
@InputType()
export class SettleOwnTradeInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => ID) @Length(3, 64) tradeId!: string;
  @Field(() => DateScalar) businessDate!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}
@InputType()
export class BookOwnCouponInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => DateScalar) businessDate!: string;
  @Field(() => String) @Length(1, 64) holding!: string;
  @Field(() => String) @Length(12, 12) instrument!: string;
  @Field(() => String) @Length(3, 3) currency!: string;
  @Field(() => DecimalScalar) amount!: string;
  @Field(() => String) @Length(1, 64) nostro!: string;
  @Field(() => String) @Length(1, 100) idempotencyKey!: string;
}
