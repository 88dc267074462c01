import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Tx } from '#libs/database/index.js';
import { type LongJob } from '#libs/messaging/index.js';
import { type ServiceUnderTest, startService } from '../testing/service.js';
import { chunkBytes, fileName, inChunks } from './report-files.js';
import { ReportFiles } from './report-files.service.js';

let service: ServiceUnderTest;
let files: ReportFiles;
beforeAll(async () => {
  service = await startService();
  files = service.app.get(ReportFiles, { strict: false });
});
afterAll(async () => {
  await service.stop();
});

const asked = (more: object = {}) => ({
  book: 'NGEU',
  kind: 'TRIAL_BALANCE',
  name: 'Trial balance.csv',
  mediaType: 'text/csv',
  parameters: { to: '2026-11-27' },
  requestedBy: 'person:anna',
  ...more,
});
/** A job as its handler sees it: steps are transactions, and it may be cut off after some of them. */
function jobOf({ stepsUntilCut = Number.POSITIVE_INFINITY } = {}): LongJob {
  let steps = 0;
  const step = (work: (tx: Tx) => Promise<unknown>) => {
    steps += 1;
    if (steps > stepsUntilCut) throw new Error('cut off');
    return service.run(work);
  };
  return { step, finish: step } as unknown as LongJob;
}
const bytes = Buffer.alloc(chunkBytes * 2 + 77, 'content of a file; ');
async function* pieces() {
  for (let at = 0; at < bytes.length; at += 99_991) yield await Promise.resolve(bytes.subarray(at, at + 99_991));
}
const request = (more: object = {}) => service.run((tx) => files.request(tx, asked(more)));
const made = async () => {
  const id = await request();
  await files.write(jobOf(), id, pieces());
  return id;
};
const shown = `{ id state sizeBytes chunkCount sha256 name mediaType parameters requestedBy problems { code } }`;

describe('a file that a job makes', () => {
  it('comes in pieces of one size, with a rest, and has a name for every system', async () => {
    const sizes: number[] = [];
    for await (const chunk of inChunks([Buffer.alloc(7), Buffer.alloc(1), Buffer.alloc(25)], 10))
      sizes.push(chunk.length);
    expect(sizes).toEqual([10, 10, 10, 3]);
    expect(fileName('Balance: NGEU/Q4 «Zürich»', 'pdf')).toBe('Balance- NGEU-Q4 -Zürich-.pdf');
  });

  it('is downloaded piece by piece, and is then what its hash says', async () => {
    const id = await made();
    const { data } = await service.ask(`{ reportFile(id: "${id}") ${shown} }`);
    const file = data?.reportFile as { chunkCount: number; sha256: string };
    expect(file).toMatchObject({
      state: 'READY',
      sizeBytes: bytes.length,
      chunkCount: 3,
      parameters: { to: '2026-11-27' },
    });
    const read: Buffer[] = [];
    for (let n = 1; n <= file.chunkCount; n += 1) {
      const answer = await service.ask(`{ reportFile(id: "${id}") { chunk(n: ${n}) { n base64 isLast } } }`);
      const { chunk } = answer.data?.reportFile as { chunk: { base64: string; isLast: boolean } };
      expect(chunk.isLast).toBe(n === 3);
      read.push(Buffer.from(chunk.base64, 'base64'));
    }
    expect(Buffer.concat(read).equals(bytes)).toBe(true);
    expect(createHash('sha256').update(Buffer.concat(read)).digest('hex')).toBe(file.sha256);
    expect((await service.ask(`{ reportFile(id: "${id}") { chunk(n: 4) { n } } }`)).data?.reportFile).toEqual({
      chunk: null,
    });
  });

  it('begins anew after its job was cut off, and shows nothing before it is whole', async () => {
    const id = await request();
    await expect(files.write(jobOf({ stepsUntilCut: 3 }), id, pieces())).rejects.toThrow('cut off');
    expect((await service.ask(`{ reportFile(id: "${id}") { state chunk(n: 1) { n } } }`)).data?.reportFile).toEqual({
      state: 'RUNNING',
      chunk: null,
    });
    await files.write(jobOf(), id, pieces());
    expect((await service.ask(`{ reportFile(id: "${id}") { state chunkCount } }`)).data?.reportFile).toEqual({
      state: 'READY',
      chunkCount: 3,
    });
  });

  it('says why there is none', async () => {
    const id = await request();
    const problems = [{ code: 'NO_RATE', message: 'no rate', path: ['to'], retryable: false }];
    await service.run((tx) => files.refuse(tx, id, problems));
    expect((await service.ask(`{ reportFile(id: "${id}") { state problems { code } } }`)).data?.reportFile).toEqual({
      state: 'REFUSED',
      problems: [{ code: 'NO_RATE' }],
    });
  });

  it('is listed newest first, by book, kind and state, to those who see the book', async () => {
    const other = await request({ book: 'NGUS', kind: 'BALANCE_SHEET' });
    const list = (filter: string, books: string[]) =>
      service
        .ask(`{ reportFiles(first: 10, filter: ${filter}) { edges { node { id } } } }`, {}, { books })
        .then(({ data }) =>
          (data?.reportFiles as { edges: { node: { id: string } }[] }).edges.map(({ node }) => node.id),
        );
    expect(await list('{ kind: "BALANCE_SHEET" }', ['*'])).toEqual([other]);
    expect(await list('{ book: "NGUS", state: "RUNNING" }', ['NGUS'])).toEqual([other]);
    expect(await list('{ book: "NGUS" }', ['NGEU'])).toEqual([]);
    const all = await list('{}', ['*']);
    expect(all[0]).toBe(other);
    const first = await service.ask(`{ reportFiles(first: 2) { pageInfo { endCursor } } }`);
    const { endCursor } = (first.data?.reportFiles as { pageInfo: { endCursor: string } }).pageInfo;
    const next = await service.ask(`{ reportFiles(first: 10, after: "${endCursor}") { edges { node { id } } } }`);
    expect((next.data?.reportFiles as { edges: { node: { id: string } }[] }).edges.map(({ node }) => node.id)).toEqual(
      all.slice(2),
    );
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
  const [denied, restricted, checked, foreign] = ['42501', '23001', '23514', '23503'];
  const file = `INSERT INTO accounting.report_file (report_file_id, book_id, kind, name, media_type, requested_by) VALUES ('rpf_x', 'NGEU', 'ANY', 'x', 'x/x', 'anna')`;
  const chunk = (n: number, more: { book?: string; id?: string } = {}) =>
    `INSERT INTO accounting.report_file_chunk VALUES ('${more.id ?? 'rpf_x'}', ${n}, '${more.book ?? 'NGEU'}', 'abc')`;
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const ready = (more: { size?: number; chunks?: number; sha256?: string } = {}) =>
    `UPDATE accounting.report_file SET state = 'READY', finished_at = now(), size_bytes = ${more.size ?? 6}, chunk_count = ${more.chunks ?? 2},
       sha256 = '${more.sha256 ?? hash('abcabc')}' WHERE report_file_id = 'rpf_x'`;

  it('ends a file only with the bytes that it has', async () => {
    expect(await attack('accounting', file, chunk(1), chunk(2), ready())).toBe('let through');
    expect(await attack('accounting', file, chunk(1), chunk(2), ready({ size: 5 }))).toBe(checked);
    expect(await attack('accounting', file, chunk(1), chunk(2), ready({ chunks: 3 }))).toBe(checked);
    expect(await attack('accounting', file, chunk(1), chunk(2), ready({ sha256: hash('other') }))).toBe(checked);
    expect(await attack('accounting', file, chunk(1), chunk(3), ready())).toBe(checked);
    expect(
      await attack(
        'accounting',
        file,
        `UPDATE accounting.report_file SET state = 'READY', finished_at = now() WHERE report_file_id = 'rpf_x'`,
      ),
    ).toBe(checked);
  });

  it('changes no piece and no file once it was issued', async () => {
    const id = await made();
    for (const sql of [
      `DELETE FROM accounting.report_file_chunk WHERE report_file_id = '${id}'`,
      `INSERT INTO accounting.report_file_chunk VALUES ('${id}', 9, 'NGEU', 'abc')`,
      `UPDATE accounting.report_file_chunk SET content = 'abc' WHERE report_file_id = '${id}'`,
      `UPDATE accounting.report_file SET state = 'RUNNING' WHERE report_file_id = '${id}'`,
      `DELETE FROM accounting.report_file WHERE report_file_id = '${id}'`,
      `TRUNCATE accounting.report_file, accounting.report_file_chunk`,
    ])
      expect([sql, await attack('migrate', sql)]).toEqual([sql, restricted]);
    expect(await attack('migrate', file, chunk(1), `UPDATE accounting.report_file_chunk SET n = 2`)).toBe(restricted);
    expect(await attack('migrate', file, `UPDATE accounting.report_file SET parameters = '{"a":1}'`)).toBe(restricted);
    expect(await attack('accounting', `UPDATE accounting.report_file SET name = 'y'`)).toBe(denied);
    expect(await attack('accounting', `DELETE FROM accounting.report_file`)).toBe(denied);
    expect(await attack('settlement', 'SELECT 1 FROM accounting.report_file')).toBe(denied);
  });

  it('puts no piece into another book or under no file', async () => {
    expect(await attack('accounting', file, chunk(1, { book: 'NGUS' }))).toBe(foreign);
    expect(await attack('accounting', chunk(1, { id: 'rpf_none' }))).toBe(restricted);
  });
});
