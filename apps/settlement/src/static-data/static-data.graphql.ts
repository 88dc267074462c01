import { Field, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import {
  connection,
  CurrencyCodeScalar,
  DateScalar,
  DateTimeScalar,
  DecimalScalar,
  RequiresScopes,
} from '#libs/graphql/index.js';

@ObjectType({ isAbstract: true })
abstract class VersionedType {
  @Field(() => ID, { description: 'The version: a figure that used it names it.' }) versionId!: string;
  @Field(() => DateScalar) validFrom!: string;
  @Field(() => DateScalar, { nullable: true }) validTo!: string | null;
  @Field(() => DateTimeScalar, { description: 'Since when we know it.' }) recordedAt!: Date;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When a newer version took its place.' })
  supersededAt!: Date | null;
  @Field(() => String, { name: 'dataSource', description: 'Who said so.' }) source!: string;
}

@ObjectType('Instrument')
@RequiresScopes('static:read')
export class InstrumentType extends VersionedType {
  @Field(() => String) isin!: string;
  @Field(() => String) name!: string;
  @Field(() => String) assetClass!: string;
  @Field(() => String) market!: string;
  @Field(() => CurrencyCodeScalar) currency!: string;
  @Field(() => Int) quantityScale!: number;
  @Field(() => DecimalScalar) priceFactor!: string;
  @Field(() => String, { nullable: true }) cfi!: string | null;
  @Field(() => String, { name: 'place' }) placeId!: string;
  @Field(() => String) status!: string;
  @Field(() => String, { nullable: true }) tradingCalendar!: string | null;
  @Field(() => Int) settlementCycleDays!: number;
}

@ObjectType('Counterparty')
@RequiresScopes('static:read')
export class CounterpartyType extends VersionedType {
  @Field(() => ID, { name: 'id' }) counterpartyId!: string;
  @Field(() => ID) partyId!: string;
  @Field(() => String) name!: string;
  @Field(() => String) bic!: string;
  @Field(() => String, { description: 'STREET or CCP' }) kind!: string;
}

@ObjectType('PlaceCutOffs', { description: 'Until when a place takes instructions on a day: no later than its close.' })
@RequiresScopes('static:read')
export class PlaceCutOffsType {
  @Field(() => ID, { name: 'place' }) placeId!: string;
  @Field(() => DateTimeScalar, { nullable: true, description: 'None: it is closed.' }) dvpAt!: Date | null;
  @Field(() => DateTimeScalar, { nullable: true }) fopAt!: Date | null;
}

@ObjectType('Place', { description: 'Where trades settle. Its cut-offs are wall time in its zone.' })
@RequiresScopes('static:read')
export class PlaceType extends VersionedType {
  @Field(() => ID, { name: 'id' }) placeId!: string;
  @Field(() => String, { description: 'EXTERNAL or INTERNAL' }) kind!: string;
  @Field(() => String, { nullable: true }) bic!: string | null;
  @Field(() => String) name!: string;
  @Field(() => String) zone!: string;
  @Field(() => String, { name: 'calendar' }) calendarId!: string;
  @Field(() => String) dvpCutOff!: string;
  @Field(() => String) fopCutOff!: string;
  @Field(() => String, { nullable: true }) depotAccount!: string | null;
  @Field(() => String, { nullable: true }) cashAccount!: string | null;
  @Field(() => String, { name: 'book' }) bookId!: string;
}

@ObjectType('Ssi', { description: 'Where a counterparty wants to settle, for a market and place.' })
@RequiresScopes('static:read')
export class SsiType extends VersionedType {
  @Field(() => ID, { name: 'id' }) ssiId!: string;
  @Field(() => String, { name: 'counterparty' }) counterpartyId!: string;
  @Field(() => String) market!: string;
  @Field(() => String, { name: 'place' }) placeId!: string;
  @Field(() => String) agentBic!: string;
  @Field(() => String) safekeepingAccount!: string;
  @Field(() => String, { nullable: true }) cashAccount!: string | null;
}

@ObjectType('Price')
@RequiresScopes('static:read')
export class PriceType {
  @Field(() => ID) versionId!: string;
  @Field(() => String) isin!: string;
  @Field(() => DateScalar) priceDate!: string;
  @Field(() => DecimalScalar) price!: string;
  @Field(() => CurrencyCodeScalar) currency!: string;
  @Field(() => String, { name: 'dataSource', description: 'OVERRIDE when two people decided it.' }) source!: string;
  @Field(() => DateTimeScalar) recordedAt!: Date;
  @Field(() => DateTimeScalar, { nullable: true }) supersededAt!: Date | null;
}

@ObjectType('LastGoodPrice', {
  description: 'The last good price up to a date. Without any there is none: never zero.',
})
@RequiresScopes('static:read')
export class LastGoodPriceType extends PriceType {
  @Field(() => Boolean, { description: 'Older than the staleness rule allows.' }) isStale!: boolean;
}

@ObjectType('EarlyClose')
@RequiresScopes('static:read')
export class EarlyCloseType {
  @Field(() => DateScalar) day!: string;
  @Field(() => String, { description: 'Wall time in the zone of the calendar.' }) localTime!: string;
}

@ObjectType('Calendar', { description: 'One version of a calendar: settlement dates and cut-offs are counted on it.' })
@RequiresScopes('static:read')
export class CalendarType {
  @Field(() => ID) id!: string;
  @Field(() => Int) version!: number;
  @Field(() => String, { description: 'The version of the rules it was made from.' }) builtInVersion!: string;
  @Field(() => String, { nullable: true }) zone!: string | null;
  @Field(() => DateTimeScalar) recordedAt!: Date;
  @Field(() => ID, { nullable: true, description: 'The change that closed a day of it.' }) originId!: string | null;
  @Field(() => [DateScalar], { description: 'Closed weekdays of the period.' }) closedDays!: readonly string[];
  @Field(() => [EarlyCloseType]) earlyCloses!: readonly EarlyCloseType[];
}

@ObjectType()
export class InstrumentConnection extends connection(InstrumentType, 'Instrument') {}
@ObjectType()
export class CounterpartyConnection extends connection(CounterpartyType, 'Counterparty') {}
@ObjectType()
export class SsiConnection extends connection(SsiType, 'Ssi') {}

@InputType()
export class InstrumentFilter {
  @Field(() => String, { nullable: true }) market?: string | null;
  @Field(() => String, { nullable: true }) assetClass?: string | null;
  @Field(() => String, { nullable: true }) status?: string | null;
  @Field(() => String, { nullable: true }) currency?: string | null;
}

@InputType()
export class SsiFilter {
  @Field(() => String, { nullable: true }) counterparty?: string | null;
  @Field(() => String, { nullable: true }) market?: string | null;
  @Field(() => String, { nullable: true }) place?: string | null;
}
