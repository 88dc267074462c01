import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { IsDefined, IsIn, IsInt, Length, Max, MaxLength, Min, MinLength } from 'class-validator';
import { type DayPhase, dayPhases } from '#libs/contracts/index.js';
import {
  connection,
  DateScalar,
  DateTimeScalar,
  JsonScalar,
  ProblemType,
  RequiresScopes,
} from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';

const enumOf = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, name]));
export const DayPhaseEnum = enumOf(dayPhases);
registerEnumType(DayPhaseEnum, { name: 'DayPhase' });
const PhaseStateEnum = enumOf(['WAITING', 'RUNNING', 'COMPLETED', 'STOPPED']);
registerEnumType(PhaseStateEnum, {
  name: 'PhaseState',
  description: 'WAITING for its barrier; STOPPED by problems, and may be asked for again.',
});
const DayStateEnum = enumOf(['NEXT', 'OPEN', 'CLOSING', 'CLOSED', 'SKIPPED']);
registerEnumType(DayStateEnum, {
  name: 'BusinessDayState',
  description: 'SKIPPED: announced, and closed by its calendar before it was opened.',
});

@ObjectType('PhaseRun', {
  description: 'One phase of a business day: asked for, waiting for its barrier, at work, done.',
})
@RequiresScopes('days:read')
export class PhaseRunType {
  @Field(() => ID) id!: string;
  @Field(() => String) book!: string;
  @Field(() => DateScalar) businessDate!: string;
  @Field(() => DayPhaseEnum) phase!: DayPhase;
  @Field(() => Int) cycle!: number;
  @Field(() => PhaseStateEnum) state!: string;
  @Field(() => Int, { description: 'How many messages it still waits for.' }) waitingFor!: number;
  @Field(() => String, { description: 'It waits for every message below this place.' }) barrierSequence!: string;
  @Field(() => Int) attempts!: number;
  @Field(() => String) requestedBy!: string;
  @Field(() => DateTimeScalar) requestedAt!: Date;
  @Field(() => DateTimeScalar, { nullable: true }) startedAt!: Date | null;
  @Field(() => DateTimeScalar, { nullable: true }) completedAt!: Date | null;
  @Field(() => ID, { nullable: true, description: 'The job that works it, with its progress.' }) jobRunId!:
    string | null;
  @Field(() => JsonScalar) counts!: Record<string, number>;
  @Field(() => [ProblemType]) problems!: Problem[];
}

@ObjectType('BusinessDay')
@RequiresScopes('days:read')
export class BusinessDayType {
  @Field(() => ID) id!: string;
  @Field(() => String) book!: string;
  @Field(() => DateScalar) businessDate!: string;
  @Field(() => DayStateEnum) state!: string;
  @Field(() => DateScalar) nextBusinessDate!: string;
  @Field(() => String, { description: 'The calendar of the book.' }) calendar!: string;
  @Field(() => String, { description: 'The zone of its clock.' }) zone!: string;
  @Field(() => DateTimeScalar, { nullable: true }) openedAt!: Date | null;
  @Field(() => DateTimeScalar, { nullable: true }) closedAt!: Date | null;
  @Field(() => String, { nullable: true, description: 'Wall time in the zone of the book, earlier on a half day.' })
  cutOffLocalTime!: string | null;
  @Field(() => String, { nullable: true }) cutOffZone!: string | null;
  @Field(() => Boolean, { description: 'The venue of the book closes early.' }) isHalfDay!: boolean;
  @Field(() => DateTimeScalar, { nullable: true }) plannedCutOffAt!: Date | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'To when it was put off.' })
  revisedCutOffAt!: Date | null;
  @Field(() => String, { nullable: true, description: 'Why it was put off.' }) cutOffRevisionReason!: string | null;
  @Field(() => String, { nullable: true }) cutOffRevisedBy!: string | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was reached.' }) effectiveCutOffAt!: Date | null;
}
@ObjectType('BusinessDayConnection')
export class BusinessDayConnection extends connection(BusinessDayType, 'BusinessDay') {}

@InputType()
export class OpenBusinessDayInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => DateScalar) @IsDefined() businessDate!: string;
  @Field(() => String, { nullable: true, description: 'Not needed: opening an open day does no harm.' })
  idempotencyKey?: string | null;
}
@InputType()
export class RunBusinessDayPhaseInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => DateScalar, { nullable: true, description: 'The day being worked unless given.' }) businessDate?:
    string | null;
  @Field(() => DayPhaseEnum) @IsIn(dayPhases) phase!: DayPhase;
  @Field(() => Int, { defaultValue: 1 }) @IsInt() @Min(1) @Max(1_000) cycle!: number;
  @Field(() => String, { nullable: true, description: 'Not needed: a phase asked for twice runs once.' })
  idempotencyKey?: string | null;
}
@InputType()
export class ExtendCutOffInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => DateScalar) @IsDefined() businessDate!: string;
  @Field(() => DateTimeScalar, { description: 'After the planned one and after now, before that of the next date.' })
  @IsDefined()
  revisedCutOffAt!: Date;
  @Field(() => String) @MinLength(3) @MaxLength(140) reason!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}
@ObjectType('ExtendCutOffPayload')
export class ExtendCutOffPayload {
  @Field(() => BusinessDayType, { nullable: true }) businessDay?: BusinessDayType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
@ObjectType('BusinessDayPayload')
export class BusinessDayPayload {
  @Field(() => BusinessDayType, { nullable: true }) businessDay?: BusinessDayType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
}
@ObjectType('PhaseRunPayload')
export class PhaseRunPayload {
  @Field(() => PhaseRunType, { nullable: true }) phaseRun?: PhaseRunType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
}
