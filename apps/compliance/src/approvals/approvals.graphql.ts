import { Field, ID, InputType, ObjectType } from '@nestjs/graphql';
import { IsIn, IsNotEmpty, Matches, MaxLength } from 'class-validator';
import { approvalKinds } from '#libs/contracts/index.js';
import { connection, DateScalar, DateTimeScalar, ProblemType, RequiresScopes } from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { enumOf } from '../graphql.js';
import { type ApprovalState, approvalStates, type RefusalCode, refusalCodes } from './approvals.js';
import { type ApprovalFilter, type ApprovalRow } from './approvals.repository.js';

const ApprovalStateEnum = enumOf('ApprovalState', approvalStates);
const ApprovalKindEnum = enumOf('ApprovalKind', approvalKinds);
const ApprovalDecisionEnum = enumOf('ApprovalDecision', ['APPROVE', 'REJECT']);
const RefusalCodeEnum = enumOf('ApprovalRefusal', refusalCodes);

@ObjectType('ApprovalAttempt', { description: 'A decision that was refused.' })
export class ApprovalAttemptType {
  @Field(() => String) attemptedBy!: string;
  @Field(() => DateTimeScalar) attemptedAt!: Date;
  @Field(() => ApprovalDecisionEnum) decision!: 'APPROVE' | 'REJECT';
  @Field(() => RefusalCodeEnum) code!: RefusalCode;
}

@ObjectType('Approval', { description: 'One person asked, another decides, on exactly this payload.' })
@RequiresScopes('approvals:read')
export class ApprovalType {
  @Field(() => ID) id!: string;
  @Field(() => ApprovalKindEnum) kind!: ApprovalRow['kind'];
  @Field(() => String, { description: 'Who asked: the service that acts on the decision.' }) service!: string;
  @Field(() => String) objectKind!: string;
  @Field(() => String) objectId!: string;
  @Field(() => String) book!: string;
  @Field(() => String, { description: 'Pass it to decideApproval: it names what you saw.' }) payloadHash!: string;
  @Field(() => String) summary!: string;
  @Field(() => String) requestedBy!: string;
  @Field(() => DateTimeScalar) requestedAt!: Date;
  @Field(() => DateScalar) businessDate!: string;
  @Field(() => DateTimeScalar) expiresAt!: Date;
  @Field(() => ApprovalStateEnum) state!: ApprovalState;
  @Field(() => String, { nullable: true }) decidedBy!: string | null;
  @Field(() => DateTimeScalar, { nullable: true }) decidedAt!: Date | null;
  @Field(() => String, { nullable: true }) decisionReason!: string | null;
}

@ObjectType('ApprovalConnection')
@RequiresScopes('approvals:read')
export class ApprovalConnection extends connection(ApprovalType, 'Approval') {}

@InputType('ApprovalFilter')
export class ApprovalFilterInput implements ApprovalFilter {
  @Field(() => ApprovalStateEnum, { nullable: true }) state?: ApprovalState | null;
  @Field(() => ApprovalKindEnum, { nullable: true }) kind?: ApprovalRow['kind'] | null;
  @Field(() => String, { nullable: true }) objectKind?: string | null;
  @Field(() => String, { nullable: true }) objectId?: string | null;
  @Field(() => String, { nullable: true }) requestedBy?: string | null;
  @Field(() => DateScalar, { nullable: true }) businessDate?: string | null;
}

@InputType()
export class DecideApprovalInput {
  @Field(() => ID) @IsNotEmpty() @MaxLength(64) approvalId!: string;
  @Field(() => String) @Matches(/^[0-9a-f]{64}$/) payloadHash!: string;
  @Field(() => ApprovalDecisionEnum) @IsIn(['APPROVE', 'REJECT']) decision!: 'APPROVE' | 'REJECT';
  @Field(() => String) @IsNotEmpty() @MaxLength(280) reason!: string;
  @Field(() => String) @IsNotEmpty() @MaxLength(128) idempotencyKey!: string;
}

@InputType()
export class WithdrawApprovalInput {
  @Field(() => ID) @IsNotEmpty() @MaxLength(64) approvalId!: string;
  @Field(() => String) @IsNotEmpty() @MaxLength(280) reason!: string;
  @Field(() => String) @IsNotEmpty() @MaxLength(128) idempotencyKey!: string;
}

@ObjectType()
export class ApprovalPayload {
  @Field(() => ApprovalType, { nullable: true }) approval!: ApprovalType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}

export const toApprovalType = ({ approvalId, ...row }: ApprovalRow): ApprovalType => ({ ...row, id: approvalId });
