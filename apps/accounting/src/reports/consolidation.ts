import { type Statement, type StatementLine, type StatementSection } from './reports.js';

/** What one book owes another is no business of anybody outside: it is taken off both lines. */
export interface Elimination {
  readonly line: string;
  readonly amount: bigint;
}

/** Statements of several books as one, line by line. Lines that only one of them has stay. */
export function consolidate(statements: readonly Statement[], eliminations: readonly Elimination[] = []): Statement {
  const taken = new Map<string, bigint>();
  for (const { line, amount } of eliminations) taken.set(line, (taken.get(line) ?? 0n) + amount);
  const sections = new Map<string, Map<string, StatementLine>>();
  for (const { section, lines } of statements.flatMap((one) => one.sections)) {
    const known = sections.get(section) ?? new Map<string, StatementLine>();
    sections.set(section, known);
    for (const line of lines) known.set(line.code, together(known.get(line.code), line));
  }
  return {
    sections: [...sections].map(([section, known]): StatementSection => {
      const lines = [...known.values()].map((line) => ({
        ...line,
        amount: line.amount - (taken.get(line.code) ?? 0n),
      }));
      return { section, lines, total: lines.reduce((sum, { amount }) => sum + amount, 0n) };
    }),
  };
}

const together = (one: StatementLine | undefined, other: StatementLine): StatementLine =>
  one
    ? { ...one, amount: one.amount + other.amount, accounts: [...new Set([...one.accounts, ...other.accounts])].sort() }
    : other;
