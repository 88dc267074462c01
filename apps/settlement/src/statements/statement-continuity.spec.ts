import { describe, expect, it } from '@jest/globals';
import { readStatementMessage, type Statement, writeStatement } from '#libs/iso20022/index.js';
import { continuityProblems } from './statement-continuity.js';

function statement(openingMinor: bigint, entries: bigint[], closingMinor: bigint): Statement {
  const read = readStatementMessage(
    writeStatement({
      messageId: 'm',
      createdAt: '2026-11-25T17:00:00Z',
      statementId: 's',
      sequence: '1',
      account: { other: 'NOSTRO-USD' },
      currency: 'USD',
      openingDate: '2026-11-24',
      openingMinor,
      closingDate: '2026-11-25',
      closingMinor,
      entries: entries.map((signedMinor, n) => ({
        reference: `e${n}`,
        signedMinor,
        bookingDate: '2026-11-25',
        valueDate: '2026-11-25',
      })),
    }),
  );
  const [first] = read.ok ? read.value.statements : [];
  if (!first) throw new Error('not read');
  return first;
}
const last = { account: 'NOSTRO-USD', currency: 'USD', closingMinor: 1_000n, closingDate: '2026-11-24', number: 4 };

describe('a statement of a nostro', () => {
  it.each([
    ['continues and adds up', statement(1_000n, [-300n, 50n], 750n), []],
    ['may turn negative', statement(1_000n, [-1_300n], -300n), []],
    ['does not continue', statement(1_001n, [-300n], 701n), ['STATEMENT_DOES_NOT_CONTINUE']],
    ['does not add up', statement(1_000n, [-300n], 701n), ['STATEMENT_DOES_NOT_ADD_UP']],
    ['neither', statement(999n, [-300n], 701n), ['STATEMENT_DOES_NOT_ADD_UP', 'STATEMENT_DOES_NOT_CONTINUE']],
  ])('%s', (_name, given, codes) => {
    expect(continuityProblems(given, last).map(({ code }) => code)).toEqual(codes);
  });
  it('of an earlier date than the last one', () => {
    expect(
      continuityProblems(statement(1_000n, [], 1_000n), { ...last, closingDate: '2026-12-01' }).map(({ code }) => code),
    ).toEqual(['STATEMENT_OUT_OF_ORDER']);
  });
  it('of another currency, or without balances', () => {
    expect(
      continuityProblems(statement(1_000n, [], 1_000n), { ...last, currency: 'EUR' }).map(({ code }) => code),
    ).toEqual(['OTHER_CURRENCY']);
    expect(
      continuityProblems({ ...statement(1_000n, [], 1_000n), balances: [] }, last).map(({ code }) => code),
    ).toEqual(['MISSING_BALANCE']);
  });
});
