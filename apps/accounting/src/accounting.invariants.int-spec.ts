import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PlantedBreaches } from '#libs/testing/index.js';
import { type Ask, accountingInvariants } from './accounting.invariants.js';
import { transferOf } from './journal/posting.js';
import { PeriodsRepository } from './periods/periods.repository.js';
import { Periods } from './periods/periods.service.js';
import { PostingRulesRepository } from './posting-rules/posting-rules.repository.js';
import { PostingRules } from './posting-rules/posting-rules.service.js';
import { clientAssetsOf } from './client-assets/for-tests.js';
import { accountOf, type Bench, createBench, day, isin } from './testing/bench.js';
import { IssuedStatementsRepository } from './statements/issued-statements.repository.js';
import { IssuedStatements } from './statements/issued-statements.service.js';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
  await bench.post([
    bench.move('i-1', 'NOSTRO-EUR', 'A-CASH', 1_000, { kind: 'DEPOSIT' }),
    bench.move('i-2', 'A-CASH', 'B-CASH', 300),
    bench.move('i-3', 'B-CASH', 'NOSTRO-EUR', 500, { forced: { reason: 'confirmed' }, kind: 'PAYMENT_RETURN' }),
    bench.move('i-7', 'B-CASH', 'NOSTRO-EUR', 1, { forced: { reason: 'confirmed' }, kind: 'PAYMENT_RETURN' }),
    bench.move('i-4', 'A-CASH', 'B-CASH', 5_000),
    bench.move('i-8', 'DEPOT-T2S', 'A-SAFE', 0, {
      kind: 'FREE_DELIVERY',
      postings: [...transferOf('DEPOT-T2S', 'A-SAFE', isin, '10'), ...transferOf('NOSTRO-EUR', 'A-CASH', 'EUR', '10')],
    }),
    {
      op: 'HOLD',
      key: 'i-5',
      book: 'NGEU',
      hold: {
        debitAccount: 'A-CASH',
        creditAccount: 'SUSPENSE',
        asset: 'EUR',
        units: '100',
        expiresAt: '2026-12-01T00:00:00Z',
        reason: 'card',
      },
    },
  ]);
  const [deposit] = await bench.run((tx) =>
    new PostingRules(new PostingRulesRepository()).entriesOf(tx, [
      {
        key: 'i-9',
        book: 'NGEU',
        businessDate: day,
        valueDate: day,
        subject: { kind: 'TEST', id: 'i-9' },
        event: {
          kind: 'DEPOSIT',
          facts: { client: 'A-CASH', nostro: 'NOSTRO-EUR', currency: 'EUR', amount: '40', description: 'cash' },
        },
      },
    ]),
  );
  if (deposit?.ok) await bench.one(deposit.value);
  await bench.run(async (tx) => {
    const repository = new PeriodsRepository();
    const periods = new Periods(repository, bench.posting, bench.audit);
    const { problems } = await periods.postInto(
      tx,
      { items: [bench.move('i-10', 'NOSTRO-EUR', 'A-CASH', 3)], requestedBy: 'test' },
      { accountingDate: '2026-11-24', period: '2026-11', purpose: 'ADJUSTMENT' },
      false,
    );
    expect(problems).toEqual([]);
    // The month before, closed for good.
    await tx.execute(
      `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', '2026-10-30', 'CLOSED', $1)`,
      [day],
    );
    const october = { book: 'NGEU', period: '2026-10', reason: 'month end' };
    expect((await periods.softClose(tx, october, 'test')).problems).toEqual([]);
    expect((await periods.hardClose(tx, october, 'test')).problems).toEqual([]);
  });
  // One side of a pair of books.
  await bench.run(async (tx) => {
    await bench.accounts.open(tx, [accountOf('DUE-FROM-NGUS', 'DUE_FROM_BOOK')]);
    const [side] = await bench.posting.post(tx, {
      items: [bench.move('i-11', 'DUE-FROM-NGUS', 'NOSTRO-EUR', 25)],
      requestedBy: 'test',
    });
    await tx.execute(
      `INSERT INTO accounting.interbook_pair (pair_id, book_id, debtor_book_id, asset, units, creditor_account, debtor_account, from_date, value_date,
         description, requested_by, creditor_entry_id) VALUES ('ibp_1', 'NGEU', 'NGUS', 'EUR', 25, 'NOSTRO-EUR', '5200', $1, $1, 'paid', 'test', $2)`,
      [day, side?.id],
    );
  });
  await bench.one({
    ...bench.move('i-20', 'DEPOT-T2S', 'A-SAFE', 0, { kind: 'TRADE_SETTLEMENT' }),
    postings: [...transferOf('DEPOT-T2S', 'A-SAFE', isin, '5'), ...transferOf('A-CASH', 'NOSTRO-EUR', 'EUR', '50')],
  } as never);
  const { statements, clientAssets, shortfalls, covers, accounts } = clientAssetsOf(bench);
  await bench.run(async (tx) => {
    await statements.keep(tx, depotStated(12));
    await clientAssets.calculate(tx, 'NGEU', day, 'test');
  });
  const firm = { from: 'OWN-CASH-EUR', reason: 'until it is put right' };
  await bench.run((tx) => accounts.open(tx, [accountOf(firm.from, 'ASSET', { currency: 'EUR' })]));
  await bench.one(bench.move('i-21', firm.from, 'FEES', 5_000));
  await bench.run(async (tx) => {
    const [short] = await shortfalls.open(tx, 'NGEU');
    const { cover } = await covers.propose(tx, { shortfallId: short?.shortfallId ?? '', amount: '50', ...firm }, 'x');
    await covers.decided(tx, { ...cover, outcome: 'APPROVED', decidedBy: 'y', reason: 'seen' } as never);
    // What was booked since is in it as well.
    await clientAssets.calculate(tx, 'NGEU', day, 'test');
  });
  // A bill that is booked.
  await bench.run(async (tx) => {
    await tx.execute(`SELECT accounting.open_direct_accounts('NGEU', '{2230,5500}')`);
    await tx.execute(
      `INSERT INTO accounting.supplier (supplier_id, book_id, name, entered_by) VALUES ('sup_1', 'NGEU', 'Lumen', 'test')`,
    );
    await tx.execute(
      `INSERT INTO accounting.bill (bill_id, book_id, supplier_id, number, bill_date, due_date, asset, total_units, needs_second_person, payload_hash, entered_by)
       VALUES ('bil_1', 'NGEU', 'sup_1', 'R-1', $1, $1, 'EUR', 7, false, repeat('0', 64), 'test')`,
      [day],
    );
    await tx.execute(`INSERT INTO accounting.bill_line VALUES ('bil_1', 1, 'NGEU', 'NET', '5500', NULL, 7, 'cost')`);
    await tx.execute(
      `UPDATE accounting.bill SET state = 'APPROVED', approved_by = 'test', approved_hash = payload_hash`,
    );
    const subject = { kind: 'SUPPLIER_BILL', id: 'bil_1' };
    const items = [bench.move('i-12', '5500', '2230', 7, { subject })];
    const [entry] = await bench.posting.post(tx, { items, requestedBy: 'test' });
    await tx.execute(`UPDATE accounting.bill SET state = 'POSTED', entry_id = $1`, [entry?.id]);
  });
  // The totals of the codes, as the end of the date writes them; the date itself goes on.
  await bench.run(async (tx) => {
    const state = (to: string) =>
      tx.execute('UPDATE accounting.business_day SET state = $2 WHERE business_date = $1', [day, to]);
    await state('CLOSED');
    await tx.execute(`SELECT accounting.store_gl_totals('NGEU', $1)`, [day]);
    await state('OPEN');
  });
  // Two statements of the month that is over, and of the one that goes on as if it were.
  await bench.run(async (tx) => {
    const days = (to: string) =>
      tx.execute(`UPDATE accounting.business_day SET state = $2 WHERE business_date = $1`, [day, to]);
    await days('CLOSED');
    await tx.execute(
      `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', '2026-11-26', 'NEXT', '2026-11-27')`,
    );
    const statements = new IssuedStatements(
      new IssuedStatementsRepository(),
      undefined as never,
      bench.audit,
      bench.workItems,
    );
    for (const to of ['2026-11-24', day]) {
      const issued = await statements.issueOne(tx, { book: 'NGEU', account: 'A-CASH', asset: 'EUR', to }, 'test');
      expect(issued.problems).toEqual([]);
    }
  });
  const owner = bench.database.pool('owner');
  await owner.query(`DELETE FROM accounting.business_day WHERE state = 'NEXT'`);
  await bench.run((tx) =>
    tx.execute(`UPDATE accounting.business_day SET state = 'OPEN' WHERE business_date = $1`, [day]),
  );
  const { id } = (await bench.run((tx) => tx.row<{ id: string }>('SELECT hold_id AS id FROM accounting.hold')))!;
  await bench.post([{ op: 'RELEASE', key: 'i-6', book: 'NGEU', hold: { holdId: id, units: '10' } }]);
  await bench.run((tx) =>
    tx.execute(
      `INSERT INTO accounting.trial_balance_line SELECT l.book_id, $1, ledger_account_id, l.number, l.asset, posted_debit, posted_credit
         FROM accounting.balance_now JOIN accounting.ledger_account l USING (ledger_account_id)`,
      [day],
    ),
  );
});
afterAll(async () => {
  await bench.drop();
});

/** Three shares are missing at the depot. */
const depotStated = (units: number) => ({
  statementId: 'stm_i',
  account: 'DEPOT-T2S',
  book: 'NGEU',
  kind: 'CUSTODY' as const,
  number: 1,
  statementDate: day,
  part: 1,
  parts: 1,
  balances: [
    {
      asset: isin,
      units: String(units),
      price: { amount: '10', factor: '1', currency: 'EUR', date: day },
    },
  ],
  entries: [],
  rates: [],
});

const ask: Ask = async (sql, parameters) => (await bench.database.pool('verify').query(sql, parameters)).rows as never;
const planted = new PlantedBreaches(accountingInvariants);
const brokenOf = async (number: number, through: Ask) => {
  const found = [];
  for (const invariant of accountingInvariants.filter((one) => one.number === number)) {
    const { broken } = await invariant.check(through);
    planted.noticed(invariant, broken);
    found.push(...broken);
  }
  return found;
};

describe('the invariants of the ledger', () => {
  it('hold, and look at something', async () => {
    for (const one of accountingInvariants) {
      const { checked, broken } = await one.check(ask);
      expect({ number: one.number, broken }).toEqual({ number: one.number, broken: [] });
      expect(checked).toBeGreaterThan(0);
    }
  });

  const breaches: [string, number, string][] = [
    [
      'a cent more on one posting',
      1,
      `UPDATE accounting.posting SET units = units + 1 WHERE entry_id = (SELECT entry_id FROM accounting.journal_entry WHERE idempotency_key = 'i-2') AND n = 1`,
    ],
    [
      'an entry whose assets make up for each other',
      1,
      `UPDATE accounting.posting SET units = units + 1 WHERE n = 1 AND entry_id = (SELECT entry_id FROM accounting.journal_entry WHERE idempotency_key = 'i-8');
       UPDATE accounting.posting SET units = units - 1 WHERE n = 3 AND entry_id = (SELECT entry_id FROM accounting.journal_entry WHERE idempotency_key = 'i-8')`,
    ],
    ['postings without a header', 1, `DELETE FROM accounting.journal_entry WHERE idempotency_key = 'i-2'`],
    [
      'a posting that another entry has',
      1,
      `UPDATE accounting.posting SET n = 3, entry_id = (SELECT entry_id FROM accounting.journal_entry WHERE idempotency_key = 'i-1')
        WHERE n = 2 AND entry_id = (SELECT entry_id FROM accounting.journal_entry WHERE idempotency_key = 'i-2')`,
    ],
    [
      'a header without postings',
      1,
      `DELETE FROM accounting.posting WHERE entry_id = (SELECT entry_id FROM accounting.journal_entry WHERE idempotency_key = 'i-2')`,
    ],
    [
      'an event that tells another amount than was booked',
      1,
      `UPDATE accounting.posting_event SET facts = jsonb_set(facts, '{amount}', '"41"')`,
    ],
    ['an event that nobody could read', 1, `UPDATE accounting.posting_event SET facts = facts - 'client'`],
    [
      'rules that say other postings than were booked',
      1,
      `UPDATE accounting.posting_rule_version SET rules = replace(rules::text, '"client"', '"nostro"')::jsonb`,
    ],
    ['an event by rules that are gone', 1, `DELETE FROM accounting.posting_rule_version`],
    [
      'an entry of another date than was hashed',
      1,
      `UPDATE accounting.journal_entry SET value_date = value_date - 1 WHERE idempotency_key = 'i-2'`,
    ],
    [
      'a balance of its own',
      2,
      `UPDATE accounting.balance SET posted_credit = posted_credit + 1 WHERE ledger_account_id = (SELECT ledger_account_id FROM accounting.ledger_account WHERE number = 'A-CASH')`,
    ],
    [
      'a gap in the sequence',
      2,
      `UPDATE accounting.posting SET account_sequence = account_sequence + 10 WHERE entry_id = (SELECT entry_id FROM accounting.journal_entry WHERE idempotency_key = 'i-3')`,
    ],
    [
      'a balance of no account',
      2,
      `DELETE FROM accounting.balance WHERE ledger_account_id = (SELECT ledger_account_id FROM accounting.ledger_account WHERE number = 'SUSPENSE')`,
    ],
    [
      'a balance that counts postings it does not have',
      2,
      `UPDATE accounting.balance SET last_sequence = 1 WHERE ledger_account_id = (SELECT ledger_account_id FROM accounting.ledger_account WHERE number = 'SUSPENSE')`,
    ],
    [
      'a balance whose sides are both too high',
      2,
      `UPDATE accounting.balance SET posted_debit = posted_debit + 1, posted_credit = posted_credit + 1
        WHERE ledger_account_id = (SELECT ledger_account_id FROM accounting.ledger_account WHERE number = 'A-CASH' AND asset = 'EUR')`,
    ],
    [
      'a wrong running balance',
      2,
      `UPDATE accounting.posting SET balance_after = balance_after + 1 WHERE entry_id = (SELECT entry_id FROM accounting.journal_entry WHERE idempotency_key = 'i-1') AND account_sequence IS NOT NULL`,
    ],
    [
      'a wrong running balance of a rollup account',
      2,
      `UPDATE accounting.rollup_place SET account_sequence = 1, balance_after = 7 WHERE (entry_id, n) = (SELECT entry_id, n FROM accounting.rollup_place LIMIT 1)`,
    ],
    [
      'a posting on a rollup account that will never be folded',
      2,
      `DELETE FROM accounting.rollup_place WHERE (entry_id, n) = (SELECT entry_id, n FROM accounting.rollup_place LIMIT 1)`,
    ],
    [
      'a posting of which more was taken back than it has',
      5,
      `INSERT INTO accounting.reversal_part SELECT entry_id, n, book_id, entry_id, n, abs(units) + 1 FROM accounting.posting LIMIT 1`,
    ],
    ['a drawn account that nothing explains', 2, `UPDATE accounting.journal_entry SET forced_reason = NULL`],
    [
      'a drawn account whose work item is of another asset',
      2,
      `UPDATE accounting.work_item SET key = replace(key, ':EUR', ':USD') WHERE kind = 'FORCED_EXCESS'`,
    ],
    [
      'a drawn account whose work item is of another entry',
      2,
      `UPDATE accounting.work_item SET key = replace(key, 'ent_', 'ent_0') WHERE kind = 'FORCED_EXCESS'`,
    ],
    [
      'a draw that nobody forced after one that was',
      2,
      `UPDATE accounting.journal_entry SET forced_reason = NULL WHERE idempotency_key = 'i-7'`,
    ],
    [
      'a lowered limit that is not the one that stands',
      2,
      `DELETE FROM accounting.work_item WHERE kind = 'FORCED_EXCESS';
       INSERT INTO accounting.limit_change (approval_id, book_id, number, asset, overdraft_units, reason, payload_hash, state, requested_by, expires_at, decided_at)
       VALUES ('apr_1', 'NGEU', 'B-CASH', 'EUR', 7, 'x', repeat('0', 64), 'APPLIED', 'x', now(), kernel.now())`,
    ],
    [
      'a pending debit without its credit',
      3,
      `UPDATE accounting.balance SET pending_debit = pending_debit + 1 WHERE ledger_account_id = (SELECT ledger_account_id FROM accounting.ledger_account WHERE number = 'A-CASH')`,
    ],
    [
      'a bucket that lost something',
      3,
      `UPDATE accounting.daily_bucket SET debit = debit + 5 WHERE ledger_account_id = (SELECT ledger_account_id FROM accounting.ledger_account WHERE number = 'A-CASH')`,
    ],
    [
      'a posting of another day than its bucket',
      3,
      `UPDATE accounting.posting SET business_date = business_date - 1 WHERE entry_id = (SELECT entry_id FROM accounting.journal_entry WHERE idempotency_key = 'i-2')`,
    ],
    [
      'a bucket of nothing',
      3,
      `INSERT INTO accounting.daily_bucket SELECT ledger_account_id, DATE '2026-11-20', DATE '2026-11-20', book_id, 1, 0 FROM accounting.ledger_account WHERE number = 'SUSPENSE'`,
    ],
    [
      'a trial balance of an account that has no bucket',
      3,
      `UPDATE accounting.trial_balance_line SET debit_total = debit_total + 1, credit_total = credit_total + 1 WHERE number = 'SUSPENSE'`,
    ],
    [
      'a trial balance that was touched',
      3,
      `UPDATE accounting.trial_balance_line SET debit_total = debit_total + 1 WHERE number = 'A-CASH'`,
    ],
    [
      'a shift that moves more than its entries',
      3,
      `UPDATE accounting.accounting_shift SET debit = debit + 1 WHERE debit > 0`,
    ],
    [
      'a code that has more than its accounts',
      3,
      `UPDATE accounting.gl_total SET debit = debit + 1, debit_total = debit_total + 1 WHERE gl_code = '1210'`,
    ],
    [
      'a code whose total is not that of its dates',
      3,
      `UPDATE accounting.gl_total SET credit_total = credit_total + 1 WHERE gl_code = '2110'`,
    ],
    ['an account that reports leave out', 3, `DELETE FROM accounting.gl_total WHERE gl_code = '2110'`],
    [
      'a code on no line of a return',
      3,
      `DELETE FROM accounting.return_mapping WHERE gl_code = '2110' AND return_code = 'CASH_FLOW'`,
    ],
    [
      'an account under a heading',
      3,
      `ALTER TABLE accounting.account DISABLE TRIGGER account_has_its_code; UPDATE accounting.account SET gl_code = '2000' WHERE number = 'A-CASH'`,
    ],
    ['an entry that belongs to another date than is reported', 3, `DELETE FROM accounting.entry_accounting_date`],
    [
      'a posting that came into a hard closed period',
      3,
      `UPDATE accounting.daily_bucket SET business_date = '2026-10-30' WHERE ledger_account_id = (SELECT ledger_account_id FROM accounting.ledger_account WHERE number = 'A-CASH' AND asset = 'EUR')`,
    ],
    [
      'a date of a closed period that is worked',
      3,
      `UPDATE accounting.business_day SET state = 'NEXT' WHERE business_date = '2026-10-30'`,
    ],
    [
      'a side of a pair of books that moved something else',
      3,
      `UPDATE accounting.interbook_pair SET units = units + 1`,
    ],
    [
      'a side of a pair of books that was taken back alone',
      3,
      `UPDATE accounting.journal_entry SET reverses_entry_id = (SELECT creditor_entry_id FROM accounting.interbook_pair) WHERE idempotency_key = 'i-2'`,
    ],
    [
      'an entry on the account of suppliers that no bill has',
      3,
      `UPDATE accounting.journal_entry SET subject_id = 'bil_2' WHERE idempotency_key = 'i-12'`,
    ],
    ['a bill whose lines are not its total', 3, `UPDATE accounting.bill_line SET units = units + 1`],
    [
      'a hold whose parts are more than it',
      4,
      `ALTER TABLE accounting.hold DROP COLUMN open_units; ALTER TABLE accounting.hold ADD COLUMN open_units numeric DEFAULT 90; UPDATE accounting.hold SET captured_units = 5`,
    ],
    ['a capture without a movement', 4, `UPDATE accounting.hold SET captured_units = 5`],
    [
      'two orders of one payment',
      5,
      `UPDATE accounting.journal_entry SET subject_kind = 'PAYMENT', subject_id = 'pay_1', kind = 'PAYMENT' WHERE idempotency_key IN ('i-1', 'i-2')`,
    ],
    ['a key with no effect', 5, `DELETE FROM accounting.posting_refusal`],
    [
      'a key with two effects',
      5,
      `INSERT INTO accounting.posting_refusal SELECT book_id, key, 'INSUFFICIENT_FUNDS' FROM accounting.posting_key WHERE key = 'i-1'`,
    ],
    [
      'a key with two entries',
      5,
      `ALTER TABLE accounting.journal_entry DROP CONSTRAINT journal_entry_book_id_idempotency_key_key;
       UPDATE accounting.journal_entry SET idempotency_key = 'i-1' WHERE idempotency_key = 'i-2'; DELETE FROM accounting.posting_key WHERE key = 'i-2'`,
    ],
    [
      'a client who has more than was proved',
      6,
      `UPDATE accounting.client_asset_line SET entitled_units = entitled_units - 1, resource_units = resource_units - 1 WHERE pool = 'CUSTODY';
       UPDATE accounting.client_asset_source SET stated_units = stated_units - 1 WHERE pool = 'CUSTODY'; UPDATE accounting.agent_balance SET units = units - 1`,
    ],
    [
      'a client whom the proof does not know',
      6,
      `DELETE FROM accounting.client_asset_item; DELETE FROM accounting.client_asset_source; DELETE FROM accounting.client_asset_line; DELETE FROM accounting.shortfall`,
    ],
    [
      'a resource that nothing explains',
      6,
      `UPDATE accounting.client_asset_item SET units = units + 1 WHERE is_explained`,
    ],
    ['a proof by another balance than was stated', 6, `UPDATE accounting.agent_balance SET units = units + 1`],
    [
      'a shortfall that says less than is missing',
      6,
      `ALTER TABLE accounting.shortfall DISABLE TRIGGER shortfall_changes; UPDATE accounting.shortfall SET units = units - 1`,
    ],
    [
      'a shortfall that was ended and goes on',
      6,
      `ALTER TABLE accounting.shortfall DISABLE TRIGGER shortfall_changes; UPDATE accounting.shortfall SET state = 'CURED', cured_on = DATE '2026-11-25'`,
    ],
    ['a shortfall that nobody has', 6, `DELETE FROM accounting.work_item WHERE kind = 'CLIENT_ASSET_SHORTFALL'`],
    [
      'a cover of another amount than was set aside',
      6,
      `ALTER TABLE accounting.shortfall_cover DISABLE TRIGGER shortfall_cover_changes; UPDATE accounting.shortfall_cover SET amount_minor = amount_minor + 1`,
    ],
    [
      'a cover that was taken back in silence',
      6,
      `UPDATE accounting.journal_entry SET reverses_entry_id = (SELECT entry_id FROM accounting.shortfall_cover) WHERE idempotency_key = 'i-1'`,
    ],
    [
      'a delivery that was not paid in its entry',
      6,
      `UPDATE accounting.posting SET entry_id = (SELECT entry_id FROM accounting.journal_entry WHERE idempotency_key = 'i-1'), n = n + 10
        WHERE asset = 'EUR' AND entry_id = (SELECT entry_id FROM accounting.journal_entry WHERE idempotency_key = 'i-20')`,
    ],
    [
      'shares that lie nowhere',
      6,
      `UPDATE accounting.balance SET posted_credit = posted_credit + 1
        WHERE ledger_account_id = (SELECT ledger_account_id FROM accounting.ledger_account WHERE number = 'A-SAFE')`,
    ],
    ['an entry without a key', 5, `DELETE FROM accounting.posting_key WHERE key = 'i-1'`],
    [
      'a statement that opens with something else than the one before it closed with',
      11,
      `UPDATE accounting.account_statement SET opening_units = opening_units + 1, closing_units = closing_units + 1 WHERE number = 2`,
    ],
    ['a statement whose predecessor is gone', 11, `DELETE FROM accounting.account_statement WHERE number = 1`],
    [
      'a statement of other amounts than its postings',
      11,
      `UPDATE accounting.account_statement SET debit_units = debit_units + 1, credit_units = credit_units + 1 WHERE number = 2`,
    ],
    [
      'a first statement that opens with something else than the account had',
      11,
      `UPDATE accounting.account_statement SET opening_units = opening_units - 1, closing_units = closing_units - 1 WHERE number = 1`,
    ],
    [
      'a statement that leaves a posting out',
      11,
      `UPDATE accounting.account_statement SET first_sequence = first_sequence + 1, entry_count = entry_count - 1 WHERE number = 2`,
    ],
    [
      'a statement whose first version is gone',
      11,
      `UPDATE accounting.account_statement SET version = 2, reason = 'x' WHERE number = 2`,
    ],
    [
      'an entry that was reversed twice',
      5,
      `DROP INDEX accounting.journal_entry_reverses;
       UPDATE accounting.journal_entry SET reverses_entry_id = (SELECT entry_id FROM accounting.journal_entry WHERE idempotency_key = 'i-1')
        WHERE idempotency_key IN ('i-2', 'i-3')`,
    ],
  ];
  it.each(breaches)('notice %s (%i)', async (_, number, sql) => {
    const owner = await bench.database.pool('owner').connect();
    try {
      // The owner alone, with every trigger off, in a transaction that is thrown away.
      await owner.query(`BEGIN; SET LOCAL session_replication_role = replica; ${sql}`);
      const found = await brokenOf(
        number,
        async (text, parameters) => (await owner.query(text, parameters)).rows as never,
      );
      expect(found.length).toBeGreaterThan(0);
      expect(found[0]?.where).not.toBe('');
      expect(found.filter(({ detail }) => detail.endsWith('no listing says what'))).toEqual([]);
    } finally {
      await owner.query('ROLLBACK');
      owner.release();
    }
  });

  it('are broken too when the pass over all of it finds what no listing does', async () => {
    const blind: Ask = (sql) => Promise.resolve((sql.endsWith('AS fine') ? [{ fine: false }] : []) as never);
    const found = await Promise.all(
      [1, 2, 5].map(
        async (number) => (await accountingInvariants.find((one) => one.number === number)!.check(blind)).broken.length,
      ),
    );
    expect(found).toEqual([1, 1, 1]);
  });

  it('are each broken by one of these', () => {
    expect(planted.neverBroken()).toEqual([]);
  });
});
