import { accepted, type Decision, isRefused } from '#libs/kernel/index.js';
import { type Chart, financialStatements } from '../chart/chart.js';
import { type Statement, type StatementLine, type StatementSection } from './reports.js';
import { type Currency, translate } from './translation.js';

/** What one book is owed by another as the one has it, and as the other has it. */
export interface DueBetween {
  readonly creditor: string;
  readonly debtor: string;
  readonly asset: string;
  readonly scale: number;
  readonly dueFromUnits: bigint;
  readonly dueToUnits: bigint;
}

/** What is taken off a consolidated balance sheet between two books, and what they do not agree on, which stays. */
export interface Eliminated {
  readonly creditor: string;
  readonly debtor: string;
  readonly asset: string;
  readonly scale: number;
  readonly units: bigint;
  readonly unagreedUnits: bigint;
  /** In the currency of the report. */
  readonly amount: bigint;
}

/** As far as both sides say the same: of 10 due and 7 owed, 7 are eliminated and 3 stay to be seen. */
export function eliminate(dues: readonly DueBetween[], to: Currency): Decision<Eliminated[]> {
  const matched = dues.map(({ dueFromUnits, dueToUnits }) => agreedOf(dueFromUnits, dueToUnits));
  const amounts = translate(
    dues.map(({ asset }, n) => ({ asset, units: matched[n] ?? 0n })),
    to,
  );
  if (isRefused(amounts)) return amounts;
  return accepted(
    dues.map(({ creditor, debtor, asset, scale, dueFromUnits, dueToUnits }, n) => ({
      ...{ creditor, debtor, asset, scale, units: matched[n] ?? 0n, amount: amounts.value[n] ?? 0n },
      unagreedUnits: dueFromUnits - dueToUnits,
    })),
  );
}

function agreedOf(one: bigint, other: bigint): bigint {
  if (one > 0n && other > 0n) return one < other ? one : other;
  if (one < 0n && other < 0n) return one > other ? one : other;
  return 0n;
}

/** The line on which accounts of a kind stand. */
export const lineOfKind = (chart: Chart, kind: 'DUE_FROM_BOOK' | 'DUE_TO_BOOK'): string | undefined =>
  chart.accounts.find(({ kinds }) => kinds.includes(kind))?.lines[financialStatements];

/** What one book owes another is no business of anybody outside: it is taken off the lines of both. */
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
