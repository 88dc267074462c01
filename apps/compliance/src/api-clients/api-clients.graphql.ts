import { Field, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import {
  ArrayNotEmpty,
  IsArray,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsOptional,
  Matches,
  Max,
  MaxLength,
  Min,
} from 'class-validator';
import { connection, DateTimeScalar, ProblemType, RequiresScopes } from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { enumOf } from '../graphql.js';
import { type ApiClientRow } from './api-clients.repository.js';

const ApiClientKindEnum = enumOf('ApiClientKind', ['PERSON', 'MACHINE']);

@ObjectType('ApiClient')
@RequiresScopes('clients:manage')
export class ApiClientType {
  @Field(() => ID) subject!: string;
  @Field(() => ApiClientKindEnum) kind!: 'PERSON' | 'MACHINE';
  @Field(() => [String]) roles!: string[];
  @Field(() => [String]) books!: string[];
  @Field(() => String) createdBy!: string;
  @Field(() => DateTimeScalar) createdAt!: Date;
  @Field(() => DateTimeScalar, { nullable: true }) lastUsedAt!: Date | null;
  @Field(() => DateTimeScalar, { nullable: true }) revokedAt!: Date | null;
}

@ObjectType('ApiClientConnection')
@RequiresScopes('clients:manage')
export class ApiClientConnection extends connection(ApiClientType, 'ApiClient') {}

@ObjectType('ApiClientIdentity', { description: 'For the gateway: as whom a key speaks.' })
@RequiresScopes('clients:identify')
export class ApiClientIdentityType {
  @Field(() => String) subject!: string;
  @Field(() => ApiClientKindEnum) kind!: 'PERSON' | 'MACHINE';
  @Field(() => [String]) roles!: string[];
  @Field(() => [String]) books!: string[];
}

@InputType()
export class CreateApiClientInput {
  @Field(() => String) @Matches(/^[a-z][a-z0-9._-]{2,63}$/) subject!: string;
  @Field(() => ApiClientKindEnum) @IsIn(['PERSON', 'MACHINE']) kind!: 'PERSON' | 'MACHINE';
  @Field(() => [String]) @IsArray() @ArrayNotEmpty() roles!: string[];
  @Field(() => [String], { description: '["*"] for every book.' })
  @IsArray()
  @ArrayNotEmpty()
  @Matches(/^(\*|[A-Z0-9]{2,12})$/, { each: true })
  books!: string[];
  @Field(() => String) @IsNotEmpty() @MaxLength(128) idempotencyKey!: string;
}

@InputType()
export class RotateApiClientSecretInput {
  @Field(() => ID) @IsNotEmpty() @MaxLength(64) subject!: string;
  @Field(() => Int, { defaultValue: 24, description: 'How long the old secret lives on.' })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(720)
  overlapHours!: number;
  @Field(() => String) @IsNotEmpty() @MaxLength(128) idempotencyKey!: string;
}

@InputType()
export class RevokeApiClientInput {
  @Field(() => ID) @IsNotEmpty() @MaxLength(64) subject!: string;
  @Field(() => String) @IsNotEmpty() @MaxLength(280) reason!: string;
  @Field(() => String) @IsNotEmpty() @MaxLength(128) idempotencyKey!: string;
}

@ObjectType()
@RequiresScopes('clients:manage')
export class ApiClientPayload {
  @Field(() => ApiClientType, { nullable: true }) client!: ApiClientType | null;
  @Field(() => String, {
    nullable: true,
    description: 'The new key. It is shown this once and never stored; a replay has none.',
  })
  key!: string | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}

export const toIdentity = ({ subject, kind, roles, books }: ApiClientRow): ApiClientIdentityType => ({
  subject,
  kind,
  roles,
  books,
});
