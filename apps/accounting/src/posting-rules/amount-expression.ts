/** One fact of a sum, added or taken away. */
export interface Term {
  readonly fact: string;
  readonly sign: 1n | -1n;
}

const name = '[a-z][A-Za-z0-9]*(?:\\.[a-z][A-Za-z0-9]*)?';
const whole = new RegExp(`^ *${name}(?: *[+-] *${name})* *$`);
const part = new RegExp(`([+-])? *(${name})`, 'g');

/**
 * An amount as an accountant writes it: `amount`, `gross - fee`, `shares.amount + fee`. Facts, added and taken away, and
 * nothing else: so a rule can be proved to balance without trying it. Undefined when it reads otherwise.
 */
export function readAmount(text: string): readonly Term[] | undefined {
  const known = read.get(text);
  if (known) return known;
  if (!whole.test(text)) return undefined;
  const terms = [...text.matchAll(part)].map(([, sign, fact = '']): Term => ({ fact, sign: sign === '-' ? -1n : 1n }));
  if (read.size < readMax) read.set(text, terms);
  return terms;
}

/** The amounts of rules are few, and each is read for every event that is booked. */
const read = new Map<string, readonly Term[]>();
const readMax = 10_000;
