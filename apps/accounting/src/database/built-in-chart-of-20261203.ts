/**
 * The chart that a book begins with, as it landed: the database gives it to a book with its first account. A later change
 * is a migration that changes the template and the books; this text stays.
 *
 * A HEADING has no account of its own. Under a CONTROL code stand the accounts of a sub-ledger, chosen by their kind. A
 * DIRECT code has one account, whose number is the code.
 */
type Account = readonly [
  code: string,
  name: string,
  parent: string | null,
  role: 'HEADING' | 'CONTROL' | 'DIRECT',
  kinds: readonly string[],
  /** Its line in the financial statements and in the cash flow. */
  lines?: readonly [string, string],
  /** Where it is another than that of its type. */
  normalSide?: 'DEBIT' | 'CREDIT',
];

type Group = readonly [type: string, normalSide: 'DEBIT' | 'CREDIT', accounts: readonly Account[]];

const groups: readonly Group[] = [
  [
    'ASSET',
    'DEBIT',
    [
      ['1000', 'Assets', null, 'HEADING', []],
      ['1200', 'Balances with banks', '1000', 'HEADING', []],
      ['1210', 'Accounts with agents', '1200', 'CONTROL', ['NOSTRO'], ['A10', 'C']],
      ['1300', 'Receivables', '1000', 'HEADING', []],
      ['1310', 'Receivables from trades', '1300', 'DIRECT', [], ['A30', 'O30']],
      ['1320', 'Failed deliveries to be paid for', '1300', 'DIRECT', [], ['A30', 'O30']],
      ['1330', 'Fees and other receivables', '1300', 'DIRECT', [], ['A50', 'O50']],
      ['1340', 'Due from other books', '1300', 'CONTROL', ['DUE_FROM_BOOK'], ['A40', 'O40']],
      ['1400', 'Own securities', '1000', 'HEADING', []],
      ['1410', 'Own securities at cost', '1400', 'DIRECT', [], ['A20', 'O20']],
      ['1420', 'Adjustment of own securities to fair value', '1400', 'DIRECT', [], ['A20', 'O20']],
      ['1430', 'Accrued coupon', '1400', 'DIRECT', [], ['A20', 'O20']],
      ['1500', 'Prepaid expenses', '1000', 'DIRECT', [], ['A50', 'O50']],
      ['1600', 'Suspense', '1000', 'CONTROL', ['SUSPENSE'], ['A60', 'O60']],
      ['1700', 'Other assets', '1000', 'CONTROL', ['ASSET'], ['A50', 'O50']],
      ['1900', 'Currency', '1000', 'HEADING', []],
      ['1910', 'Position in foreign currency', '1900', 'DIRECT', [], ['A70', 'O70']],
      ['1920', 'Equivalent of the position', '1900', 'DIRECT', [], ['A70', 'O70']],
    ],
  ],
  [
    'LIABILITY',
    'CREDIT',
    [
      ['2000', 'Liabilities', null, 'HEADING', []],
      ['2100', 'Client money', '2000', 'HEADING', []],
      ['2110', 'Cash accounts of clients', '2100', 'CONTROL', ['CLIENT_CASH'], ['L10', 'O10']],
      ['2200', 'Payables', '2000', 'HEADING', []],
      ['2210', 'Payables from trades', '2200', 'DIRECT', [], ['L20', 'O30']],
      ['2220', 'Failed receipts to be paid for', '2200', 'DIRECT', [], ['L20', 'O30']],
      ['2230', 'Suppliers', '2200', 'DIRECT', [], ['L40', 'O50']],
      ['2240', 'Due to other books', '2200', 'CONTROL', ['DUE_TO_BOOK'], ['L30', 'O40']],
      ['2300', 'Accrued expenses', '2000', 'DIRECT', [], ['L40', 'O50']],
      ['2310', 'Deferred income', '2000', 'DIRECT', [], ['L40', 'O50']],
      ['2700', 'Other liabilities', '2000', 'CONTROL', ['LIABILITY'], ['L40', 'O50']],
    ],
  ],
  [
    'EQUITY',
    'CREDIT',
    [
      ['3000', 'Equity', null, 'HEADING', []],
      ['3100', 'Capital', '3000', 'CONTROL', ['EQUITY'], ['E10', 'F10']],
      ['3200', 'Retained earnings', '3000', 'DIRECT', [], ['E20', 'R']],
    ],
  ],
  [
    'INCOME',
    'CREDIT',
    [
      ['4000', 'Income', null, 'HEADING', []],
      ['4100', 'Fees and commissions', '4000', 'CONTROL', ['INCOME'], ['I10', 'R']],
      ['4200', 'Interest received', '4000', 'DIRECT', [], ['I20', 'R']],
      ['4300', 'Result of own securities', '4000', 'HEADING', []],
      ['4310', 'Realised result of own securities', '4300', 'DIRECT', [], ['I30', 'R']],
      ['4320', 'Unrealised result of own securities', '4300', 'DIRECT', [], ['I30', 'R']],
      ['4330', 'Coupons and amortisation', '4300', 'DIRECT', [], ['I20', 'R']],
      ['4400', 'Result of foreign currency', '4000', 'HEADING', []],
      ['4410', 'Realised result of foreign currency', '4400', 'DIRECT', [], ['I40', 'R']],
      ['4420', 'Unrealised result of foreign currency', '4400', 'DIRECT', [], ['I40', 'R']],
      ['4900', 'Other income', '4000', 'DIRECT', [], ['I50', 'R']],
    ],
  ],
  [
    'EXPENSE',
    'DEBIT',
    [
      ['5000', 'Expenses', null, 'HEADING', []],
      ['5100', 'Interest paid', '5000', 'DIRECT', [], ['X10', 'R']],
      ['5200', 'Custody, clearing and settlement', '5000', 'DIRECT', [], ['X20', 'R']],
      ['5300', 'Staff', '5000', 'DIRECT', [], ['X30', 'R']],
      ['5400', 'Premises', '5000', 'DIRECT', [], ['X30', 'R']],
      ['5500', 'Information technology', '5000', 'DIRECT', [], ['X30', 'R']],
      ['5600', 'Professional services', '5000', 'DIRECT', [], ['X30', 'R']],
      ['5700', 'Penalties and losses of operation', '5000', 'DIRECT', [], ['X40', 'R']],
      ['5900', 'Other expenses', '5000', 'CONTROL', ['EXPENSE'], ['X40', 'R']],
    ],
  ],
  [
    'MEMORANDUM',
    'DEBIT',
    [
      ['9000', 'Off the balance sheet', null, 'HEADING', []],
      ['9100', 'Depots with custodians', '9000', 'CONTROL', ['DEPOT'], ['M10', 'M']],
      ['9200', 'Safe custody for clients', '9000', 'CONTROL', ['CLIENT_CUSTODY'], ['M20', 'M'], 'CREDIT'],
      ['9300', 'Own holdings', '9000', 'CONTROL', ['OWN_CUSTODY'], ['M30', 'M'], 'CREDIT'],
      ['9900', 'Migration', '9000', 'CONTROL', ['MIGRATION'], ['M90', 'M']],
    ],
  ],
];

const line = (code: string, title: string, section: string, position: number) => ({ code, title, section, position });

const returns = [
  {
    code: 'FINANCIAL_STATEMENTS',
    title: 'Balance sheet, profit and loss',
    lines: [
      line('A10', 'Balances with banks', 'ASSETS', 10),
      line('A20', 'Own securities at fair value', 'ASSETS', 20),
      line('A30', 'Receivables from trades', 'ASSETS', 30),
      line('A40', 'Due from other books', 'ASSETS', 40),
      line('A50', 'Other assets', 'ASSETS', 50),
      line('A60', 'Suspense', 'ASSETS', 60),
      line('A70', 'Position in foreign currency', 'ASSETS', 70),
      line('L10', 'Client money', 'LIABILITIES', 110),
      line('L20', 'Payables from trades', 'LIABILITIES', 120),
      line('L30', 'Due to other books', 'LIABILITIES', 130),
      line('L40', 'Other liabilities', 'LIABILITIES', 140),
      line('E10', 'Capital', 'EQUITY', 210),
      line('E20', 'Retained earnings', 'EQUITY', 220),
      line('I10', 'Fees and commissions', 'INCOME', 310),
      line('I20', 'Interest and coupons', 'INCOME', 320),
      line('I30', 'Result of own securities', 'INCOME', 330),
      line('I40', 'Result of foreign currency', 'INCOME', 340),
      line('I50', 'Other income', 'INCOME', 350),
      line('X10', 'Interest', 'EXPENSES', 410),
      line('X20', 'Custody, clearing and settlement', 'EXPENSES', 420),
      line('X30', 'Operating cost', 'EXPENSES', 430),
      line('X40', 'Other expenses', 'EXPENSES', 440),
      line('M10', 'Depots with custodians', 'MEMORANDUM', 910),
      line('M20', 'Safe custody for clients', 'MEMORANDUM', 920),
      line('M30', 'Own holdings', 'MEMORANDUM', 930),
      line('M90', 'Migration', 'MEMORANDUM', 990),
    ],
  },
  {
    code: 'CASH_FLOW',
    title: 'Cash flow',
    lines: [
      line('R', 'Result of the period', 'OPERATING', 10),
      line('O10', 'Client money', 'OPERATING', 20),
      line('O20', 'Own securities', 'OPERATING', 30),
      line('O30', 'Receivables and payables from trades', 'OPERATING', 40),
      line('O40', 'Between books', 'OPERATING', 50),
      line('O50', 'Other assets and liabilities', 'OPERATING', 60),
      line('O60', 'Suspense', 'OPERATING', 70),
      line('O70', 'Position in foreign currency', 'OPERATING', 80),
      line('F10', 'Capital', 'FINANCING', 110),
      line('C', 'Balances with banks', 'CASH', 210),
      line('M', 'Off the balance sheet', 'NONE', 310),
    ],
  },
];

export const builtInChart = {
  accounts: groups.flatMap(([type, side, accounts]) =>
    accounts.map(([code, name, parent, role, kinds, lines, normalSide = side]) => ({
      code,
      name,
      type,
      normalSide,
      parent,
      role,
      kinds,
      lines: lines === undefined ? {} : { FINANCIAL_STATEMENTS: lines[0], CASH_FLOW: lines[1] },
    })),
  ),
  returns,
};
