import { Directive, Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { ArrayMaxSize, ArrayNotEmpty, IsIn, IsNotEmpty, IsOptional, MaxLength } from 'class-validator';
import {
  connection,
  CurrencyCodeScalar,
  DateScalar,
  DateTimeScalar,
  DecimalScalar,
  MoneyType,
  ProblemType,
  RequiresScopes,
} from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { formatDecimal } from '#libs/money/index.js';
import { assetClasses, markets, sides, tradeActions, tradeStates } from './trade.js';
import { type TradeRow } from './trades.repository.js';

const enumOf = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, name]));
export const TradeStateEnum = enumOf(tradeStates);
registerEnumType(TradeStateEnum, { name: 'TradeState' });
export const HoldStateEnum = enumOf(['NONE', 'SCREENING', 'HELD']);
registerEnumType(HoldStateEnum, { name: 'HoldState' });
export const SideEnum = enumOf(sides);
registerEnumType(SideEnum, { name: 'TradeSide' });

/** Known to compliance; here only by its id. */
@ObjectType('Party')
@Directive('@key(fields: "id", resolvable: false)')
@RequiresScopes('parties:read')
export class PartyReference {
  @Field(() => ID) id!: string;
}

@ObjectType()
export class TradeAllocationType {
  @Field(() => Int) allocation!: number;
  @Field(() => String) clientAccount!: string;
  @Field(() => DecimalScalar) quantity!: string;
  @Field(() => MoneyType) amount!: MoneyType;
}

@ObjectType()
export class TradeVersionType {
  @Field(() => Int) version!: number;
  @Field(() => String) action!: string;
  @Field(() => String, { description: 'The file it came in, an import, or "api".' }) origin!: string;
  @Field(() => DateTimeScalar) recordedAt!: Date;
  @Field(() => String) recordedBy!: string;
}

@ObjectType()
export class TradeStateChangeType {
  @Field(() => String) fromState!: string;
  @Field(() => String) toState!: string;
  @Field(() => Int) version!: number;
  @Field(() => String, { nullable: true }) reason!: string | null;
  @Field(() => DateTimeScalar) at!: Date;
}

@ObjectType('Trade', { description: 'A trade with a client, as its highest version says it.' })
@Directive('@key(fields: "id")')
@RequiresScopes('trades:read')
export class TradeType {
  @Field(() => ID) id!: string;
  @Field(() => String) book!: string;
  @Field(() => String) source!: string;
  @Field(() => String) executionId!: string;
  @Field(() => Int) version!: number;
  @Field(() => TradeStateEnum) state!: string;
  @Field(() => String, { nullable: true, description: 'Why it is in REPAIR.' }) repairReason!: string | null;
  @Field(() => HoldStateEnum) holdState!: string;
  @Field(() => Boolean) isConfirmed!: boolean;
  @Field(() => SideEnum, { description: 'As the client sees it.' }) side!: string;
  @Field(() => String, { description: 'DVP or FOP.' }) kind!: string;
  @Field(() => String) assetClass!: string;
  @Field(() => String) market!: string;
  @Field(() => String) isin!: string;
  @Field(() => DecimalScalar) quantity!: string;
  @Field(() => DecimalScalar, { nullable: true }) price!: string | null;
  @Field(() => MoneyType) amount!: MoneyType;
  @Field(() => DateTimeScalar, { nullable: true }) tradedAt!: Date | null;
  @Field(() => DateScalar) tradeDate!: string;
  @Field(() => DateScalar) settlementDate!: string;
  @Field(() => String) place!: string;
  @Field(() => String) clientAccount!: string;
  @Field(() => String, { nullable: true }) counterparty!: string | null;
  @Field(() => String, { nullable: true, description: 'Our own client on the other side of an internal trade.' })
  counterpartyAccount!: string | null;
  @Field(() => Boolean, { description: 'The counterparty was named in free text, which is kept sealed and screened.' })
  hasFreeTextCounterparty!: boolean;
  @Field(() => Boolean) isBlock!: boolean;
  @Field(() => Boolean, { description: 'It came in as a fail of an earlier date.' }) isCarriedFail!: boolean;
  @Field(() => DateScalar, { description: 'The business date it was taken in for.' }) businessDate!: string;
  @Field(() => DateTimeScalar) capturedAt!: Date;
  @Field(() => ID, { nullable: true }) fileId!: string | null;
  @Field(() => ID, { nullable: true }) importId!: string | null;
  counterpartyPartyId!: string | null;
  clientPartyId!: string | null;
  ssiId!: string | null;
}

export const toTradeType = (row: TradeRow): TradeType => ({
  id: row.tradeId,
  book: row.bookId,
  source: row.source,
  executionId: row.executionId,
  version: row.version,
  state: row.state,
  repairReason: row.repairReason,
  holdState: row.holdState,
  isConfirmed: row.isConfirmed,
  side: row.side,
  kind: row.kind,
  assetClass: row.assetClass,
  market: row.market,
  isin: row.isin,
  quantity: formatDecimal(BigInt(row.quantityUnits), row.quantityScale),
  price: row.price,
  amount: { amount: formatDecimal(BigInt(row.amountMinor), row.amountScale), currency: row.currency },
  tradedAt: row.tradedAt,
  tradeDate: row.tradeDate,
  settlementDate: row.settlementDate,
  place: row.placeId,
  clientAccount: row.clientAccount,
  counterparty: row.counterpartyId,
  counterpartyAccount: row.counterpartyAccount,
  hasFreeTextCounterparty: row.counterpartySealed !== null,
  isBlock: row.isBlock,
  isCarriedFail: row.carriedFail,
  businessDate: row.businessDate,
  capturedAt: row.capturedAt,
  fileId: row.fileId,
  importId: row.importId,
  counterpartyPartyId: row.counterpartyPartyId,
  clientPartyId: row.clientPartyId,
  ssiId: row.counterpartySsiId,
});

@ObjectType()
export class TradeConnection extends connection(TradeType, 'Trade') {}

@InputType()
export class TradeFilter {
  @Field(() => String, { nullable: true }) book?: string | null;
  @Field(() => TradeStateEnum, { nullable: true }) state?: string | null;
  @Field(() => HoldStateEnum, { nullable: true }) holdState?: string | null;
  @Field(() => DateScalar, { nullable: true }) businessDate?: string | null;
  @Field(() => DateScalar, { nullable: true }) settlementDate?: string | null;
  @Field(() => String, { nullable: true }) clientAccount?: string | null;
  @Field(() => String, { nullable: true }) isin?: string | null;
  @Field(() => String, { nullable: true }) executionId?: string | null;
  @Field(() => String, { nullable: true }) repairReason?: string | null;
  @Field(() => String, { nullable: true }) fileId?: string | null;
}

@InputType({ isAbstract: true })
abstract class TradeFieldsInput {
  @Field(() => String) @IsNotEmpty() @MaxLength(128) idempotencyKey!: string;
  @Field(() => String) source!: string;
  @Field(() => String) executionId!: string;
}

@InputType({ description: 'The fields are those of a line of a trade file; all faults come at once.' })
export class CaptureTradeInput extends TradeFieldsInput {
  @Field(() => Int, { defaultValue: 1 }) version!: number;
  @Field(() => String, { defaultValue: 'NEW', description: tradeActions.join(', ') })
  @IsIn(tradeActions)
  action!: string;
  @Field(() => DateTimeScalar, { nullable: true }) @IsOptional() tradeTime?: Date | null;
  @Field(() => DateScalar) tradeDate!: string;
  @Field(() => DateScalar, { nullable: true, description: 'Left out, it follows from the cycle of the market.' })
  settlementDate?: string | null;
  @Field(() => String, { description: sides.join(', ') }) side!: string;
  @Field(() => String, { description: assetClasses.join(', ') }) assetClass!: string;
  @Field(() => String, { description: markets.join(', ') }) market!: string;
  @Field(() => String) isin!: string;
  @Field(() => DecimalScalar) quantity!: string;
  @Field(() => DecimalScalar, { nullable: true }) price?: string | null;
  @Field(() => CurrencyCodeScalar) currency!: string;
  @Field(() => DecimalScalar, { nullable: true, description: 'The gross settlement amount.' }) amount?: string | null;
  @Field(() => String) clientAccount!: string;
  @Field(() => String, { nullable: true, description: 'A code, or our client’s account when the place is INTERNAL.' })
  counterparty?: string | null;
  @Field(() => String, { nullable: true }) counterpartyName?: string | null;
  @Field(() => String, { nullable: true }) place?: string | null;
  @Field(() => Boolean, { defaultValue: false }) block!: boolean;
  @Field(() => String, { nullable: true, description: 'DVP unless said otherwise.' })
  @IsOptional()
  @IsIn(['DVP', 'FOP'])
  kind?: string | null;
}

@InputType()
export class CaptureTradesInput {
  @Field(() => [CaptureTradeInput], { description: 'Up to 1,000, each with its own idempotency key.' })
  @ArrayNotEmpty()
  @ArrayMaxSize(1_000)
  items!: CaptureTradeInput[];
}

@InputType({
  description: 'A further version of a trade: a correction carries the whole trade, a cancellation only says which.',
})
export class AmendTradeInput extends TradeFieldsInput {
  @Field(() => Int) version!: number;
  @Field(() => String, { description: 'CORRECT or CANCEL' }) @IsIn(['CORRECT', 'CANCEL']) action!: string;
  @Field(() => CaptureTradeInput, {
    nullable: true,
    description: 'The corrected trade; its source, execution and version are those above.',
  })
  trade?: CaptureTradeInput | null;
}

@ObjectType()
export class TradePayload {
  @Field(() => TradeType, { nullable: true }) trade!: TradeType | null;
  @Field(() => String, { description: 'CAPTURED, AMENDMENT, DUPLICATE, CONFLICT or REJECTED' }) outcome!: string;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}

@ObjectType()
export class TradesPayload {
  @Field(() => [TradePayload], { description: 'One per item, in their order.' }) items!: TradePayload[];
  @Field(() => [ProblemType], { description: 'What was wrong with the call as a whole.' }) problems!: Problem[];
}
