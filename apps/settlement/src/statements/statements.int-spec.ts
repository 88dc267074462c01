import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Transactions } from '#libs/database/index.js';
import { writeExchange, writeStatement } from '#libs/iso20022/index.js';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { settlementForTests } from '../settlement-for-tests.js';

let database: TestDatabase;
let transactions: Transactions;
let settlement: ReturnType<typeof settlementForTests>;

beforeAll(async () => {
  database = await createTestDatabase({ startsAt: '2026-11-25T17:00:00Z' });
  transactions = database.transactions('settlement');
  settlement = settlementForTests(transactions);
  await settlement.folders.prepare();
  const nostro = {
    account: 'NOSTRO-USD',
    bookId: 'NGUS',
    currency: 'USD',
    channel: 'AGENT-USD',
    agentBic: 'CHASUS33XXX',
    openingMinor: 100_000n,
    openingDate: '2026-11-24',
    importId: 'imp_1',
  };
  await transactions.run((tx) => settlement.statements.importNostros(tx, [nostro]));
  await transactions.run((tx) => settlement.statements.importNostros(tx, [nostro]));
  await database
    .pool('owner')
    .query(
      `INSERT INTO settlement.expected_file (book_id, business_date, kind, qualifier, local_time, zone, due_at, late_from) VALUES ('NGUS', '2026-11-25', 'STATEMENT', 'USD', '18:00', 'Europe/Berlin', '2026-11-25T17:00:00Z', '2026-11-25T17:00:00Z')`,
    );
});
afterAll(() => database.drop());

const all = async <T>(sql: string) => (await database.pool('owner').query(sql)).rows as T[];
async function arrives(
  file: string,
  id: string,
  openingMinor: bigint,
  entries: bigint[],
  channel = 'AGENT-USD',
  shift = 0n,
  closingDate = '2026-11-25',
) {
  const document = writeStatement({
    messageId: id,
    createdAt: '2026-11-25T17:00:00Z',
    statementId: id,
    sequence: '1',
    account: { other: 'NOSTRO-USD' },
    currency: 'USD',
    openingDate: '2026-11-24',
    openingMinor,
    closingDate,
    closingMinor: openingMinor + entries.reduce((sum, one) => sum + one, 0n) + shift,
    entries: entries.map((signedMinor, n) => ({
      reference: `${id}-${n}`,
      signedMinor,
      bookingDate: '2026-11-25',
      valueDate: '2026-11-25',
      endToEndId: `PAY-${n}`,
    })),
  });
  writeFileSync(
    join(settlement.root, channel, 'from', file),
    writeExchange([{ messageId: id, type: 'camt.053.001.12', document }]),
  );
  await settlement.reader.drain();
}
const statements = () =>
  all<{ state: string; number: number | null; closing_minor: string }>(
    'SELECT state, number, closing_minor FROM settlement.nostro_statement ORDER BY received_at, number NULLS FIRST, closing_minor',
  );

describe('statements of a nostro', () => {
  it('one that does not continue is kept and not used; its correction is; the next continues that', async () => {
    await arrives('w.xml', 'S-1-W', 100_001n, [-500n, 20n]);
    expect(await statements()).toEqual([{ state: 'REFUSED', number: null, closing_minor: '99521' }]);
    expect(await all(`SELECT arrived_at FROM settlement.expected_file`)).toEqual([{ arrived_at: null }]);
    // Somebody asks for its correction, until that comes.
    expect(await all(`SELECT key, state, reason_code FROM settlement.work_item`)).toEqual([
      { key: 'exchange:AGENT-USD:S-1-W', state: 'OPEN', reason_code: 'STATEMENT_DOES_NOT_CONTINUE' },
    ]);
    await arrives('s1.xml', 'S-1', 100_000n, [-500n, 20n]);
    await arrives('s2.xml', 'S-2', 99_520n, [1n]);
    expect((await statements()).filter(({ state }) => state === 'ACCEPTED')).toEqual([
      { state: 'ACCEPTED', number: 1, closing_minor: '99520' },
      { state: 'ACCEPTED', number: 2, closing_minor: '99521' },
    ]);
    expect(await all(`SELECT is_late IS NOT NULL AS came FROM settlement.expected_file`)).toEqual([{ came: true }]);
    expect(
      await all(
        `SELECT signed_minor, end_to_end_id FROM settlement.nostro_statement_entry e JOIN settlement.nostro_statement s USING (statement_id) WHERE s.number = 1 ORDER BY n`,
      ),
    ).toEqual([
      { signed_minor: '-500', end_to_end_id: 'PAY-0' },
      { signed_minor: '20', end_to_end_id: 'PAY-1' },
    ]);
    expect(await all(`SELECT 1 FROM settlement.work_item WHERE state = 'OPEN'`)).toEqual([]);
  });

  it('sent twice it has no second effect, whatever its file or message is called', async () => {
    const before = await statements();
    await arrives('again.xml', 'S-1', 100_000n, [-500n, 20n]);
    await arrives('renamed.xml', 'S-1-copy', 100_000n, [-500n, 20n]);
    expect((await statements()).filter(({ state }) => state === 'ACCEPTED')).toEqual(
      before.filter(({ state }) => state === 'ACCEPTED'),
    );
  });

  it('one that does not add up, or comes from another agent, is refused', async () => {
    await arrives('sum.xml', 'S-3', 99_521n, [10n], 'AGENT-USD', 1n);
    await arrives('agent.xml', 'S-3b', 99_521n, [10n], 'AGENT-EUR');
    const refused = await all<{ message_id: string; code: string }>(
      `SELECT message_id, problems->0->>'code' AS code FROM settlement.exchange_message WHERE state = 'REFUSED' AND message_id LIKE 'S-3%' ORDER BY message_id`,
    );
    expect(refused).toEqual([
      { message_id: 'S-3', code: 'STATEMENT_DOES_NOT_ADD_UP' },
      { message_id: 'S-3b', code: 'OTHER_AGENT' },
    ]);
    expect(await all(`SELECT reference FROM settlement.work_item WHERE state = 'OPEN' ORDER BY 1`)).toEqual([
      { reference: 'S-1-copy' },
      { reference: 'S-3' },
      { reference: 'S-3b' },
    ]);
  });

  it('one of an earlier date than the last is refused, however well it continues', async () => {
    await arrives('old.xml', 'S-4', 99_521n, [7n], 'AGENT-USD', 0n, '2026-11-24');
    const [row] = await all<{ code: string }>(
      `SELECT problems->0->>'code' AS code FROM settlement.nostro_statement WHERE message_id = 'S-4'`,
    );
    expect(row).toEqual({ code: 'STATEMENT_OUT_OF_ORDER' });
  });

  it.each([
    ['opens with another balance', 3, '99520', '2026-11-26', /opens with 99520/],
    ['skips a number', 4, '99521', '2026-11-26', /number 4/],
    ['is of an earlier date', 3, '99521', '2026-11-24', /2026-11-24/],
  ])('the database takes no statement that %s', async (_name, number, opening, date, expected) => {
    await expect(
      transactions.run((tx) =>
        tx.execute(
          `INSERT INTO settlement.nostro_statement (statement_id, account, book_id, currency, state, number, message_id, channel, statement_date, opening_minor,
             closing_minor, entry_count, content_hash) VALUES ('stm_attack', 'NOSTRO-USD', 'NGUS', 'USD', 'ACCEPTED', $1, 'm', 'AGENT-USD', $2, $3, $3, 0, 'attack')`,
          [number, date, opening],
        ),
      ),
    ).rejects.toThrow(expected);
  });

  it('what was accepted is never changed nor taken away', async () => {
    for (const sql of [
      `UPDATE settlement.nostro_statement SET opening_minor = 0`,
      `DELETE FROM settlement.nostro_statement`,
    ])
      await expect(transactions.run((tx) => tx.execute(sql))).rejects.toThrow('permission denied');
  });
});
