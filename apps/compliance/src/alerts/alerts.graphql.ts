import { Directive, Field, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import { IsNotEmpty, MaxLength } from 'class-validator';
import { connection, DateScalar, DateTimeScalar, ProblemType, RequiresScopes } from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { ApprovalType } from '../approvals/approvals.graphql.js';
import { enumOf } from '../graphql.js';
import { ScreenedKindEnum } from '../screening/screening.graphql.js';
import { type ScreenedKind } from '../screening/screening.js';
import { type AlertReason, alertReasons, type AlertState, alertStates } from './alerts.js';
import { type AlertFilter, type AlertRow } from './alerts.repository.js';

const AlertStateEnum = enumOf('AlertState', alertStates);
const AlertReasonEnum = enumOf('AlertReason', alertReasons);

@ObjectType('Alert', { description: 'An object stopped by a screening, until somebody decides.' })
@Directive('@key(fields: "id")')
@RequiresScopes('alerts:read')
export class AlertType {
  @Field(() => ID) id!: string;
  @Field(() => ScreenedKindEnum) objectKind!: ScreenedKind;
  @Field(() => String) objectId!: string;
  @Field(() => String) reference!: string;
  @Field(() => String) book!: string;
  @Field(() => ID, { nullable: true }) partyId!: string | null;
  @Field(() => ID, { nullable: true, description: 'The alert of the party for which this object was stopped.' })
  parentAlertId!: string | null;
  @Field(() => ID) screeningId!: string;
  @Field(() => ID) listVersionId!: string;
  @Field(() => String, { nullable: true, description: 'As the list writes it.' }) entryName!: string | null;
  @Field(() => Int, { description: 'Basis points.' }) score!: number;
  @Field(() => AlertReasonEnum) reasonCode!: AlertReason;
  @Field(() => Boolean, { description: 'It had left us before: a hold or a cancellation was asked of the place.' })
  wasSent!: boolean;
  @Field(() => Boolean) isEntryDelisted!: boolean;
  @Field(() => AlertStateEnum) state!: AlertState;
  @Field(() => DateScalar) businessDate!: string;
  @Field(() => DateTimeScalar) openedAt!: Date;
  @Field(() => DateTimeScalar) dueAt!: Date;
  @Field(() => DateTimeScalar, { nullable: true }) decidedAt!: Date | null;
  @Field(() => String, { nullable: true }) decidedBy!: string | null;
  @Field(() => String, { nullable: true }) decisionReason!: string | null;
}

@ObjectType('AlertConnection')
@RequiresScopes('alerts:read')
export class AlertConnection extends connection(AlertType, 'Alert') {}

@InputType('AlertFilter')
export class AlertFilterInput implements AlertFilter {
  @Field(() => AlertStateEnum, { nullable: true }) state?: AlertState | null;
  @Field(() => ScreenedKindEnum, { nullable: true }) objectKind?: ScreenedKind | null;
  @Field(() => String, { nullable: true }) objectId?: string | null;
  @Field(() => ID, { nullable: true }) partyId?: string | null;
  @Field(() => String, { nullable: true }) reference?: string | null;
  @Field(() => String, { nullable: true }) book?: string | null;
  @Field(() => DateScalar, { nullable: true }) businessDate?: string | null;
}

@InputType({ isAbstract: true })
abstract class AlertDecisionInput {
  @Field(() => ID) @IsNotEmpty() @MaxLength(64) alertId!: string;
  @Field(() => String) @IsNotEmpty() @MaxLength(280) reason!: string;
  @Field(() => String) @IsNotEmpty() @MaxLength(128) idempotencyKey!: string;
}

@InputType()
export class ProposeReleaseInput extends AlertDecisionInput {}

@InputType()
export class ConfirmHitInput extends AlertDecisionInput {}

@ObjectType()
export class ProposeReleasePayload {
  @Field(() => AlertType, { nullable: true }) alert!: AlertType | null;
  @Field(() => ApprovalType, { nullable: true, description: 'What the second person decides on.' })
  approval!: ApprovalType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}

@ObjectType()
export class ConfirmHitPayload {
  @Field(() => AlertType, { nullable: true }) alert!: AlertType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}

export const toAlertType = ({ alertId, ...row }: AlertRow): AlertType => ({ ...row, id: alertId });
