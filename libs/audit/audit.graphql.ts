import { Directive, Field, ObjectType } from '@nestjs/graphql';
import { connection, DateTimeScalar, RequiresScopes } from '#libs/graphql/index.js';

@ObjectType('AuditEntry', { description: 'One state change: a leaf of the audit tree (RFC 6962), never changed.' })
@Directive('@shareable')
@RequiresScopes('audit:read')
export class AuditEntryType {
  @Field(() => String) sequence!: string;
  @Field(() => String, { description: 'SHA-256(0x00 ‖ canonical leaf), hex.' }) leafHash!: string;
  @Field(() => String) action!: string;
  @Field(() => String) objectKind!: string;
  @Field(() => String) objectId!: string;
  @Field(() => String, { description: '* for what belongs to the whole institution.' }) bookId!: string;
  @Field(() => String) principal!: string;
  @Field(() => String, { nullable: true }) reason!: string | null;
  @Field(() => String, { nullable: true, description: 'Salted hash of the state before.' }) beforeHash!: string | null;
  @Field(() => String, { nullable: true, description: 'Salted hash of the state after.' }) afterHash!: string | null;
  @Field(() => DateTimeScalar) at!: Date;
}

@ObjectType('AuditEntryConnection')
@Directive('@shareable')
@RequiresScopes('audit:read')
export class AuditEntryConnection extends connection(AuditEntryType, 'AuditEntry') {}
