import { Field, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import { ArrayMaxSize, ArrayNotEmpty, IsNotEmpty, MaxLength } from 'class-validator';
import {
  DateTimeScalar,
  DecimalScalar,
  JsonScalar,
  ProblemType,
  RequiresAnyScope,
  RequiresScopes,
} from '#libs/graphql/index.js';
import { cutOverKinds } from '#libs/contracts/index.js';
import { type Problem } from '#libs/kernel/index.js';

@ObjectType()
export class CutOverProgressType {
  @Field(() => String) kind!: string;
  @Field(() => String, { description: 'The service that works with these rows.' }) consumer!: string;
  @Field(() => Int) rows!: number;
  @Field(() => Int) applied!: number;
}

@ObjectType()
export class CutOverSignatureType {
  @Field(() => String) signedBy!: string;
  @Field(() => DateTimeScalar) signedAt!: Date;
}

@ObjectType()
export class MigrationLeftType {
  @Field(() => String) book!: string;
  @Field(() => String) asset!: string;
  @Field(() => DecimalScalar) left!: string;
}

@ObjectType({ description: 'An id of the system before, the line it came in, and the object it is here.' })
@RequiresScopes('static:read')
export class ImportedReference {
  @Field(() => ID) importId!: string;
  @Field(() => String, { description: 'The file, which says what kind of object it is.' }) kind!: string;
  @Field(() => Int) line!: number;
  @Field(() => String) oldId!: string;
  @Field(() => String, { description: 'What it is called here.' }) objectId!: string;
  @Field(() => String, { description: '* for what belongs to the whole institution.' }) book!: string;
}

@ObjectType('CutOver', {
  description:
    'An institution moving in: one set of files, checked as one, undone as one, final when two people have signed.',
})
@RequiresAnyScope('cutover:operate', 'cutover:sign')
export class CutOverType {
  @Field(() => ID) id!: string;
  @Field(() => String) name!: string;
  @Field(() => Boolean) isDryRun!: boolean;
  @Field(() => String, {
    description:
      'VALIDATING, REFUSED, DRY_RUN_PASSED, APPLYING, AWAITING_SIGNATURES, SIGNED, ROLLING_BACK, ROLLED_BACK or FAILED',
  })
  state!: string;
  @Field(() => [String]) books!: string[];
  @Field(() => JsonScalar, { description: 'Rows per file.' }) rows!: Record<string, number>;
  @Field(() => [ProblemType], { description: 'All at once; a path is file, line and column.' }) problems!: Problem[];
  @Field(() => [MigrationLeftType], {
    description: 'What the migration account would be left with; empty in a good set.',
  })
  migrationLeft!: MigrationLeftType[];
  @Field(() => String) startedBy!: string;
  @Field(() => DateTimeScalar) startedAt!: Date;
  @Field(() => DateTimeScalar, { nullable: true }) finishedAt!: Date | null;
  @Field(() => ID, { nullable: true }) jobRunId!: string | null;
}

@InputType()
export class CutOverFileInput {
  @Field(() => String, { description: cutOverKinds.join(', ') }) kind!: string;
  @Field(() => String, { description: 'CSV with a header line.' }) content!: string;
}

@InputType()
export class StartCutOverInput {
  @Field(() => String) @IsNotEmpty() @MaxLength(128) idempotencyKey!: string;
  @Field(() => String) @IsNotEmpty() @MaxLength(64) name!: string;
  @Field(() => Boolean, { defaultValue: false, description: 'Validates, and writes nothing.' }) dryRun!: boolean;
  @Field(() => [CutOverFileInput]) @ArrayNotEmpty() @ArrayMaxSize(cutOverKinds.length) files!: CutOverFileInput[];
  @Field(() => JsonScalar, { description: '{ files: { KIND: { rows } }, totals: { KIND: { ASSET: "decimal" } } }' })
  controlTotals!: unknown;
}

@InputType()
export class SignCutOverInput {
  @Field(() => String) @IsNotEmpty() importId!: string;
  @Field(() => String, {
    nullable: true,
    description: 'Sent again with the same key, the same answer; a person signs once, whatever the key.',
  })
  idempotencyKey?: string | null;
}

@InputType()
export class RollBackCutOverInput extends SignCutOverInput {
  @Field(() => String) @IsNotEmpty() @MaxLength(280) reason!: string;
}

@ObjectType()
export class CutOverPayload {
  @Field(() => CutOverType, { nullable: true }) cutOver!: CutOverType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
