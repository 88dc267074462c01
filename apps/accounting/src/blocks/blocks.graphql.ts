import { Field, ID, InputType, ObjectType, registerEnumType } from '@nestjs/graphql';
import { IsIn, IsOptional, Length, MaxLength, MinLength } from 'class-validator';
import { connection, DateTimeScalar, ProblemType, RequiresScopes } from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { blockDirections, blockReasons } from './blocks.js';

const enumOf = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, name]));
export const BlockDirectionEnum = enumOf(blockDirections);
export const BlockReasonEnum = enumOf(blockReasons);
registerEnumType(BlockDirectionEnum, {
  name: 'BlockDirection',
  description: 'Seen from the account: OUT is what draws on it, IN is what it receives.',
});
registerEnumType(BlockReasonEnum, { name: 'BlockReason' });

@ObjectType('AccountBlock', { description: 'Why nothing goes out of an account, or comes in. A lifted one stays.' })
@RequiresScopes('ledger:read')
export class AccountBlockType {
  @Field(() => ID) id!: string;
  @Field(() => String) book!: string;
  @Field(() => String, { description: 'The number of the account.' }) account!: string;
  @Field(() => BlockDirectionEnum) direction!: string;
  @Field(() => BlockReasonEnum, { description: 'UNSPECIFIED: placed with the state of the account, or by the import.' })
  reasonCode!: string;
  @Field(() => String) reason!: string;
  @Field(() => String, { nullable: true, description: 'What says so: a file number, an order, an import.' })
  reference!: string | null;
  @Field(() => String) placedBy!: string;
  @Field(() => DateTimeScalar) placedAt!: Date;
  @Field(() => String, { nullable: true }) liftedBy!: string | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Null while it stands.' }) liftedAt!: Date | null;
  @Field(() => String, { nullable: true }) liftedReason!: string | null;
}
@ObjectType('AccountBlockConnection')
export class AccountBlockConnection extends connection(AccountBlockType, 'AccountBlock') {}

@InputType('AccountBlockFilter')
export class AccountBlockFilterInput {
  @Field(() => String, { nullable: true }) book?: string | null;
  @Field(() => String, { nullable: true }) account?: string | null;
  @Field(() => BlockReasonEnum, { nullable: true }) reasonCode?: string | null;
  @Field(() => Boolean, { nullable: true, description: 'True: not lifted yet.' }) isStanding?: boolean | null;
}
/** Who blocks by hand says why. */
const codes = blockReasons.filter((code) => code !== 'UNSPECIFIED');
@InputType()
export class PlaceBlockInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => String) @Length(1, 64) account!: string;
  @Field(() => BlockDirectionEnum) @IsIn(blockDirections) direction!: (typeof blockDirections)[number];
  @Field(() => BlockReasonEnum, { description: 'Any but UNSPECIFIED.' })
  @IsIn(codes)
  reasonCode!: (typeof codes)[number];
  @Field(() => String) @MinLength(3) @MaxLength(280) reason!: string;
  @Field(() => String, { nullable: true, description: 'What says so: a file number, an order.' })
  @IsOptional()
  @Length(1, 140)
  reference?: string | null;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}
@InputType()
export class LiftBlockInput {
  @Field(() => ID) @Length(3, 64) blockId!: string;
  @Field(() => String) @MinLength(3) @MaxLength(280) reason!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}
@ObjectType('AccountBlockPayload')
export class AccountBlockPayload {
  @Field(() => AccountBlockType, { nullable: true }) block?: AccountBlockType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
