import { daysBetween, type PlainDate } from '#libs/calendar/index.js';
import { canonicalJson, sha256Hex } from '#libs/kernel/index.js';

/** What is owed to suppliers stands here. */
export const suppliersCode = '2230';

export interface BillLine {
  readonly kind: 'NET' | 'TAX';
  readonly code: string;
  readonly costCentre: string | null;
  readonly units: string;
  readonly description: string;
}

export interface Bill {
  readonly book: string;
  readonly supplierId: string;
  readonly number: string;
  readonly billDate: PlainDate;
  readonly dueDate: PlainDate;
  readonly asset: string;
  readonly lines: readonly BillLine[];
}

export const totalOf = (lines: readonly { readonly units: string }[]): bigint =>
  lines.reduce((sum, { units }) => sum + BigInt(units), 0n);

/** What a second person approves: exactly this. */
export const hashOfBill = ({ book, supplierId, number, billDate, dueDate, asset, lines }: Bill): string =>
  sha256Hex(canonicalJson({ book, supplierId, number, billDate, dueDate, asset, lines }));

/** The limit is of the book's own currency: a bill in another always needs two people. */
export const needsSecondPerson = (
  bill: { readonly asset: string; readonly totalUnits: bigint },
  book: { readonly functionalCurrency: string; readonly limitUnits: bigint },
): boolean => bill.asset !== book.functionalCurrency || bill.totalUnits > book.limitUnits;

export const ages = ['NOT_DUE', 'UP_TO_30', 'UP_TO_60', 'UP_TO_90', 'OVER_90'] as const;
export type Age = (typeof ages)[number];

/** How long a bill has been overdue, in the usual steps; on its due date it is not. */
export function ageOf(dueDate: PlainDate, asOf: PlainDate): Age {
  const days = daysBetween(dueDate, asOf);
  if (days <= 0) return 'NOT_DUE';
  return days <= 30 ? 'UP_TO_30' : days <= 60 ? 'UP_TO_60' : days <= 90 ? 'UP_TO_90' : 'OVER_90';
}
