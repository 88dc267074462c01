import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Candidate, fold, type Folded } from './fold.js';
import { type LedgerAccount, type LedgerState } from './ledger-state.js';
import { type PostingItem, transferOf } from './posting.js';

const day = '2026-11-25';
const account = (number: string, more: Partial<LedgerAccount> = {}): LedgerAccount => ({
  id: number,
  book: 'NGEU',
  number,
  asset: 'EUR',
  normalSide: 'CREDIT',
  isStrict: true,
  limit: 0n,
  state: 'OPEN',
  postedDebit: 0n,
  postedCredit: 0n,
  pendingDebit: 0n,
  pendingCredit: 0n,
  lastSequence: 0,
  forcedExcess: 0n,
  ...more,
});
const ledger = (accounts: readonly LedgerAccount[], more: Partial<LedgerState> = {}): LedgerState => ({
  accounts,
  unopened: [],
  numbers: [],
  days: [{ book: 'NGEU', businessDate: day, state: 'OPEN' }],
  booksBeforeFirstDay: [],
  holds: [],
  entries: [],
  moment: '2026-11-25T09:00:00.000000Z',
  ...more,
});
const ana = (units: bigint, more: Partial<LedgerAccount> = {}) => account('ANA', { postedCredit: units, ...more });
const ben = (units: bigint, more: Partial<LedgerAccount> = {}) => account('BEN', { postedCredit: units, ...more });
const nostro = account('NOSTRO', { normalSide: 'DEBIT', isStrict: false });

const move = (key: string, debit: string, credit: string, units: bigint | number, more: object = {}): PostingItem => ({
  op: 'ENTRY',
  key,
  book: 'NGEU',
  kind: 'FEE',
  businessDate: day,
  valueDate: day,
  description: 'test',
  subject: { kind: 'TEST', id: key },
  postings: transferOf(debit, credit, 'EUR', String(units)),
  ...more,
});
const given = (...items: PostingItem[]): Candidate[] => items.map((item) => ({ item, id: `id-${item.key}`, call: 0 }));
const outcomes = ({ decisions }: Folded) => decisions.map(({ refusal }) => refusal?.code ?? 'DONE');
const available = ({ accounts }: Folded, number: string) =>
  accounts.find((one) => one.account.number === number)?.available;

describe('a batch', () => {
  it('is decided in order, each item on what the ones before it left', () => {
    const folded = fold(
      given(
        move('1', 'BEN', 'ANA', 400),
        move('2', 'BEN', 'ANA', 101),
        move('3', 'ANA', 'BEN', 50),
        move('4', 'BEN', 'ANA', 150),
      ),
      ledger([ana(0n), ben(500n)]),
    );
    expect(outcomes(folded)).toEqual(['DONE', 'INSUFFICIENT_FUNDS', 'DONE', 'DONE']);
    expect(folded.decisions[1]?.refusal).toMatchObject({ account: 'BEN', asset: 'EUR', available: 100n });
    expect([available(folded, 'ANA'), available(folded, 'BEN')]).toEqual([500n, 0n]);
  });

  it('books a group whole or not at all, in the place of its first item', () => {
    const folded = fold(
      given(
        move('g1', 'ANA', 'BEN', 60, { group: 'g' }),
        move('alone', 'ANA', 'BEN', 70),
        move('g2', 'ANA', 'BEN', 50, { group: 'g' }),
      ),
      ledger([ana(100n), ben(0n)]),
    );
    expect(outcomes(folded)).toEqual(['LINKED_ITEM_REFUSED', 'DONE', 'INSUFFICIENT_FUNDS']);
    expect(available(folded, 'ANA')).toBe(30n);
  });

  it('takes groups of the same name in two calls for two', () => {
    const one = given(move('1', 'ANA', 'BEN', 60, { group: 'g' }), move('2', 'ANA', 'BEN', 60, { group: 'g' }));
    const candidates = one.map((candidate, call) => ({ ...candidate, call }));
    expect(outcomes(fold(candidates, ledger([ana(100n), ben(0n)])))).toEqual(['DONE', 'INSUFFICIENT_FUNDS']);
  });
});

describe('an item that was refused before', () => {
  it('takes its group along, whatever stands in the group, and is not looked at', () => {
    const bad = {
      ...given(move('2', 'NOBODY', 'BEN', 1, { group: 'g' }))[0]!,
      refusal: { code: 'MALFORMED_ITEM' as const },
    };
    const [first, alone, last] = given(
      move('1', 'ANA', 'BEN', 10, { group: 'g' }),
      move('3', 'ANA', 'BEN', 100),
      move('4', 'ANA', 'BEN', 10, { group: 'g' }),
    );
    const folded = fold([first!, bad, alone!, last!], ledger([ana(100n), ben(0n)]));
    expect(outcomes(folded)).toEqual(['LINKED_ITEM_REFUSED', 'MALFORMED_ITEM', 'DONE', 'LINKED_ITEM_REFUSED']);
    expect(available(folded, 'BEN')).toBe(100n);
  });
});

describe('a reversal', () => {
  it('of a reversal is refused as such, even if that had been reversed', () => {
    const entry = { id: 'e', book: 'NGEU', isReversal: true, isReversed: true, postings: [] };
    const again = {
      ...move('r', '', '', 1),
      op: 'REVERSAL',
      reverses: 'e',
      postings: undefined,
    } as unknown as PostingItem;
    const code = (more: object) => outcomes(fold(given(again), ledger([], { entries: [{ ...entry, ...more }] })));
    expect([code({}), code({ isReversal: false })]).toEqual([['NOT_REVERSIBLE'], ['ALREADY_REVERSED']]);
  });
});

describe('cover', () => {
  it('goes as far as the limit, and not a unit further', () => {
    const state = ledger([ana(10n, { limit: 90n }), ben(0n)]);
    expect(outcomes(fold(given(move('1', 'ANA', 'BEN', 100)), state))).toEqual(['DONE']);
    expect(outcomes(fold(given(move('1', 'ANA', 'BEN', 101)), state))).toEqual(['INSUFFICIENT_FUNDS']);
  });

  it('of an account with a debit balance is asked on its other side', () => {
    const depot = account('DEPOT', { normalSide: 'DEBIT', postedDebit: 5n });
    expect(outcomes(fold(given(move('1', 'ANA', 'DEPOT', 5)), ledger([ana(9n), depot])))).toEqual(['DONE']);
    expect(outcomes(fold(given(move('1', 'ANA', 'DEPOT', 6)), ledger([ana(9n), depot])))).toEqual([
      'INSUFFICIENT_FUNDS',
    ]);
  });

  it('that lacks in cash and in securities is told of the cash', () => {
    const safe = (number: string) => account(number, { id: `${number}-X`, number, asset: 'DE0007164600' });
    const trade = move('1', '', '', 0, {
      postings: [...transferOf('ANA', 'BEN', 'DE0007164600', '1'), ...transferOf('BEN', 'ANA', 'EUR', '1')],
    });
    const folded = fold(given(trade), ledger([ana(0n), ben(0n), safe('ANA'), safe('BEN')]));
    expect(folded.decisions[0]?.refusal).toEqual({
      code: 'INSUFFICIENT_FUNDS',
      account: 'BEN',
      asset: 'EUR',
      available: 0n,
    });
  });

  it('is not asked for a fact: what it draws beyond the limit is told, and heals as money comes', () => {
    const fact = move('1', 'ANA', 'NOSTRO', 150, { forced: { reason: 'confirmed' } });
    const folded = fold(given(fact, move('2', 'NOSTRO', 'ANA', 30)), ledger([ana(100n, { limit: 20n }), nostro]));
    expect(outcomes(folded)).toEqual(['DONE', 'DONE']);
    expect(folded.decisions[0]?.excess).toEqual([{ account: 'ANA', asset: 'EUR', units: 30n }]);
    expect(folded.accounts[0]?.forcedExcess).toBe(0n);
    const drawn = fold(given(fact), ledger([ana(100n, { limit: 20n }), nostro]));
    expect(drawn.accounts[0]?.forcedExcess).toBe(50n);
  });
});

describe('a sweep', () => {
  const upTo = (side: 'DEBIT' | 'CREDIT' | 'BOTH', units: number) => move('s', 'ANA', 'BEN', units, { upTo: side });
  it.each<['DEBIT' | 'CREDIT' | 'BOTH', bigint, bigint, bigint]>([
    ['DEBIT', 70n, 0n, 70n],
    ['DEBIT', 500n, 0n, 100n],
    ['CREDIT', 500n, -40n, 40n],
    ['BOTH', 20n, -40n, 20n],
    ['DEBIT', 0n, 0n, 0n],
  ])('up to the %s side, where ANA has %d and BEN stands at %d, moves %d', (side, has, stands, moved) => {
    const folded = fold(
      given(upTo(side, 100)),
      ledger([ana(has), account('BEN', { isStrict: false, postedDebit: stands < 0n ? -stands : 0n })]),
    );
    expect(folded.decisions[0]).toMatchObject({ swept: moved });
    expect(folded.decisions[0]?.lines.map(({ units }) => units)).toEqual(moved === 0n ? [] : [moved, -moved]);
  });
});

describe('the limit of a single payment', () => {
  it.each([
    [100n, 40, 'DONE'],
    [100n, 41, 'LIMIT_EXCEEDED'],
    [40n, 500, 'DONE'],
    [41n, 500, 'LIMIT_EXCEEDED'],
  ])('of 40 where there are %d and a sweep may go up to %d: %s', (has, ceiling, outcome) => {
    const sweep = move('s', 'ANA', 'BEN', ceiling, { kind: 'TRANSFER', upTo: 'DEBIT' });
    expect(outcomes(fold(given(sweep), ledger([ana(has, { paymentLimit: 40n }), ben(0n)])))).toEqual([outcome]);
  });
});

describe('a hold', () => {
  const place = (key: string, units: number): PostingItem => ({
    op: 'HOLD',
    key,
    book: 'NGEU',
    hold: {
      debitAccount: 'ANA',
      creditAccount: 'NOSTRO',
      asset: 'EUR',
      units: String(units),
      expiresAt: '2026-11-25T12:00:00Z',
      reason: 'card',
    },
  });
  const capture = (key: string, holdId: string, units: number, final = false): PostingItem =>
    ({ ...move(key, '', '', 1), op: 'CAPTURE', hold: { holdId, units: String(units), final } }) as PostingItem;
  const release = (key: string, holdId: string): PostingItem => ({
    op: 'RELEASE',
    key,
    book: 'NGEU',
    hold: { holdId },
  });

  it('is placed, captured in parts and released in one batch', () => {
    const folded = fold(
      given(
        place('h', 80),
        move('more', 'ANA', 'NOSTRO', 30),
        capture('c1', 'id-h', 50),
        capture('c2', 'id-h', 31),
        release('r', 'id-h'),
        capture('c3', 'id-h', 1),
      ),
      ledger([ana(100n), nostro]),
    );
    expect(outcomes(folded)).toEqual(['DONE', 'INSUFFICIENT_FUNDS', 'DONE', 'HOLD_EXCEEDED', 'DONE', 'HOLD_CLOSED']);
    expect(available(folded, 'ANA')).toBe(50n);
    expect(folded.holdMovements.map(({ kind, units }) => [kind, units])).toEqual([
      ['CAPTURED', 50n],
      ['RELEASED', 30n],
    ]);
  });

  it('of its own group, refused before it, is not missed', () => {
    const folded = fold(
      given({ ...place('h', 80), group: 'g' }, move('x', 'ANA', 'NOSTRO', 30, { group: 'g' }), {
        ...capture('c', 'id-h', 1),
        group: 'g',
      }),
      ledger([ana(100n), nostro]),
    );
    expect(outcomes(folded)).toEqual(['LINKED_ITEM_REFUSED', 'INSUFFICIENT_FUNDS', 'LINKED_ITEM_REFUSED']);
  });

  it('of a group that is refused was never placed', () => {
    const folded = fold(
      given({ ...place('h', 80), group: 'g' }, move('x', 'ANA', 'NOSTRO', 30, { group: 'g' }), capture('c', 'id-h', 1)),
      ledger([ana(100n), nostro]),
    );
    expect(outcomes(folded)).toEqual(['LINKED_ITEM_REFUSED', 'INSUFFICIENT_FUNDS', 'HOLD_NOT_FOUND']);
    expect(available(folded, 'ANA')).toBe(100n);
  });
});

describe('an account that is blocked', () => {
  const out = (more: object = {}) => move('out', 'ANA', 'BEN', 1, more);
  const comesIn = (more: object = {}) => move('in', 'BEN', 'ANA', 1, more);
  it.each<[LedgerAccount['state'], string, string]>([
    ['OPEN', 'DONE', 'DONE'],
    ['BLOCKED', 'ACCOUNT_BLOCKED', 'DONE'],
    ['BLOCKED_IN', 'DONE', 'ACCOUNT_BLOCKED'],
    ['BLOCKED_BOTH', 'ACCOUNT_BLOCKED', 'ACCOUNT_BLOCKED'],
  ])('%s: what goes out is %s, what comes in is %s', (state, goesOut, isTaken) => {
    const standing = ledger([ana(10n, { state }), ben(10n)]);
    expect(outcomes(fold(given(out(), comesIn()), standing))).toEqual([goesOut, isTaken]);
    const fact = { forced: { reason: 'confirmed' } };
    expect(outcomes(fold(given(out(fact), comesIn(fact)), standing))).toEqual(['DONE', 'DONE']);
  });

  it('on the side where it has a debit balance gets less by a credit', () => {
    const vault = account('VAULT', { normalSide: 'DEBIT', postedDebit: 5n, state: 'BLOCKED_IN' });
    const state = ledger([ana(9n), vault]);
    expect(outcomes(fold(given(move('1', 'ANA', 'VAULT', 5), move('2', 'VAULT', 'ANA', 5)), state))).toEqual([
      'DONE',
      'ACCOUNT_BLOCKED',
    ]);
  });

  it('and closed is blocked still when the batch opens it again', () => {
    const reopen: PostingItem = { op: 'REOPEN', key: 'r', book: 'NGEU', close: { account: 'ANA' } };
    const numbers = [{ book: 'NGEU', number: 'ANA', state: 'CLOSED' as const, whenOpen: 'BLOCKED' as const }];
    const state = ledger([ana(10n, { state: 'CLOSED' }), ben(10n)], { numbers });
    expect(outcomes(fold(given(out(), reopen, out(), comesIn()), state))).toEqual([
      'ACCOUNT_CLOSED',
      'DONE',
      'ACCOUNT_BLOCKED',
      'DONE',
    ]);
  });
});

describe('a number that is closed', () => {
  const close: PostingItem = { op: 'CLOSE', key: 'c', book: 'NGEU', close: { account: 'ANA', empty: true } };
  const numbers = [{ book: 'NGEU', number: 'ANA', state: 'OPEN' as const, whenOpen: 'OPEN' as const }];

  it('must be empty, takes nothing afterwards, and may be opened again', () => {
    const folded = fold(
      given(
        close,
        move('out', 'ANA', 'BEN', 10),
        { ...close, key: 'c2' },
        { ...close, key: 'c3' },
        move('in', 'BEN', 'ANA', 1),
        { op: 'REOPEN', key: 'r', book: 'NGEU', close: { account: 'ANA' } },
        move('in2', 'BEN', 'ANA', 1),
      ),
      ledger([ana(10n), ben(0n)], { numbers }),
    );
    expect(outcomes(folded)).toEqual([
      'ACCOUNT_NOT_EMPTY',
      'DONE',
      'DONE',
      'ACCOUNT_CLOSED',
      'ACCOUNT_CLOSED',
      'DONE',
      'DONE',
    ]);
  });
});

describe('a preview', () => {
  const preview = (items: readonly PostingItem[], state: LedgerState) =>
    fold(given(...items), state, { previews: true }).previews?.map((touched) =>
      touched.map((one) => `${one.account.number} ${one.available}`).join(', '),
    );
  it('tells what each item leaves on the accounts it touches, and what stands when it is refused', () => {
    const items = [move('1', 'ANA', 'BEN', 60), move('2', 'ANA', 'BEN', 50), move('3', 'BEN', 'ANA', 5)];
    expect(preview(items, ledger([ana(100n), ben(0n), nostro]))).toEqual([
      'ANA 40, BEN 60',
      'ANA 40, BEN 60',
      'BEN 55, ANA 45',
    ]);
  });

  it('of a group tells what all of it leaves, or that nothing of it is done', () => {
    const group = (units: number) => [
      move('1', 'ANA', 'BEN', 60, { group: 'g' }),
      move('2', 'BEN', 'NOSTRO', units, { group: 'g' }),
    ];
    expect(preview(group(10), ledger([ana(100n), ben(0n), nostro]))).toEqual(['ANA 40, BEN 50', 'BEN 50, NOSTRO -10']);
    expect(preview(group(61), ledger([ana(100n), ben(0n), nostro]))).toEqual(['ANA 100, BEN 0', 'BEN 0, NOSTRO 0']);
  });

  it('is not made unless it is asked for', () => {
    expect(fold(given(move('1', 'ANA', 'BEN', 1)), ledger([ana(1n), ben(0n)])).previews).toBeUndefined();
  });
});

describe('whatever comes', () => {
  const names = ['ANA', 'BEN', 'NOSTRO'] as const;
  const transfer = fc.record({
    from: fc.constantFrom(...names),
    to: fc.constantFrom(...names),
    units: fc.integer({ min: 1, max: 300 }),
    forced: fc.boolean(),
    group: fc.option(fc.constantFrom('g', 'h'), { nil: undefined }),
  });
  it('nothing is made or lost, nobody falls below the limit but by a fact, and a group is one', () => {
    fc.assert(
      fc.property(fc.array(transfer, { maxLength: 20 }), fc.bigInt({ min: 0n, max: 400n }), (wanted, limit) => {
        const items = wanted
          .filter(({ from, to }) => from !== to)
          .map(({ from, to, units, forced, group }, n) =>
            move(String(n), from, to, units, {
              ...(forced ? { forced: { reason: 'fact' } } : {}),
              ...(group ? { group } : {}),
            }),
          );
        const folded = fold(given(...items), ledger([ana(200n, { limit }), ben(100n), nostro]));
        const sum = folded.accounts.reduce(
          (total, { postedDebit, postedCredit }) => total + postedDebit - postedCredit,
          0n,
        );
        expect(sum).toBe(-300n);
        for (const { account: of, available: left, forcedExcess } of folded.accounts) {
          if (of.isStrict) expect(left >= -of.limit || forcedExcess === -left).toBe(true);
        }
        for (const group of ['g', 'h']) {
          const ofGroup = folded.decisions.filter((_, n) => items[n]?.group === group);
          expect(new Set(ofGroup.map(({ refusal }) => refusal === undefined)).size).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});
