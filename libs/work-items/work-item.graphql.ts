import { Directive, Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { IsDefined, IsNotEmpty, MaxLength } from 'class-validator';
import { connection, DateTimeScalar, MoneyType, ProblemType } from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { type WorkItemAction, type WorkItemCategory, workItemCategories } from './work-items.js';

const enumOf = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, name]));
const Category = enumOf(workItemCategories);
const State = enumOf(['OPEN', 'SNOOZED', 'CLOSED']);
registerEnumType(Category, { name: 'WorkItemCategory' });
registerEnumType(State, { name: 'WorkItemState' });

@ObjectType('WorkItemChange')
@Directive('@shareable')
export class WorkItemChangeType {
  @Field(() => String) action!: WorkItemAction;
  @Field(() => String) changedBy!: string;
  @Field(() => String) reason!: string;
  @Field(() => String, { nullable: true }) detail!: string | null;
  @Field(() => DateTimeScalar) at!: Date;
}

@ObjectType('WorkItem', { description: 'Work left to a person, with its owner and the time by which it is due.' })
@Directive('@shareable')
export class WorkItemType {
  @Field(() => ID) id!: string;
  @Field(() => String, { description: 'The service that keeps it.' }) service!: string;
  @Field(() => String) kind!: string;
  @Field(() => Category) category!: WorkItemCategory;
  @Field(() => String) objectKind!: string;
  @Field(() => String) objectId!: string;
  @Field(() => String) reference!: string;
  @Field(() => String) reasonCode!: string;
  @Field(() => String) book!: string;
  @Field(() => MoneyType, { nullable: true }) valueAtRisk!: MoneyType | null;
  @Field(() => String) ownerTeam!: string;
  @Field(() => String, { nullable: true }) assignee!: string | null;
  @Field(() => DateTimeScalar) dueAt!: Date;
  @Field(() => String) nextAction!: string;
  @Field(() => State) state!: string;
  @Field(() => DateTimeScalar, { nullable: true }) snoozedUntil!: Date | null;
  @Field(() => Int) escalationLevel!: number;
  @Field(() => DateTimeScalar) openedAt!: Date;
  @Field(() => DateTimeScalar, { nullable: true }) closedAt!: Date | null;
  @Field(() => String, { nullable: true }) closedBy!: string | null;
  @Field(() => String, { nullable: true }) closeReason!: string | null;
  @Field(() => Int, { description: 'How long it has been open, or was until it was closed.' }) ageSeconds!: number;
  @Field(() => Boolean) isOverdue!: boolean;
  @Field(() => [WorkItemChangeType]) history!: WorkItemChangeType[];
}

@ObjectType('WorkItemConnection')
@Directive('@shareable')
export class WorkItemConnection extends connection(WorkItemType, 'WorkItem') {}

@InputType('WorkItemFilter')
export class WorkItemFilterInput {
  @Field(() => Category, { nullable: true }) category?: WorkItemCategory | null;
  @Field(() => String, { nullable: true }) kind?: string | null;
  @Field(() => String, { nullable: true }) ownerTeam?: string | null;
  @Field(() => String, { nullable: true }) assignee?: string | null;
  @Field(() => String, { nullable: true }) book?: string | null;
  @Field(() => String, { nullable: true }) reference?: string | null;
  @Field(() => ID, { nullable: true }) objectId?: string | null;
  @Field(() => State, { nullable: true, description: 'Open and snoozed ones when not given.' }) state?:
    'OPEN' | 'SNOOZED' | 'CLOSED' | null;
  @Field(() => Boolean, { nullable: true }) isOverdue?: boolean | null;
}

@InputType({ isAbstract: true })
abstract class WorkItemChangeInput {
  @Field(() => ID) @IsNotEmpty() id!: string;
  @Field(() => String) @IsNotEmpty() @MaxLength(280) reason!: string;
  @Field(() => String) @IsNotEmpty() @MaxLength(128) idempotencyKey!: string;
}

@InputType()
export class CloseWorkItemInput extends WorkItemChangeInput {}

@InputType()
export class AssignWorkItemInput extends WorkItemChangeInput {
  @Field(() => String) @IsNotEmpty() @MaxLength(64) assignee!: string;
}

@InputType()
export class SnoozeWorkItemInput extends WorkItemChangeInput {
  @Field(() => DateTimeScalar) @IsDefined() until!: Date;
}

@InputType()
export class EscalateWorkItemInput extends WorkItemChangeInput {
  @Field(() => String) @IsNotEmpty() @MaxLength(64) toTeam!: string;
}

@ObjectType()
@Directive('@shareable')
export class WorkItemPayload {
  @Field(() => WorkItemType, { nullable: true }) workItem!: WorkItemType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
