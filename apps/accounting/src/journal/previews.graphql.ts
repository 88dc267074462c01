import { Field, Int, ObjectType } from '@nestjs/graphql';
import { DecimalScalar, RequiresScopes } from '#libs/graphql/index.js';
import { SideEnum } from '../accounts/accounts.graphql.js';

@ObjectType('PreviewedPosting')
@RequiresScopes('ledger:read')
export class PreviewedPostingType {
  @Field(() => Int) n!: number;
  @Field(() => String) account!: string;
  @Field(() => String) asset!: string;
  @Field(() => SideEnum) side!: 'DEBIT' | 'CREDIT';
  @Field(() => DecimalScalar) amount!: string;
}
@ObjectType('PreviewedBalance', { description: 'Amounts are positive on the normal side of the account.' })
@RequiresScopes('ledger:read')
export class PreviewedBalanceType {
  @Field(() => String) account!: string;
  @Field(() => String) asset!: string;
  @Field(() => DecimalScalar) balance!: string;
  @Field(() => DecimalScalar, { description: 'Balance less what is held; the limit is not in it.' }) available!: string;
  @Field(() => DecimalScalar) pendingDebit!: string;
  @Field(() => DecimalScalar) pendingCredit!: string;
  @Field(() => DecimalScalar, { description: 'How far it may be drawn below zero.' }) limit!: string;
}
@ObjectType('PreviewedRefusal', {
  description: 'The rule of the ledger that would refuse, as `postingResultCodes` lists it.',
})
@RequiresScopes('ledger:read')
export class PreviewedRefusalType {
  @Field(() => String) code!: string;
  @Field(() => String, { nullable: true, description: 'The number of the account it is about.' }) account!:
    string | null;
  @Field(() => String, { nullable: true }) asset!: string | null;
  @Field(() => DecimalScalar, { nullable: true, description: 'What is there, when it is for want of it.' }) available!:
    string | null;
  @Field(() => String, { description: 'The place in the input, from the operation itself.' }) path!: string;
}
@ObjectType('PostingPreview', { description: 'What would be done, of which nothing is: not even the key is used.' })
@RequiresScopes('ledger:read')
export class PostingPreviewType {
  @Field(() => [PreviewedPostingType], { description: 'What would be booked; of a hold and of a refusal nothing is.' })
  postings!: PreviewedPostingType[];
  @Field(() => [PreviewedBalanceType], {
    description:
      'Of every account it touches: as it, or its group, would leave them; as they stand when it is refused.',
  })
  balances!: PreviewedBalanceType[];
  @Field(() => PreviewedRefusalType, { nullable: true }) refusal!: PreviewedRefusalType | null;
}
