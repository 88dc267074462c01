import { Field, ID, InputType, ObjectType, registerEnumType } from '@nestjs/graphql';
import { Length, Matches, MaxLength, MinLength } from 'class-validator';
import { DateScalar, DateTimeScalar, DecimalScalar, ProblemType, RequiresScopes } from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { type FigureKind, type FigureState } from './rates.js';

export const FigureKindEnum = { RATE: 'RATE', PRICE: 'PRICE' } as const;
registerEnumType(FigureKindEnum, {
  name: 'MarketFigureKind',
  description: 'The rate of two currencies, or the price of an instrument.',
});
export const FigureStateEnum = { GOOD: 'GOOD', HELD: 'HELD', REFUSED: 'REFUSED', WITHDRAWN: 'WITHDRAWN' } as const;
registerEnumType(FigureStateEnum, {
  name: 'MarketFigureState',
  valuesMap: {
    GOOD: { description: 'Used from its date on.' },
    HELD: { description: 'Ten times the last good one or a tenth of it: not used until two people agree.' },
    REFUSED: { description: 'Zero or less: never used.' },
    WITHDRAWN: { description: 'What it came with was taken back.' },
  },
});

@ObjectType('MarketFigure', {
  description: 'One version of a rate or a price: a unit of the base is worth the value in the quote.',
})
@RequiresScopes('ledger:read')
export class MarketFigureType {
  @Field(() => FigureKindEnum) kind!: FigureKind;
  @Field(() => ID, { description: 'Settlement counts those of rates and those of prices.' }) version!: string;
  @Field(() => String) base!: string;
  @Field(() => String) quote!: string;
  @Field(() => DateScalar) date!: string;
  @Field(() => DecimalScalar) value!: string;
  @Field(() => String) source!: string;
  @Field(() => FigureStateEnum) state!: FigureState;
  @Field(() => String, {
    nullable: true,
    description: 'RATE_NOT_POSITIVE, RATE_JUMPED or RATE_WITHDRAWN; absent on a good one.',
  })
  fault!: string | null;
  @Field(() => ID, { nullable: true, description: 'The version of the last good one when it came.' }) comparedVersion!:
    string | null;
  @Field(() => DateTimeScalar) recordedAt!: Date;
  @Field(() => DateTimeScalar) receivedAt!: Date;
}

@ObjectType('BookRate', { description: 'What a unit of a currency is worth in the functional currency of a book.' })
@RequiresScopes('ledger:read')
export class BookRateType {
  @Field(() => String) currency!: string;
  @Field(() => String) functionalCurrency!: string;
  @Field(() => DateScalar) date!: string;
  @Field(() => DecimalScalar, { description: 'To twelve places; amounts are computed by the exact one.' })
  rate!: string;
  @Field(() => String, { description: 'A fraction.' }) exactRate!: string;
  @Field(() => Boolean, { description: 'The last good figures are more than five days old.' }) isStale!: boolean;
  @Field(() => [MarketFigureType], { description: 'What it was made of: two when it goes over a third currency.' })
  figures!: MarketFigureType[];
  @Field(() => [MarketFigureType], {
    description: 'Figures of these currencies that wait for two people, and are not used.',
  })
  held!: MarketFigureType[];
}

@ObjectType('MarketFigureRelease', { description: 'That a held figure is right: waits for, or had, a second person.' })
@RequiresScopes('ledger:read')
export class MarketFigureReleaseType {
  @Field(() => ID) approvalId!: string;
  @Field(() => FigureKindEnum) kind!: FigureKind;
  @Field(() => ID) version!: string;
  @Field(() => String) reason!: string;
  @Field(() => String) payloadHash!: string;
  @Field(() => String, { description: 'PROPOSED, APPLIED, REFUSED, REJECTED, EXPIRED, WITHDRAWN or STALE.' })
  state!: string;
  @Field(() => String) requestedBy!: string;
  @Field(() => DateTimeScalar) requestedAt!: Date;
  @Field(() => DateTimeScalar) expiresAt!: Date;
  @Field(() => String, { nullable: true }) decidedBy!: string | null;
  @Field(() => String, { nullable: true }) decisionReason!: string | null;
}

@ObjectType('MarketFigureReleasePayload')
export class MarketFigureReleasePayload {
  @Field(() => MarketFigureReleaseType, { nullable: true }) release?: MarketFigureReleaseType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}

@InputType()
export class ReleaseMarketFigureInput {
  @Field(() => FigureKindEnum) kind!: FigureKind;
  @Field(() => ID) @Matches(/^[1-9]\d{0,17}$/, { message: 'version is a whole number' }) version!: string;
  @Field(() => String) @MinLength(3) @MaxLength(140) reason!: string;
  @Field(() => DateTimeScalar, { nullable: true, description: 'A day from now unless given.' }) expiresAt?: Date | null;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}
