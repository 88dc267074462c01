import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { IsDefined, IsOptional, Length, MaxLength, MinLength } from 'class-validator';
import {
  connection,
  DateScalar,
  DateTimeScalar,
  DecimalScalar,
  MoneyType,
  ProblemType,
  RequiresScopes,
} from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { type Pool } from './client-assets.js';

export const PoolEnum = { MONEY: 'MONEY', CUSTODY: 'CUSTODY' } as const;
registerEnumType(PoolEnum, { name: 'ClientAssetPool' });
export const ShortfallStateEnum = { OPEN: 'OPEN', CURED: 'CURED' } as const;
registerEnumType(ShortfallStateEnum, { name: 'ShortfallState' });

@ObjectType('ClientAssetCalculation', {
  description: 'What clients have with us against what agents and depots last stated, for each pool of a book.',
})
@RequiresScopes('days:read')
export class ClientAssetCalculationType {
  @Field(() => ID) id!: string;
  @Field(() => String) book!: string;
  @Field(() => DateScalar) businessDate!: string;
  @Field(() => Int, { description: 'Counts the calculations of the date; the last one stands.' }) version!: number;
  @Field(() => DateTimeScalar) calculatedAt!: Date;
  @Field(() => Int) lineCount!: number;
  @Field(() => Int, { description: 'Pools with less than clients have.' }) shortfallCount!: number;
}

@ObjectType('ClientAssetCalculationConnection')
export class ClientAssetCalculationConnection extends connection(
  ClientAssetCalculationType,
  'ClientAssetCalculation',
) {}

@ObjectType('ClientAssetSource', { description: 'A depot or an account at an agent, as it was last stated.' })
@RequiresScopes('days:read')
export class ClientAssetSourceType {
  @Field(() => String) account!: string;
  @Field(() => ID, { nullable: true, description: 'Absent: it was never stated, what it was opened with stands.' })
  statementId!: string | null;
  @Field(() => DateScalar, { nullable: true }) statementDate!: string | null;
  @Field(() => DecimalScalar) stated!: string;
  @Field(() => DecimalScalar, { description: 'What our books have there.' }) booked!: string;
}

@ObjectType('ClientAssetItem', { description: 'What stands between a statement and our books.' })
@RequiresScopes('days:read')
export class ClientAssetItemType {
  @Field(() => String, { nullable: true }) account!: string | null;
  @Field(() => String, { description: 'e.g. UNDER_WAY, UNIDENTIFIED_RECEIPT, MISSING_AT_DEPOT.' }) kind!: string;
  @Field(() => String, { nullable: true, description: 'Our instruction or payment, or the entry of a statement.' })
  reference!: string | null;
  @Field(() => Boolean, { description: 'Explained: added to what was stated. Else it is a cause of what is missing.' })
  isExplained!: boolean;
  @Field(() => DecimalScalar) quantity!: string;
}

@ObjectType('ClientAssetLine', { description: 'One currency, or one instrument, of a calculation.' })
@RequiresScopes('days:read')
export class ClientAssetLineType {
  @Field(() => ID) id!: string;
  @Field(() => PoolEnum) pool!: Pool;
  @Field(() => String) asset!: string;
  @Field(() => DecimalScalar, { description: 'The positive entitlements of clients, none made up for by another.' })
  entitled!: string;
  @Field(() => DecimalScalar, { description: 'Received for somebody who is not known yet; required as well.' })
  unallocated!: string;
  @Field(() => DecimalScalar) requirement!: string;
  @Field(() => DecimalScalar, { description: 'What was stated and the explained transit.' }) resource!: string;
  @Field(() => DecimalScalar, { description: 'Below zero: a shortfall.' }) difference!: string;
  @Field(() => Int) clientCount!: number;
  @Field(() => String, { nullable: true, description: 'The largest cause of a shortfall.' }) cause!: string | null;
  @Field(() => MoneyType, { nullable: true, description: 'What is missing is worth, in the currency of the book.' })
  worth!: MoneyType | null;
}

@ObjectType('ClientAssetLineConnection')
export class ClientAssetLineConnection extends connection(ClientAssetLineType, 'ClientAssetLine') {}

@ObjectType('ClientEntitlement', { description: 'What one client account has at the end of a business date.' })
@RequiresScopes('days:read')
export class ClientEntitlementType {
  @Field(() => String) account!: string;
  @Field(() => DecimalScalar, { description: 'Below zero: the client owes it; it makes up for nothing.' })
  quantity!: string;
}

@ObjectType('ClientEntitlementConnection')
export class ClientEntitlementConnection extends connection(ClientEntitlementType, 'ClientEntitlement') {}

@ObjectType('Shortfall', { description: 'What clients are short of; open until a calculation no longer finds it.' })
@RequiresScopes('days:read')
export class ShortfallType {
  @Field(() => ID) id!: string;
  @Field(() => String) book!: string;
  @Field(() => PoolEnum) pool!: Pool;
  @Field(() => String) asset!: string;
  @Field(() => ShortfallStateEnum) state!: 'OPEN' | 'CURED';
  @Field(() => DateScalar) openedOn!: string;
  @Field(() => DateScalar, { nullable: true }) curedOn!: string | null;
  @Field(() => DecimalScalar) quantity!: string;
  @Field(() => String) cause!: string;
  @Field(() => MoneyType, { nullable: true }) worth!: MoneyType | null;
  @Field(() => ID, { description: 'The last calculation that looked at it.' }) calculationId!: string;
}

@ObjectType('ShortfallCover', { description: 'Own money of the firm that two people set aside for what is missing.' })
@RequiresScopes('days:read')
export class ShortfallCoverType {
  @Field(() => ID) id!: string;
  @Field(() => ID) approvalId!: string;
  @Field(() => ID) shortfallId!: string;
  @Field(() => MoneyType) amount!: MoneyType;
  @Field(() => String) fromAccount!: string;
  @Field(() => String) coverAccount!: string;
  @Field(() => String) reason!: string;
  @Field(() => String) payloadHash!: string;
  @Field(() => String, {
    description: 'PROPOSED, BOOKED until the shortfall is cured, then RELEASED; or why it is not.',
  })
  state!: string;
  @Field(() => String) requestedBy!: string;
  @Field(() => DateTimeScalar) requestedAt!: Date;
  @Field(() => DateTimeScalar) expiresAt!: Date;
  @Field(() => String, { nullable: true }) decidedBy!: string | null;
  @Field(() => String, { nullable: true, description: 'Why it was not booked though a second person agreed.' })
  refusalCode!: string | null;
  @Field(() => ID, { nullable: true }) entryId!: string | null;
  @Field(() => ID, { nullable: true }) releaseEntryId!: string | null;
}

@ObjectType('ShortfallCoverPayload')
export class ShortfallCoverPayload {
  @Field(() => ShortfallCoverType, { nullable: true }) cover?: ShortfallCoverType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}

@InputType()
export class ProposeShortfallCoverInput {
  @Field(() => ID) @Length(3, 64) shortfallId!: string;
  @Field(() => DecimalScalar, {
    description: 'At least what is not covered yet, in the currency that is missing or that of the book.',
  })
  @IsDefined()
  amount!: string;
  @Field(() => String, { nullable: true, description: 'Own money; absent: OWN-CASH- and the currency.' })
  @IsOptional()
  @Length(1, 64)
  fromAccount?: string | null;
  @Field(() => String) @MinLength(3) @MaxLength(140) reason!: string;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Absent: in a day.' })
  @IsOptional()
  expiresAt?: Date | null;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@ObjectType('ShortfallConnection')
export class ShortfallConnection extends connection(ShortfallType, 'Shortfall') {}

@ObjectType('StockRecordLine', {
  description: 'What accounts of one kind have of an instrument: where it lies (long), and whose it is (short).',
})
@RequiresScopes('days:read')
export class StockRecordLineType {
  @Field(() => String, { description: 'A depot by its account; holders by what they are, e.g. CLIENT_CUSTODY.' })
  location!: string;
  @Field(() => String) kind!: string;
  @Field(() => DecimalScalar) long!: string;
  @Field(() => DecimalScalar) short!: string;
  @Field(() => Int) accountCount!: number;
}

@ObjectType('StockRecord', {
  description: 'An instrument of a book: all longs are all shorts, or it does not balance.',
})
@RequiresScopes('days:read')
export class StockRecordType {
  @Field(() => String) book!: string;
  @Field(() => String) instrument!: string;
  @Field(() => DateScalar) businessDate!: string;
  @Field(() => DecimalScalar) long!: string;
  @Field(() => DecimalScalar) short!: string;
  @Field(() => Boolean) isBalanced!: boolean;
  @Field(() => [StockRecordLineType]) lines!: StockRecordLineType[];
}

@ObjectType('StockRecordConnection')
export class StockRecordConnection extends connection(StockRecordType, 'StockRecord') {}
