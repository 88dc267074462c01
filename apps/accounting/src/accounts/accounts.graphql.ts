import { Directive, Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { IsDefined, IsIn, Length, MaxLength, MinLength } from 'class-validator';
import {
  connection,
  CurrencyCodeScalar,
  DateTimeScalar,
  DecimalScalar,
  ProblemType,
  RequiresScopes,
} from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { accountStates } from '../blocks/blocks.js';
import { BlockReasonEnum } from '../blocks/blocks.graphql.js';
import { accountKinds, wantedStates } from './accounts.js';

const enumOf = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, name]));
export const AccountKindEnum = enumOf(accountKinds);
export const AccountStateEnum = enumOf(accountStates);
export const SideEnum = enumOf(['DEBIT', 'CREDIT']);
registerEnumType(AccountKindEnum, { name: 'AccountKind' });
registerEnumType(AccountStateEnum, {
  name: 'AccountState',
  valuesMap: {
    BLOCKED: { description: 'Nothing goes out.' },
    BLOCKED_IN: { description: 'Nothing comes in.' },
    BLOCKED_BOTH: { description: 'Nothing goes out or comes in.' },
  },
});
registerEnumType(SideEnum, { name: 'PostingSide' });

@ObjectType('Balance', {
  description: 'What an account holds of one asset. Amounts are positive on the normal side of the account.',
})
@RequiresScopes('ledger:read')
export class BalanceType {
  @Field(() => String) book!: string;
  @Field(() => String, { description: 'The number of the account.' }) account!: string;
  @Field(() => String, { description: 'A currency or an ISIN.' }) asset!: string;
  @Field(() => DecimalScalar) balance!: string;
  @Field(() => DecimalScalar, { description: 'Balance less what is held; the limit is not in it.' }) available!: string;
  @Field(() => DecimalScalar) postedDebit!: string;
  @Field(() => DecimalScalar) postedCredit!: string;
  @Field(() => DecimalScalar) pendingDebit!: string;
  @Field(() => DecimalScalar) pendingCredit!: string;
  @Field(() => DecimalScalar, { description: 'How far it may be drawn below zero.' }) limit!: string;
  @Field(() => DecimalScalar, { description: 'How far confirmed facts have drawn it beyond the limit.' })
  forcedExcess!: string;
  @Field(() => String, { description: 'The sequence of its last posting.' }) lastSequence!: string;
}
@ObjectType('BalanceConnection')
export class BalanceConnection extends connection(BalanceType, 'Balance') {}

@ObjectType('AccountLimit')
export class AccountLimitType {
  @Field(() => CurrencyCodeScalar) currency!: string;
  @Field(() => DecimalScalar) overdraftLimit!: string;
  @Field(() => DecimalScalar, { nullable: true, description: 'The largest single payment; null without one.' })
  paymentLimit!: string | null;
  @Field(() => Int) version!: number;
  @Field(() => String, { nullable: true, description: 'Why it is what it is; null when it was set without a reason.' })
  reason!: string | null;
  @Field(() => String, { nullable: true, description: 'What says so: the approval of its change, or the import.' })
  reference!: string | null;
}

@ObjectType('Party')
@Directive('@key(fields: "id")')
@RequiresScopes('parties:read')
export class PartyReference {
  @Field(() => ID) id!: string;
}

@ObjectType('Account', { description: 'What stands under one number in a book, in whatever assets.' })
@Directive('@key(fields: "id")')
@RequiresScopes('ledger:read')
export class AccountType {
  @Field(() => ID, { description: 'Book and number, e.g. "NGEU/C000123-CASH".' }) id!: string;
  @Field(() => String) book!: string;
  @Field(() => String) number!: string;
  @Field(() => AccountKindEnum) kind!: string;
  @Field(() => String) statementClass!: string;
  @Field(() => SideEnum) normalSide!: string;
  @Field(() => String, {
    description: 'STRICT: its limit is enforced on every posting. ROLLUP: it has none, and many post to it at once.',
  })
  mode!: string;
  @Field(() => AccountStateEnum, { description: 'What its blocks say together, unless it is closed.' }) state!: string;
  @Field(() => String, { nullable: true }) currency!: string | null;
  @Field(() => String, { nullable: true }) iban!: string | null;
  @Field(() => String, { description: 'The code of the chart of accounts it stands under.' }) glCode!: string;
  @Field(() => DateTimeScalar) openedAt!: Date;
  /** For the fields that are looked up. */
  partyId!: string | null;
}
@ObjectType('AccountConnection')
export class AccountConnection extends connection(AccountType, 'Account') {}

@InputType('AccountFilter')
export class AccountFilterInput {
  @Field(() => String, { nullable: true }) book?: string | null;
  @Field(() => String, { nullable: true }) party?: string | null;
  @Field(() => AccountKindEnum, { nullable: true }) kind?: string | null;
  @Field(() => AccountStateEnum, { nullable: true }) state?: string | null;
  @Field(() => BlockReasonEnum, { nullable: true, description: 'Only where a block of this reason stands.' })
  blockReason?: string | null;
  @Field(() => String, { nullable: true }) numberPrefix?: string | null;
}
@InputType('BalanceFilter')
export class BalanceFilterInput {
  @Field(() => String, { nullable: true }) book?: string | null;
  @Field(() => String, { nullable: true }) account?: string | null;
  @Field(() => String, { nullable: true }) asset?: string | null;
}

@ObjectType('LimitChange', { description: 'A change of limits that waits for, or had, a second person.' })
@RequiresScopes('ledger:read')
export class LimitChangeType {
  @Field(() => ID) id!: string;
  @Field(() => ID) approvalId!: string;
  @Field(() => String) book!: string;
  @Field(() => String) account!: string;
  @Field(() => CurrencyCodeScalar) currency!: string;
  @Field(() => DecimalScalar) overdraftLimit!: string;
  @Field(() => DecimalScalar, { nullable: true, description: 'The largest single payment; null without one.' })
  paymentLimit!: string | null;
  @Field(() => String) reason!: string;
  @Field(() => String, { description: 'What the approval binds to.' }) payloadHash!: string;
  @Field(() => String, {
    description: 'PROPOSED, APPLIED, REJECTED, EXPIRED, WITHDRAWN, or STALE when another payload was approved.',
  })
  state!: string;
  @Field(() => String) requestedBy!: string;
  @Field(() => DateTimeScalar) requestedAt!: Date;
  @Field(() => DateTimeScalar) expiresAt!: Date;
  @Field(() => String, { nullable: true }) decidedBy!: string | null;
  @Field(() => String, { nullable: true }) decisionReason!: string | null;
}
@ObjectType('LimitChangePayload')
export class LimitChangePayload {
  @Field(() => LimitChangeType, { nullable: true }) change?: LimitChangeType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}

@InputType()
export class ProposeLimitChangeInput {
  @Field(() => String) @IsDefined() @Length(2, 12) book!: string;
  @Field(() => String) @IsDefined() @Length(1, 64) account!: string;
  @Field(() => CurrencyCodeScalar) @IsDefined() currency!: string;
  @Field(() => DecimalScalar) @IsDefined() overdraftLimit!: string;
  @Field(() => DecimalScalar, { nullable: true, description: 'Left out it stays; null takes it away.' }) paymentLimit?:
    string | null;
  @Field(() => String) @MinLength(3) @MaxLength(280) reason!: string;
  @Field(() => DateTimeScalar, { nullable: true, description: 'A day from now unless given.' }) expiresAt?: Date | null;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}
@InputType()
export class ChangeLimitProposalInput {
  @Field(() => String) @Length(3, 64) changeId!: string;
  @Field(() => String, {
    nullable: true,
    description: 'As in the proposal; another account or currency is another proposal.',
  })
  book?: string | null;
  @Field(() => String, { nullable: true }) account?: string | null;
  @Field(() => CurrencyCodeScalar, { nullable: true }) currency?: string | null;
  @Field(() => DecimalScalar) @IsDefined() overdraftLimit!: string;
  @Field(() => DecimalScalar, { nullable: true, description: 'Left out it stays; null takes it away.' }) paymentLimit?:
    string | null;
  @Field(() => String) @MinLength(3) @MaxLength(280) reason!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}
@InputType()
export class ChangeAccountStateInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => String) @Length(1, 64) account!: string;
  @Field(() => AccountStateEnum, { description: 'OPEN, BLOCKED or CLOSED.' }) @IsIn(wantedStates) state!: string;
  @Field(() => String) @MinLength(3) @MaxLength(280) reason!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}
@ObjectType('AccountPayload')
export class AccountPayload {
  @Field(() => AccountType, { nullable: true }) account?: AccountType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
