import { accepted, type Decision, isRefused, problem, refused } from '#libs/kernel/index.js';
import { currencyExponent, isCurrency } from './currency.js';
import { Decimal, formatDecimal, parseDecimal } from './decimal.js';
import { roundToMinor } from './rounding.js';

/** An amount in whole minor units of its currency. The sign's meaning is stated where an amount is declared. */
export interface Money {
  readonly currency: string;
  readonly amountMinor: bigint;
}

/** `parseMoney('12.30', 'EUR')`; refuses an unknown currency and decimals that the currency does not have. */
export function parseMoney(text: string, currency: string): Decision<Money> {
  if (!isCurrency(currency)) return refused(problem('UNKNOWN_CURRENCY', `${currency} is no ISO 4217 currency`));
  const units = parseDecimal(text, currencyExponent(currency));
  return isRefused(units) ? units : accepted({ currency, amountMinor: units.value });
}

/** The amount as decimal text, without the currency: `12.30`. */
export const formatMoney = (money: Money): string => formatDecimal(money.amountMinor, currencyExponent(money.currency));

export const addMoney = (a: Money, b: Money): Money => ({
  ...a,
  amountMinor: a.amountMinor + sameCurrency(a, b).amountMinor,
});
export const subtractMoney = (a: Money, b: Money): Money => ({
  ...a,
  amountMinor: a.amountMinor - sameCurrency(a, b).amountMinor,
});
export const negate = (money: Money): Money => ({ ...money, amountMinor: -money.amountMinor });
export const sumMinor = (amounts: readonly bigint[]): bigint => amounts.reduce((sum, one) => sum + one, 0n);

function sameCurrency(a: Money, b: Money): Money {
  if (a.currency !== b.currency) throw new RangeError(`${a.currency} and ${b.currency} cannot be added`);
  return b;
}

/**
 * What a quantity costs at a price, rounded once, half to even, to the currency's minor unit.
 * `priceFactor` is 0.01 where the price is a percentage of the nominal (bonds).
 */
export function grossAmountMinor(trade: {
  quantityUnits: bigint;
  quantityScale: number;
  price: Decimal;
  priceFactor?: Decimal;
  currency: string;
}): bigint {
  const quantity = new Decimal(trade.quantityUnits.toString()).div(new Decimal(10).pow(trade.quantityScale));
  return roundToMinor(quantity.times(trade.price).times(trade.priceFactor ?? 1), currencyExponent(trade.currency));
}

/**
 * Splits a total by weights so that the parts sum to the whole: each gets its share rounded toward zero,
 * then the units left over go to the largest remainders, the earlier part first among equals.
 */
export function allocate(totalMinor: bigint, weights: readonly bigint[]): bigint[] {
  const weightSum = sumMinor(weights);
  if (weightSum <= 0n || weights.some((weight) => weight < 0n))
    throw new RangeError('Weights must be positive and not all zero');
  const sign = totalMinor < 0n ? -1n : 1n;
  const size = totalMinor * sign;
  const parts = weights.map((weight) => (size * weight) / weightSum);
  let left = size - sumMinor(parts);
  const byRemainder = weights
    .map((weight, index) => ({ index, remainder: (size * weight) % weightSum }))
    .sort((a, b) => (a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1));
  for (const { index } of byRemainder) {
    if (left === 0n) break;
    parts[index] = (parts[index] ?? 0n) + 1n;
    left -= 1n;
  }
  return parts.map((part) => part * sign);
}
