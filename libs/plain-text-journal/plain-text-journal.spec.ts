import { spawnSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  accountTypeOf,
  describable,
  exactOf,
  isAccountName,
  type JournalItem,
  nameable,
  parseJournal,
  type Posting,
  resolveJournal,
  Sums,
  tagsIn,
  textOf,
  type Transaction,
  writeItem,
  writeJournal,
} from './index.js';

const parsed = (text: string) => parseJournal(text).items.map(({ item }) => item);
const faultsOf = (text: string) => {
  const { items, faults } = parseJournal(text);
  const all = faults.length > 0 ? faults : resolveJournal(items).faults;
  return all.map(({ code, line, column }) => `${line}:${column} ${code}`);
};
const amountIn = (written: string, before = '') => {
  const { items, faults } = parseJournal(`${before}\n2026-01-01 x\n  a  ${written}\n  b`);
  const [posting] = (items.at(-1)?.item as Transaction).postings;
  return faults[0]?.code ?? `${posting?.amount?.quantity} ${posting?.amount?.commodity}`;
};

describe('an amount', () => {
  it.each([
    ['EUR 1,000.00', '1000.00 EUR'],
    ['1.000,00 €', '1000.00 €'],
    ['-$5', '-5 $'],
    ['$-5', '-5 $'],
    ['$ -5.25', '-5.25 $'],
    ['- 5 EUR', '-5 EUR'],
    ['+5 EUR', '5 EUR'],
    ['1 234 567.8 EUR', '1234567.8 EUR'],
    ['1,00,000.00 INR', '100000.00 INR'],
    ['1,000,000 EUR', '1000000 EUR'],
    ['12,5 EUR', '12.5 EUR'],
    ['0.125 EUR', '0.125 EUR'],
    ['.5 EUR', '0.5 EUR'],
    ['1000. JPY', '1000 JPY'],
    ['007 EUR', '7 EUR'],
    ['-0.00 EUR', '0.00 EUR'],
    ['10 "DE0007164600"', '10 DE0007164600'],
    ['"DE0007164600" 10', '10 DE0007164600'],
    [`${'9'.repeat(40)}.${'9'.repeat(12)} EUR`, `${'9'.repeat(40)}.${'9'.repeat(12)} EUR`],
    ['1,000 EUR', 'AMBIGUOUS_NUMBER'],
    ['1.000 EUR', 'AMBIGUOUS_NUMBER'],
    ['1.000,00.0 EUR', 'INVALID_AMOUNT'],
    ['1.5.000,2,3 EUR', 'INVALID_AMOUNT'],
    ['1e3 EUR', 'INVALID_AMOUNT'],
    ['EUR', 'INVALID_AMOUNT'],
    ['-$-5', 'INVALID_AMOUNT'],
    ['5', 'COMMODITY_MISSING'],
    ['10 DE0007164600', 'UNEXPECTED_TEXT'],
    ['10 EUR {5 USD}', 'LOT_NOT_READ'],
    ['10 EUR (@) 5 USD', 'VIRTUAL_COST'],
    ['10 EUR @ -5 USD', 'INVALID_COST'],
  ])('"%s" is %s', (written, read) => {
    expect(amountIn(written)).toBe(read);
  });

  it.each([
    ['1,000 EUR', 'decimal-mark .', '1000 EUR'],
    ['1,000 EUR', 'decimal-mark ,', '1.000 EUR'],
    ['1.000 EUR', 'commodity 1.000,00 EUR', '1000 EUR'],
    ['1.000 EUR', 'commodity EUR\n  format 1,000.00 EUR', '1.000 EUR'],
    ['1.000 USD', 'commodity 1,000.00 EUR', 'AMBIGUOUS_NUMBER'],
  ])('"%s" after "%s" is %s', (written, before, read) => {
    expect(amountIn(written, before)).toBe(read);
  });
});

describe('a journal written by hand', () => {
  const text = `\ufeff; a file of mine
# and more
* and more
comment
anything 1 2 3
end comment
account Assets:Nostro  ; type: A
  ; main account
commodity 1,000.00 EUR
P 2026/01/01 USD 0.95 EUR
Y 2026
1/5=1.7 * (inv-7) Müller | two boxes  ; paid: yes, by: me
  ; second line
  Assets:Nostro \t  -1,190.00 EUR  = -1,190.00 EUR
  ! Expenses:Office supplies  1,000.00 EUR
    ; which: paper
  Liabilities:Tax
2026.1.6 buy
\tAssets:USD  10 USD @ 0.95 EUR
\tAssets:Nostro  -9.50 EUR
`;
  it('is read whole', () => {
    const { items, faults } = parseJournal(text);
    expect(faults).toEqual([]);
    expect(items.map(({ line, item }) => [line, item.kind])).toEqual([
      [1, 'COMMENT'],
      [2, 'COMMENT'],
      [3, 'COMMENT'],
      [5, 'COMMENT'],
      [7, 'ACCOUNT'],
      [9, 'COMMODITY'],
      [10, 'PRICE'],
      [12, 'TRANSACTION'],
      [18, 'TRANSACTION'],
    ]);
    const first = items[7]!.item as Transaction;
    expect(first).toMatchObject({
      date: '2026-01-05',
      secondaryDate: '2026-01-07',
      status: '*',
      code: 'inv-7',
      description: 'Müller | two boxes',
      comments: ['paid: yes, by: me', 'second line'],
    });
    expect(tagsIn(first.comments)).toEqual([
      { name: 'paid', value: 'yes' },
      { name: 'by', value: 'me' },
    ]);
    expect(items[7]!.postingLines).toEqual([14, 15, 17]);
    expect(first.postings[1]).toMatchObject({
      status: '!',
      account: 'Expenses:Office supplies',
      comments: ['which: paper'],
    });
  });

  it('is resolved: the amount that was left out, and cost', () => {
    const { transactions, faults } = resolveJournal(parseJournal(text).items);
    expect(faults).toEqual([]);
    expect(transactions[0]!.postings.map(({ account, amount, line }) => [line, account, amount.quantity])).toEqual([
      [14, 'Assets:Nostro', '-1190.00'],
      [15, 'Expenses:Office supplies', '1000.00'],
      [17, 'Liabilities:Tax', '190.00'],
    ]);
    expect(transactions[1]!.postings[0]!.cost).toEqual({ commodity: 'EUR', quantity: '9.50' });
  });

  it.each<[string, string[]]>([
    ['2026-01-01 x\n  a  1 EUR\n  b  -1 EUR\n', []],
    ['include other.journal', ['1:1 INCLUDE_REFUSED']],
    ['alias a = b', ['1:1 ALIAS_REFUSED']],
    ['apply account top\n', ['1:1 ALIAS_REFUSED']],
    ['D 1,000.00 EUR', ['1:1 DEFAULT_COMMODITY_REFUSED']],
    ['~ monthly\n  a  1 EUR\n  b\n', ['1:1 PERIODIC_REFUSED']],
    ['= expr:x\n  a  *2\n', ['1:1 AUTOMATED_REFUSED']],
    ['hello', ['1:1 UNKNOWN_DIRECTIVE']],
    ['constructor x', ['1:1 UNKNOWN_DIRECTIVE']],
    ['tag x', ['1:1 UNKNOWN_DIRECTIVE']],
    ['1/5 x\n  a  1 EUR\n  b\n', ['1:1 YEAR_MISSING']],
    ['2026-02-30 x\n  a  1 EUR\n  b\n', ['1:1 INVALID_DATE']],
    ['2026-1/5 x\n  a  1 EUR\n  b\n', ['1:1 INVALID_DATE']],
    ['2026-01-01x\n  a  1 EUR\n  b\n', ['1:11 INVALID_DATE']],
    ['2026-01-01 x\n  (a)  1 EUR\n  [b]  1 EUR\n', ['2:3 VIRTUAL_POSTING', '3:3 VIRTUAL_POSTING']],
    ['2026-01-01 x\n  a  1 EUR\n  b  -2 EUR\n', ['1:1 UNBALANCED']],
    ['2026-01-01 x\n  a  10 USD\n  b  -9 EUR\n', ['1:1 UNBALANCED']],
    ['2026-01-01 x\n  a\n  b\n', ['3:1 AMOUNTS_MISSING']],
    ['2026-01-01 x\n', ['1:1 NO_POSTINGS']],
    ['2026-01-01 x\n  a  1 EUR = 2 EUR\n  b\n', ['2:1 ASSERTION_FAILED']],
    ['2026-01-01 x\n  a  1 EUR == 1 EUR\n  a  1 USD == 1 USD\n  b\n', ['3:1 ASSERTION_FAILED']],
    ['2026-01-01 x\n  a:b  1 EUR\n  a  0 EUR =* 1 EUR\n  c\n', []],
    ['2026-01-01 x\n  a  == 1 EUR\n  c\n', ['2:1 ASSIGNMENT_NOT_READ']],
    ['2026-01-01 x\n  a  1 EUR = 1 EUR @ 2 USD\n  c\n', ['2:20 ASSERTED_COST']],
    ['2026-01-01 x\n  a  1 EUR  ; date: 2026-01-02\n  c\n', ['2:14 POSTING_DATE_NOT_READ']],
    ['2026-01-01 x\n  a  1 EUR  ; [2026-01-02]\n  c\n', ['2:14 POSTING_DATE_NOT_READ']],
    ['2026-01-01 x\n  a;b  1 EUR\n  c\n', ['2:3 INVALID_ACCOUNT']],
    ['2026-01-01 x\n  a 1 EUR\n  c:  2 EUR\n', ['3:3 INVALID_ACCOUNT']],
    ['  a  1 EUR\n', ['1:3 UNEXPECTED_INDENT']],
    ['comment\nabc', ['1:1 COMMENT_NOT_ENDED']],
    ['account a  ; type: Z', ['1:9 INVALID_ACCOUNT_TYPE']],
    ['account a\n  note x', ['2:3 UNKNOWN_DIRECTIVE']],
    ['commodity 1000 EUR', ['1:11 INVALID_FORMAT']],
    ['decimal-mark x', ['1:14 INVALID_FORMAT']],
    ['P 2026-01-01 USD', ['1:17 INVALID_AMOUNT']],
    ['P 2026-01-01 10:00:00 USD 1 EUR', ['1:14 INVALID_PRICE']],
    ['Y 26', ['1:3 INVALID_DATE']],
    ['2026-01-01 x\u0000\n  a  1 EUR\n', ['1:13 CONTROL_CHARACTER', '2:3 UNEXPECTED_INDENT']],
    [
      'x\n\n2026-13-01 y\n  a  z\n  (b)  1 EUR',
      ['1:1 UNKNOWN_DIRECTIVE', '3:1 INVALID_DATE', '4:6 INVALID_AMOUNT', '5:3 VIRTUAL_POSTING'],
    ],
  ])('%j has the faults %j', (given, faults) => {
    expect(faultsOf(given)).toEqual(faults);
  });

  it('has its assertions checked by date, and balances assigned from what was there', () => {
    const { transactions, faults } = resolveJournal(
      parseJournal(
        '2026-01-02 later\n  a  = 5.00 EUR\n  b\n\n2026-01-01 earlier\n  a  2 EUR = 2 EUR\n  b\n\n2026-01-03 last\n  a  0 EUR = 5 EUR\n  b  0 EUR = -5.0 EUR\n',
      ).items,
    );
    expect(faults).toEqual([]);
    expect(transactions.map(({ description }) => description)).toEqual(['earlier', 'later', 'last']);
    expect(transactions[1]!.postings.map(({ amount }) => amount.quantity)).toEqual(['3.00', '-3.00']);
  });

  it('never stops on anything that it is given', () => {
    const odd = fc.string({
      unit: fc.constantFrom(...'2026-01 \t\n;*#!()=@"{}[]:,.aEURP~Y$'.split('')),
      maxLength: 80,
    });
    fc.assert(
      fc.property(odd, (given) => {
        const { items, faults } = parseJournal(given);
        if (faults.length === 0) resolveJournal(items);
        for (const { line, column } of faults) {
          expect(line).toBeLessThanOrEqual(given.split(/\r\n|\n|\r/).length);
          expect(column).toBeGreaterThanOrEqual(1);
        }
      }),
      { seed: 3, numRuns: 3000 },
    );
  });
});

// What the writer may be given.
const word = fc.string({ unit: fc.constantFrom(...'abcÄé日Z09-/&_%'.split('')), minLength: 1, maxLength: 8 });
const name = fc
  .array(
    fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join(' ')),
    { minLength: 1, maxLength: 4 },
  )
  .map((parts) => parts.join(':'))
  .filter(isAccountName);
const text = fc.array(word, { maxLength: 5 }).map((words) => words.join(' '));
const marked = fc
  .tuple(fc.constantFrom('', '* ', '! ', '(', '()', '=', '~'), text)
  .map(([mark, words]) => `${mark}${words}`.trim());
const comments = fc.array(
  fc.tuple(fc.constantFrom('', 'who: ', '(', '; ', '* '), text).map(([mark, words]) => `${mark}${words}`.trim()),
  { maxLength: 3 },
);
const commodity = fc.constantFrom('EUR', 'USD', 'JPY', '€', 'DE0007164600', 'US 10Y', 'Ä', 'x-1', '5');
const quantity = fc
  .tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.integer({ min: 0, max: 8 }))
  .map(([units, places]) => textOf({ units, places }));
const amount = fc.record({ commodity, quantity });
const date = fc
  .date({ min: new Date('1990-01-01'), max: new Date('2099-12-31'), noInvalidDate: true })
  .map((at) => at.toISOString().slice(0, 10));
const posting: fc.Arbitrary<Posting> = fc
  .record({
    status: fc.constantFrom('' as const, '!' as const, '*' as const),
    account: name,
    amount: fc.option(amount),
    cost: fc.option(
      fc.record({
        per: fc.constantFrom('UNIT' as const, 'TOTAL' as const),
        amount: amount.map((one) => ({ ...one, quantity: one.quantity.replace('-', '') })),
      }),
    ),
    assertion: fc.option(fc.record({ amount, isSole: fc.boolean(), isInclusive: fc.boolean() })),
    comments,
  })
  .map((one) => (one.amount ? one : { ...one, cost: null }));
const item: fc.Arbitrary<JournalItem> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('TRANSACTION' as const),
      date,
      secondaryDate: fc.option(date),
      status: fc.constantFrom('' as const, '!' as const, '*' as const),
      code: fc.oneof(fc.constant(''), word),
      description: marked,
      comments,
      postings: fc.array(posting, { maxLength: 4 }),
    }),
  },
  fc.record({
    kind: fc.constant('ACCOUNT' as const),
    name,
    comments: fc.constantFrom([], ['type: A'], ['type: X', 'a note']),
  }),
  fc.record({ kind: fc.constant('COMMODITY' as const), commodity, places: fc.integer({ min: 0, max: 8 }) }),
  fc.record({ kind: fc.constant('PRICE' as const), date, commodity, price: amount }),
  fc.record({ kind: fc.constant('COMMENT' as const), text }),
);

describe('written and read', () => {
  it('gives back every item as it was', () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 6 }), (items) => {
        const written = writeJournal(items);
        const { items: read, faults } = parseJournal(written);
        expect(faults).toEqual([]);
        expect(read.map((one) => one.item)).toEqual(items);
        expect(writeJournal(read.map((one) => one.item))).toBe(written);
      }),
      { seed: 4, numRuns: 800 },
    );
  });

  it('refuses what the format cannot carry', () => {
    const transaction = (more: Partial<Transaction>): Transaction => ({
      kind: 'TRANSACTION',
      date: '2026-01-01',
      secondaryDate: null,
      status: '',
      code: '',
      description: '',
      comments: [],
      postings: [],
      ...more,
    });
    for (const more of [{ description: 'a;b' }, { description: 'a\nb' }, { code: 'a)' }, { comments: ['a\nb'] }])
      expect(() => writeItem(transaction(more))).toThrow(RangeError);
    for (const bad of ['a  b', 'a:', ':a', '(a)', 'a;b', '', '* a', 'a\tb', 'a::b', 'a: b'])
      expect(() => writeItem({ kind: 'ACCOUNT', name: bad, comments: [] })).toThrow(RangeError);
    expect(() =>
      writeItem({ kind: 'PRICE', date: '2026-01-01', commodity: 'EUR', price: { commodity: 'a"b', quantity: '1' } }),
    ).toThrow(RangeError);
    expect(() =>
      writeItem({ kind: 'PRICE', date: '2026-01-01', commodity: 'EUR', price: { commodity: 'EUR', quantity: '1e3' } }),
    ).toThrow(RangeError);
  });

  it('makes any text fit', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (any) => {
        const described = describable(any);
        expect(parsed(`2026-01-01 () ${described}\n`)).toMatchObject([{ description: described }]);
        const named = nameable(any);
        if (named !== '') expect(isAccountName(`assets:1010 ${named}`)).toBe(true);
      }),
      { seed: 5, numRuns: 300 },
    );
  });

  it('knows types by the directive, by the one above it, or by the first word', () => {
    const declared = new Map([
      ['off', 'A'],
      ['off:below', 'X'],
    ] as const);
    expect(
      ['off:x', 'off:below:y', 'assets:a', 'Liability', 'equity', 'revenues:x', 'expense:y', 'custody:z'].map((one) =>
        accountTypeOf(one, declared),
      ),
    ).toEqual(['A', 'X', 'A', 'L', 'E', 'R', 'X', undefined]);
  });
});

const hledger = (text: string, ...words: string[]) => {
  const ran = spawnSync('hledger', ['-f', '-', ...words], {
    input: text,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  return { status: ran.status, out: ran.stdout, said: ran.stderr };
};
const isThere = spawnSync('hledger', ['--version']).status === 0;
interface HledgerAmount {
  acommodity: string;
  aquantity: { decimalMantissa: number; decimalPlaces: number };
}
/** Account and commodity → quantity, by hledger. */
const balancesBy = (text: string) => {
  const { out, status, said } = hledger(text, 'bal', '--flat', '--no-elide', '-O', 'json');
  if (status !== 0) throw new Error(said);
  const [rows] = JSON.parse(out) as [[string, string, number, HledgerAmount[]][]];
  return new Map(
    rows.flatMap(([account, , , amounts]) =>
      amounts
        .filter(({ aquantity }) => aquantity.decimalMantissa !== 0)
        .map(({ acommodity, aquantity }) => [
          `${account} ${acommodity}`,
          normal(textOf({ units: BigInt(aquantity.decimalMantissa), places: aquantity.decimalPlaces })),
        ]),
    ),
  );
};
const normal = (quantity: string) => (quantity.includes('.') ? quantity.replace(/\.?0+$/, '') : quantity);
const ours = (text: string) => {
  const sums = new Map<string, Sums>();
  for (const { postings } of resolveJournal(parseJournal(text).items).transactions)
    for (const { account, amount } of postings) {
      const of = sums.get(account) ?? new Sums();
      sums.set(account, of);
      of.add(amount.commodity, exactOf(amount.quantity));
    }
  return new Map(
    [...sums].flatMap(([account, of]) =>
      of.notZero.map(({ commodity, quantity }) => [`${account} ${commodity}`, normal(quantity)] as const),
    ),
  );
};

/** Transactions that are zero in each commodity, in amounts that hledger's JSON can carry exactly. */
const balanced = fc
  .array(
    fc.record({
      date,
      description: marked,
      code: fc.oneof(fc.constant(''), word),
      comments,
      legs: fc.array(
        fc.record({
          account: name,
          commodity,
          units: fc.integer({ min: -1_000_000, max: 1_000_000 }),
          places: fc.integer({ min: 0, max: 4 }),
        }),
        { minLength: 1, maxLength: 4 },
      ),
      rest: name,
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((all): Transaction[] =>
    all.map(({ legs, rest, ...head }) => {
      const postings = legs.map(({ account, commodity: of, units, places }): Posting => ({
        status: '',
        account,
        amount: { commodity: of, quantity: textOf({ units: BigInt(units), places }) },
        cost: null,
        assertion: null,
        comments: [],
      }));
      return {
        ...head,
        kind: 'TRANSACTION',
        secondaryDate: null,
        status: '*',
        postings: [...postings, { status: '', account: rest, amount: null, cost: null, assertion: null, comments: [] }],
      };
    }),
  );

(isThere ? describe : describe.skip)('hledger', () => {
  it('reads what we write, and comes to the same balances', () => {
    fc.assert(
      fc.property(balanced, (transactions) => {
        const written = writeJournal(transactions);
        expect(hledger(written, 'check')).toMatchObject({ status: 0, said: '' });
        expect(balancesBy(written)).toEqual(ours(written));
      }),
      { seed: 6, numRuns: 12, endOnFailure: true },
    );
  });

  it.each([
    ['costs and an amount left out', '2026-01-05 x\n  a  10 USD @ 0.95 EUR\n  b  3 USD @@ 2.80 EUR\n  c\n'],
    ['an assignment', '2026-01-02 later\n  a  = 5.00 EUR\n  b\n\n2026-01-01 earlier\n  a  2 EUR = 2 EUR\n  b\n'],
    ['both sides of the decimal mark', 'commodity 1.000,00 EUR\n2026-01-01 x\n  a  1.234,50 EUR\n  b\n'],
    ['dates of all kinds', 'Y 2026\n1/5=1.7 * (c) x  ; note\n  a  1 EUR\n  b\n2026.01.6 ! y\n  ! a  2 EUR\n  b\n'],
    ['inclusive and sole assertions', '2026-01-01 x\n  a:b  1 EUR == 1 EUR\n  a  0 EUR =* 1 EUR\n  c\n'],
    ['a missing amount in several commodities', '2026-01-01 x\n  a  1 EUR\n  b  2 "US 10Y"\n  c\n'],
    [
      'quoted commodities and prices',
      'P 2026-01-01 "DE0007164600" 12.5 EUR\n2026-01-01 x\n  a  10 "DE0007164600"\n  b\n',
    ],
  ])('agrees with us on %s', (_what, journal) => {
    expect(faultsOf(journal)).toEqual([]);
    expect(balancesBy(journal)).toEqual(ours(journal));
  });

  it.each([
    '2026-01-01 x\n  a  1 EUR\n  b  -2 EUR\n',
    '2026-01-01 x\n  a  1 EUR = 2 EUR\n  b\n',
    '2026-02-30 x\n  a  1 EUR\n  b\n',
    '2026-01-01 x\n  a\n  b\n',
    '2026-01-01 x\n  a  1 EUR == 1 EUR\n  a  1 USD == 1 USD\n  b\n',
    'hello\n',
    '2026-01-01 x\n  a  10 DE0007164600\n  b\n',
  ])('refuses what we refuse: %j', (journal) => {
    expect(faultsOf(journal)).not.toEqual([]);
    expect(hledger(journal, 'bal').status).not.toBe(0);
  });

  it('takes the types of our directives for its balance sheet', () => {
    const journal = writeJournal([
      { kind: 'ACCOUNT', name: 'bank', comments: ['type: A'] },
      { kind: 'ACCOUNT', name: 'fees', comments: ['type: R'] },
      ...(parsed('2026-01-01 x\n  bank:nostro  5 EUR\n  fees:custody\n') as Transaction[]),
    ]);
    expect(hledger(journal, 'bs', '-O', 'csv').out).toContain('bank:nostro');
    expect(hledger(journal, 'is', '-O', 'csv').out).toContain('fees:custody');
  });
});
