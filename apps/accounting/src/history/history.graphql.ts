import { Field, ObjectType } from '@nestjs/graphql';
import { connection, DateScalar, DateTimeScalar, DecimalScalar, RequiresScopes } from '#libs/graphql/index.js';
import { StatementEntryType } from '../statements/statements.graphql.js';

@ObjectType('BalanceAt', { description: 'What an account had at a value date, as it was known at a moment.' })
@RequiresScopes('ledger:read')
export class BalanceAtType {
  @Field(() => String) book!: string;
  @Field(() => String) account!: string;
  @Field(() => String) asset!: string;
  @Field(() => DateScalar, { nullable: true, description: 'Absent: of all value dates.' }) valueDate!: string | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Absent: as it is known now.' }) knownAt!: Date | null;
  @Field(() => DecimalScalar, { description: 'Positive on the normal side of the account.' }) balance!: string;
  @Field(() => DecimalScalar, { description: 'All that was debited until then.' }) debit!: string;
  @Field(() => DecimalScalar) credit!: string;
}

@ObjectType('StatementEntryConnection')
export class StatementEntryConnection extends connection(StatementEntryType, 'StatementEntry') {}
