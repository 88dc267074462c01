import { Field, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import { IsNotEmpty, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { connection, DateTimeScalar, ProblemType, RequiresScopes, Verbatim } from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { enumOf } from '../graphql.js';
import { type ListVersionRow } from './lists.repository.js';

const states = ['RECEIVED', 'ACTIVATING', 'ACTIVE', 'SUPERSEDED'] as const;
const ListVersionStateEnum = enumOf('ListVersionState', states);

@ObjectType('ListVersion', {
  description: 'A sanctions list as it was published. ACTIVATING: in force, parties are still being screened again.',
})
@RequiresScopes('screening:read')
export class ListVersionType {
  @Field(() => ID) id!: string;
  @Field(() => String) source!: string;
  @Field(() => String) name!: string;
  @Field(() => String, { description: 'SHA-256 over the files as they came.' }) contentHash!: string;
  @Field(() => ID, { nullable: true }) previousVersionId!: string | null;
  @Field(() => Int) entryCount!: number;
  @Field(() => Int) aliasCount!: number;
  @Field(() => Int) addressCount!: number;
  @Field(() => Int, { nullable: true }) addedCount!: number | null;
  @Field(() => Int, { nullable: true }) changedCount!: number | null;
  @Field(() => Int, { nullable: true }) removedCount!: number | null;
  @Field(() => Int, { nullable: true, description: 'Parties that this version newly held.' }) partyHitCount!:
    number | null;
  @Field(() => ListVersionStateEnum) state!: (typeof states)[number];
  @Field(() => DateTimeScalar) receivedAt!: Date;
  @Field(() => String) receivedBy!: string;
  @Field(() => DateTimeScalar, { nullable: true }) activatedAt!: Date | null;
  @Field(() => DateTimeScalar, { nullable: true }) rescreenedAt!: Date | null;
  @Field(() => ID, { nullable: true, description: 'Follow its progress with complianceJobProgress.' }) jobRunId!:
    string | null;
}

@ObjectType('ListVersionConnection')
@RequiresScopes('screening:read')
export class ListVersionConnection extends connection(ListVersionType, 'ListVersion') {}

@InputType()
export class ReceiveSanctionsListInput {
  @Field(() => String) @IsNotEmpty() @MaxLength(140) name!: string;
  @Field(() => String, { description: 'Whose list it is, e.g. OFAC-SDN. One version of each source is in force.' })
  @Matches(/^[A-Z][A-Z0-9-]{1,31}$/)
  source!: string;
  @Field(() => String, { description: 'SDN.CSV as published.' }) @IsNotEmpty() @Verbatim() content!: string;
  @Field(() => String, { nullable: true, description: 'ALT.CSV: the aliases.' }) @IsOptional() @IsString() altContent?:
    string | null;
  @Field(() => String, { nullable: true, description: 'ADD.CSV: the addresses.' })
  @IsOptional()
  @IsString()
  addContent?: string | null;
  @Field(() => String) @IsNotEmpty() @MaxLength(128) idempotencyKey!: string;
}

@ObjectType()
export class ReceiveSanctionsListPayload {
  @Field(() => ListVersionType, { nullable: true }) listVersion!: ListVersionType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}

export const toListVersionType = ({ listVersionId, state, ...row }: ListVersionRow): ListVersionType => ({
  ...row,
  id: listVersionId,
  state: state === 'ACTIVE' && row.rescreenedAt === null ? 'ACTIVATING' : state,
});
