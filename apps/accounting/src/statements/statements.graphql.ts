import { Field, ID, Int, ObjectType } from '@nestjs/graphql';
import { DateScalar, DecimalScalar, ProblemType, RequiresScopes } from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { SideEnum } from '../accounts/accounts.graphql.js';

@ObjectType('StatementEntry')
@RequiresScopes('ledger:read')
export class StatementEntryType {
  @Field(() => String) sequence!: string;
  @Field(() => ID) entryId!: string;
  @Field(() => String) kind!: string;
  @Field(() => String) description!: string;
  @Field(() => DateScalar) businessDate!: string;
  @Field(() => DateScalar) valueDate!: string;
  @Field(() => SideEnum) side!: 'DEBIT' | 'CREDIT';
  @Field(() => DecimalScalar) amount!: string;
  @Field(() => DecimalScalar) balanceAfter!: string;
}

@ObjectType('AccountStatement', {
  description:
    'Opening and entries giving closing, in an unbroken sequence; positive on the normal side of the account.',
})
@RequiresScopes('ledger:read')
export class AccountStatementType {
  @Field(() => String) book!: string;
  @Field(() => String) account!: string;
  @Field(() => String) asset!: string;
  @Field(() => DateScalar) from!: string;
  @Field(() => DateScalar) to!: string;
  @Field(() => DecimalScalar) opening!: string;
  @Field(() => DecimalScalar) closing!: string;
  @Field(() => DecimalScalar) debits!: string;
  @Field(() => DecimalScalar) credits!: string;
  @Field(() => [StatementEntryType]) entries!: StatementEntryType[];
}
@ObjectType('AccountStatementResult')
@RequiresScopes('ledger:read')
export class AccountStatementResult {
  @Field(() => AccountStatementType, { nullable: true }) statement?: AccountStatementType | null;
  @Field(() => [ProblemType], { description: 'Why it is not issued.' }) problems!: Problem[];
}

@ObjectType('TrialBalanceAsset')
@RequiresScopes('ledger:read')
export class TrialBalanceAssetType {
  @Field(() => String) asset!: string;
  @Field(() => DecimalScalar, { description: 'The sum of debit balances; equals the credits.' }) debit!: string;
  @Field(() => DecimalScalar) credit!: string;
  @Field(() => DecimalScalar, { description: 'All that was ever debited.' }) debitTotal!: string;
  @Field(() => DecimalScalar) creditTotal!: string;
  @Field(() => Int) accounts!: number;
}
@ObjectType('TrialBalanceLine')
@RequiresScopes('ledger:read')
export class TrialBalanceLineType {
  @Field(() => String) account!: string;
  @Field(() => String) kind!: string;
  @Field(() => String) asset!: string;
  @Field(() => DecimalScalar) debit!: string;
  @Field(() => DecimalScalar) credit!: string;
}
@ObjectType('TrialBalance')
@RequiresScopes('ledger:read')
export class TrialBalanceType {
  @Field(() => String) book!: string;
  @Field(() => DateScalar) businessDate!: string;
  @Field(() => [TrialBalanceAssetType]) assets!: TrialBalanceAssetType[];
  @Field(() => String, {
    nullable: true,
    description: 'The Merkle root over the entries of the day, once it is sealed.',
  })
  sealedRoot!: string | null;
  @Field(() => Int, { nullable: true }) sealedEntries!: number | null;
  rows!: TrialBalanceLineType[];
}
