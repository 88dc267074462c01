import { describe, expect, it } from '@jest/globals';
import { firstOf, transferDoesNotApply } from './correspondence.js';
import { readTable, type TransferRow, unitsOf } from './table.js';

const transfer = 'transfer T1 A1 A2 -0 _ _ _ _ 2 L1 C1 LNK PEN _ _ BDR _ _ CDR _ _ _ created // why';

describe('a table of cases', () => {
  it('is read step by step, with what is left out and what counts down', () => {
    const [accounts, transfers, tick, setup, lookUp, query, ...others] = readTable(
      [
        '# a comment',
        'account A1 0 0 0 0 U2 _ _ _ L3 C4 _ D<C _ _ _ _ _ _ created',
        'commit create_accounts',
        transfer,
        'commit create_transfers',
        'tick -2 seconds',
        'setup A1 1 0 0 -1',
        'lookup_account A1 1 0 0 10 _',
        'commit lookup_accounts',
        'get_account_transfers A1 _ _ _ _ _ _ 10 DR CR _',
        'get_account_transfers_result T1',
        'commit get_account_transfers',
      ].join('\n'),
    );
    expect(accounts).toMatchObject({
      kind: 'accounts',
      rows: [{ id: 'A1', ledger: 'L3', code: 'C4', status: 'created' }],
    });
    expect(transfers).toMatchObject({
      kind: 'transfers',
      rows: [{ amount: 2n ** 128n - 1n, timeout: 2, flags: new Set(['LNK', 'PEN', 'BDR', 'CDR']) }],
    });
    expect(tick).toEqual({ kind: 'tick', microseconds: -2_000_000n });
    expect(setup).toEqual({ kind: 'setup', account: 'A1', balances: [1n, 0n, 0n, unitsOf('-1')] });
    expect(lookUp).toMatchObject({ kind: 'lookup_account' });
    expect(query).toMatchObject({ of: 'get_account_transfers', results: [['T1']] });
    expect(others).toEqual([]);
  });

  it.each([
    ['a row of other columns', 'transfer T1 A1 A2 10 created'],
    ['an end within a batch', transfer],
  ])('is refused for %s', (_what, text) => {
    expect(() => readTable(text)).toThrow(/columns|within a batch/);
  });

  it('leaves out rows by rule, and a status that nobody has named is such a rule', () => {
    const row: TransferRow = {
      id: 'T1',
      debit: 'A1',
      credit: 'A2',
      amount: 5n,
      pendingId: '_',
      userData: [],
      timeout: 0,
      ledger: 'L1',
      code: 'C1',
      flags: new Set(),
      padding: '_',
      timestamp: '_',
      status: 'created',
    };
    const ruleOf = (more: Partial<TransferRow>, absent: string[] = []) =>
      transferDoesNotApply({ ...row, ...more }, 4n, (id) => absent.includes(id))?.rule;
    expect(ruleOf({})).toBeUndefined();
    expect(ruleOf({ status: 'exceeds_credits' })).toBeUndefined();
    expect(ruleOf({ amount: 0n })).toBe('a posting of nothing is none');
    expect(ruleOf({ pendingId: 'T0' }, ['T0'])).toBe('builds on a posting of nothing');
    expect(ruleOf({ status: 'exists', flags: new Set(['BDR']) })).toMatch(/ceiling/);
    expect(ruleOf({ status: 'overflows_debits' })).toMatch(/widths/);
    expect(ruleOf({ status: 'something_new' })).toBe('no correspondence of something_new');
  });

  it('expects of several faults the first that ours publishes', () => {
    expect(firstOf(['ASSET_NOT_FOUND', 'ACCOUNT_NOT_FOUND', 'MALFORMED_ITEM'])).toBe('MALFORMED_ITEM');
  });
});
