import { Directive, Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { IsIn, IsNotEmpty, MaxLength } from 'class-validator';
import { DateTimeScalar, JsonScalar, PageInfo, ProblemType } from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';

// The same types in every service's subgraph, so that one page shows all jobs.

export const jobStates = ['WAITING', 'RUNNING', 'PAUSED', 'SUCCEEDED', 'FAILED', 'DISCARDED'] as const;
export type JobState = (typeof jobStates)[number];
const State = Object.fromEntries(jobStates.map((name) => [name, name]));
registerEnumType(State, { name: 'JobState' });

@ObjectType('JobError')
@Directive('@shareable')
export class JobErrorType {
  @Field(() => String) code!: string;
  @Field(() => String) message!: string;
  @Field(() => String, {
    nullable: true,
    description: 'The same for failures that differ only in ids, amounts and times.',
  })
  fingerprint!: string | null;
}

@ObjectType('JobAttempt', { description: 'One try of a worker.' })
@Directive('@shareable')
export class JobAttemptType {
  @Field(() => Int) attempt!: number;
  @Field(() => String) worker!: string;
  @Field(() => DateTimeScalar) startedAt!: Date;
  @Field(() => DateTimeScalar, { nullable: true }) endedAt!: Date | null;
  @Field(() => String, {
    description: 'RUNNING, SUCCEEDED, FAILED, LOST (its worker ended), HANDED_BACK or DISCARDED.',
  })
  outcome!: string;
  @Field(() => JobErrorType, { nullable: true }) error!: JobErrorType | null;
}

@ObjectType('JobRun', {
  description:
    'A long-running job, or a message given up after its attempts; kept when the queue has long forgotten it.',
})
@Directive('@shareable')
export class JobRunType {
  @Field(() => ID) id!: string;
  @Field(() => String) service!: string;
  @Field(() => String, { description: 'Number of its message in all services: the list goes by it, newest first.' })
  sequence!: string;
  @Field(() => String, { description: 'The message that asked for it.' }) name!: string;
  @Field(() => String) queue!: string;
  @Field(() => String, { nullable: true, description: 'What people know it by: a file, a business date.' })
  businessKey!: string | null;
  @Field(() => String, { nullable: true }) requestedBy!: string | null;
  @Field(() => State) state!: JobState;
  @Field(() => Int) done!: number;
  @Field(() => Int, { nullable: true }) total!: number | null;
  @Field(() => JsonScalar) counts!: Record<string, number>;
  @Field(() => Int) attemptCount!: number;
  @Field(() => JobErrorType, { nullable: true, description: 'Of the last attempt that failed.' })
  error!: JobErrorType | null;
  @Field(() => DateTimeScalar) createdAt!: Date;
  @Field(() => DateTimeScalar, { nullable: true }) startedAt!: Date | null;
  @Field(() => DateTimeScalar, { nullable: true }) finishedAt!: Date | null;
  @Field(() => DateTimeScalar, { nullable: true }) nextAttemptAt!: Date | null;
  @Field(() => [JobAttemptType]) attempts!: JobAttemptType[];
}

@ObjectType('JobRunEdge')
@Directive('@shareable')
export class JobRunEdge {
  @Field(() => JobRunType) node!: JobRunType;
  @Field(() => String) cursor!: string;
}

@ObjectType('JobRunConnection')
@Directive('@shareable')
export class JobRunConnection {
  @Field(() => [JobRunEdge]) edges!: JobRunEdge[];
  @Field(() => PageInfo) pageInfo!: PageInfo;
}

@ObjectType('JobFailureGroup', { description: 'Jobs that failed for the same reason and are not finished.' })
@Directive('@shareable')
export class JobFailureGroupType {
  @Field(() => String) fingerprint!: string;
  @Field(() => String) code!: string;
  @Field(() => String, { description: 'The newest message of the group.' }) sample!: string;
  @Field(() => String) name!: string;
  @Field(() => Int) jobs!: number;
  @Field(() => DateTimeScalar) firstAt!: Date;
  @Field(() => DateTimeScalar) lastAt!: Date;
}

@InputType('JobRunFilter')
export class JobRunFilterInput {
  @Field(() => [State], { nullable: true }) states?: JobState[] | null;
  @Field(() => String, { nullable: true }) name?: string | null;
  @Field(() => String, { nullable: true }) businessKey?: string | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Created at or after.' }) from?: Date | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Created before.' }) to?: Date | null;
  @Field(() => String, { nullable: true, description: 'Part of the code or the message of the error.' }) errorText?:
    string | null;
  @Field(() => String, { nullable: true }) errorFingerprint?: string | null;
}

@InputType()
export class ChangeJobInput {
  @Field(() => ID) @IsNotEmpty() id!: string;
  @Field(() => String) @IsNotEmpty() @MaxLength(280) reason!: string;
}

@InputType()
export class ChangeQueueInput {
  @Field(() => String, { description: 'fast or bulk.' }) @IsIn(['fast', 'bulk']) queue!: 'fast' | 'bulk';
  @Field(() => String) @IsNotEmpty() @MaxLength(280) reason!: string;
}

@ObjectType('JobRunPayload')
@Directive('@shareable')
export class JobRunPayload {
  @Field(() => JobRunType, { nullable: true }) jobRun!: JobRunType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
}

@ObjectType('JobQueue')
@Directive('@shareable')
export class JobQueueType {
  @Field(() => String) name!: string;
  @Field(() => Boolean) isPaused!: boolean;
  @Field(() => String, { nullable: true }) pausedBy!: string | null;
  @Field(() => String, { nullable: true }) pauseReason!: string | null;
  @Field(() => Int) waiting!: number;
  @Field(() => Int) deadLetters!: number;
  @Field(() => Int, { description: 'Age of the oldest message without effect.' }) oldestSeconds!: number;
}

@ObjectType('JobQueuePayload')
@Directive('@shareable')
export class JobQueuePayload {
  @Field(() => JobQueueType, { nullable: true }) queue!: JobQueueType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
}
