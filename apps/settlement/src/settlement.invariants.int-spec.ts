import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Transactions } from '#libs/database/index.js';
import { writeExchange, writeSettlementConfirmation } from '#libs/iso20022/index.js';
import { createTestDatabase, PlantedBreaches, type TestDatabase } from '#libs/testing/index.js';
import { instructionIdOf } from './instructions/instruction.js';
import { settlementInvariants } from './settlement.invariants.js';
import { accountingForTests, plainJob, settlementForTests } from './settlement-for-tests.js';
import { tradeIdOf } from './trades/capture.js';
import { goodLine, seedStaticData } from './trades/for-tests.js';

let database: TestDatabase;
let transactions: Transactions;

const idOf = (executionId: string) => instructionIdOf(tradeIdOf('OMS-EU', executionId));

beforeAll(async () => {
  database = await createTestDatabase({ startsAt: '2026-11-25T10:00:00Z' });
  transactions = database.transactions('settlement');
  await seedStaticData(transactions);
  const settlement = settlementForTests(transactions);
  const accounting = accountingForTests(database);
  const phase = async (name: string) => {
    await settlement.day.runPhase(
      {
        phaseRunId: `run_${name}`,
        book: 'NGEU',
        businessDate: '2026-11-25',
        phase: name as 'SETTLE',
        cycle: 1,
        barrierSequence: '1',
      },
      plainJob(transactions).job,
    );
    const items = await accounting.answer();
    if (items.length > 0)
      await transactions.run((tx) => settlement.answers.entriesDecided(tx, { batchId: 'b', items }));
  };
  const lines = [
    goodLine({ executionId: 'E-1' }),
    goodLine({ executionId: 'E-2' }),
    goodLine({ executionId: 'E-3', counterparty: 'NGCP24' }),
    goodLine({ executionId: 'E-4', place: 'INTERNAL', counterparty: 'C000002' }),
  ];
  await transactions.run((tx) => settlement.trades.capture(tx, lines, { fileId: null, capturedBy: 'tester' }));
  await database.pool('owner').query(`UPDATE settlement.trade SET state = 'AFFIRMED'`);
  await database.pool('owner').query(`UPDATE settlement.trade SET settlement_date = '2026-11-25'`);
  await phase('INSTRUCT');
  await phase('SETTLE');
  await settlement.folders.prepare();
  writeFileSync(
    join(settlement.root, 'T2S', 'from', 'c.xml'),
    writeExchange([
      {
        messageId: 'c1',
        type: 'sese.025.001.11',
        document: writeSettlementConfirmation({
          transactionId: idOf('E-1'),
          direction: 'RECE',
          payment: 'APMT',
          effectiveDate: '2026-11-25',
          isin: 'DE0007164600',
          settledQuantity: { kind: 'UNIT', text: '10' },
          settledAmount: { currency: 'EUR', amountMinor: 101_500n },
        }),
      },
    ]),
  );
  await transactions.run((tx) =>
    settlement.answers.partyHeld(tx, { partyId: 'PNGCP24', alertId: 'alr_1', listVersionId: 'lst_1' }),
  );
  await phase('CUT_OFF');
  await phase('FAIL_SNAPSHOT');
  await transactions.run(async (tx) => {
    const opening = { agentBic: 'CHASUS33XXX', openingMinor: 100n, openingDate: '2026-11-23', importId: 'imp_1' };
    await settlement.statements.importNostros(tx, [
      { account: 'NOSTRO-USD', bookId: 'NGUS', currency: 'USD', channel: 'AGENT-USD', ...opening },
    ]);
    for (const [number, date, from, to] of [
      [1, '2026-11-24', 100, 150],
      [2, '2026-11-25', 150, 120],
    ])
      await tx.execute(
        `INSERT INTO settlement.nostro_statement (statement_id, account, book_id, currency, state, number, message_id, channel, statement_date,
           opening_minor, closing_minor, entry_count, content_hash)
         VALUES ('stm_' || $1::int, 'NOSTRO-USD', 'NGUS', 'USD', 'ACCEPTED', $1, 'm' || $1::int, 'AGENT-USD', $2, $3, $4, 0, 'h' || $1::int)`,
        [number, date, from, to],
      );
    for (const number of [1, 2])
      await tx.execute(
        `INSERT INTO settlement.depot_statement (statement_id, account, book_id, state, number, report_number, message_id, channel, statement_date,
           holding_count, content_hash)
         VALUES ('dst_' || $1::int, 'DEPOT-DTC', 'NGUS', 'ACCEPTED', $1, $1, 'm' || $1::int, 'DTC', '2026-11-25', 0, repeat($1::int::text, 64))`,
        [number],
      );
  });
});
afterAll(() => database.drop());

const planted = new PlantedBreaches(settlementInvariants);

/** A payment and a hit of it, as nobody could have made them. */
const payment = (more: Record<string, string | null> = {}): [string, unknown[]] => {
  const row = {
    payment_id: 'pay_h',
    book_id: 'NGEU',
    source: 'T',
    end_to_end_id: 'H-1',
    debtor_account: 'C000001-CASH',
    currency: 'EUR',
    amount_minor: '100',
    creditor_sealed: 'sealed:x',
    creditor_account: 'x',
    status: 'BOOKED',
    received_date: '2026-11-25',
    business_date: '2026-11-25',
    content_hash: 'h',
    submitted_by: 't',
    ...more,
  };
  const names = Object.keys(row);
  return [
    `INSERT INTO settlement.payment (${names.join(', ')}) VALUES (${names.map((_, n) => `$${n + 1}`).join(', ')})`,
    Object.values(row),
  ];
};
const hit = (state: string, isLate = true, wasSent = false): [string, unknown[]] => [
  `INSERT INTO settlement.payment_hit (payment_id, alert_id, book_id, state, is_late, was_sent, after_sequence, decided_at)
   VALUES ('pay_h', 'alr_h', 'NGEU', $1, $2, $3, 0, CASE WHEN $1 <> 'OPEN' THEN now() END)`,
  [state, isLate, wasSent],
];
const open = { late_hit: 'OPEN', late_alert_id: 'alr_h' };
const fact = (notBefore: string | null): [string, unknown[]] => [
  `INSERT INTO settlement.fact_entry (entry_key, ledger_key, book_id, business_date, not_before, state, entry, received_at)
   VALUES ('f-1', 'f-1', 'NGEU', '2026-11-24', $1, 'WAITING', '{}', kernel.now() - interval '1 hour')`,
  [notBefore],
];
const workedSince = (minutes: number): [string, unknown[]] => [
  `INSERT INTO settlement.day_phase (phase_run_id, book_id, business_date, phase, cycle, barrier_sequence, started_at)
   SELECT 'run_h', book_id, business_date, 'START_OF_DAY', 1, '1', kernel.now() - $1 * interval '1 minute' FROM settlement.book_day WHERE book_id = 'NGEU'`,
  [minutes],
];
const madeAgain = (executionId: string): [string] => [
  `INSERT INTO settlement.audit_leaf (leaf_hash, canonical, action, object_kind, object_id, book_id, principal, at)
   SELECT repeat('a', 64), '{}', 'instruction.created', 'INSTRUCTION', instruction_id, book_id, 'x', now() FROM settlement.instruction WHERE execution_id = '${executionId}'`,
];

/** All breaches after a change that no service could make, undone at the end. */
async function breachesAfter(...changes: [string, unknown[]?][]): Promise<string[]> {
  const client = await database.pool('owner').connect();
  try {
    await client.query(
      `BEGIN; SELECT set_config('app.books', '*', true); SET LOCAL session_replication_role = replica`,
    );
    for (const [sql, params] of changes) await client.query(sql, params ?? []);
    const found: string[] = [];
    for (const invariant of settlementInvariants) {
      const { broken } = await invariant.check(
        async (sql, parameters) => (await client.query(sql, parameters ?? [])).rows as never,
      );
      planted.noticed(invariant, broken);
      found.push(...broken.map(({ where, detail }) => `${invariant.number} ${where}: ${detail}`));
    }
    return found;
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

describe('what must always hold in settlement', () => {
  it('holds after a day', async () => {
    expect(await breachesAfter()).toEqual([]);
  });

  it.each<[string, [string, unknown[]?][], RegExp]>([
    [
      'a trade that is not what its versions say',
      [[`UPDATE settlement.trade SET version = 2 WHERE execution_id = 'E-1'`]],
      /^5 trade E-1: version 2 .*its versions say 1/,
    ],
    [
      'a trade that has no version',
      [[`DELETE FROM settlement.trade_version WHERE execution_id = 'E-1'`]],
      /^5 trade E-1: has no version/,
    ],
    [
      'a block whose allocations are not the block',
      [[`UPDATE settlement.trade SET is_block = true WHERE execution_id = 'E-2'`]],
      /^5 block E-2: its allocations differ by 10 units/,
    ],
    [
      'a state of a trade without its history',
      [[`UPDATE settlement.trade SET state = 'CONFIRMED' WHERE execution_id = 'E-2'`]],
      /^8 trade .*stands at CONFIRMED/,
    ],
    [
      'a way of a trade that is not declared',
      [[`UPDATE settlement.trade_state_history SET from_state = 'SETTLED', to_state = 'RECEIVED'`]],
      /^8 trade .*SETTLED to RECEIVED is not declared/,
    ],
    [
      'a trade instructed while it waited for its screening',
      [[`UPDATE settlement.trade SET hold_state = 'SCREENING' WHERE execution_id = 'E-2'`]],
      /^12 trade E-2: is INSTRUCTED and its screening is still open/,
    ],
    [
      'a trade in repair that nobody has',
      [[`UPDATE settlement.trade SET state = 'REPAIR', repair_reason = 'SSI' WHERE execution_id = 'E-2'`]],
      /^13 trade E-2: is in repair/,
    ],
    [
      'a status without its history',
      [[`UPDATE settlement.instruction SET matching_status = 'UNMATCHED' WHERE execution_id = 'E-2'`]],
      /^8 .*MATCHING stands at UNMATCHED/,
    ],
    [
      'a way that is not declared',
      [[`UPDATE settlement.instruction_status_history SET to_status = 'ACCEPTED' WHERE process = 'CANCELLATION'`]],
      /^8 .*is not declared/,
    ],
    [
      'a settled amount that was never booked',
      [
        [
          `UPDATE settlement.instruction SET settled_amount_minor = settled_amount_minor + 1 WHERE execution_id = 'E-1'`,
        ],
      ],
      /^8 .*units booked/,
    ],
    [
      'a change after the settlement',
      [
        [
          `INSERT INTO settlement.instruction_status_history (instruction_id, book_id, process, from_status, to_status, at) VALUES ('ID1', 'NGEU', 'HOLD', '', 'CSD', now() + interval '10 years')`.replace(
            'ID1',
            idOf('E-1'),
          ),
        ],
      ],
      /^8 .*after the settlement/,
    ],
    [
      'a payment booked from nowhere',
      [
        [
          `INSERT INTO settlement.payment_status_history (payment_id, book_id, from_status, to_status) VALUES ('pay_1', 'NGEU', 'HELD', 'BOOKING')`,
        ],
      ],
      /^8 pay_1/,
    ],
    [
      'an internal trade that moved though it was held',
      [
        [
          `INSERT INTO settlement.instruction_status_history (sequence, instruction_id, book_id, process, from_status, to_status) OVERRIDING SYSTEM VALUE SELECT -1, instruction_id, book_id, 'HOLD', '', 'COMPLIANCE' FROM settlement.instruction WHERE execution_id = 'E-4'`,
        ],
      ],
      /^12 .*attempted in cycle/,
    ],
    [
      'an instruction sent though it was held',
      [
        [
          `INSERT INTO settlement.instruction_status_history (sequence, instruction_id, book_id, process, from_status, to_status) OVERRIDING SYSTEM VALUE SELECT -2, instruction_id, book_id, 'HOLD', '', 'COMPLIANCE' FROM settlement.instruction WHERE execution_id = 'E-2'`,
        ],
      ],
      /^12 .*left for its place while it was held/,
    ],
    [
      'a hit after the sending that nobody told the place',
      [[`DELETE FROM settlement.hold_request`]],
      /^12 .*never asked to hold/,
    ],
    [
      'an open instruction that is free while its party is held',
      [[`UPDATE settlement.instruction SET compliance_hold = false WHERE execution_id = 'E-3'`]],
      /^12 .*its party PNGCP24 is held \(alr_1\), and it is not/,
    ],
    [
      'an instruction that was made without the hold of its party',
      [madeAgain('E-3')],
      /^12 .*made without the hold alr_1, which stopped PNGCP24 before/,
    ],
    ['a payment sent after its hit', [payment({ ...open, batch_message_id: 'm' }), hit('OPEN')], /^12 pay_h: was sent/],
    [
      'a payment sent after a hit that was confirmed while it was held',
      [payment({ status: 'EXECUTED', batch_message_id: 'm' }), hit('CONFIRMED', false)],
      /^12 pay_h: was sent after the hit alr_h, which is CONFIRMED/,
    ],
    [
      'a payment booked after its hit',
      [
        payment(open),
        hit('OPEN'),
        [
          `INSERT INTO settlement.payment_status_history (payment_id, book_id, from_status, to_status) VALUES ('pay_h', 'NGEU', 'READY', 'BOOKING')`,
        ],
      ],
      /^12 pay_h: was booked after the hit/,
    ],
    [
      'a payment in the queue though it is hit',
      [payment({ status: 'READY' }), hit('OPEN', false)],
      /^12 pay_h: is READY/,
    ],
    ['a hit that its payment does not know', [payment(), hit('OPEN')], /^12 pay_h: says of its late hits nothing/],
    ['a late hit without its row', [payment(open)], /^12 pay_h: says of its late hits OPEN, they are none/],
    [
      'a late hit that nobody has',
      [payment({ ...open, batch_message_id: 'm' }), hit('OPEN', true, true)],
      /^12 pay_h: was hit \(alr_h\) after it was sent, and nobody has it/,
    ],
    ['a fact that waits in an open date', [workedSince(30), fact(null)], /^9 f-1: waits, and NGEU works/],
    [
      'a statement that does not continue the one before',
      [[`UPDATE settlement.nostro_statement SET opening_minor = 151 WHERE number = 2`]],
      /^11 NOSTRO-USD stm_2: opens with 151, the one before closed with 150/,
    ],
    [
      'a first statement that does not continue what we moved in with',
      [[`UPDATE settlement.nostro_statement SET opening_minor = 99 WHERE number = 1`]],
      /^11 NOSTRO-USD stm_1: opens with 99/,
    ],
    [
      'a statement that went missing',
      [[`UPDATE settlement.nostro_statement SET number = 3 WHERE number = 2`]],
      /^11 NOSTRO-USD stm_2: number 3 follows number 1/,
    ],
    [
      'a statement out of the order of dates',
      [[`UPDATE settlement.nostro_statement SET statement_date = '2026-11-23' WHERE number = 2`]],
      /^11 NOSTRO-USD stm_2: is of 2026-11-23/,
    ],
    [
      'a statement of a depot that went missing',
      [[`UPDATE settlement.depot_statement SET number = 3, report_number = 3 WHERE number = 2`]],
      /^11 DEPOT-DTC dst_2: number 3 follows number 1/,
    ],
    [
      'a holding that went missing',
      [[`UPDATE settlement.depot_statement SET holding_count = 1 WHERE number = 2`]],
      /^11 DEPOT-DTC dst_2: 0 of its 1 holdings are there/,
    ],
    [
      'a refused message that nobody has',
      [
        [
          `INSERT INTO settlement.exchange_message (channel, direction, message_id, type, state, problems) VALUES ('T2S', 'INBOUND', 'm-1', 'sese.024.001.12', 'REFUSED', '[{"code":"UNKNOWN_INSTRUCTION"}]')`,
        ],
      ],
      /^13 T2S\/m-1: the message was refused \(UNKNOWN_INSTRUCTION\)/,
    ],
    [
      'a refused file that nobody has',
      [
        [
          `INSERT INTO settlement.exchange_file (channel, direction, name, sha256, content, state) VALUES ('T2S', 'INBOUND', 'a.xml', 'x', '', 'REFUSED')`,
        ],
      ],
      /^13 T2S\/a.xml: the file was refused/,
    ],
    ['a fail that nobody has', [[`DELETE FROM settlement.work_item WHERE category = 'FAIL'`]], /^13 .*nobody has it/],
    [
      'a work item that ended without a reason',
      [
        [`ALTER TABLE settlement.work_item DROP CONSTRAINT work_item_close_reason_check`],
        [
          `UPDATE settlement.work_item SET state = 'CLOSED', closed_at = now(), closed_by = 'x', close_reason = '' WHERE category = 'FAIL'`,
        ],
      ],
      /^13 .*no reason/,
    ],
  ])('finds %s', async (_name, changes, expected) => {
    expect(await breachesAfter(...changes)).toContainEqual(expect.stringMatching(expected));
  });

  it('takes what may be: a fact of a later or just opened date, a single instruction let go, a hit released', async () => {
    expect(await breachesAfter(workedSince(30), fact('2026-11-26'))).toEqual([]);
    expect(await breachesAfter(workedSince(5), fact(null))).toEqual([]);
    const released = await breachesAfter(
      [`UPDATE settlement.instruction SET compliance_hold = false WHERE execution_id = 'E-3'`],
      [
        `INSERT INTO settlement.instruction_release (instruction_id, alert_id, book_id, released_by)
         SELECT instruction_id, 'alr_1', book_id, 'x' FROM settlement.instruction WHERE execution_id = 'E-3'`,
      ],
    );
    expect(released.filter((breach) => breach.startsWith('12'))).toEqual([]);
    const late = { late_hit: 'RELEASED', late_alert_id: 'alr_h', batch_message_id: 'm' };
    const sent = await breachesAfter(payment(late), hit('RELEASED'));
    expect(sent.filter((breach) => breach.startsWith('12'))).toEqual([
      '12 pay_h: was hit (alr_h) before it was sent, and nobody has it',
    ]);
  });

  it('is each broken by one of these', () => {
    expect(planted.neverBroken()).toEqual([]);
  });
});
