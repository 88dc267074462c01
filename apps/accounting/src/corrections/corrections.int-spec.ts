import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Tx } from '#libs/database/index.js';
import { type LongJob } from '#libs/messaging/index.js';
import { waitFor } from '#libs/testing/index.js';
import { AccountsRepository } from '../accounts/accounts.repository.js';
import { ApprovalsProcessor } from '../accounts/approvals.processor.js';
import { AssetsRepository } from '../assets/assets.repository.js';
import { PostingService } from '../journal/posting.service.js';
import { transferOf } from '../journal/posting.js';
import { PostingRules } from '../posting-rules/posting-rules.service.js';
import { accountOf, day } from '../testing/bench.js';
import { type ServiceUnderTest, startService } from '../testing/service.js';
import { CorrectionsProcessor } from './corrections.processor.js';
import { originalsPerStep } from './corrections.service.js';

let service: ServiceUnderTest;
const postMany = (key: string, count: number, debit: string, credit: string, units: number) =>
  service.run(async (tx) => {
    const results = await service.app.get(PostingService, { strict: false }).post(tx, {
      requestedBy: `file:${key}`,
      items: Array.from({ length: count }, (_, n) => ({
        op: 'ENTRY' as const,
        key: `${key}:${n}`,
        book: 'NGEU',
        kind: 'TRANSFER',
        businessDate: day,
        valueDate: day,
        description: `line ${n}`,
        subject: { kind: 'TEST', id: `${key}-${n}` },
        postings: transferOf(debit, credit, 'EUR', String(units)),
      })),
    });
    expect(results.filter(({ outcome }) => outcome !== 'POSTED')).toEqual([]);
  });
beforeAll(async () => {
  service = await startService();
  await service.run(async (tx) => {
    await service.app.get(AssetsRepository, { strict: false }).ensureCurrencies(tx, ['EUR']);
    await service.app
      .get(AccountsRepository, { strict: false })
      .open(tx, [
        accountOf('A-CASH', 'CLIENT_CASH'),
        accountOf('B-CASH', 'CLIENT_CASH'),
        accountOf('C-CASH', 'CLIENT_CASH'),
        accountOf('NOSTRO-EUR', 'NOSTRO', { currency: 'EUR' }),
        accountOf('SUSPENSE', 'SUSPENSE'),
        accountOf('FEES', 'INCOME'),
      ]);
    await tx.execute(
      `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', $1, 'OPEN', '2026-11-26')`,
      [day],
    );
  });
});
afterAll(async () => {
  await service.stop();
});

let keys = 0;
const key = () => `c-${(keys += 1)}`;
interface Correction {
  id: string;
  state: string;
  refusalCode: string | null;
  previewHash: string | null;
  approvalId: string | null;
  previewFileId: string;
  counts: { leftOut: number; waiting: number; done: number; refused: number };
  effects: { account: string; before: string; reversal: string; rebooking: string; after: string }[];
  totals: { asset: string; reversal: string; rebooking: string }[];
  entries: {
    n: number;
    state: string;
    code: string | null;
    originalEntryId: string;
    reversalEntryId: string | null;
    rebookingEntryId: string | null;
  }[];
}
const read = async (id: string) =>
  (
    await service.ask(`{ correction(id: "${id}") { id state refusalCode previewHash approvalId previewFileId counts { leftOut waiting done refused }
      effects { account before reversal rebooking after } totals { asset reversal rebooking } entries { n state code originalEntryId reversalEntryId rebookingEntryId } } }`)
  ).data?.correction as Correction;
const ask = (selection: object, transformation: object, more: object = {}) =>
  service.mutate<{ correction: { id: string } | null }>(
    'previewCorrection',
    'PreviewCorrectionInput',
    { book: 'NGEU', selection, transformation, reason: 'wrong file', idempotencyKey: key(), ...more },
    'correction { id }',
    { subject: 'person:anna' },
  );
const preview = async (selection: object, transformation: object, more: object = {}) => {
  const { correction, problems } = await ask(selection, transformation, more);
  expect(problems).toEqual([]);
  const id = correction!.id;
  await waitFor(async () => (await read(id)).state !== 'PREVIEWING', { what: 'the preview' });
  return read(id);
};
const propose = async ({ id, previewHash }: Correction, more: object = {}) => {
  const { problems } = await service.mutate(
    'proposeCorrection',
    'ProposeCorrectionInput',
    { correctionId: id, previewHash, idempotencyKey: key(), ...more },
    'correction { id }',
    { subject: 'person:anna' },
  );
  return problems.map(({ code }) => code);
};
const decide = async (id: string, more: object = {}) => {
  const { approvalId, previewHash } = await read(id);
  await service.run((tx) =>
    service.app.get(ApprovalsProcessor, { strict: false }).decided(tx, {
      approvalId: approvalId!,
      kind: 'BULK_CORRECTION',
      service: 'accounting',
      objectKind: 'CORRECTION',
      objectId: id,
      payloadHash: previewHash!,
      outcome: 'APPROVED',
      decidedBy: 'person:piet',
      reason: 'seen',
      ...more,
    }),
  );
};
const ended = (id: string) =>
  waitFor(async () => ((await read(id)).state === 'DONE' ? read(id) : undefined), { what: 'the correction' });
const balances = async () => {
  const rows = await service.run((tx) =>
    tx.rows<{ number: string; units: string }>(
      `SELECT l.number, b.posted_debit - b.posted_credit AS units FROM accounting.balance_now b JOIN accounting.ledger_account l USING (ledger_account_id) ORDER BY 1`,
    ),
  );
  return Object.fromEntries(rows.map(({ number, units }) => [number, Number(units)]));
};
/** A job as its handler sees it, that is cut off after some steps. */
function jobOf(stepsUntilCut: number): LongJob {
  let steps = 0;
  const step = (work: (tx: Tx) => Promise<unknown>) => {
    steps += 1;
    if (steps > stepsUntilCut) throw new Error('cut off');
    return service.run(work);
  };
  return { step, finish: step, progress: () => undefined, checkpoint: () => undefined } as unknown as LongJob;
}
const codes = (answer: { problems: { code: string; path: string | null }[] }) =>
  answer.problems.map(({ code, path }) => `${code} ${path ?? ''}`.trim());

describe('a correction in bulk', () => {
  it('says everything that is wrong with what is asked, and finds when there is nothing', async () => {
    expect(codes(await ask({}, { kind: 'FACTOR', numerator: '0' }))).toEqual([
      'SELECTION_TOO_WIDE selection',
      'FACTOR_NOT_POSITIVE transformation.numerator',
      'FACTOR_NOT_POSITIVE transformation.denominator',
    ]);
    expect(await preview({ keyPrefix: 'nobody:' }, { kind: 'REVERSE' })).toMatchObject({
      state: 'REFUSED',
      refusalCode: 'NOTHING_SELECTED',
    });
  });

  it('previews a file account by account, and books it once a second person agreed to that', async () => {
    await postMany('file1', 3, 'NOSTRO-EUR', 'A-CASH', 100);
    await postMany('file2', 1, 'NOSTRO-EUR', 'A-CASH', 7);
    const previewed = await preview({ keyPrefix: 'file1:' }, { kind: 'ACCOUNT', from: 'A-CASH', to: 'B-CASH' });
    expect(previewed).toMatchObject({
      state: 'PREVIEWED',
      counts: { leftOut: 0, waiting: 3, done: 0, refused: 0 },
      totals: [{ asset: 'EUR', reversal: '0.00', rebooking: '0.00' }],
      effects: [
        { account: 'A-CASH', before: '-3.07', reversal: '3.00', rebooking: '0.00', after: '-0.07' },
        { account: 'B-CASH', before: '0.00', reversal: '0.00', rebooking: '-3.00', after: '-3.00' },
        { account: 'NOSTRO-EUR', before: '3.07', reversal: '-3.00', rebooking: '3.00', after: '3.07' },
      ],
    });
    expect(await propose(previewed, { previewHash: 'f'.repeat(64) })).toEqual(['PREVIEW_DIFFERS']);
    expect(await propose(previewed)).toEqual([]);
    expect(await propose(previewed)).toEqual(['CORRECTION_NOT_PREVIEWED']);
    const file = await waitFor(async () => {
      const { data } = await service.ask(
        `{ reportFile(id: "${previewed.previewFileId}") { state chunk(n: 1) { base64 } } }`,
      );
      return (data?.reportFile as { chunk: { base64: string } | null }).chunk?.base64;
    });
    expect(Buffer.from(file, 'base64').toString('utf8').split('\r\n').slice(1, 5)).toEqual([
      'line,0,A-CASH,EUR,-3.07,3.00,0.00,-0.07',
      'line,0,B-CASH,EUR,0.00,0.00,-3.00,-3.00',
      'line,0,NOSTRO-EUR,EUR,3.07,-3.00,3.00,3.07',
      'total,0,Total,EUR,,0.00,0.00,',
    ]);
    await decide(previewed.id);
    const done = await ended(previewed.id);
    expect(done.counts).toEqual({ leftOut: 0, waiting: 0, done: 3, refused: 0 });
    expect(await balances()).toMatchObject({ 'A-CASH': -7, 'B-CASH': -300, 'NOSTRO-EUR': 307 });
    const [first] = done.entries;
    const { data } = await service.ask(`{ journalEntry(id: "${first!.reversalEntryId}") { reverses { id } kind } }`);
    expect(data?.journalEntry).toMatchObject({ reverses: { id: first!.originalEntryId }, kind: 'CORRECTION' });
  });

  it('is not booked by the one who asked for it, nor when it was turned down', async () => {
    const previewed = await preview({ keyPrefix: 'file2:' }, { kind: 'REVERSE' });
    await propose(previewed);
    await decide(previewed.id, { decidedBy: 'person:anna' });
    expect(await read(previewed.id)).toMatchObject({ state: 'REFUSED', refusalCode: 'SECOND_PERSON_NEEDED' });
    const other = await preview({ keyPrefix: 'file2:' }, { kind: 'REVERSE' });
    await propose(other);
    await decide(other.id, { payloadHash: '0'.repeat(64) });
    expect((await read(other.id)).state).toBe('STALE');
    expect(await balances()).toMatchObject({ 'A-CASH': -7 });
  });

  it('corrects a fee by its event and the rules, in the order the accounts can bear', async () => {
    await service.run(async (tx) => {
      const [fee] = await service.app.get(PostingRules, { strict: false }).entriesOf(tx, [
        {
          key: 'fee-1',
          book: 'NGEU',
          businessDate: day,
          valueDate: day,
          subject: { kind: 'TEST', id: 'fee-1' },
          event: {
            kind: 'FEE',
            facts: { client: 'B-CASH', income: 'FEES', currency: 'EUR', amount: '300', description: 'custody' },
          },
        },
      ]);
      if (!fee?.ok) throw new Error('no fee');
      const posting = service.app.get(PostingService, { strict: false });
      expect((await posting.post(tx, { requestedBy: 'test', items: [fee.value] }))[0]?.outcome).toBe('POSTED');
    });
    const previewed = await preview(
      { eventKind: 'FEE', facts: [{ name: 'amount', value: '300' }], ruleVersion: 1 },
      { kind: 'FACTOR', numerator: '1', denominator: '2' },
    );
    expect(previewed.effects).toEqual([
      { account: 'B-CASH', before: '0.00', reversal: '-3.00', rebooking: '1.50', after: '-1.50' },
      { account: 'FEES', before: '-3.00', reversal: '3.00', rebooking: '-1.50', after: '-1.50' },
    ]);
    await propose(previewed);
    await decide(previewed.id);
    await ended(previewed.id);
    expect(await balances()).toMatchObject({ 'B-CASH': -150, FEES: -150 });
  });

  it('leaves out what cannot be booked, tells what was reversed meanwhile, and doubles nothing', async () => {
    await postMany('file3', 2, 'NOSTRO-EUR', 'C-CASH', 50);
    const spent = await preview({ keyPrefix: 'file1:' }, { kind: 'REVERSE' });
    expect(spent).toMatchObject({ counts: { leftOut: 3, waiting: 0 } });
    expect(spent.entries.map(({ code }) => code)).toEqual(['ALREADY_REVERSED', 'ALREADY_REVERSED', 'ALREADY_REVERSED']);
    expect(await propose(spent)).toEqual(['NOTHING_CHANGES']);
    const previewed = await preview({ keyPrefix: 'file3:' }, { kind: 'FACTOR', numerator: '2', denominator: '1' });
    await propose(previewed);
    await service.run((tx) =>
      service.app.get(PostingService, { strict: false }).post(tx, {
        requestedBy: 'test',
        items: [
          {
            op: 'REVERSAL',
            key: 'by-hand',
            book: 'NGEU',
            kind: 'CORRECTION',
            businessDate: day,
            valueDate: day,
            description: 'by hand',
            subject: { kind: 'TEST', id: 'by-hand' },
            reverses: previewed.entries[0]!.originalEntryId,
          },
        ],
      }),
    );
    await decide(previewed.id);
    const done = await ended(previewed.id);
    expect(done.entries.map(({ state, code }) => [state, code])).toEqual([
      ['REFUSED', 'ALREADY_REVERSED'],
      ['DONE', null],
    ]);
    expect(await balances()).toMatchObject({ 'C-CASH': -100 });
    const items = await service.run((tx) =>
      tx.rows(`SELECT 1 FROM accounting.work_item WHERE kind = 'CORRECTION_INCOMPLETE'`),
    );
    expect(items).toHaveLength(1);
  });

  it('goes on where it was stopped, whenever that was, and books each entry once', async () => {
    const before = await balances();
    await postMany('file4', originalsPerStep, 'NOSTRO-EUR', 'A-CASH', 1);
    await postMany('file4b', 20, 'NOSTRO-EUR', 'A-CASH', 1);
    const previewed = await preview({ keyPrefix: 'file4' }, { kind: 'ACCOUNT', from: 'A-CASH', to: 'C-CASH' });
    expect(previewed.counts.waiting).toBe(originalsPerStep + 20);
    await propose(previewed);
    // The worker that would take it is this test's own, cut off twice.
    await service.run((tx) =>
      tx.execute(
        `UPDATE accounting.correction SET state = 'RUNNING', decided_by = 'person:piet', decided_at = kernel.now() WHERE correction_id = $1`,
        [previewed.id],
      ),
    );
    const processor = service.app.get(CorrectionsProcessor, { strict: false });
    const message = { correctionId: previewed.id, book: 'NGEU' };
    await expect(processor.run(message, jobOf(1))).rejects.toThrow('cut off');
    expect((await read(previewed.id)).counts).toMatchObject({ done: originalsPerStep, waiting: 20 });
    await expect(processor.run(message, jobOf(0))).rejects.toThrow('cut off');
    await expect(processor.run(message, jobOf(2))).rejects.toThrow('cut off');
    expect((await read(previewed.id)).state).toBe('RUNNING');
    await processor.run(message, jobOf(9));
    await processor.run(message, jobOf(9));
    expect(await read(previewed.id)).toMatchObject({
      state: 'DONE',
      counts: { done: originalsPerStep + 20, refused: 0, waiting: 0 },
    });
    const count = originalsPerStep + 20;
    expect(await balances()).toEqual({
      ...before,
      'C-CASH': before['C-CASH']! - count,
      'NOSTRO-EUR': before['NOSTRO-EUR']! + count,
    });
  });
});

describe('raw SQL', () => {
  const attack = async (sql: string) => {
    const client = await service.database.pool('accounting').connect();
    try {
      await client.query(`BEGIN; SELECT set_config('app.books', '*', true)`);
      const { rowCount } = await client.query(sql);
      return rowCount === 0 ? 'nothing there' : 'let through';
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  };
  const proposed = `WHERE correction_id = (SELECT correction_id FROM accounting.correction WHERE state = 'PROPOSED' LIMIT 1)`;
  beforeAll(async () => {
    await propose(await preview({ keyPrefix: 'file2:' }, { kind: 'REVERSE' }));
  });
  it.each([
    [
      'runs what its maker agreed to',
      `UPDATE accounting.correction SET state = 'RUNNING', decided_by = requested_by ${proposed}`,
      '23514',
    ],
    ['runs what nobody agreed to', `UPDATE accounting.correction SET state = 'RUNNING' ${proposed}`, '23514'],
    ['is done before it ran', `UPDATE accounting.correction SET state = 'DONE', decided_by = 'x' ${proposed}`, '23514'],
    ['has another hash', `UPDATE accounting.correction SET preview_hash = repeat('0', 64) ${proposed}`, '23001'],
    ['selects something else', `UPDATE accounting.correction SET selection = '{}' ${proposed}`, '42501'],
    ['has another line', `UPDATE accounting.correction_entry SET rebooking = '{}' ${proposed}`, '42501'],
    [
      'gets a line after its preview',
      `INSERT INTO accounting.correction_entry (correction_id, n, book_id, original_entry_id, line_hash, state)
       SELECT correction_id, 9, book_id, (SELECT entry_id FROM accounting.journal_entry LIMIT 1), line_hash, 'WAITING' FROM accounting.correction_entry ${proposed}`,
      '23514',
    ],
    [
      'has a result before it runs',
      `UPDATE accounting.correction_entry SET state = 'REFUSED', code = 'X' ${proposed}`,
      '23001',
    ],
    [
      'does something else to an account',
      `UPDATE accounting.correction_effect SET reversal_units = 0 ${proposed}`,
      '23001',
    ],
    ['loses a line', 'DELETE FROM accounting.correction_entry', '42501'],
    [
      'runs with a line that another booked',
      `UPDATE accounting.correction SET state = 'RUNNING', decided_by = 'x', decided_at = kernel.now() ${proposed};
       UPDATE accounting.correction_entry SET state = 'DONE', reversal_entry_id = (SELECT entry_id FROM accounting.journal_entry WHERE idempotency_key = 'by-hand')
        WHERE correction_id = (SELECT correction_id FROM accounting.correction WHERE state = 'RUNNING')`,
      '23514',
    ],
  ])('a correction that %s', async (_, sql, code) => {
    expect(await attack(sql)).toBe(code);
  });
});
