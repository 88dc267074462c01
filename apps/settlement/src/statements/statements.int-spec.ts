import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type AccountStated } from '#libs/contracts/index.js';
import { type Transactions } from '#libs/database/index.js';
import { writeExchange, writeStatement } from '#libs/iso20022/index.js';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { settlementForTests } from '../settlement-for-tests.js';
import { itemsOf } from './stated-accounts.service.js';
import { seedStaticData } from '../trades/for-tests.js';

let database: TestDatabase;
let transactions: Transactions;
let settlement: ReturnType<typeof settlementForTests>;

beforeAll(async () => {
  database = await createTestDatabase({ startsAt: '2026-11-25T17:00:00Z' });
  transactions = database.transactions('settlement');
  settlement = settlementForTests(transactions);
  await settlement.folders.prepare();
  await seedStaticData(transactions);
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

describe('what an accepted statement tells the ledger', () => {
  const told = async (account: string) =>
    (
      await all<{ payload: AccountStated }>(
        `SELECT payload FROM messaging.message WHERE name = 'settlement.account-stated.v1' ORDER BY sequence`,
      )
    )
      .map(({ payload }) => payload)
      .filter((payload) => payload.account === account);

  it('each once: its closing balance and its entries, by the names of our own that the agent knows', async () => {
    const stated = await told('NOSTRO-USD');
    expect(stated.map(({ number, balances }) => [number, balances])).toEqual([
      [1, [{ asset: 'USD', units: '99520' }]],
      [2, [{ asset: 'USD', units: '99521' }]],
    ]);
    expect(stated[0]?.entries).toEqual([
      { n: 1, asset: 'USD', units: '-500', code: 'PMNT/ICDT/OTHR' },
      { n: 2, asset: 'USD', units: '20', code: 'PMNT/RCDT/OTHR' },
    ]);
  });

  it('entries in parts of 500 each, the balance with the first', async () => {
    const before = (await told('NOSTRO-USD')).length;
    await arrives(
      'many.xml',
      'S-5',
      99_521n,
      Array.from({ length: 501 }, () => 1n),
    );
    const parts = (await told('NOSTRO-USD')).slice(before);
    expect(parts.map(({ part, parts: of, balances, entries }) => [part, of, balances.length, entries.length])).toEqual([
      [1, 2, 1, 500],
      [2, 2, 0, 1],
    ]);
  });

  it.each([
    [
      'one transaction is named by our instruction',
      [{ ownerTransactionId: 'ins_1', endToEndId: 'x' }],
      [['-100', 'ins_1']],
    ],
    [
      'a bulk entry by each of its transactions',
      [
        { instructionId: 'pay_1', amount: { currency: 'EUR', amountMinor: 60n } },
        { instructionId: 'pay_2', amount: { currency: 'EUR', amountMinor: 40n } },
      ],
      [
        ['-60', 'pay_1'],
        ['-40', 'pay_2'],
      ],
    ],
    [
      'a bulk entry whose transactions do not make it up stays whole',
      [
        { instructionId: 'pay_1', amount: { currency: 'EUR', amountMinor: 60n } },
        { instructionId: 'pay_2', amount: { currency: 'EUR', amountMinor: 41n } },
      ],
      [['-100', undefined]],
    ],
  ])('%s', (_name, details, expected) => {
    const entry = {
      signedMinor: -100n,
      currency: 'EUR',
      indicator: 'DBIT' as const,
      isReversal: false,
      status: 'BOOK',
    };
    const items = itemsOf({ ...entry, details: details.map((one) => ({ ...one, partyNames: [] })) });
    expect(items.map(({ units, reference }) => [units, reference])).toEqual(expected);
  });
});

describe('statements of a depot', () => {
  const holdings = (
    number: number,
    date: string,
    held: Record<string, string>,
    more: { basis?: string; page?: string } = {},
  ) =>
    `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:semt.002.001.11"><SctiesBalCtdyRpt><Pgntn><PgNb>${more.page ?? '1'}</PgNb><LastPgInd>true</LastPgInd></Pgntn>` +
    `<StmtGnlDtls><RptNb><Lng>${String(number).padStart(5, '0')}</Lng></RptNb><StmtDtTm><Dt>${date}</Dt></StmtDtTm><Frqcy><Cd>DAIL</Cd></Frqcy><UpdTp><Cd>COMP</Cd></UpdTp>` +
    `<StmtBsis><Cd>${more.basis ?? 'SETT'}</Cd></StmtBsis><ActvtyInd>true</ActvtyInd><SubAcctInd>false</SubAcctInd></StmtGnlDtls><SfkpgAcct><Id>DEPOT-T2S</Id></SfkpgAcct>` +
    Object.entries(held)
      .map(
        ([isin, text]) =>
          `<BalForAcct><FinInstrmId><ISIN>${isin}</ISIN></FinInstrmId><AggtBal><ShrtLngInd>LONG</ShrtLngInd><Qty><Qty><Qty><Unit>${text}</Unit></Qty></Qty></Qty></AggtBal></BalForAcct>`,
      )
      .join('') +
    `</SctiesBalCtdyRpt></Document>`;
  const states = async (id: string, document: string, channel = 'T2S') => {
    writeFileSync(
      join(settlement.root, channel, 'from', `${id}.xml`),
      writeExchange([{ messageId: id, type: 'semt.002.001.11', document }]),
    );
    await settlement.reader.drain();
    const [message] = await all<{ codes: string[] | null }>(
      `SELECT (SELECT array_agg(p->>'code' ORDER BY p->>'code') FROM jsonb_array_elements(problems) p) AS codes FROM settlement.exchange_message WHERE message_id = '${id}'`,
    );
    return message?.codes ?? [];
  };

  beforeAll(async () => {
    const place = (placeId: string) => ({
      validFrom: '2026-11-01',
      placeId,
      kind: 'EXTERNAL',
      bic: null,
      name: placeId,
      zone: 'Europe/Berlin',
      calendarId: 'T2S',
      dvpCutOff: '16:00',
      fopCutOff: '18:00',
      depotAccount: `DEPOT-${placeId}`,
      cashAccount: null,
      bookId: 'NGEU',
    });
    await transactions.run((tx) =>
      settlement.staticRepository.saveVersions(tx, 'place', [place('CREST'), place('T2S')], {
        source: 'TEST',
        originId: null,
      }),
    );
  });

  it('is kept whole and told in units of its instruments with their price; an ISIN that nobody knows is only stored', async () => {
    expect(
      await states(
        'D-1',
        holdings(1, '2026-11-25', { DE0007164600: '700', DE0001102580: '1500.50', XS0000000009: '5' }),
      ),
    ).toEqual([]);
    expect(await all(`SELECT isin, quantity FROM settlement.depot_statement_holding ORDER BY n`)).toEqual([
      { isin: 'DE0007164600', quantity: '700' },
      { isin: 'DE0001102580', quantity: '1500.50' },
      { isin: 'XS0000000009', quantity: '5' },
    ]);
    const [payload] = (
      await all<{ payload: AccountStated }>(
        `SELECT payload FROM messaging.message WHERE name = 'settlement.account-stated.v1' AND payload->>'account' = 'DEPOT-T2S'`,
      )
    ).map((row) => row.payload);
    expect(payload).toMatchObject({
      kind: 'CUSTODY',
      book: 'NGEU',
      number: 1,
      statementDate: '2026-11-25',
      part: 1,
      parts: 1,
    });
    expect(payload?.balances).toEqual([
      {
        asset: 'DE0007164600',
        units: '700',
        price: { amount: '100', factor: '1', currency: 'EUR', date: '2026-11-24' },
      },
      { asset: 'DE0001102580', units: '150050' },
    ]);
  });

  it('sent twice it has no second effect', async () => {
    expect(
      await states(
        'D-1-again',
        holdings(1, '2026-11-25', { DE0007164600: '700', DE0001102580: '1500.50', XS0000000009: '5' }),
      ),
    ).toEqual([]);
    expect(await all(`SELECT number FROM settlement.depot_statement`)).toEqual([{ number: 1 }]);
  });

  it('is refused with all reasons, stored, asked about, and answered by the one that continues', async () => {
    const bad = holdings(4, '2026-11-24', { DE0007164600: '7.5' }, { basis: 'TRAD', page: '2' });
    expect(await states('D-2', bad)).toEqual([
      'EXCESS_SCALE',
      'STATEMENT_DOES_NOT_CONTINUE',
      'STATEMENT_NOT_SETTLED',
      'STATEMENT_NOT_WHOLE',
      'STATEMENT_OUT_OF_ORDER',
    ]);
    expect(await states('D-3', holdings(2, '2026-11-25', {}), 'CREST')).toEqual(['OTHER_PLACE']);
    expect(await states('D-4', holdings(2, '2026-11-25', {}).replace('DEPOT-T2S', 'DEPOT-ELSE'))).toEqual([
      'UNKNOWN_ACCOUNT',
    ]);
    const twice = holdings(2, '2026-11-25', { DE0007164600: '7' });
    const held = /<BalForAcct>.*<\/BalForAcct>/.exec(twice)?.[0] ?? '';
    expect(await states('D-5', twice.replace(held, held + held))).toEqual(['HOLDING_REPEATED']);
    const asked = () =>
      all<{ reference: string }>(
        `SELECT reference FROM settlement.work_item WHERE state = 'OPEN' AND reference LIKE 'D-%' ORDER BY 1`,
      );
    expect((await asked()).map(({ reference }) => reference)).toEqual(['D-2', 'D-3', 'D-4', 'D-5']);
    expect(await states('D-6', holdings(2, '2026-11-26', { DE0007164600: '400' }))).toEqual([]);
    // What was no statement of this depot is still somebody's to ask about.
    expect((await asked()).map(({ reference }) => reference)).toEqual(['D-3', 'D-4']);
  });

  it.each([
    ['skips a number', 4, 3, '2026-11-27', /number 4/],
    ['skips a report', 3, 9, '2026-11-27', /report 9/],
    ['is of an earlier date', 3, 3, '2026-11-25', /2026-11-25/],
  ])('the database takes none that %s, and changes none', async (_name, number, report, date, expected) => {
    await expect(
      transactions.run((tx) =>
        tx.execute(
          `INSERT INTO settlement.depot_statement (statement_id, account, book_id, state, number, report_number, message_id, channel, statement_date, holding_count, content_hash)
           VALUES ('stm_attack', 'DEPOT-T2S', 'NGEU', 'ACCEPTED', $1, $2, 'm', 'T2S', $3, 0, repeat('0', 64))`,
          [number, report, date],
        ),
      ),
    ).rejects.toThrow(expected);
    for (const sql of [
      `UPDATE settlement.depot_statement SET number = 9`,
      `DELETE FROM settlement.depot_statement_holding`,
    ])
      await expect(transactions.run((tx) => tx.execute(sql))).rejects.toThrow('permission denied');
  });
});
