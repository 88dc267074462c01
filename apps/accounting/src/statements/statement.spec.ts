import { describe, expect, it } from '@jest/globals';
import { proveStatement } from './statement.js';

const line = (sequence: bigint, units: bigint, balanceAfter: bigint) => ({ sequence, units, balanceAfter });

describe('a statement', () => {
  it('is opening and entries giving closing', () => {
    const proved = proveStatement({ sequence: 4n, balanceAfter: -100n }, [line(5n, 30n, -70n), line(6n, -50n, -120n)]);
    expect(proved).toEqual({ ok: true, value: { opening: -100n, closing: -120n, debits: 30n, credits: 50n } });
  });
  it('of an account that never moved is zero', () => {
    expect(proveStatement(undefined, [])).toEqual({
      ok: true,
      value: { opening: 0n, closing: 0n, debits: 0n, credits: 0n },
    });
  });
  it.each([
    ['a gap', [line(1n, 5n, 5n), line(3n, 5n, 10n)], 'STATEMENT_NOT_CONTIGUOUS'],
    ['a gap at the start', [line(2n, 5n, 5n)], 'STATEMENT_NOT_CONTIGUOUS'],
    ['a sum that is off by one', [line(1n, 5n, 6n)], 'STATEMENT_NOT_BALANCED'],
  ])('is refused for %s', (_, lines, code) => {
    expect(proveStatement(undefined, lines)).toMatchObject({ ok: false, problems: [{ code }] });
  });
});
