import { Field, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import { IsNotEmpty, MaxLength } from 'class-validator';
import {
  connection,
  DateScalar,
  DateTimeScalar,
  JsonScalar,
  ProblemType,
  RequiresScopes,
  Verbatim,
} from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { fileKinds } from './file.js';

@ObjectType('File', { description: 'A file as it was received; its bytes stay as they came.' })
@RequiresScopes('trades:read')
export class FileType {
  @Field(() => ID) id!: string;
  @Field(() => String) kind!: string;
  @Field(() => String) name!: string;
  @Field(() => String, { nullable: true, description: 'Null when its lines say their book.' }) book!: string | null;
  @Field(() => String) sha256!: string;
  @Field(() => Int) sizeBytes!: number;
  @Field(() => String, { description: 'RECEIVED, IMPORTING, IMPORTED or REFUSED' }) state!: string;
  @Field(() => JsonScalar, { description: 'Lines per outcome.' }) counts!: Record<string, number>;
  @Field(() => [ProblemType], { description: 'What was wrong with the file as a whole.' }) problems!: Problem[];
  @Field(() => ID, { nullable: true }) jobRunId!: string | null;
  @Field(() => DateScalar) businessDate!: string;
  @Field(() => DateTimeScalar) receivedAt!: Date;
  @Field(() => String) receivedBy!: string;
}

@ObjectType('FileLine')
export class FileLineType {
  @Field(() => Int, {
    description: 'Of a CSV file, where the header is line 1. Of a payments file: which transfer, from 1.',
  })
  line!: number;
  @Field(() => String) outcome!: string;
  @Field(() => String, { nullable: true }) reference!: string | null;
  @Field(() => ID, { nullable: true }) objectId!: string | null;
  @Field(() => [ProblemType]) problems!: Problem[];
}

@ObjectType()
export class FileConnection extends connection(FileType, 'File') {}
@ObjectType()
export class FileLineConnection extends connection(FileLineType, 'FileLine') {}

@InputType()
export class FileFilter {
  @Field(() => String, { nullable: true }) kind?: string | null;
  @Field(() => String, { nullable: true }) state?: string | null;
  @Field(() => DateScalar, { nullable: true }) businessDate?: string | null;
}

@InputType()
export class ReceiveFileInput {
  @Field(() => String) @IsNotEmpty() @MaxLength(128) idempotencyKey!: string;
  @Field(() => String, { description: fileKinds.join(', ') }) @IsNotEmpty() kind!: string;
  @Field(() => String) @IsNotEmpty() name!: string;
  @Field(() => String, { nullable: true }) book?: string | null;
  @Field(() => String) @Verbatim() content!: string;
}

@ObjectType()
export class ReceiveFilePayload {
  @Field(() => FileType, { nullable: true }) file!: FileType | null;
  @Field(() => Boolean, { description: 'These bytes came before under this kind and name: nothing is done again.' })
  isAlreadyReceived!: boolean;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}

@ObjectType('ExpectedFile', {
  description: 'A file that must come on a business date. Its due time is wall time in a zone.',
})
@RequiresScopes('days:read')
export class ExpectedFileType {
  @Field(() => String) book!: string;
  @Field(() => DateScalar) businessDate!: string;
  @Field(() => String) kind!: string;
  @Field(() => String) qualifier!: string;
  @Field(() => String) localTime!: string;
  @Field(() => String) zone!: string;
  @Field(() => DateTimeScalar) dueAt!: Date;
  @Field(() => DateTimeScalar, { description: 'Due time and grace.' }) lateFrom!: Date;
  @Field(() => DateTimeScalar, { nullable: true }) arrivedAt!: Date | null;
  @Field(() => Boolean, { nullable: true, description: 'Null while it is waited for.' }) isLate!: boolean | null;
}
