import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseJournal, resolveJournal } from '#libs/plain-text-journal/index.js';
import { askHledger, hasHledger, hledgerBalances, waitFor, withoutEndingZeros } from '#libs/testing/index.js';
import { AccountsRepository } from '../accounts/accounts.repository.js';
import { AssetsProcessor } from '../assets/assets.processor.js';
import { Charts } from '../chart/charts.service.js';
import { type PostingItem, transferOf } from '../journal/posting.js';
import { PostingService } from '../journal/posting.service.js';
import { adjustmentOf } from '../periods/periods.js';
import { Periods } from '../periods/periods.service.js';
import { accountOf } from '../testing/bench.js';
import { type ServiceUnderTest, startService } from '../testing/service.js';

let service: ServiceUnderTest;
const share = 'DE0007164600';
const [wednesday, thursday, friday] = ['2026-11-25', '2026-11-26', '2026-11-27'];
let keys = 0;
const entry = (
  date: string,
  debit: string,
  credit: string,
  asset: string,
  units: number,
  more: object = {},
): PostingItem => ({
  op: 'ENTRY',
  key: `seed-${(keys += 1)}`,
  book: 'NGEU',
  kind: 'TRANSFER',
  businessDate: date,
  valueDate: date,
  description: 'moved',
  subject: { kind: 'TEST', id: `t-${keys}` },
  postings: transferOf(debit, credit, asset, String(units)),
  ...more,
});
const post = (...items: PostingItem[]) =>
  service.run(async (tx) => {
    const results = await service.app.get(PostingService, { strict: false }).post(tx, { items, requestedBy: 'test' });
    expect(results.map(({ outcome, code }) => code ?? outcome)).toEqual(items.map(() => 'POSTED'));
    return results;
  });
const works = (date: string, next: string) =>
  service.run(async (tx) => {
    await tx.execute(`UPDATE accounting.business_day SET state = 'CLOSED' WHERE book_id = 'NGEU' AND state = 'OPEN'`);
    await tx.execute(
      `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', $1, 'OPEN', $2)`,
      [date, next],
    );
  });

beforeAll(async () => {
  service = await startService();
  await works(wednesday, thursday);
  await service.run(async (tx) => {
    await service.app.get(AssetsProcessor, { strict: false }).register(tx, {
      items: [
        { asset: 'EUR', kind: 'CURRENCY', scale: 2, name: 'Euro' },
        { asset: 'JPY', kind: 'CURRENCY', scale: 0, name: 'Yen' },
        { asset: share, kind: 'INSTRUMENT', scale: 3, name: 'A share' },
      ],
    });
    await service.app
      .get(AccountsRepository, { strict: false })
      .open(tx, [
        accountOf('A-CASH', 'CLIENT_CASH'),
        accountOf('A:odd; name', 'CLIENT_CASH'),
        accountOf('A-SAFE', 'CLIENT_CUSTODY'),
        accountOf('NOSTRO-EUR', 'NOSTRO', { currency: 'EUR' }),
        accountOf('DEPOT-T2S', 'DEPOT'),
        accountOf('CAPITAL', 'EQUITY'),
        accountOf('FEES', 'INCOME'),
      ]);
    await service.app.get(Charts, { strict: false }).openDirect(tx, 'NGEU', ['5300']);
  });
  await post(
    entry(wednesday, 'NOSTRO-EUR', 'CAPITAL', 'EUR', 1_000_000),
    entry(wednesday, 'NOSTRO-EUR', 'A-CASH', 'EUR', 123_456, {
      description: 'Deposit; by Erika\n "x"',
      valueDate: '2026-11-24',
    }),
    entry(wednesday, 'NOSTRO-EUR', 'A:odd; name', 'EUR', 77),
    entry(wednesday, 'DEPOT-T2S', 'A-SAFE', share, 10_500),
  );
  await works(thursday, friday);
  await post(entry(thursday, 'A-CASH', 'FEES', 'EUR', 1505, { description: '(fee) * of the month' }));
  await works(friday, '2026-11-30');
  await post(entry(friday, '5300', 'NOSTRO-EUR', 'EUR', 40_000, { description: 'Salaries' }));
  // Booked on Friday, and belongs to Thursday.
  await service.run((tx) =>
    service.app
      .get(Periods, { strict: false })
      .postInto(
        tx,
        { items: [entry(friday, 'A-CASH', 'FEES', 'EUR', 500, { description: 'Late fee' })], requestedBy: 'test' },
        adjustmentOf(thursday, friday)!,
        true,
      ),
  );
});
afterAll(async () => {
  await service.stop();
});

async function exported(from: string, to: string, withOpening = true): Promise<string> {
  const { file, problems } = await service.mutate<{ file: { id: string; jobRunId: string } | null }>(
    'exportPlainTextJournal',
    'ExportPlainTextJournalInput',
    { book: 'NGEU', from, to, withOpening, idempotencyKey: `x-${from}-${to}-${withOpening}-${(keys += 1)}` },
    'file { id jobRunId }',
  );
  expect(problems).toEqual([]);
  const read = async () =>
    (await service.ask(`{ reportFile(id: "${file!.id}") { state sha256 chunkCount name chunk(n: 1) { base64 } } }`))
      .data?.reportFile as {
      state: string;
      sha256: string;
      chunkCount: number;
      name: string;
      chunk: { base64: string };
    };
  await waitFor(async () => (await read()).state === 'READY');
  const { chunk, sha256, chunkCount, name } = await read();
  expect([chunkCount, name]).toEqual([1, `NGEU ${from} to ${to}.journal`]);
  const text = Buffer.from(chunk.base64, 'base64').toString('utf8');
  expect(createHash('sha256').update(text).digest('hex')).toBe(sha256);
  return text;
}
/** Account's last part and asset → what the ledger has by the date entries belong to. */
const ledgerAt = async (to: string) => {
  const rows = await service.run((tx) =>
    tx.rows<{ number: string; asset: string; scale: number; units: string }>(
      `SELECT l.number, l.asset, s.scale, sum(p.units) AS units FROM accounting.posting p JOIN accounting.ledger_account l USING (ledger_account_id)
         JOIN accounting.asset s ON s.asset = l.asset LEFT JOIN accounting.entry_accounting_date d USING (entry_id)
        WHERE p.book_id = 'NGEU' AND coalesce(d.accounting_date, p.business_date) <= $1 GROUP BY 1, 2, 3 HAVING sum(p.units) <> 0`,
      [to],
    ),
  );
  return new Map(
    rows.map(({ number, asset, scale, units }) => {
      const negative = units.startsWith('-');
      const digits = units.replace('-', '').padStart(scale + 1, '0');
      const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
      return [`${number} ${asset}`, (negative ? '-' : '') + withoutEndingZeros(text)] as const;
    }),
  );
};
/** By the account's own number, under whichever names; in thousandths, which both sides are told in. */
const byNumber = (balances: Map<string, string>) => {
  const sums = new Map<string, number>();
  for (const [name, quantity] of balances) {
    const cut = name.lastIndexOf(' ');
    const last = decodeURIComponent(name.slice(0, cut).split(':').at(-1) ?? '');
    const key = `${/^\d{4} /.test(last) ? last.slice(0, 4) : last} ${name.slice(cut + 1)}`;
    sums.set(key, (sums.get(key) ?? 0) + thousandths(quantity));
  }
  return sums;
};
const thousandths = (quantity: string) => Math.round(Number(quantity) * 1000);
const inThousandths = (balances: Map<string, string>) =>
  new Map([...balances].map(([name, quantity]) => [name, thousandths(quantity)]));

describe('a journal of a book as plain text', () => {
  it('is read by our own reader as it is, and balances as the ledger does', async () => {
    const text = await exported(wednesday, friday);
    const { items, faults } = parseJournal(text);
    const { transactions, faults: unresolved } = resolveJournal(items);
    expect([...faults, ...unresolved]).toEqual([]);
    expect(transactions).toHaveLength(7);
    expect(text).toContain('Deposit, by Erika "x"');
    expect(text).toContain('assets:1210 Accounts with agents:NOSTRO-EUR  1234.56 EUR');
    expect(text).toContain('expenses:5300 Staff  400.00 EUR');
    expect(text).toContain(`memorandum:9100 Depots with custodians:DEPOT-T2S  10.500 "${share}"`);
    expect(text).toMatch(/2026-11-25=2026-11-24 \* \(ent_\w+\) Deposit/);
    expect(text).toMatch(/2026-11-26=2026-11-27 \* \(ent_\w+\) Late fee\n.*\n.*\n {4}; booked-on: 2026-11-27/);
  });

  (hasHledger ? it : it.skip).each([
    ['from the first date', wednesday, friday],
    ['with what stood before', friday, friday],
    ['up to a date, with what was booked later', wednesday, thursday],
  ])('%s: hledger comes to the balances of the ledger', async (_what, from, to) => {
    const text = await exported(from, to);
    expect(await askHledger(text, 'check', 'accounts', 'commodities')).toBe('');
    expect(byNumber(await hledgerBalances(text))).toEqual(inThousandths(await ledgerAt(to)));
  });

  (hasHledger ? it : it.skip)(
    'hledger comes to the same balance sheet and income statement, custody apart',
    async () => {
      const text = await exported(wednesday, friday);
      interface Told {
        sections: { section: string; total: string; lines: { accounts: string[]; amount: string }[] }[];
        result: string | null;
      }
      const answer = await service.ask(
        `{ balanceSheet(input: { books: ["NGEU"], at: "${friday}" }) { statement { sections { section total lines { accounts amount } } } }
         profitAndLoss(input: { books: ["NGEU"], period: { from: "${wednesday}", to: "${friday}" } }) { statement { result sections { section total lines { accounts amount } } } } }`,
      );
      const told = (name: string) => (answer.data?.[name] as { statement: Told }).statement;
      const balances = [...(await hledgerBalances(text, 'cur:EUR'))];
      const ofCode = (code: string) =>
        balances
          .filter(([name]) => name.includes(`:${code} `))
          .reduce((sum, [, quantity]) => sum + thousandths(quantity), 0);
      const statements = [...told('balanceSheet').sections, ...told('profitAndLoss').sections];
      let lines = 0;
      for (const { section, lines: ofSection } of statements)
        for (const { accounts, amount } of ofSection) {
          const sign = ['LIABILITIES', 'EQUITY', 'INCOME'].includes(section) ? -1 : 1;
          expect([section, accounts, thousandths(amount)]).toEqual([
            section,
            accounts,
            sign * accounts.reduce((sum, code) => sum + ofCode(code), 0) + 0,
          ]);
          lines += amount === '0.00' ? 0 : 1;
        }
      // Banks, clients, capital, the result that is not appropriated, fees, staff.
      expect(lines).toBe(6);
      const total = async (words: string[]) =>
        [...(await hledgerBalances(text, 'cur:EUR', ...words)).values()].reduce(
          (sum, one) => sum + thousandths(one),
          0,
        );
      expect(thousandths(told('profitAndLoss').result!)).toBe(-(await total(['revenues', 'expenses'])));
      expect(await total(['assets', 'liabilities', 'equity', 'revenues', 'expenses'])).toBe(0);
      const sheet = await askHledger(text, 'bs', '-O', 'csv');
      expect(sheet).toContain('NOSTRO-EUR');
      expect(sheet).not.toContain('DEPOT-T2S');
      expect(await askHledger(text, 'is', '-O', 'csv')).not.toContain('memorandum');
    },
  );

  it('is refused for a book that is not there and for a period that ends before it begins', async () => {
    const { problems } = await service.mutate(
      'exportPlainTextJournal',
      'ExportPlainTextJournalInput',
      {
        book: 'NGXX',
        from: friday,
        to: thursday,
        idempotencyKey: 'none',
      },
      'file { id }',
    );
    expect(problems.map(({ code, path }) => `${code} ${path}`)).toEqual(['INVALID_PERIOD to', 'BOOK_NOT_FOUND book']);
  });
});

const journal = `; written by hand
decimal-mark ,
account expenses:5300 Staff

2026-11-27 * (pay-1) Overtime
  expenses:5300 Staff        1.250,50 EUR
  assets:bank:NOSTRO-EUR

2026/11/26 Rent, late
  5400  300 EUR
  NOSTRO-EUR  -300 EUR
  FEES  0 EUR = 0 EUR
`;
type Imported = {
  import: { id: string; sha256: string; state: string; entryCount: number; lines: Record<string, unknown>[] } | null;
  isAlreadyReceived: boolean;
  problems: { code: string; path: string | null }[];
};
const shown =
  'import { id sha256 state entryCount lines { line what entry entryId account asset amount note } } isAlreadyReceived';
const submit = (content: string, subject = 'person:anna') =>
  service.mutate<Imported>(
    'importPlainTextJournal',
    'ImportPlainTextJournalInput',
    {
      book: 'NGEU',
      name: 'by hand.journal',
      content,
      idempotencyKey: `i-${(keys += 1)}`,
    },
    shown,
    { subject },
  );
const book = (importId: string, sha256: string, subject: string) =>
  service.mutate<Imported>(
    'bookPlainTextJournal',
    'BookPlainTextJournalInput',
    {
      importId,
      sha256,
      idempotencyKey: `b-${(keys += 1)}`,
    },
    shown,
    { subject },
  );
const faultsOf = ({ problems }: Imported) => problems.map(({ code, path }) => `${path} ${code}`);
const entryCount = async () => {
  const [row] = await service.run((tx) =>
    tx.rows<{ n: number }>('SELECT count(*)::int AS n FROM accounting.journal_entry'),
  );
  return row!.n;
};

describe('a journal written by hand', () => {
  it('is checked line by line, and booked whole when a second person agrees; balances come out as hledger has them', async () => {
    const before = await ledgerAt(friday);
    const count = await entryCount();
    const checked = await submit(journal);
    expect(faultsOf(checked)).toEqual([]);
    expect(checked.import).toMatchObject({ state: 'CHECKED', entryCount: 2 });
    expect(checked.import!.lines.filter(({ what }) => what !== 'DIRECTIVE')).toEqual([
      { line: 5, what: 'ENTRY', entry: 2, entryId: null, account: null, asset: null, amount: null, note: null },
      {
        line: 6,
        what: 'POSTING',
        entry: null,
        entryId: null,
        account: '5300',
        asset: 'EUR',
        amount: '1250.50',
        note: null,
      },
      {
        line: 7,
        what: 'POSTING',
        entry: null,
        entryId: null,
        account: 'NOSTRO-EUR',
        asset: 'EUR',
        amount: '-1250.50',
        note: null,
      },
      { line: 9, what: 'ENTRY', entry: 1, entryId: null, account: null, asset: null, amount: null, note: null },
      {
        line: 10,
        what: 'POSTING',
        entry: null,
        entryId: null,
        account: '5400',
        asset: 'EUR',
        amount: '300',
        note: null,
      },
      {
        line: 11,
        what: 'POSTING',
        entry: null,
        entryId: null,
        account: 'NOSTRO-EUR',
        asset: 'EUR',
        amount: '-300',
        note: null,
      },
      {
        line: 12,
        what: 'POSTING',
        entry: null,
        entryId: null,
        account: 'FEES',
        asset: 'EUR',
        amount: '0',
        note: 'moves nothing',
      },
    ]);
    expect(await entryCount()).toBe(count);
    const { id, sha256 } = checked.import!;
    expect(faultsOf(await book(id, sha256, 'person:anna'))).toEqual(['importId OWN_APPROVAL']);
    expect(faultsOf(await book(id, 'f'.repeat(64), 'person:ben'))).toEqual(['sha256 ANOTHER_PAYLOAD']);
    const booked = await book(id, sha256, 'person:ben');
    expect([faultsOf(booked), booked.import?.state]).toEqual([[], 'BOOKED']);
    expect(booked.import!.lines.filter(({ what }) => what === 'ENTRY').map(({ entryId }) => entryId)).toEqual([
      expect.stringMatching(/^ent_/),
      expect.stringMatching(/^ent_/),
    ]);
    expect(await entryCount()).toBe(count + 2);
    // Rent belongs to Thursday.
    expect((await ledgerAt(thursday)).get('5400 EUR')).toBe('300');
    const after = await ledgerAt(friday);
    if (hasHledger) {
      const [was, is] = [inThousandths(before), inThousandths(after)];
      const moved = new Map(
        [...is]
          .map(([name, units]) => [name, units - (was.get(name) ?? 0)] as const)
          .filter(([, units]) => units !== 0),
      );
      expect(byNumber(await hledgerBalances(journal))).toEqual(moved);
    }
    expect(faultsOf(await book(id, sha256, 'person:ben'))).toEqual(['importId ALREADY_BOOKED']);
    // The same file once more has no second effect.
    expect(await submit(journal, 'person:cleo')).toMatchObject({
      isAlreadyReceived: true,
      import: { id, state: 'BOOKED' },
      problems: [],
    });
    expect(await entryCount()).toBe(count + 2);
  });

  it.each<[string, string[]]>([
    ['2026-11-27 x\n  NOSTRO-EUR  1 EUR\n  NOWHERE\n', ['content.3.1 ACCOUNT_NOT_FOUND']],
    ['2026-11-27 x\n  1210  1 EUR\n  NOSTRO-EUR\n', ['content.2.1 CODE_WITHOUT_ACCOUNT']],
    ['2026-11-27 x\n  liabilities:NOSTRO-EUR  1 EUR\n  CAPITAL\n', ['content.2.1 ACCOUNT_TYPE_DIFFERS']],
    ['2026-11-27 x\n  NOSTRO-EUR  1 XXL\n  CAPITAL\n', ['content.2.1 ASSET_NOT_FOUND', 'content.3.1 ASSET_NOT_FOUND']],
    ['2026-11-27 x\n  NOSTRO-EUR  1.234 EUR\n  CAPITAL\n', ['content.2.15 AMBIGUOUS_NUMBER']],
    ['2026-11-27 x\n  NOSTRO-EUR  1.2345 EUR\n  CAPITAL\n', ['content.2.1 EXCESS_SCALE', 'content.3.1 EXCESS_SCALE']],
    [
      '2026-11-27 x\n  NOSTRO-EUR  10 JPY @ 0.5 EUR\n  CAPITAL  -5 EUR\n',
      ['content.1.1 NOT_ZERO_PER_ASSET', 'content.1.1 NOT_ZERO_PER_ASSET'],
    ],
    ['2026-11-28 x\n  NOSTRO-EUR  1 EUR\n  CAPITAL\n', ['content.1.1 DATE_NOT_OPEN']],
    ['2020-01-01 x\n  NOSTRO-EUR  1 EUR\n  CAPITAL\n', ['content.1.1 PERIOD_NOT_FOUND']],
    ['2026-11-27\n  NOSTRO-EUR  1 EUR\n  CAPITAL\n', ['content.1.1 DESCRIPTION_MISSING']],
    ['; nothing\n', ['content NO_ENTRIES']],
    [
      'include x\n2026-11-27 x\n  (NOSTRO-EUR)  1 EUR\n',
      ['content.1.1 INCLUDE_REFUSED', 'content.3.3 VIRTUAL_POSTING'],
    ],
    // The ledger refuses one: the others are not kept either.
    [
      '2026-11-27 good\n  NOSTRO-EUR  1 EUR\n  CAPITAL\n\n2026-11-27 too much\n  A-CASH  99999 EUR\n  NOSTRO-EUR\n',
      ['content.5.1 INSUFFICIENT_FUNDS'],
    ],
    ['2026-11-27 x\n  A-SAFE  1 EUR\n  NOSTRO-EUR\n', ['content.1.1 ASSET_MISMATCH']],
  ])('%j is refused, whole: %j', async (content, faults) => {
    const count = await entryCount();
    const answer = await submit(content);
    expect([faultsOf(answer), answer.import]).toEqual([faults, null]);
    expect(await entryCount()).toBe(count);
    expect(
      await service.run((tx) => tx.rows(`SELECT 1 FROM accounting.journal_import WHERE content = $1`, [content])),
    ).toEqual([]);
  });

  it('is asked again when it is booked, and leaves nothing behind when it is refused then', async () => {
    const { import: checked } = await submit(
      '2026-11-27 give back\n  A-CASH  1000 EUR\n  NOSTRO-EUR\n\n2026-11-27 costs\n  5500  1 EUR\n  NOSTRO-EUR\n',
    );
    await post(entry(friday, 'A-CASH', 'NOSTRO-EUR', 'EUR', 100_000));
    const count = await entryCount();
    expect(faultsOf(await book(checked!.id, checked!.sha256, 'person:ben'))).toEqual([
      'content.1.1 INSUFFICIENT_FUNDS',
    ]);
    expect(await entryCount()).toBe(count);
    expect(await service.run((tx) => tx.rows(`SELECT 1 FROM accounting.account WHERE number = '5500'`))).toEqual([]);
    const answer = await service.ask(`{ plainTextJournalImport(id: "${checked!.id}") { state bookedBy } }`);
    expect(answer.data?.plainTextJournalImport).toEqual({ state: 'CHECKED', bookedBy: null });
    expect(
      (await service.ask(`{ plainTextJournalImport(id: "${checked!.id}") { state } }`, {}, { books: ['NGUS'] })).data
        ?.plainTextJournalImport,
    ).toBeNull();
  });
});

describe('raw SQL', () => {
  async function attack(role: 'accounting' | 'settlement' | 'migrate', ...statements: string[]): Promise<string> {
    const client = await service.database.pool(role).connect();
    try {
      await client.query(`BEGIN; SELECT set_config('app.books', '*', true)`);
      for (const sql of statements) await client.query(sql);
      return 'let through';
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  }
  const [denied, restricted, checked] = ['42501', '23001', '23514'];
  const row = (hash = `encode(sha256('abc'), 'hex')`) =>
    `INSERT INTO accounting.journal_import (import_id, book_id, name, content, sha256, entry_count, lines, submitted_by)
     VALUES ('jim_x', 'NGEU', 'x', 'abc', ${hash}, 1, '[]', 'anna')`;
  const booked = (by: string) =>
    `UPDATE accounting.journal_import SET state = 'BOOKED', booked_by = '${by}', booked_at = now() WHERE import_id = 'jim_x'`;

  it('keeps the words of a file, and books it only with two people and all of its entries', async () => {
    expect(await attack('accounting', row())).toBe('let through');
    expect(await attack('accounting', row(`repeat('a', 64)`))).toBe(checked);
    expect(await attack('accounting', row(), booked('ben'))).toBe(checked);
    expect(await attack('accounting', row(), booked('anna'))).toBe(checked);
    expect(await attack('accounting', row(), `UPDATE accounting.journal_import SET content = 'b'`)).toBe(denied);
    expect(
      await attack('migrate', row(), `UPDATE accounting.journal_import SET content = 'b' WHERE import_id = 'jim_x'`),
    ).toBe(restricted);
    expect(await attack('migrate', row(), `DELETE FROM accounting.journal_import WHERE import_id = 'jim_x'`)).toBe(
      restricted,
    );
    expect(await attack('migrate', 'TRUNCATE accounting.journal_import')).toBe(restricted);
    expect(await attack('migrate', `UPDATE accounting.journal_import SET lines = '[]' WHERE state = 'BOOKED'`)).toBe(
      restricted,
    );
    expect(await attack('settlement', 'SELECT 1 FROM accounting.journal_import')).toBe(denied);
  });
});
