import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { waitFor } from '#libs/testing/index.js';
import { termsOf } from '../accounts/accounts.js';
import { Accounts } from '../accounts/accounts.service.js';
import { AssetsRepository } from '../assets/assets.repository.js';
import { Charts } from '../chart/charts.service.js';
import { type PostingItem, transferOf } from '../journal/posting.js';
import { PostingService } from '../journal/posting.service.js';
import { Periods } from '../periods/periods.service.js';
import { Rates } from '../rates/rates.service.js';
import { type ServiceUnderTest, startService } from '../testing/service.js';

let service: ServiceUnderTest;
const accountOf = (number: string, kind: Parameters<typeof termsOf>[0], currency: string | null = null) => ({
  ...{ book: 'NGEU', number, kind, ...termsOf(kind), state: 'OPEN' as const, partyId: null, currency },
  ...{ iban: null, agentBic: null, statementChannel: null, importId: null },
});
const rate = (version: string, value: string, date = '2026-11-25') => ({
  ...{ version, base: 'EUR', quote: 'USD', date, value, source: 'TEST', state: 'KNOWN' as const },
  recordedAt: '2026-11-25T08:00:00.000Z',
});
const move = (key: string, debit: string, credit: string, asset: string, units: string, date: string): PostingItem => ({
  ...{ op: 'ENTRY', key, book: 'NGEU', kind: 'TRANSFER', businessDate: date, valueDate: date },
  ...{ description: `for ${key}`, subject: { kind: 'TEST', id: key } },
  postings: transferOf(debit, credit, asset, units),
});
const post = (...items: PostingItem[]) =>
  service.run((tx) =>
    service.app.get(PostingService, { strict: false }).post(tx, { items, requestedBy: 'test', validateOnly: false }),
  );
const openDay = (date: string, next: string) =>
  service.run((tx) =>
    tx.execute(
      `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', $1, 'OPEN', $2)`,
      [date, next],
    ),
  );
const closeDay = (date: string) =>
  service.run(async (tx) => {
    await tx.execute(`UPDATE accounting.business_day SET state = 'CLOSED' WHERE business_date = $1`, [date]);
    await tx.execute(`SELECT accounting.store_gl_totals('NGEU', $1)`, [date]);
  });

beforeAll(async () => {
  service = await startService();
  await service.run(async (tx) => {
    await service.app.get(AssetsRepository, { strict: false }).ensureCurrencies(tx, ['EUR', 'USD']);
    await service.app
      .get(Accounts, { strict: false })
      .open(tx, [
        accountOf('NOSTRO-EUR', 'NOSTRO', 'EUR'),
        accountOf('NOSTRO-USD', 'NOSTRO', 'USD'),
        accountOf('C1-CASH', 'CLIENT_CASH'),
        accountOf('CAPITAL', 'EQUITY'),
        accountOf('FEES', 'INCOME'),
        accountOf('RENT', 'EXPENSE'),
      ]);
    await service.app.get(Rates, { strict: false }).keep(tx, 'RATE', [rate('1', '1.1')]);
  });
  await openDay('2026-11-25', '2026-11-26');
  await post(
    move('p-1', 'NOSTRO-EUR', 'CAPITAL', 'EUR', '10000000', '2026-11-25'),
    move('p-2', 'NOSTRO-USD', 'C1-CASH', 'USD', '333333', '2026-11-25'),
    move('p-3', 'NOSTRO-EUR', 'FEES', 'EUR', '4200', '2026-11-25'),
  );
  await closeDay('2026-11-25');
  await openDay('2026-11-26', '2026-11-27');
  await post(move('p-4', 'RENT', 'NOSTRO-EUR', 'EUR', '120000', '2026-11-26'));
  await closeDay('2026-11-26');
  await openDay('2026-11-27', '2026-11-30');
});
afterAll(async () => {
  await service.stop();
});

interface File {
  id: string;
  state: string;
  sha256: string;
  chunkCount: number;
  name: string;
  problems: { code: string; message: string }[];
}
let count = 0;
const issue = (input: object) =>
  service.mutate<{ file: File | null }>(
    'issueReport',
    'IssueReportInput',
    { books: ['NGEU'], format: 'CSV', idempotencyKey: `issue-${(count += 1)}`, ...input },
    'file { id }',
  );
const shown = async (id: string) =>
  (await service.ask(`{ reportFile(id: "${id}") { id state sha256 chunkCount name problems { code message } } }`)).data
    ?.reportFile as File;
const ready = async (id: string | undefined): Promise<File> => {
  await waitFor(async () => (await shown(id ?? '')).state !== 'RUNNING', { what: 'the file' });
  return shown(id ?? '');
};
const allReady = async (asked: readonly Promise<{ file: File | null; problems: unknown[] }>[]): Promise<File[]> => {
  const files: File[] = [];
  for (const { file, problems } of await Promise.all(asked)) {
    expect(problems).toEqual([]);
    files.push(await ready(file?.id));
  }
  return files;
};
const bytesOf = async ({ id, chunkCount, sha256 }: File): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  for (let n = 1; n <= chunkCount; n += 1) {
    const { data } = await service.ask(`{ reportFile(id: "${id}") { chunk(n: ${n}) { base64 } } }`);
    pieces.push(Buffer.from((data?.reportFile as { chunk: { base64: string } }).chunk.base64, 'base64'));
  }
  const all = Buffer.concat(pieces);
  expect(createHash('sha256').update(all).digest('hex')).toBe(sha256);
  return all;
};
const formats = ['XLSX', 'PDF', 'CSV', 'CSV', 'CSV'];
const period = { from: '2026-11-25', to: '2026-11-26' };
const reports = [
  { report: 'TRIAL_BALANCE', ...period },
  { report: 'BALANCE_SHEET', to: '2026-11-26', comparedTo: '2026-11-25' },
  { report: 'PROFIT_AND_LOSS', ...period, comparedFrom: '2026-11-25', comparedTo: '2026-11-25' },
  { report: 'CASH_FLOW', ...period },
  { report: 'GENERAL_LEDGER', ...period },
];

describe('a report that is issued', () => {
  it('is a file of each kind and format, which tells what the ledger has', async () => {
    const texts = new Map<string, string>();
    const asked: { report: string; format: string; id: string }[] = [];
    for (const report of reports)
      for (const format of report.report === 'BALANCE_SHEET' ? ['CSV', 'XLSX', 'PDF'] : ['CSV']) {
        const { file, problems } = await issue({ ...report, format });
        expect(problems).toEqual([]);
        asked.push({ report: report.report, format, id: file?.id ?? '' });
      }
    for (const { report, format, id } of asked) {
      const made = await ready(id);
      expect(made).toMatchObject({ state: 'READY', problems: [] });
      const bytes = await bytesOf(made);
      if (format === 'CSV') texts.set(report, bytes.toString('utf8'));
      else expect(bytes.subarray(0, 4).toString('latin1')).toBe(format === 'PDF' ? '%PDF' : 'PK\u0003\u0004');
    }
    const has = (report: string, ...lines: string[]) => {
      for (const line of lines) expect(texts.get(report)).toContain(line);
    };
    has(
      'TRIAL_BALANCE',
      '1210,Accounts with agents,EUR,0.00,100042.00,1200.00,98842.00,98842.00',
      '2110,Cash accounts of clients,USD,0.00,0.00,3333.33,-3333.33,-3030.30',
    );
    has(
      'BALANCE_SHEET',
      'A10,Balances with banks,101872.30,103072.30',
      'RESULT,Result not appropriated yet,-1158.00,42.00',
    );
    has(
      'PROFIT_AND_LOSS',
      'I10,Fees and commissions,42.00,42.00',
      'X40,Other expenses,1200.00,0.00',
      'Result,-1158.00,42.00',
    );
    has('CASH_FLOW', 'R,Result of the period,-1158.00', 'Cash at the end,101872.30');
    has('GENERAL_LEDGER', 'NOSTRO-EUR,EUR', 'for p-4,,1200.00,98842.00');
  });

  it('is made again byte for byte, whatever was booked, charted and quoted since; asked for anew it is the next version', async () => {
    const issued = await allReady(reports.map((report, n) => issue({ ...report, format: formats[n] })));
    await post(move('p-5', 'NOSTRO-EUR', 'FEES', 'EUR', '700', '2026-11-27'));
    await service.run(async (tx) => {
      const periods = service.app.get(Periods, { strict: false });
      const late = move('p-6', 'RENT', 'NOSTRO-EUR', 'EUR', '5000', '2026-11-27');
      const { problems } = await periods.postInto(
        tx,
        { items: [late], requestedBy: 'test' },
        { accountingDate: '2026-11-26', period: '2026-11', purpose: 'ADJUSTMENT' },
        false,
      );
      expect(problems).toEqual([]);
      await service.app
        .get(Rates, { strict: false })
        .keep(tx, 'RATE', [rate('2', '1.25'), rate('3', '1.3', '2026-11-26')]);
      const charts = service.app.get(Charts, { strict: false });
      const files = (await service.ask(`{ chartOfAccounts(book: "NGEU") { files { accounts } } }`)).data
        ?.chartOfAccounts as {
        files: { accounts: string };
      };
      const accounts = files.files.accounts.replace('Accounts with agents', 'Nostro accounts');
      expect(
        (await charts.import(tx, { book: 'NGEU', accounts, returns: null, reason: 'a better name' }, 'person:x'))
          .problems,
      ).toEqual([]);
    });
    await closeDay('2026-11-27');
    await openDay('2026-11-30', '2026-12-01');
    const again = await allReady(
      issued.map(({ id }) =>
        service.mutate<{ file: File | null }>(
          'reproduceReport',
          'ReproduceReportInput',
          { fileId: id, idempotencyKey: `again-${id}` },
          'file { id }',
        ),
      ),
    );
    expect(again.map(({ state, sha256 }) => [state, sha256])).toEqual(issued.map(({ sha256 }) => ['READY', sha256]));
    const anew = await allReady(reports.map((report, n) => issue({ ...report, format: formats[n] })));
    anew.forEach(({ name, sha256 }, n) => {
      expect(sha256).not.toBe(issued[n]?.sha256);
      expect(name).toMatch(n === 0 ? / v2\.xlsx$/ : / v3\.(pdf|csv)$/);
    });
  });

  it('is provisional while its dates are open, and then only its file stays', async () => {
    const { file } = await issue({ report: 'BALANCE_SHEET', to: '2026-11-30' });
    const made = await ready(file?.id);
    expect(made.name).toBe('Balance sheet NGEU 2026-11-30 v1 provisional.csv');
    const again = await service.mutate(
      'reproduceReport',
      'ReproduceReportInput',
      { fileId: made.id, idempotencyKey: 'again' },
      'file { id }',
    );
    expect(again.problems).toMatchObject([{ code: 'REPORT_WAS_PROVISIONAL' }]);
  });

  it('is refused with all that is wrong with it', async () => {
    const codes = async (input: object) =>
      (await issue(input)).problems.map(({ code, path }) => `${code} ${path ?? ''}`);
    expect(await codes({ report: 'BALANCE_SHEET', ...period, books: ['NGEU', 'NGUS'] })).toEqual([
      'PERIOD_NEEDED from',
    ]);
    expect(await codes({ report: 'TRIAL_BALANCE', to: '2026-11-26', books: ['NGEU', 'NGUS'] })).toEqual([
      'PERIOD_NEEDED from',
      'ONE_BOOK_ONLY books',
    ]);
    expect(await codes({ report: 'PROFIT_AND_LOSS', from: '2026-11-27', to: '2026-11-26', books: ['NONE'] })).toEqual([
      'INVALID_PERIOD to',
      'BOOK_NOT_FOUND books.0',
    ]);
    expect(await codes({ report: 'BALANCE_SHEET', to: '2026-11-20', currency: 'CHF' })).toEqual([
      'UNKNOWN_CURRENCY currency',
    ]);
  });
});

describe('statements over GraphQL', () => {
  it('tie, say what they were made with, and lead to the accounts behind their lines', async () => {
    const { data, errors } = await service.ask(
      `query Q($sheet: BalanceSheetInput!, $period: PeriodReportInput!, $trial: LedgerTrialBalanceInput!) {
         balanceSheet(input: $sheet) { statement { currency isFinal rates sections { section total compared lines { code amount accounts } } } problems { code } }
         profitAndLoss(input: $period) { statement { result sections { section total } } problems { code } }
         cashFlow(input: $period) { statement { opening effectOfRates closing } problems { code } }
         ledgerTrialBalance(input: $trial) { trialBalance { lines { code asset closing } totals { asset debit credit } translated { debit credit } } problems { code } }
         generalLedger(book: "NGEU", code: "1210", from: "2026-11-25", to: "2026-11-26") { edges { node { account asset opening closing } } }
       }`,
      {
        sheet: { books: ['NGEU'], at: '2026-11-26', comparedWith: '2026-11-25' },
        period: { books: ['NGEU'], period: { from: '2026-11-26', to: '2026-11-26' } },
        trial: { book: 'NGEU', period, knownOn: '2026-11-26' },
      },
    );
    expect(errors).toBeUndefined();
    expect(data).toMatchObject({
      balanceSheet: { statement: { currency: 'EUR', isFinal: true, rates: ['RATE:3@2026-11-26'] }, problems: [] },
      profitAndLoss: { statement: { result: '-1250.00' }, problems: [] },
      cashFlow: { statement: { closing: '101356.10' }, problems: [] },
      ledgerTrialBalance: {
        trialBalance: {
          totals: [
            { asset: 'EUR', debit: '100042.00', credit: '100042.00' },
            { asset: 'USD', debit: '3333.33', credit: '3333.33' },
          ],
        },
      },
      generalLedger: {
        edges: [
          { node: { account: 'NOSTRO-EUR', asset: 'EUR', opening: '0.00', closing: '98792.00' } },
          { node: { account: 'NOSTRO-USD', asset: 'USD', opening: '0.00', closing: '3333.33' } },
        ],
      },
    });
    const { sections } = (
      data?.balanceSheet as {
        statement: { sections: { section: string; total: string; lines: { code: string; accounts: string[] }[] }[] };
      }
    ).statement;
    expect(sections[0]?.lines[0]).toMatchObject({ code: 'A10', accounts: ['1210'] });
    const [assets, liabilities, equity] = sections.map(({ total }) => Math.round(Number(total) * 100));
    expect(assets).toBe((liabilities ?? 0) + (equity ?? 0));
  });
});
