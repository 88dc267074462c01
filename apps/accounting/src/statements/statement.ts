import { accepted, type Decision, problem, refused } from '#libs/kernel/index.js';

export interface StatementLine {
  readonly sequence: bigint;
  readonly units: bigint;
  readonly balanceAfter: bigint;
}

export interface StatementTotals {
  readonly opening: bigint;
  readonly closing: bigint;
  readonly debits: bigint;
  readonly credits: bigint;
}

/**
 * Opening and entries give the closing balance, and the sequence has no gap: otherwise there is no statement.
 * `before` is the last posting ahead of the period. Debit positive.
 */
export function proveStatement(
  before: { sequence: bigint; balanceAfter: bigint } | undefined,
  lines: readonly StatementLine[],
): Decision<StatementTotals> {
  const opening = before?.balanceAfter ?? 0n;
  let sequence = before?.sequence ?? 0n;
  let balance = opening;
  let debits = 0n;
  let credits = 0n;
  for (const line of lines) {
    if (line.sequence !== sequence + 1n) {
      return refused(
        problem(
          'STATEMENT_NOT_CONTIGUOUS',
          `Posting ${line.sequence} follows ${sequence}: an entry is missing or of another date`,
        ),
      );
    }
    sequence = line.sequence;
    balance += line.units;
    if (line.units > 0n) debits += line.units;
    else credits -= line.units;
    if (line.balanceAfter !== balance) {
      return refused(
        problem(
          'STATEMENT_NOT_BALANCED',
          `After posting ${line.sequence} the balance is ${line.balanceAfter}, the entries give ${balance}`,
        ),
      );
    }
  }
  return accepted({ opening, closing: balance, debits, credits });
}
