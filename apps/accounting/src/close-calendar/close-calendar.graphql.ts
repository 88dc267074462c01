import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { DateTimeScalar, ProblemType, RequiresScopes } from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { type CloseCheck, closeChecks, taskPeriods, type TemplateTask } from './close-calendar.js';
import { type Evidence } from './close-calendar.repository.js';

const enumOf = <Name extends string>(names: readonly Name[]) =>
  Object.fromEntries(names.map((name) => [name, name])) as Record<Name, Name>;
const CloseCheckEnum = enumOf(closeChecks);
const TaskPeriodsEnum = enumOf(taskPeriods);
const CloseTaskStateEnum = enumOf(['OPEN', 'PREPARED', 'DONE']);
const EvidenceKindEnum = enumOf(['TEXT', 'REFERENCE', 'HASH']);
registerEnumType(CloseCheckEnum, {
  name: 'CloseCheck',
  description:
    'What is done by itself: all dates of the period are closed, the control totals of the ledger agree, every open suspense item is somebody’s work.',
});
registerEnumType(TaskPeriodsEnum, {
  name: 'CloseTaskPeriods',
  description: 'Of months, of the adjustment period, or of both.',
});
registerEnumType(CloseTaskStateEnum, { name: 'CloseTaskState', description: 'PREPARED waits for another person.' });
registerEnumType(EvidenceKindEnum, { name: 'EvidenceKind' });

@ObjectType('CloseTemplateTask', { description: 'What is to be done before a period is hard closed.' })
@RequiresScopes('ledger:read')
export class CloseTemplateTaskType {
  @Field(() => String) code!: string;
  @Field(() => String) name!: string;
  @Field(() => CloseCheckEnum, { nullable: true, description: 'On a task that is done by itself.' })
  check!: CloseCheck | null;
  @Field(() => TaskPeriodsEnum) appliesTo!: TemplateTask['appliesTo'];
  @Field(() => String) ownerTeam!: string;
  @Field(() => String, { nullable: true, description: 'The person who signs it off; else anybody who posts by hand.' })
  owner!: string | null;
  @Field(() => Int, { description: 'The business day after the end of the period, counted from 1.' }) dueDay!: number;
  @Field(() => [String]) dependsOn!: readonly string[];
  @Field(() => Boolean) isMandatory!: boolean;
  @Field(() => Boolean) needsEvidence!: boolean;
  @Field(() => Boolean, { description: 'Prepared by one person, signed off by another.' }) needsReview!: boolean;
}

@ObjectType('CloseTemplate', { description: 'The tasks that every close of a book begins with.' })
@RequiresScopes('ledger:read')
export class CloseTemplateType {
  @Field(() => String) book!: string;
  @Field(() => Int) version!: number;
  @Field(() => String) reason!: string;
  @Field(() => String) storedBy!: string;
  @Field(() => DateTimeScalar) storedAt!: Date;
  @Field(() => [CloseTemplateTaskType]) tasks!: readonly TemplateTask[];
}
@ObjectType('CloseTemplatePayload')
export class CloseTemplatePayload {
  @Field(() => CloseTemplateType, { nullable: true }) template?: CloseTemplateType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}

@InputType()
export class CloseTemplateTaskInput {
  @Field(() => String) @Length(1, 40) code!: string;
  @Field(() => String) @MinLength(3) @MaxLength(140) name!: string;
  @Field(() => CloseCheckEnum, { nullable: true }) check?: CloseCheck | null;
  @Field(() => TaskPeriodsEnum, { defaultValue: 'ALL' }) appliesTo!: TemplateTask['appliesTo'];
  @Field(() => String) @Length(1, 64) ownerTeam!: string;
  @Field(() => String, { nullable: true }) owner?: string | null;
  @Field(() => Int) @Min(1) @Max(60) dueDay!: number;
  @Field(() => [String], { defaultValue: [] }) @ArrayMaxSize(50) dependsOn!: string[];
  @Field(() => Boolean, { defaultValue: true }) isMandatory!: boolean;
  @Field(() => Boolean, { defaultValue: false }) needsEvidence!: boolean;
  @Field(() => Boolean, { defaultValue: false }) needsReview!: boolean;
}
@InputType()
export class StoreCloseTemplateInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => [CloseTemplateTaskInput])
  @ArrayMinSize(1)
  @ArrayMaxSize(200)
  @ValidateNested({ each: true })
  @Type(() => CloseTemplateTaskInput)
  tasks!: CloseTemplateTaskInput[];
  @Field(() => String) @MinLength(3) @MaxLength(140) reason!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@ObjectType('Evidence', { description: 'What shows that something was done.' })
@RequiresScopes('ledger:read')
export class EvidenceType {
  @Field(() => EvidenceKindEnum) kind!: Evidence['kind'];
  @Field(() => String) value!: string;
}
@InputType()
export class EvidenceInput {
  @Field(() => EvidenceKindEnum) kind!: Evidence['kind'];
  @Field(() => String) @Length(1, 1000) value!: string;
}

@ObjectType('CloseTaskChange')
@RequiresScopes('ledger:read')
export class CloseTaskChangeType {
  @Field(() => Int) version!: number;
  @Field(() => CloseTaskStateEnum) toState!: string;
  @Field(() => String) changedBy!: string;
  @Field(() => [EvidenceType]) evidence!: Evidence[];
  @Field(() => DateTimeScalar) changedAt!: Date;
}

@ObjectType('CloseTask', { description: 'A task of the close of one period.' })
@RequiresScopes('ledger:read')
export class CloseTaskType extends CloseTemplateTaskType {
  @Field(() => ID) id!: string;
  @Field(() => String) book!: string;
  @Field(() => String) period!: string;
  @Field(() => Int) templateVersion!: number;
  @Field(() => CloseTaskStateEnum) state!: 'OPEN' | 'PREPARED' | 'DONE';
  @Field(() => DateTimeScalar) dueAt!: Date;
  @Field(() => [EvidenceType]) evidence!: Evidence[];
  @Field(() => String, { nullable: true }) preparedBy!: string | null;
  @Field(() => DateTimeScalar, { nullable: true }) preparedAt!: Date | null;
  @Field(() => String, { nullable: true }) signedBy!: string | null;
  @Field(() => DateTimeScalar, { nullable: true }) signedAt!: Date | null;
  @Field(() => [CloseTaskChangeType], { description: 'Also of closes before a reopening.' })
  changes!: CloseTaskChangeType[];
}
@ObjectType('CloseTaskPayload')
export class CloseTaskPayload {
  @Field(() => CloseTaskType, { nullable: true }) task?: CloseTaskType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
@InputType()
export class CloseTaskInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => String) @Matches(/^\d{4}-(0[1-9]|1[0-3])$/) period!: string;
  @Field(() => String) @Length(1, 40) task!: string;
  @Field(() => [EvidenceInput], { defaultValue: [] })
  @ArrayMaxSize(20)
  @ValidateNested({ each: true })
  @Type(() => EvidenceInput)
  evidence!: EvidenceInput[];
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}
