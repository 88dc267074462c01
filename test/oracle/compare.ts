import { type Expected } from './oracle.js';

/** A figure as the product states it. */
export interface StatedFigure {
  row: string;
  part: string;
  currency: string | null;
  count: number;
  value: string | null;
  references: string[];
}

/** Rows whose references only the product can know (ids it made itself): there the counts are compared. */
const countedOnly = new Set(['files', 'approvals', 'entries', 'postings']);

/** Every difference between what a day came to and what it must come to, in words; empty when there is none. */
export function differences(expected: readonly Expected[], stated: readonly StatedFigure[]): string[] {
  const keys = new Set([...expected, ...stated].map(({ row, part }) => `${row}/${part}`));
  return [...keys].sort().flatMap((key) => {
    const want = expected.find(({ row, part }) => `${row}/${part}` === key);
    const have = stated.filter(({ row, part }) => `${row}/${part}` === key);
    const found: string[] = [];
    const count = have.reduce((sum, one) => sum + one.count, 0);
    if (count !== (want?.count ?? 0)) found.push(`${key}: ${count} instead of ${want?.count ?? 0}`);
    if (!countedOnly.has(want?.row ?? key.split('/')[0] ?? '')) {
      const [wanted, got] = [tally(want?.references ?? []), tally(have.flatMap((one) => one.references))];
      const missing = [...wanted]
        .filter(([reference, times]) => (got.get(reference) ?? 0) < times)
        .map(([reference]) => reference);
      const extra = [...got]
        .filter(([reference, times]) => (wanted.get(reference) ?? 0) < times)
        .map(([reference]) => reference);
      if (missing.length > 0) found.push(`${key}: missing ${some(missing)}`);
      if (extra.length > 0) found.push(`${key}: too many ${some(extra)}`);
    }
    for (const [currency, value] of Object.entries(want?.values ?? {})) {
      const total = have
        .filter((one) => one.currency === currency && one.value !== null)
        .map((one) => one.value ?? '0');
      if (plain(sum(total)) !== plain(value)) found.push(`${key}: ${currency} ${sum(total)} instead of ${value}`);
    }
    return found;
  });
}

function tally(references: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const reference of references) counts.set(reference, (counts.get(reference) ?? 0) + 1);
  return counts;
}

const some = (references: readonly string[]) =>
  `${references.slice(0, 5).join(', ')}${references.length > 5 ? ` and ${references.length - 5} more` : ''}`;

/** Sums decimal texts exactly, at four decimals more than any amount here has. */
function sum(texts: readonly string[]): string {
  const scale = 6;
  const units = texts.reduce((total, text) => {
    const [whole = '0', fraction = ''] = text.split('.');
    return total + BigInt(whole + fraction.padEnd(scale, '0'));
  }, 0n);
  const digits = units.toString().padStart(scale + 1, '0');
  return `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

const plain = (text: string): string => (text.includes('.') ? text.replace(/0+$/, '').replace(/\.$/, '') : text);
