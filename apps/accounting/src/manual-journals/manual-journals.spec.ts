import { describe, expect, it } from '@jest/globals';
import { Rational } from '#libs/money/index.js';
import { readJournalFile } from './journal-file.js';
import { amountOf, type JournalLine, needsSecondPerson, readJournal } from './manual-journals.js';

const known = {
  accounts: new Map([
    ['5300', { takesJournals: true }],
    ['1500', { takesJournals: true }],
    ['A-CASH', { takesJournals: false }],
  ]),
  assets: new Map([
    ['EUR', { scale: 2 }],
    ['JPY', { scale: 0 }],
  ]),
};
/** `D 5300 10.00 EUR` */
const line = (text: string, dimensions: JournalLine['dimensions'] = []): JournalLine => {
  const [side, account = '', amount = '', asset = ''] = text.split(' ');
  return { side: side === 'D' ? 'DEBIT' : 'CREDIT', account, amount, asset, dimensions };
};
const faults = (lines: JournalLine[]) => {
  const read = readJournal(
    {
      book: 'NGEU',
      description: 'x',
      lines,
      valueDate: null,
      accountingDate: null,
      isYearEnd: false,
      reason: 'why',
      evidence: 'e',
    },
    known,
  );
  return read.ok ? [] : read.problems.map(({ code, path }) => `${code} ${path.join('.')}`);
};

describe('a journal by hand', () => {
  it.each<[string, JournalLine[], string[]]>([
    ['two lines that agree', [line('D 5300 10.00 EUR'), line('C 1500 10 EUR')], []],
    [
      'a cost centre that the book has',
      [line('D 5300 1 EUR', [{ dimension: 'COST_CENTRE', value: 'IT' }]), line('C 1500 1 EUR')],
      [],
    ],
    ['sides that differ', [line('D 5300 10 EUR'), line('C 1500 9.99 EUR')], ['NOT_BALANCED lines']],
    [
      'currencies that make up for each other',
      [line('D 5300 10 EUR'), line('C 1500 10 JPY')],
      ['NOT_BALANCED lines', 'NOT_BALANCED lines'],
    ],
    ['the account of a client', [line('D 5300 1 EUR'), line('C A-CASH 1 EUR')], ['CONTROL_ACCOUNT lines.1.account']],
    [
      'all at once',
      [
        line('D 9 1.005 EUR', [
          { dimension: 'COST_CENTRE', value: 'HR' },
          { dimension: 'COST_CENTRE', value: '1' },
        ]),
        line('C 1500 1 XXX'),
      ],
      [
        'ACCOUNT_NOT_FOUND lines.0.account',
        'DIMENSION_REPEATED lines.0.dimensions.1',
        'EXCESS_SCALE lines.0.amount',
        'ASSET_NOT_FOUND lines.1.asset',
      ],
    ],
    [
      'a negative amount',
      [line('D 5300 -1 EUR'), line('C 1500 -1 EUR')],
      ['AMOUNT_NOT_POSITIVE lines.0.amount', 'AMOUNT_NOT_POSITIVE lines.1.amount'],
    ],
  ])('%s', (_, lines, expected) => {
    expect(faults(lines)).toEqual(expected);
  });

  const eur = { currency: 'EUR', scale: 2 };
  const scaleOf = (asset: string) => (asset === 'JPY' ? 0 : 2);
  const debit = (asset: string, units: string) => ({ account: 'x', asset, side: 'DEBIT' as const, units });
  it.each([
    ['in the functional currency', [debit('EUR', '1000')], 1000n],
    ['in yen, at 0.0061: 1001 yen are 6.1061 euro, and a cent more', [debit('JPY', '1001')], 611n],
    ['of both', [debit('EUR', '1'), debit('JPY', '1000')], 611n],
    ['without a rate', [debit('EUR', '1'), debit('USD', '1')], null],
  ])('comes to what its debits are worth, %s', (_, postings, expected) => {
    const rates: Record<string, Rational> = { EUR: Rational.one, JPY: Rational.parse('0.0061') };
    expect(amountOf(postings, scaleOf, eur, (asset) => rates[asset])).toBe(expected);
  });

  it('needs a second person above the limit, and when nobody knows how much it is', () => {
    expect([needsSecondPerson(100n, 100n), needsSecondPerson(101n, 100n), needsSecondPerson(null, 100n)]).toEqual([
      false,
      true,
      true,
    ]);
  });
});

describe('a file of journals', () => {
  const header = 'journal,account,side,amount,asset,description,reason,evidence,accountingDate,dimension:COST_CENTRE';
  const file = (...lines: string[]) => [header, ...lines].join('\n');
  const told = (content: string) =>
    readJournalFile('NGEU', content).faults.map(({ line: at, column, code }) => `${at} ${column ?? '-'} ${code}`);

  it('is journals, each of the lines that name it', () => {
    const read = readJournalFile(
      'NGEU',
      file(
        'one,5300,DEBIT,10,EUR,Rent,of May,bill 7,2026-11-30,IT',
        'two,5300,DEBIT,1,EUR,Post,stamps,bill 8,,',
        'one,1500,CREDIT,10,EUR,,,,,',
        'two,1500,CREDIT,1,EUR,,,,,',
      ),
    );
    expect(read.faults).toEqual([]);
    expect(
      read.journals.map(({ name, lines, journal }) => [
        name,
        lines,
        journal.description,
        journal.accountingDate,
        journal.lines.length,
      ]),
    ).toEqual([
      ['one', [2, 4], 'Rent', '2026-11-30', 2],
      ['two', [3, 5], 'Post', null, 2],
    ]);
    expect(read.journals[0]?.journal.lines[0]).toEqual({
      account: '5300',
      side: 'DEBIT',
      amount: '10',
      asset: 'EUR',
      dimensions: [{ dimension: 'COST_CENTRE', value: 'IT' }],
    });
  });

  it.each([
    ['no lines', file(), ['1 - FILE_EMPTY']],
    [
      'a column that is missing and one that nobody knows',
      'journal,account,colour\n1,2,3',
      ['1 - COLUMN_MISSING', '1 colour COLUMN_UNKNOWN'],
    ],
    ['a quote that does not end', file('one,"5300,DEBIT'), ['2 - FILE_MALFORMED']],
    [
      'a line with fewer cells',
      file('one,5300'),
      [
        '2 - FILE_MALFORMED',
        '2 side VALUE_UNKNOWN',
        '2 description VALUE_MISSING',
        '2 reason VALUE_MISSING',
        '2 evidence VALUE_MISSING',
      ],
    ],
    [
      'another reason on its second line',
      file('one,5300,DEBIT,1,EUR,Rent,of May,bill,,', 'one,1500,CREDIT,1,EUR,,of June,,,'),
      ['3 reason JOURNAL_DIFFERS'],
    ],
    [
      'no date and no side',
      file('one,5300,BOTH,1,EUR,Rent,of May,bill,30.11.2026,'),
      ['2 side VALUE_UNKNOWN', '2 accountingDate VALUE_UNKNOWN'],
    ],
  ])('is refused with %s', (_, content, expected) => {
    expect(told(content)).toEqual(expected);
  });
});
