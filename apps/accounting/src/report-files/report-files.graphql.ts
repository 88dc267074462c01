import { Field, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import { connection, DateTimeScalar, JsonScalar, ProblemType, RequiresScopes } from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';

@ObjectType('ReportFileChunk', { description: 'A piece of a file; all of them, in order, are the file.' })
@RequiresScopes('ledger:read')
export class ReportFileChunkType {
  @Field(() => Int, { description: 'From 1.' }) n!: number;
  @Field(() => String, { description: 'RFC 4648, with padding.' }) base64!: string;
  @Field(() => Boolean) isLast!: boolean;
}

@ObjectType('ReportFile', { description: 'A file that a job makes; once it is ready its bytes never change.' })
@RequiresScopes('ledger:read')
export class ReportFileType {
  @Field(() => ID) id!: string;
  @Field(() => String) book!: string;
  @Field(() => String) kind!: string;
  @Field(() => String) name!: string;
  @Field(() => String) mediaType!: string;
  @Field(() => JsonScalar, { description: 'What was asked for.' }) parameters!: Record<string, unknown>;
  @Field(() => String, { description: 'RUNNING, READY or REFUSED; the job run tells how far it is.' }) state!: string;
  @Field(() => Int, { nullable: true }) sizeBytes!: number | null;
  @Field(() => Int, { nullable: true }) chunkCount!: number | null;
  @Field(() => String, { nullable: true, description: 'Of all bytes, in hexadecimal digits.' }) sha256!: string | null;
  @Field(() => [ProblemType], { description: 'Why it was refused.' }) problems!: Problem[];
  @Field(() => String) requestedBy!: string;
  @Field(() => DateTimeScalar) requestedAt!: Date;
  @Field(() => DateTimeScalar, { nullable: true }) finishedAt!: Date | null;
  @Field(() => ID, { nullable: true }) jobRunId!: string | null;
}

@ObjectType()
export class ReportFileConnection extends connection(ReportFileType, 'ReportFile') {}

@InputType()
export class ReportFileFilter {
  @Field(() => String, { nullable: true }) book?: string | null;
  @Field(() => String, { nullable: true }) kind?: string | null;
  @Field(() => String, { nullable: true }) state?: string | null;
}
