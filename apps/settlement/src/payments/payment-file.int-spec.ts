import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Transactions } from '#libs/database/index.js';
import { makeIban } from '#libs/identifiers/index.js';
import { writeCreditTransferInitiation } from '#libs/iso20022/index.js';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { plainJob, settlementForTests } from '../settlement-for-tests.js';
import { seedStaticData } from '../trades/for-tests.js';

let database: TestDatabase;
let transactions: Transactions;
let settlement: ReturnType<typeof settlementForTests>;
const iban = makeIban('DE', '370400440532013000');

beforeAll(async () => {
  database = await createTestDatabase({ startsAt: '2026-11-25T09:00:00Z' });
  transactions = database.transactions('settlement');
  await seedStaticData(transactions);
  settlement = settlementForTests(transactions);
  await database
    .pool('owner')
    .query(
      `UPDATE settlement.book_day SET business_date = '2026-11-25', state = 'OPEN', next_business_date = '2026-11-26' WHERE book_id = 'NGEU'`,
    );
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database
    .pool('owner')
    .query(
      'TRUNCATE settlement.payment, settlement.payment_status_history, settlement.file, settlement.file_line CASCADE',
    );
});

const all = async <T>(sql: string, params: unknown[] = []) =>
  (await database.pool('owner').query(sql, params)).rows as T[];

describe('a file of a customer', () => {
  const customerFile = (transfers: { endToEndId: string; creditorIban?: string; amount?: string; name?: string }[]) =>
    writeCreditTransferInitiation({
      messageId: 'F-1',
      createdAt: '2026-11-25T08:00:00Z',
      initiatorName: 'Client',
      batchId: 'F-1',
      executionDate: '2026-11-25',
      debtorName: 'C',
      debtorAccount: { other: 'C000002-CASH' },
      transfers: transfers.map(({ endToEndId, creditorIban, name }) => ({
        endToEndId,
        amount: { currency: 'EUR', amountMinor: 100n },
        creditorName: name ?? 'Anna',
        creditorAccount: { iban: creditorIban ?? iban },
      })),
    });
  async function fileOf(fileId: string, content: string) {
    await database.pool('owner').query(
      `INSERT INTO settlement.file (file_id, kind, name, book_id, sha256, size_bytes, content, business_date, received_by)
         VALUES ($1, 'PAYMENTS', $1 || '.xml', '*', md5($1) || md5($1), length($2), convert_to($2, 'UTF8'), '2026-11-25', 'partner')`,
      [fileId, content],
    );
    return {
      fileId,
      kind: 'PAYMENTS' as const,
      name: `${fileId}.xml`,
      book: null,
      businessDate: '2026-11-25',
      receivedAt: new Date(),
      receivedBy: 'partner',
    };
  }
  const read = async (fileId: string, content: string, job = plainJob(transactions).job) =>
    settlement.paymentFiles.read(await fileOf(fileId, content), Buffer.from(content), job);
  const linesOf = async (fileId: string) =>
    (
      await all<{
        line: number;
        outcome: string;
        reference: string | null;
        stored: boolean;
        problems: { code: string; path: string[] }[];
      }>(
        `SELECT line, outcome, reference, object_id IS NOT NULL AS stored, problems FROM settlement.file_line WHERE file_id = $1 ORDER BY line`,
        [fileId],
      )
    ).map(({ line, outcome, reference, stored, problems }) => [
      line,
      outcome,
      reference,
      stored,
      problems.map(({ code, path }) => `${code} ${path.slice(2).join('/')}`),
    ]);

  it('sent again under another name has no second effect', async () => {
    const xml = customerFile([
      { endToEndId: 'P-1' },
      { endToEndId: 'P-2' },
      { endToEndId: 'P-3', creditorIban: `DE00${iban.slice(4)}` },
    ]);
    expect(await read('fil_1', xml)).toMatchObject({
      counts: { accepted: 2, refused: 1, duplicates: 0 },
      isRefused: false,
      expected: { qualifier: '' },
    });
    const second = await read('fil_2', xml);
    expect(second).toMatchObject({ counts: { accepted: 0, refused: 0, duplicates: 3 }, isRefused: false });
    expect(second.expected).toBeUndefined();
    expect(await read('fil_3', '<x/>')).toMatchObject({ isRefused: true });
  });

  it('takes what is right of a file and answers each that is wrong by itself', async () => {
    const xml = customerFile(
      ['G-1', 'B-1', 'G-2', 'B-2', 'B-3', 'G-1'].map((endToEndId, n) => ({
        endToEndId,
        ...(n === 5 ? { name: 'Another' } : {}),
      })),
    )
      .replace(/(B-1.*?)>1.00</, '$1>1.005<')
      .replaceAll('<CtrlSum>6.00<', '<CtrlSum>6.005<')
      .replace(/(B-2.*?)<Nm>Anna<\/Nm>/, '$1<Nm></Nm>')
      .replace(/(B-3.*?)<CdtrAcct>.*?<\/CdtrAcct>/, '$1');
    const lines = [
      [1, 'ACCEPTED', 'G-1', true, []],
      [2, 'REJECTED', 'B-1', false, ['EXCESS_SCALE PmtInf[1]/CdtTrfTxInf[2]/Amt/InstdAmt']],
      [3, 'ACCEPTED', 'G-2', true, []],
      [4, 'REJECTED', 'B-2', false, ['MISSING_ELEMENT PmtInf[1]/CdtTrfTxInf[4]/Cdtr/Nm']],
      [5, 'REJECTED', 'B-3', false, ['REQUIRED PmtInf[1]/CdtTrfTxInf[5]/creditorIban']],
      [6, 'CONFLICT', 'G-1', true, ['IDEMPOTENCY_KEY_REUSED PmtInf[1]/CdtTrfTxInf[6]/endToEndId']],
    ];
    expect(await read('fil_1', xml)).toMatchObject({
      counts: { accepted: 2, refused: 4, duplicates: 0 },
      problems: [],
      isRefused: false,
      expected: { qualifier: '' },
    });
    expect(await linesOf('fil_1')).toEqual(lines);
    const payments = `SELECT end_to_end_id AS id, status FROM settlement.payment ORDER BY 1`;
    const taken = [
      { id: 'G-1', status: 'SCREENING' },
      { id: 'G-2', status: 'SCREENING' },
    ];
    expect(await all(payments)).toEqual(taken);
    const again = await read('fil_2', xml);
    expect(again).toMatchObject({ counts: { accepted: 0, refused: 4, duplicates: 2 } });
    expect(again.expected).toBeUndefined();
    expect(await all(payments)).toEqual(taken);
    expect(await linesOf('fil_1')).toEqual(lines);
  });

  it('refuses whole a file whose header does not agree with it, and keeps nothing of it', async () => {
    const xml = customerFile([{ endToEndId: 'P-1' }, { endToEndId: 'P-2' }]);
    for (const [fileId, wrong, code] of [
      ['fil_1', xml.replace('<NbOfTxs>2<', '<NbOfTxs>3<'), 'CONTROL_COUNT'],
      ['fil_2', xml.replace('<CtrlSum>2.00<', '<CtrlSum>2.01<'), 'CONTROL_SUM'],
    ] as const)
      expect(await read(fileId, wrong)).toMatchObject({ isRefused: true, counts: {}, problems: [{ code }] });
    expect(await all('SELECT 1 FROM settlement.payment UNION ALL SELECT 1 FROM settlement.file_line')).toEqual([]);
  });

  it.each(['before it is committed', 'after it is committed'])(
    'killed in its second step %s, it goes on where it stopped',
    async (when) => {
      const ids = Array.from({ length: 600 }, (_, n) => ({ endToEndId: `K-${String(n + 1).padStart(3, '0')}` }));
      const xml = customerFile(ids).replace(/(K-255.*?)<Nm>Anna<\/Nm>/, '$1<Nm></Nm>');
      const stored = await fileOf('fil_1', xml);
      const { job } = plainJob(transactions) as { job: Parameters<typeof settlement.paymentFiles.read>[2] };
      let steps = 0;
      const killed = {
        signal: job.signal,
        saved: undefined,
        progress: () => undefined,
        step: async (work: Parameters<typeof transactions.run>[0]) => {
          steps += 1;
          const isLast = steps === 3;
          const value = await transactions.run(async (tx) => {
            const answer = await work(tx);
            if (isLast && when.startsWith('before')) throw new Error('killed');
            return answer;
          });
          if (isLast) throw new Error('killed');
          return value;
        },
      } as unknown as typeof job;
      await expect(settlement.paymentFiles.read(stored, Buffer.from(xml), killed)).rejects.toThrow('killed');
      const counts = { accepted: 599, refused: 1, duplicates: 0 };
      for (let run = 0; run < 2; run += 1)
        expect(await settlement.paymentFiles.read(stored, Buffer.from(xml), job)).toMatchObject({ counts });
      expect(
        await all(
          `SELECT outcome, count(*)::int AS n, count(DISTINCT reference)::int AS ids FROM settlement.file_line GROUP BY 1 ORDER BY 1`,
        ),
      ).toEqual([
        { outcome: 'ACCEPTED', n: 599, ids: 599 },
        { outcome: 'REJECTED', n: 1, ids: 1 },
      ]);
      expect(await all(`SELECT count(*)::int AS n FROM settlement.payment`)).toEqual([{ n: 599 }]);
    },
  );
});
