import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type EntryOutcome, type EventToPost, type PostingEvent } from '#libs/contracts/index.js';
import { type Outbox } from '#libs/messaging/index.js';
import { PostingProcessor } from '../journal/posting.processor.js';
import { type Bench, createBench, day, isin } from '../testing/bench.js';
import { builtInRules } from './built-in-rules.js';
import { PostingRulesRepository } from './posting-rules.repository.js';
import { PostingRules } from './posting-rules.service.js';

let bench: Bench;
const rules = new PostingRules(new PostingRulesRepository());
beforeAll(async () => {
  bench = await createBench();
});
afterAll(async () => {
  await bench.drop();
});

const all = async <Row>(sql: string, parameters: unknown[] = []) => (
  await bench.database.pool('owner').query(`SELECT set_config('app.books', '*', false)`),
  (await bench.database.pool('owner').query(sql, parameters)).rows as Row[]
);
const toPost = (key: string, event: PostingEvent, more: Partial<EventToPost> = {}): EventToPost => ({
  key,
  book: 'NGEU',
  businessDate: day,
  valueDate: day,
  subject: { kind: 'TEST', id: `test-${key}` },
  event,
  ...more,
});
const deposit = (amount: string, more: object = {}): PostingEvent => ({
  kind: 'DEPOSIT',
  facts: { client: 'A-CASH', nostro: 'NOSTRO-EUR', currency: 'EUR', amount, description: 'cash', ...more },
});
const settlement: PostingEvent = {
  kind: 'SETTLEMENT',
  facts: {
    direction: 'RECEIVED',
    execution: 'EX-1',
    place: 'T2S',
    depot: 'DEPOT-T2S',
    instrument: isin,
    nostro: 'NOSTRO-EUR',
    currency: 'EUR',
    quantity: '10',
    amount: '1000',
    shares: [
      { safe: 'A-SAFE', cash: 'A-CASH', quantity: '4', amount: '400' },
      { safe: 'B-SAFE', cash: 'B-CASH', quantity: '6', amount: '600' },
    ],
  },
};
/** A command with these items; what was answered. */
async function command(...items: object[]): Promise<EntryOutcome[]> {
  const answers: { items: EntryOutcome[] }[] = [];
  const outbox = {
    add: (_: unknown, __: unknown, payload: { items: EntryOutcome[] }) => Promise.resolve(answers.push(payload)),
  };
  const processor = new PostingProcessor(bench.posting, rules, outbox as unknown as Outbox);
  await bench.run((tx) =>
    processor.postEntries(tx, { batchId: 'bat_1', items } as never, { producer: 'settlement' } as never),
  );
  return answers[0]?.items ?? [];
}
const lines = (entryId: string) =>
  all<{ line: string }>(
    `SELECT l.number || ' ' || p.units || ' ' || p.asset AS line FROM accounting.posting p JOIN accounting.ledger_account l USING (ledger_account_id)
      WHERE p.entry_id = $1 ORDER BY p.n`,
    [entryId],
  ).then((rows) => rows.map(({ line }) => line));
const entryIdOf = (outcome: EntryOutcome | undefined) => (outcome?.outcome === 'POSTED' ? outcome.entryId : '');

describe('events of a command', () => {
  it('are booked by the rules in force, beside entries that come with their postings, and are kept', async () => {
    const plain = bench.move('plain', 'NOSTRO-EUR', 'B-CASH', 100) as { op: string };
    const { op: _, ...entry } = plain;
    const outcomes = await command(
      toPost('dep', deposit('5000')),
      entry,
      toPost('settle', settlement, { forced: { reason: 'confirmed by T2S' } }),
    );
    expect(outcomes.map(({ outcome, key }) => `${outcome} ${key}`)).toEqual([
      'POSTED dep',
      'POSTED plain',
      'POSTED settle',
    ]);
    expect(await lines(entryIdOf(outcomes[0]))).toEqual(['NOSTRO-EUR 5000 EUR', 'A-CASH -5000 EUR']);
    expect(await lines(entryIdOf(outcomes[2]))).toEqual([
      `DEPOT-T2S 10 ${isin}`,
      `A-SAFE -4 ${isin}`,
      `B-SAFE -6 ${isin}`,
      'A-CASH 400 EUR',
      'B-CASH 600 EUR',
      'NOSTRO-EUR -1000 EUR',
    ]);
    expect(
      await all('SELECT kind, description, forced_reason FROM accounting.journal_entry WHERE entry_id = $1', [
        entryIdOf(outcomes[2]),
      ]),
    ).toEqual([
      { kind: 'TRADE_SETTLEMENT', description: 'Settlement of EX-1 at T2S', forced_reason: 'confirmed by T2S' },
    ]);
    expect(
      await all('SELECT entry_id, event_kind, facts, rule_version FROM accounting.posting_event ORDER BY event_kind'),
    ).toEqual([
      { entry_id: entryIdOf(outcomes[0]), event_kind: 'DEPOSIT', facts: deposit('5000').facts, rule_version: 1 },
      { entry_id: entryIdOf(outcomes[2]), event_kind: 'SETTLEMENT', facts: settlement.facts, rule_version: 1 },
    ]);
    expect(await all('SELECT book_id, version, rules, proposed_by FROM accounting.posting_rule_version')).toEqual([
      {
        book_id: 'NGEU',
        version: 1,
        rules: JSON.parse(JSON.stringify(builtInRules)) as object,
        proposed_by: 'service:accounting',
      },
    ]);
  });

  it('told twice are booked once, and the key of an event is the key of its entry: also of one from before there were events', async () => {
    const [first] = await command(toPost('twice', deposit('7')));
    const [second] = await command(toPost('twice', deposit('7')));
    expect(second).toEqual(first);
    const { op: _, ...entry } = bench.move('older', 'NOSTRO-EUR', 'A-CASH', 9, {
      kind: 'DEPOSIT',
      description: 'cash',
    }) as {
      op: string;
    };
    const [older] = await command(entry);
    const [now] = await command(toPost('older', deposit('9')));
    expect(now).toEqual(older);
    expect(await command(toPost('older', deposit('10')))).toMatchObject([{ code: 'IDEMPOTENCY_KEY_REUSED' }]);
    expect(
      await all(`SELECT count(*)::int AS n FROM accounting.posting_event WHERE entry_id = $1`, [entryIdOf(older)]),
    ).toEqual([{ n: 0 }]);
  });

  it('that cannot be read are refused with every fault, the others are booked, and the key stays free', async () => {
    const outcomes = await command(
      toPost('bad', deposit('-1', { client: '' })),
      toPost('good', deposit('1')),
      toPost('nothing', deposit('0')),
      toPost('poor', {
        kind: 'WITHDRAWAL',
        facts: { client: 'A-CASH', nostro: 'NOSTRO-EUR', currency: 'EUR', amount: '999999999', description: 'x' },
      }),
    );
    expect(outcomes).toMatchObject([
      {
        outcome: 'REFUSED',
        code: 'MALFORMED_ITEM',
        message: expect.stringMatching(/event\.facts\.client.*event\.facts\.amount/),
      },
      { outcome: 'POSTED' },
      { outcome: 'REFUSED', code: 'TOO_FEW_POSTINGS' },
      { outcome: 'REFUSED', code: 'INSUFFICIENT_FUNDS', account: 'A-CASH' },
    ]);
    expect(await command(toPost('bad', deposit('1')))).toMatchObject([{ outcome: 'POSTED' }]);
    // What was refused came of an event too, but there is no entry to keep it with.
    expect(
      await all(`SELECT count(*)::int AS n FROM accounting.posting_event p WHERE NOT EXISTS (
        SELECT FROM accounting.journal_entry e WHERE e.entry_id = p.entry_id)`),
    ).toEqual([{ n: 0 }]);
  });

  it('of a book without accounts are refused by the ledger and leave no rules behind', async () => {
    expect(await command(toPost('nowhere', deposit('1'), { book: 'NOBOOK' }))).toMatchObject([
      { outcome: 'REFUSED', code: 'ACCOUNT_NOT_FOUND' },
    ]);
    expect(await all(`SELECT 1 FROM accounting.posting_rule_version WHERE book_id = 'NOBOOK'`)).toEqual([]);
  });

  it('take one statement for all rules of a batch, and the rules themselves are read once', async () => {
    const said: string[] = [];
    await bench.run(async (tx) => {
      const counted = Object.assign(Object.create(tx) as typeof tx, {
        rows: (sql: string, parameters: unknown[]) => {
          said.push(sql);
          return tx.rows(sql, parameters);
        },
      });
      const fresh = new PostingRules(new PostingRulesRepository());
      const events = Array.from({ length: 300 }, (_, n) => toPost(`n-${n}`, deposit('1')));
      await fresh.entriesOf(counted, events);
      expect(said.length).toBe(2);
      await fresh.entriesOf(counted, events);
      expect(said.length).toBe(3);
    });
  });
});

describe('raw SQL', () => {
  async function attack(
    role: 'accounting' | 'settlement' | 'verify' | 'migrate',
    ...statements: string[]
  ): Promise<string> {
    const client = await bench.database.pool(role).connect();
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
  const denied = '42501';
  const restricted = '23001';
  const checked = '23514';
  const foreign = '23503';
  let entry: string;
  let plain: string;
  beforeAll(async () => {
    const [first] = await command(toPost('attacked', deposit('3')));
    entry = entryIdOf(first);
    plain = (await bench.one(bench.move('attacked-plain', 'NOSTRO-EUR', 'A-CASH', 5, { kind: 'DEPOSIT' }))).id!;
  });
  const event = (id: string, more: { book?: string; kind?: string; version?: number } = {}) =>
    `INSERT INTO accounting.posting_event VALUES ('${id}', '${more.book ?? 'NGEU'}', '${more.kind ?? 'DEPOSIT'}', '{}', ${more.version ?? 1})`;
  const proposal = (more: { by?: string; from?: string; rules?: string; state?: string } = {}) =>
    `INSERT INTO accounting.posting_rule_proposal (approval_id, book_id, rules, valid_from, reason, payload_hash, state, requested_by, expires_at)
     VALUES ('apr_x', 'NGEU', '${more.rules ?? '[]'}', '${more.from ?? '2026-12-01'}', 'why', repeat('a', 64), '${more.state ?? 'PROPOSED'}', '${more.by ?? 'olga'}', now())`;
  const version = (
    more: { version?: number; from?: string; by?: string; approved?: string; approval?: string; rules?: string } = {},
  ) =>
    `INSERT INTO accounting.posting_rule_version (book_id, version, valid_from, rules, reason, proposed_by, approved_by, approval_id)
     VALUES ('NGEU', ${more.version ?? 2}, '${more.from ?? '2026-12-01'}', '${more.rules ?? '[]'}', 'why', '${more.by ?? 'olga'}', '${more.approved ?? 'piet'}', ${more.approval ?? `'apr_x'`})`;

  it('changes no event and no version, whoever says it', async () => {
    for (const table of ['posting_event', 'posting_rule_version']) {
      for (const sql of [
        `UPDATE accounting.${table} SET book_id = book_id`,
        `DELETE FROM accounting.${table}`,
        `TRUNCATE accounting.${table} CASCADE`,
      ]) {
        expect([sql, await attack('accounting', sql)]).toEqual([sql, denied]);
        expect([sql, await attack('migrate', sql)]).toEqual([sql, restricted]);
      }
    }
    expect(await attack('settlement', 'SELECT 1 FROM accounting.posting_event')).toBe(denied);
    expect(await attack('verify', 'SELECT 1 FROM accounting.posting_event')).toBe('let through');
  });

  it('keeps an event only with an entry of its book, by the version in force on its date, of the kind its rule says', async () => {
    expect(await attack('accounting', event(plain))).toBe(denied);
    expect(await attack('migrate', event(plain))).toBe('let through');
    expect(await attack('migrate', event(entry))).toBe('23505');
    expect(await attack('migrate', event('ent_none'))).toBe(foreign);
    expect(await attack('migrate', event(plain, { book: 'NGUS' }))).toBe(foreign);
    expect(await attack('migrate', event(plain, { version: 2 }))).toBe(checked);
    expect(await attack('migrate', event(plain, { kind: 'WITHDRAWAL' }))).toBe(checked);
    expect(await attack('migrate', event(plain, { kind: 'NONE' }))).toBe(checked);
    const keep = `SELECT accounting.keep_events(ARRAY['${plain}'], ARRAY['NGEU'], ARRAY['FEE'], ARRAY['{}'], ARRAY[1])`;
    expect(await attack('accounting', keep)).toBe(checked);
    expect(await attack('settlement', keep)).toBe(denied);
    // A later version, agreed to and valid, is not that of an entry of an earlier date.
    const later = [proposal({ from: '2026-11-26' }), version({ from: '2026-11-26' })];
    expect(await attack('migrate', ...later)).toBe('let through');
    expect(await attack('migrate', ...later, event(plain, { version: 2 }))).toBe(checked);
  });

  it('stores a version only as the next, as it was proposed, with two people, from a date that is not open', async () => {
    const made = (asked: Parameters<typeof proposal>[0], stored: Parameters<typeof version>[0]) =>
      attack('accounting', proposal(asked), version(stored));
    expect(await made({}, {})).toBe('let through');
    expect(await attack('accounting', version())).toBe(foreign);
    expect(await attack('accounting', version({ approval: 'NULL' }))).toBe(checked);
    expect(await made({}, { version: 3 })).toBe(checked);
    expect(await made({}, { version: 1 })).toBe(checked);
    expect(await made({}, { approved: 'olga' })).toBe(checked);
    expect(await made({ by: 'anna' }, {})).toBe(checked);
    expect(await made({}, { rules: '[{}]' })).toBe(checked);
    expect(await made({}, { from: '2026-12-02' })).toBe(checked);
    expect(await made({ state: 'REJECTED' }, {})).toBe(checked);
    expect(await made({ from: day }, { from: day })).toBe(checked);
    expect(await made({ from: '2026-11-26' }, { from: '2026-11-26' })).toBe('let through');
  });

  it('changes no word of a proposal, and its decision once', async () => {
    const change = (set: string) =>
      attack('migrate', proposal(), `UPDATE accounting.posting_rule_proposal SET ${set} WHERE approval_id = 'apr_x'`);
    expect(await change(`state = 'REJECTED'`)).toBe('let through');
    for (const set of [
      `rules = '[1]'`,
      `valid_from = '2027-01-01'`,
      `reason = 'other'`,
      `requested_by = 'piet'`,
      `book_id = 'NGUS'`,
    ])
      expect([set, await change(set)]).toEqual([set, restricted]);
    expect(
      await attack(
        'migrate',
        proposal({ state: 'REJECTED' }),
        `UPDATE accounting.posting_rule_proposal SET state = 'PROPOSED'`,
      ),
    ).toBe(restricted);
    expect(await attack('migrate', proposal(), 'DELETE FROM accounting.posting_rule_proposal')).toBe(restricted);
    expect(await change(`state = 'APPLIED'`)).toBe(checked);
  });

  it('ends no dry run that makes or loses something on either side', async () => {
    const run = `INSERT INTO accounting.posting_rule_dry_run (dry_run_id, book_id, from_date, to_date, rules, most, requested_by)
      VALUES ('drr_x', 'NGEU', '${day}', '${day}', '[]', 5, 'olga')`;
    const sum = (account: string, now: number, then: number) =>
      `INSERT INTO accounting.posting_rule_dry_run_sum VALUES ('drr_x', 'NGEU', '${account}', 'EUR', ${now}, ${then})`;
    const done = `UPDATE accounting.posting_rule_dry_run SET state = 'DONE' WHERE dry_run_id = 'drr_x'`;
    expect(await attack('accounting', run, sum('A', 5, 6), sum('B', -5, -6), done)).toBe('let through');
    expect(await attack('accounting', run, sum('A', 5, 6), sum('B', -5, -5), done)).toBe(checked);
    expect(await attack('accounting', run, sum('A', 5, 6), sum('B', -6, -6), done)).toBe(checked);
    expect(await attack('accounting', run, done, done)).toBe(restricted);
  });

  it('shows a book to those who see it', async () => {
    const client = await bench.database.pool('accounting').connect();
    try {
      const seen = async (books: string) => {
        await client.query(`BEGIN; SELECT set_config('app.books', '${books}', true)`);
        const { rows } = await client.query<{ n: number }>(
          'SELECT (SELECT count(*) FROM accounting.posting_event)::int + (SELECT count(*) FROM accounting.posting_rule_version)::int AS n',
        );
        await client.query('ROLLBACK');
        return rows[0]!.n > 0;
      };
      expect([await seen('NGEU'), await seen('NGUS'), await seen('')]).toEqual([true, false, false]);
    } finally {
      client.release();
    }
  });
});
