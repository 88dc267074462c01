import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Transactions } from '#libs/database/index.js';
import { readExchange, writeExchange, writeStatusAdvice } from '#libs/iso20022/index.js';
import { problem } from '#libs/kernel/index.js';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { settlementForTests } from '../settlement-for-tests.js';
import { ExchangeFolders } from './exchange-folders.js';
import { ExchangeWriterService } from './exchange-writer.service.js';

let database: TestDatabase;
let transactions: Transactions;
let settlement: ReturnType<typeof settlementForTests>;
const handled: string[] = [];
/** What the handler throws, one after the other, at messages whose id begins with `later`. */
const transientFaults: Error[] = [];

beforeAll(async () => {
  database = await createTestDatabase({ startsAt: '2026-11-25T10:00:00Z' });
  transactions = database.transactions('settlement');
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database
    .pool('owner')
    .query(
      'TRUNCATE settlement.exchange_lease, settlement.exchange_file, settlement.exchange_message, settlement.work_item CASCADE',
    );
  settlement = settlementForTests(transactions);
  handled.length = 0;
  transientFaults.length = 0;
  // A kind of its own, so that what a message does is in plain sight.
  settlement.handlers.register('sese.028', async (tx, messages) => {
    for (const { messageId } of messages) {
      await tx.execute('SELECT 1');
      if (messageId.startsWith('poison')) throw new Error('cannot be handled');
      const fault = messageId.startsWith('later') ? transientFaults.shift() : undefined;
      if (fault) throw fault;
      handled.push(messageId);
    }
    return new Map(
      messages
        .filter(({ messageId }) => messageId.startsWith('wrong'))
        .map(({ messageId }) => [messageId, [problem('UNKNOWN_PAYMENT', 'never given')]]),
    );
  });
  await settlement.folders.prepare();
});

const document = writeStatusAdvice({ transactionId: 'i', matching: { status: 'MATCHED' } });
const outgoing = (count: number, prefix = 'm') =>
  Array.from({ length: count }, (_, n) => ({
    channel: 'T2S',
    messageId: `${prefix}${String(n).padStart(4, '0')}`,
    type: 'sese.024.001.12',
    document,
  }));
const send = (count: number, prefix?: string) =>
  transactions.run((tx) => settlement.exchange.send(tx, outgoing(count, prefix)));
const written = () =>
  readdirSync(join(settlement.root, 'T2S', 'to'))
    .filter((name) => name.endsWith('.xml'))
    .sort();
function idsIn(name: string): string[] {
  const read = readExchange(readFileSync(join(settlement.root, 'T2S', 'to', name)), name);
  return read.ok ? read.value.map(({ messageId }) => messageId) : [];
}
const states = async (table: string) =>
  (
    await database
      .pool('owner')
      .query<{ state: string; n: number }>(
        `SELECT state, count(*)::int AS n FROM settlement.exchange_${table} GROUP BY state ORDER BY state`,
      )
  ).rows;
const alleged = (id: string) => ({
  messageId: id,
  type: 'sese.028.001.10',
  document: document.replace('sese.024.001.12', 'sese.028.001.10'),
});
const drop = (name: string, ...ids: string[]) => {
  writeFileSync(join(settlement.root, 'T2S', 'from', name), writeExchange(ids.map(alleged)));
};

describe('writing', () => {
  it('puts up to five hundred messages into a file, each once, in their order', async () => {
    await send(1_001);
    await send(1_001);
    await settlement.writer.writeAll();
    expect(written().map((name) => idsIn(name).length)).toEqual([500, 500, 1]);
    expect(written().flatMap(idsIn)).toEqual(outgoing(1_001).map(({ messageId }) => messageId));
    expect(await states('message')).toEqual([{ state: 'WRITTEN', n: 1_001 }]);
  });

  it('a rolled back fact sends nothing', async () => {
    await expect(
      transactions.run(async (tx) => {
        await settlement.exchange.send(tx, outgoing(1));
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    await settlement.writer.writeAll();
    expect(written()).toEqual([]);
  });

  it.each(['before the file is there', 'after the file is there, before it is marked'])(
    'killed %s: the next writer leaves the same file',
    async (moment) => {
      await send(3);
      class Killed extends ExchangeFolders {
        override async write(...file: Parameters<ExchangeFolders['write']>): Promise<void> {
          if (moment.startsWith('after')) await settlement.folders.write(...file);
          throw new Error('killed');
        }
      }
      const dying = new ExchangeWriterService(transactions, settlement.exchangeRepository, new Killed(settlement.root));
      await expect(dying.writeAll()).rejects.toThrow('killed');
      const before = written().map((name) => [name, readFileSync(join(settlement.root, 'T2S', 'to', name), 'utf8')]);
      await send(2, 'later');
      await settlement.newWriter().writeAll();
      const after = written().map((name) => [name, readFileSync(join(settlement.root, 'T2S', 'to', name), 'utf8')]);
      if (moment.startsWith('after')) expect(after[0]).toEqual(before[0]);
      expect(written().map(idsIn)).toEqual([
        ['m0000', 'm0001', 'm0002'],
        ['later0000', 'later0001'],
      ]);
      expect(await states('file')).toEqual([{ state: 'WRITTEN', n: 2 }]);
    },
  );

  it('two writers at once send nothing twice', async () => {
    await send(600);
    await Promise.all([settlement.writer.flush(), settlement.newWriter().flush(), settlement.writer.writeAll()]);
    expect(written().flatMap(idsIn).sort()).toEqual(outgoing(600).map(({ messageId }) => messageId));
  });
});

describe('reading', () => {
  it('handles each message once, however often its file or the message comes', async () => {
    drop('a.xml', 'x1', 'x2');
    await settlement.reader.readAll();
    mkdirSync(join(settlement.root, 'T2S', 'from'), { recursive: true });
    drop('a.xml', 'x1', 'x2');
    drop('b.xml', 'x2', 'x3');
    await settlement.newReader().drain();
    expect(handled).toEqual(['x1', 'x2', 'x3']);
    expect(readdirSync(join(settlement.root, 'T2S', 'done')).sort()).toEqual(['a.xml', 'b.xml']);
    expect(await states('message')).toEqual([{ state: 'HANDLED', n: 3 }]);
  });

  it('stopped after the bytes were stored: the next reader handles them though the file is gone', async () => {
    await transactions.run((tx) =>
      settlement.exchangeRepository.storeFile(tx, {
        channel: 'T2S',
        direction: 'INBOUND',
        name: 'a.xml',
        sha256: 'x',
        content: Buffer.from(writeExchange([alleged('x1')])),
        state: 'STORED',
      }),
    );
    await settlement.reader.drain();
    expect(handled).toEqual(['x1']);
  });

  it('two readers at once handle nothing twice', async () => {
    for (let n = 0; n < 10; n += 1) drop(`f${n}.xml`, `x${n}a`, `x${n}b`);
    await Promise.all([settlement.reader.drain(), settlement.newReader().drain(), settlement.reader.readAll()]);
    expect([...new Set(handled)].length).toBe(20);
    expect(await states('message')).toEqual([{ state: 'HANDLED', n: 20 }]);
  });

  it('the same name with other content is kept aside and asked about', async () => {
    drop('a.xml', 'x1');
    await settlement.reader.drain();
    drop('a.xml', 'x2');
    await settlement.reader.drain();
    expect(handled).toEqual(['x1']);
    expect(await states('file')).toEqual([
      { state: 'HANDLED', n: 1 },
      { state: 'REFUSED', n: 1 },
    ]);
    expect((await database.pool('owner').query(`SELECT reason_code FROM settlement.work_item`)).rows).toEqual([
      { reason_code: 'NAME_REUSED' },
    ]);
  });

  it('a message that cannot be handled stops the others only for a while, and becomes a person’s', async () => {
    drop('a.xml', 'x1', 'poison', 'x2');
    drop('b.xml', 'x3');
    for (let attempt = 0; attempt < 3; attempt += 1)
      await expect(settlement.reader.readAll()).rejects.toThrow('cannot be handled');
    handled.length = 0;
    await settlement.reader.drain();
    expect(handled.filter((id) => id !== 'x1')).toEqual(['x2', 'x3']);
    expect(await states('message')).toEqual([
      { state: 'HANDLED', n: 3 },
      { state: 'REFUSED', n: 1 },
    ]);
    expect((await database.pool('owner').query(`SELECT category, reason_code FROM settlement.work_item`)).rows).toEqual(
      [{ category: 'OTHER', reason_code: 'NOT_HANDLED' }],
    );
  });

  it('what nobody handles is refused and asked about', async () => {
    writeFileSync(
      join(settlement.root, 'DTC', 'from', 'a.xml'),
      writeExchange([
        { ...alleged('x1'), type: 'sese.031.001.09', document: document.replace('sese.024.001.12', 'sese.031.001.09') },
      ]),
    );
    await settlement.reader.drain();
    expect(await states('message')).toEqual([{ state: 'REFUSED', n: 1 }]);
  });

  const faultOf = (code: string | undefined, message: string) =>
    Object.assign(new Error(message), code ? { code } : {});
  const items = async () =>
    (
      await database.pool('owner').query<{
        key: string;
        state: string;
        reason_code: string;
      }>(`SELECT key, state, reason_code FROM settlement.work_item WHERE owner_team <> '' AND due_at IS NOT NULL ORDER BY key`)
    ).rows;

  it.each([
    ['a statement timeout', '57014', 'canceling statement due to statement timeout'],
    ['a serialization failure that outlives its retries', '40001', 'could not serialize access'],
    ['a connection that is lost', undefined, 'Connection terminated unexpectedly'],
    ['a database that restarts', '57P01', 'terminating connection due to administrator command'],
  ])('%s is tried again for as long as it takes, and refuses nothing', async (_name, code, message) => {
    drop('a.xml', 'x1', 'later1');
    for (let n = 0; n < 9; n += 1) transientFaults.push(faultOf(code, message));
    // Transactions do a serialization failure again by themselves, so the passes that fail are at most nine.
    for (let n = 0; n < 9 && transientFaults.length > 0; n += 1)
      await settlement.reader.readAll().catch((error: unknown) => {
        expect(String(error)).toContain(message);
      });
    handled.length = 0;
    await settlement.reader.drain();
    expect(handled.filter((id) => id === 'later1').length).toBeLessThanOrEqual(1);
    expect(await states('message')).toEqual([{ state: 'HANDLED', n: 2 }]);
    expect(await states('file')).toEqual([{ state: 'HANDLED', n: 1 }]);
    expect((await items()).filter(({ state }) => state !== 'CLOSED')).toEqual([]);
  });

  it('a channel that fails stops no other one; when it fails for long somebody is asked, until it goes on', async () => {
    drop('a.xml', 'later1');
    const toCrest = join(settlement.root, 'CREST', 'from', 'b.xml');
    writeFileSync(toCrest, writeExchange([alleged('crest1')]));
    for (let n = 0; n < 12; n += 1) transientFaults.push(faultOf('53300', 'too many clients'));
    await expect(settlement.reader.readAll()).rejects.toThrow('too many clients');
    expect(handled).toEqual(['crest1']);
    while (transientFaults.length > 0) await settlement.reader.readAll().catch(() => undefined);
    expect(await items()).toEqual([
      { key: 'exchange-delayed:T2S:a.xml', state: 'OPEN', reason_code: 'CHANNEL_STANDS_STILL' },
    ]);
    await settlement.reader.drain();
    expect(await items()).toMatchObject([{ state: 'CLOSED' }]);
    expect(await states('message')).toEqual([{ state: 'HANDLED', n: 2 }]);
  });

  it('a message that its owner refuses is asked about, once', async () => {
    drop('a.xml', 'wrong1', 'x1');
    await settlement.reader.drain();
    drop('b.xml', 'wrong1');
    await settlement.reader.drain();
    expect(await items()).toEqual([{ key: 'exchange:T2S:wrong1', state: 'OPEN', reason_code: 'UNKNOWN_PAYMENT' }]);
  });
});

it('a file that is no XML is kept, refused and asked about', async () => {
  writeFileSync(join(settlement.root, 'T2S', 'from', 'bad.xml'), '<!DOCTYPE x><x/>');
  await settlement.reader.drain();
  const rows = async (sql: string) => (await database.pool('owner').query<Record<string, unknown>>(sql)).rows;
  expect(await rows(`SELECT state, problems->0->>'code' AS code FROM settlement.exchange_file`)).toEqual([
    { state: 'REFUSED', code: 'XML_DOCTYPE' },
  ]);
  expect(await rows(`SELECT category FROM settlement.work_item`)).toEqual([{ category: 'OTHER' }]);
  expect(readdirSync(join(settlement.root, 'T2S', 'done'))).toEqual(['bad.xml']);
});
