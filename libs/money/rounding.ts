import { Decimal as DecimalConstructor } from 'decimal.js';
import { Decimal } from './decimal.js';

export type RoundingMode = 'HALF_EVEN' | 'HALF_UP' | 'UP' | 'DOWN';

const modes: Record<RoundingMode, DecimalConstructor.Rounding> = {
  HALF_EVEN: DecimalConstructor.ROUND_HALF_EVEN,
  HALF_UP: DecimalConstructor.ROUND_HALF_UP,
  UP: DecimalConstructor.ROUND_UP,
  DOWN: DecimalConstructor.ROUND_DOWN,
};

/** Rounds once, to whole units at `scale` decimals. Half to even unless the product says otherwise. */
export function roundToMinor(value: Decimal, scale: number, mode: RoundingMode = 'HALF_EVEN'): bigint {
  // Made anew, so that our precision holds whichever constructor made the value.
  return BigInt(new Decimal(value).times(new Decimal(10).pow(scale)).toDecimalPlaces(0, modes[mode]).toFixed(0));
}
