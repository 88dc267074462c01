import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { Length, Matches, MaxLength, MinLength } from 'class-validator';
import { DateScalar, DateTimeScalar, ProblemType, RequiresScopes } from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { type PeriodState, periodStates } from './periods.js';

export const PeriodStateEnum = Object.fromEntries(periodStates.map((name) => [name, name]));
registerEnumType(PeriodStateEnum, {
  name: 'PeriodState',
  description: 'SOFT_CLOSED: only who posts by hand adjusts it; HARD_CLOSED: nobody does.',
});

@ObjectType('PeriodChange', { description: 'From one state to the next.' })
@RequiresScopes('ledger:read')
export class PeriodChangeType {
  @Field(() => Int) version!: number;
  @Field(() => PeriodStateEnum) fromState!: PeriodState;
  @Field(() => PeriodStateEnum) toState!: PeriodState;
  @Field(() => String) changedBy!: string;
  @Field(() => String) reason!: string;
  @Field(() => ID, { nullable: true, description: 'Of a reopening: what a second person agreed to.' }) approvalId!:
    string | null;
  @Field(() => String, { nullable: true }) snapshotHash!: string | null;
  @Field(() => DateTimeScalar) changedAt!: Date;
}

@ObjectType('Period', {
  description: 'A month of a book, e.g. 2026-11; 2026-13 takes the adjusting and closing entries of the year.',
})
@RequiresScopes('ledger:read')
export class PeriodType {
  @Field(() => ID) id!: string;
  @Field(() => String) book!: string;
  @Field(() => String) period!: string;
  @Field(() => String, { description: 'MONTH or ADJUSTMENT.' }) kind!: string;
  @Field(() => DateScalar) firstDate!: string;
  @Field(() => DateScalar) lastDate!: string;
  @Field(() => PeriodStateEnum) state!: PeriodState;
  @Field(() => Int, { description: 'Counts the changes of its state.' }) version!: number;
  @Field(() => Int, { description: 'How often it was hard closed.' }) closings!: number;
  @Field(() => String, {
    nullable: true,
    description:
      'SHA-256 over the lines account|asset|debit|credit of the trial balance at its end, while it is hard closed.',
  })
  snapshotHash!: string | null;
  @Field(() => String, { nullable: true }) changedBy!: string | null;
  @Field(() => DateTimeScalar) changedAt!: Date;
}

@ObjectType('PeriodPayload')
export class PeriodPayload {
  @Field(() => PeriodType, { nullable: true }) period?: PeriodType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}

@InputType()
export class ClosePeriodInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => String, { description: 'e.g. 2026-11, or 2026-13.' })
  @Matches(/^\d{4}-(0[1-9]|1[0-3])$/)
  period!: string;
  @Field(() => String) @MinLength(3) @MaxLength(140) reason!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@ObjectType('PeriodReopening', {
  description: 'A closed period that waits for, or had, a second person to open it again.',
})
@RequiresScopes('ledger:read')
export class ReopeningType {
  @Field(() => ID) id!: string;
  @Field(() => ID) approvalId!: string;
  @Field(() => String) book!: string;
  @Field(() => String) period!: string;
  @Field(() => Int, { description: 'The state of the period that was to be changed.' }) periodVersion!: number;
  @Field(() => String) reason!: string;
  @Field(() => String) payloadHash!: string;
  @Field(() => String, {
    description: 'PROPOSED, APPLIED, REFUSED (with its code), REJECTED, EXPIRED, WITHDRAWN or STALE.',
  })
  state!: string;
  @Field(() => String) requestedBy!: string;
  @Field(() => DateTimeScalar) requestedAt!: Date;
  @Field(() => DateTimeScalar) expiresAt!: Date;
  @Field(() => String, { nullable: true }) decidedBy!: string | null;
  @Field(() => String, { nullable: true }) decisionReason!: string | null;
  @Field(() => String, { nullable: true }) refusalCode!: string | null;
}

@ObjectType('PeriodReopeningPayload')
export class ReopeningPayload {
  @Field(() => ReopeningType, { nullable: true }) reopening?: ReopeningType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}

@InputType()
export class ProposePeriodReopeningInput extends ClosePeriodInput {
  @Field(() => DateTimeScalar, { nullable: true, description: 'A day from now unless given.' }) expiresAt?: Date | null;
}

@ObjectType('AccountingDate', { description: 'Where an entry belongs that was booked on a later date.' })
@RequiresScopes('ledger:read')
export class AccountingDateType {
  @Field(() => DateScalar) accountingDate!: string;
  @Field(() => String) period!: string;
  @Field(() => String, { description: 'ADJUSTMENT or CLOSING; profit and loss leaves closing entries out.' })
  purpose!: string;
}
