import { type PlainDate } from '#libs/calendar/index.js';
import { type Problem, problem } from '#libs/kernel/index.js';

/** What operational cost is told by. */
export const costCentre = 'COST_CENTRE';

/** A value that a book allows for a dimension, from a date and until one. */
export interface DimensionValue {
  readonly dimension: string;
  readonly value: string;
  readonly name: string;
  readonly validFrom: PlainDate;
  /** The last date it is used on. */
  readonly validTo: PlainDate | null;
}

export interface DimensionOfPosting {
  readonly entryId: string;
  readonly n: number;
  readonly dimension: string;
  readonly value: string;
}

interface AskedValue {
  readonly dimension: string;
  readonly value: string;
  readonly path: readonly (string | number)[];
}

/** Every value that the book does not allow on the date. */
export function checkDimensions(
  asked: readonly AskedValue[],
  known: readonly DimensionValue[],
  date: PlainDate,
): Problem[] {
  const values = new Map(known.map((one) => [`${one.dimension}/${one.value}`, one]));
  return asked.flatMap(({ dimension, value, path }) => {
    const found = values.get(`${dimension}/${value}`);
    if (!found) return [problem('DIMENSION_VALUE_NOT_FOUND', `The book has no ${dimension} ${value}`, path)];
    if (date >= found.validFrom && (found.validTo === null || date <= found.validTo)) return [];
    return [problem('DIMENSION_VALUE_NOT_VALID', `${dimension} ${value} is not used on ${date}`, path)];
  });
}

export interface CodeTotal {
  readonly code: string;
  readonly asset: string;
  readonly units: bigint;
}
export interface CentreAmount extends CodeTotal {
  readonly value: string;
}
export interface CostOfCode extends CodeTotal {
  readonly centres: readonly { readonly value: string; readonly units: bigint }[];
  /** What the account has and no centre: with the centres it is the account, to the unit. */
  readonly undistributedUnits: bigint;
}

/** The cost of each code by its centres; what no posting says the centre of is shown, not hidden. */
export function costByCentre(totals: readonly CodeTotal[], amounts: readonly CentreAmount[]): CostOfCode[] {
  const keyOf = ({ code, asset }: { code: string; asset: string }) => `${code} ${asset}`;
  const ofCode = new Map<string, CentreAmount[]>();
  for (const one of amounts) ofCode.set(keyOf(one), [...(ofCode.get(keyOf(one)) ?? []), one]);
  const known = new Set(totals.map(keyOf));
  // A centre may have what another gave back, so that the account has nothing.
  const all = [
    ...totals,
    ...[...ofCode.values()].flatMap(([first]) =>
      first && !known.has(keyOf(first)) ? [{ code: first.code, asset: first.asset, units: 0n }] : [],
    ),
  ];
  return all
    .map((total): CostOfCode => {
      const centres = (ofCode.get(keyOf(total)) ?? []).map(({ value, units }) => ({ value, units }));
      const distributed = centres.reduce((sum, { units }) => sum + units, 0n);
      return { ...total, centres, undistributedUnits: total.units - distributed };
    })
    .sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
}
