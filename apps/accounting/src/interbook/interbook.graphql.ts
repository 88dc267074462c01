import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { Type } from 'class-transformer';
import { IsDefined, Length, MaxLength, MinLength, ValidateNested } from 'class-validator';
import { DateScalar, DateTimeScalar, DecimalScalar, ProblemType, RequiresScopes } from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';

export const PairStateEnum = { IN_TRANSIT: 'IN_TRANSIT', BOOKED: 'BOOKED', REVERSED: 'REVERSED' } as const;
registerEnumType(PairStateEnum, {
  name: 'InterbookPairState',
  valuesMap: {
    IN_TRANSIT: { description: 'One side is booked; the other waits until its book is on the date.' },
    BOOKED: { description: 'Both sides are booked.' },
    REVERSED: { description: 'Every side that was booked is taken back.' },
  },
});
export const AgreementEnum = { AGREED: 'AGREED', IN_TRANSIT: 'IN_TRANSIT', DIFFERENT: 'DIFFERENT' } as const;
registerEnumType(AgreementEnum, {
  name: 'InterbookAgreement',
  valuesMap: {
    AGREED: { description: 'What is due from one book is what is due to the other.' },
    IN_TRANSIT: { description: 'They differ by pairs of which one side waits for its date.' },
    DIFFERENT: { description: 'They differ, and pairs in transit do not explain it.' },
  },
});

@ObjectType('InterbookPair', { description: 'An entry between two books: the entry of each, equal and opposite.' })
@RequiresScopes('ledger:read')
export class InterbookPairType {
  @Field(() => ID) id!: string;
  @Field(() => String, { description: 'The book that is owed.' }) creditor!: string;
  @Field(() => String, { description: 'The book that owes.' }) debtor!: string;
  @Field(() => String) asset!: string;
  @Field(() => DecimalScalar) amount!: string;
  @Field(() => String, { description: 'What is credited against the due-from account.' }) creditorAccount!: string;
  @Field(() => String, { description: 'What is debited against the due-to account.' }) debtorAccount!: string;
  @Field(() => DateScalar, { description: 'Neither side is booked on an earlier date.' }) fromDate!: string;
  @Field(() => DateScalar) valueDate!: string;
  @Field(() => String) description!: string;
  @Field(() => PairStateEnum) state!: string;
  @Field(() => String) requestedBy!: string;
  @Field(() => DateTimeScalar) requestedAt!: Date;
  @Field(() => ID, { nullable: true }) creditorEntryId!: string | null;
  @Field(() => ID, { nullable: true }) debtorEntryId!: string | null;
  @Field(() => ID, { nullable: true }) creditorReversalId!: string | null;
  @Field(() => ID, { nullable: true }) debtorReversalId!: string | null;
  @Field(() => Int, { description: 'How often the waiting side was tried.' }) attempts!: number;
  @Field(() => String, { nullable: true, description: 'Why the waiting side was refused.' }) refusalCode!:
    string | null;
  @Field(() => String, { nullable: true }) reversedBy!: string | null;
  @Field(() => String, { nullable: true }) reversalReason!: string | null;
}

@ObjectType('InterbookPosition', { description: 'What stands on both sides of two books in an asset.' })
@RequiresScopes('ledger:read')
export class InterbookPositionType {
  @Field(() => String) creditor!: string;
  @Field(() => String) debtor!: string;
  @Field(() => String) asset!: string;
  @Field(() => DecimalScalar, { description: 'On the due-from account of the creditor.' }) dueFrom!: string;
  @Field(() => DecimalScalar, { description: 'On the due-to account of the debtor.' }) dueTo!: string;
  @Field(() => DecimalScalar) difference!: string;
  @Field(() => DecimalScalar, { description: 'What pairs in transit explain of the difference.' }) inTransit!: string;
  @Field(() => AgreementEnum) state!: string;
}

@InputType()
export class InterbookSideInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => String, { description: 'The account, or the code, that stands against the due account.' })
  @Length(1, 64)
  account!: string;
}

@InputType()
export class PostInterbookEntryInput {
  @Field(() => InterbookSideInput, { description: 'The book that is owed: its account is credited.' })
  @IsDefined()
  @ValidateNested()
  @Type(() => InterbookSideInput)
  dueFrom!: InterbookSideInput;
  @Field(() => InterbookSideInput, { description: 'The book that owes: its account is debited.' })
  @IsDefined()
  @ValidateNested()
  @Type(() => InterbookSideInput)
  dueTo!: InterbookSideInput;
  @Field(() => String) @Length(1, 12) asset!: string;
  @Field(() => DecimalScalar) amount!: string;
  @Field(() => DateScalar, { nullable: true, description: 'The date of the pair unless given.' }) valueDate?:
    string | null;
  @Field(() => String) @MinLength(1) @MaxLength(140) description!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@InputType()
export class ReverseInterbookPairInput {
  @Field(() => ID) @Length(1, 64) pairId!: string;
  @Field(() => String) @MinLength(3) @MaxLength(140) reason!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@InputType()
export class BookInterbookSideInput {
  @Field(() => ID) @Length(1, 64) pairId!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@ObjectType('InterbookPairPayload')
export class InterbookPairPayload {
  @Field(() => InterbookPairType, { nullable: true }) pair?: InterbookPairType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
