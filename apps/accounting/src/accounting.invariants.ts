import { payablesInvariant } from './bills/bills.invariants.js';
import { interbookInvariant } from './interbook/interbook.invariants.js';
import { invariant, type Invariant } from './invariant.js';
import {
  clientAssetsInvariant,
  deliveryVersusPaymentInvariant,
  shortfallCoverInvariant,
  stockRecordInvariant,
} from './client-assets/client-assets.invariants.js';
import { closedPeriodsInvariant, shiftsInvariant } from './periods/periods.invariants.js';
import { reportsInvariants } from './reports/reports.invariants.js';
import { statementsInvariant } from './statements/statements.invariants.js';
import { ruledInvariant } from './posting-rules/posting-rules.invariants.js';

export type { Ask, Broken, Invariant } from './invariant.js';

const accountName = `l.book_id || ' ' || l.number || ' in ' || l.asset`;

/** The entries that drew the account of `b` and `l`: forced with a work item of its own, a capture of what was held before, or neither. */
const drawsOfAccount = `
  SELECT e.booked_at, max(p.account_sequence) AS last_sequence, e.hold_id IS NOT NULL AS is_capture,
         e.forced_reason IS NOT NULL AND EXISTS (
           SELECT FROM accounting.work_item w
            WHERE w.book_id = l.book_id AND w.key = 'forced-excess:' || e.entry_id || ':' || l.number || ':' || l.asset) AS forced_item
    FROM accounting.posting p JOIN accounting.journal_entry e USING (entry_id)
   WHERE p.ledger_account_id = b.ledger_account_id
   GROUP BY e.entry_id, e.booked_at, e.hold_id, e.forced_reason
  HAVING CASE b.normal_side WHEN 'CREDIT' THEN sum(p.units) ELSE -sum(p.units) END > 0`;

/** What else a key may have led to than an entry. */
const otherEffects = `
  SELECT book_id, idempotency_key AS key FROM accounting.hold
  UNION ALL SELECT book_id, idempotency_key FROM accounting.hold_movement WHERE idempotency_key IS NOT NULL
  UNION ALL SELECT book_id, key FROM accounting.sweep WHERE moved_units = 0
  UNION ALL SELECT book_id, idempotency_key FROM accounting.account_state_change
  UNION ALL SELECT book_id, key FROM accounting.posting_refusal`;

const linesOfEntry = `string_agg(n || ':' || ledger_account_id || ':' || asset || ':' || units, ';' ORDER BY n)`;
const hashOfEntry = `accounting.entry_hash_of(e.entry_id, e.book_id, e.kind, e.business_date, e.value_date, e.booked_at,
                                               e.reverses_entry_id, e.forced_reason, p.lines)`;

/** The postings in the order of their entries, each entry looked at once; what is left over has no entry. */
const wholeEntries = `
  SELECT coalesce(bool_and(p.count = e.posting_count AND p.count >= 2 AND e.entry_hash = ${hashOfEntry}
                  AND CASE WHEN p.first_asset = p.last_asset THEN p.sum = 0
                           ELSE NOT EXISTS (SELECT FROM accounting.posting q WHERE q.entry_id = e.entry_id GROUP BY q.asset HAVING sum(q.units) <> 0) END), true)
         AND coalesce(sum(p.count), 0) = (SELECT count(*) FROM accounting.posting)
    FROM accounting.journal_entry e
    LEFT JOIN (SELECT entry_id, count(*) AS count, sum(units) AS sum, min(asset) AS first_asset, max(asset) AS last_asset, ${linesOfEntry} AS lines
                 FROM accounting.posting GROUP BY entry_id) p USING (entry_id)`;

/** Postings that stand nowhere on their account: without a sequence, and not waiting for the fold either. */
const withoutPlace = `
  SELECT p.entry_id, p.n FROM accounting.posting p
   WHERE p.account_sequence IS NULL AND NOT EXISTS (SELECT FROM accounting.rollup_place r WHERE r.entry_id = p.entry_id AND r.n = p.n)`;

/** The postings of each account in their sequence: every one follows the one before it, and the balance their last. */
const followingPostings = `
  SELECT NOT EXISTS (
    SELECT FROM accounting.ledger_account l LEFT JOIN accounting.balance_now b USING (ledger_account_id)
      LEFT JOIN (SELECT ledger_account_id, min(account_sequence) AS first, max(account_sequence) AS last, count(*) AS count,
                        sum(units) AS net, coalesce(sum(units) FILTER (WHERE units > 0), 0) AS debit, bool_and(follows) AS follow
                   FROM (SELECT ledger_account_id, account_sequence, units, balance_after = coalesce(lag(balance_after) OVER w, 0) + units AS follows
                           FROM accounting.posting_in_order WINDOW w AS (PARTITION BY ledger_account_id ORDER BY account_sequence)) t
                  GROUP BY ledger_account_id) p USING (ledger_account_id)
     WHERE b.ledger_account_id IS NULL OR b.posted_debit <> coalesce(p.debit, 0) OR b.posted_credit <> coalesce(p.debit - p.net, 0)
        OR b.last_sequence + b.unfolded <> coalesce(p.last, 0) OR p.first <> 1 OR p.last <> p.count OR NOT p.follow)
     AND NOT EXISTS (${withoutPlace})`;

/** A trial balance is the buckets up to its day. Both come in one order, of account and day, and are added up once. */
const trialBalances = `
  SELECT t.ledger_account_id, t.business_date, t.debit_total, t.credit_total, t.debit, t.credit
    FROM (SELECT ledger_account_id, business_date, debit_total, credit_total, sum(debit) OVER w AS debit, sum(credit) OVER w AS credit
            FROM (SELECT ledger_account_id, business_date, NULL::numeric AS debit_total, NULL::numeric AS credit_total, debit, credit FROM accounting.bucket_now
                  UNION ALL
                  SELECT t.ledger_account_id, t.business_date, t.debit_total, t.credit_total, 0, 0
                    FROM accounting.trial_balance_line t JOIN accounting.business_day y USING (book_id, business_date)) both_sides
          WINDOW w AS (PARTITION BY ledger_account_id ORDER BY business_date)) t
   WHERE t.debit_total <> t.debit OR t.credit_total <> t.credit`;

/** Each key has one entry or one other effect, and every entry has its key. */
const oneEffectEach = `
  SELECT count(*) = (SELECT count(*) FROM accounting.posting_key) AND count(e.entry_id) = (SELECT count(*) FROM accounting.journal_entry)
         AND coalesce(bool_and((e.entry_id IS NOT NULL)::int + coalesce(o.effects, 0) = 1), true)
    FROM accounting.posting_key k
    LEFT JOIN accounting.journal_entry e ON e.book_id = k.book_id AND e.idempotency_key = k.key
    LEFT JOIN (SELECT book_id, key, count(*) AS effects FROM (${otherEffects}) t GROUP BY book_id, key) o ON o.book_id = k.book_id AND o.key = k.key`;

export const accountingInvariants: readonly Invariant[] = [
  invariant(
    1,
    'Every journal entry sums to zero per asset and has its postings',
    'SELECT count(*) FROM accounting.journal_entry',
    [
      {
        fine: wholeEntries,
        otherwise: [
          `SELECT e.entry_id, 'has ' || coalesce(p.count, 0) || ' postings, its header says ' || e.posting_count
       FROM accounting.journal_entry e
       LEFT JOIN (SELECT entry_id, count(*) AS count FROM accounting.posting GROUP BY entry_id) p USING (entry_id)
      WHERE coalesce(p.count, 0) <> e.posting_count OR coalesce(p.count, 0) < 2`,
          `SELECT entry_id, asset || ' sums to ' || sum(units) FROM accounting.posting GROUP BY entry_id, asset HAVING sum(units) <> 0`,
          `SELECT p.entry_id, 'posting without a header' FROM accounting.posting p LEFT JOIN accounting.journal_entry e USING (entry_id) WHERE e.entry_id IS NULL`,
          `SELECT e.entry_id, 'its content is not what was hashed when it was booked'
       FROM accounting.journal_entry e
       JOIN (SELECT entry_id, ${linesOfEntry} AS lines FROM accounting.posting GROUP BY entry_id) p USING (entry_id)
      WHERE e.entry_hash <> ${hashOfEntry}`,
        ],
      },
    ],
  ),
  ruledInvariant,
  invariant(
    2,
    'Balances are their postings, sequences have no gap, nothing is drawn beyond its limit',
    'SELECT count(*) FROM accounting.balance',
    [
      {
        fine: followingPostings,
        otherwise: [
          `SELECT ${accountName}, 'balance ' || coalesce(b.posted_debit || '/' || b.posted_credit, 'missing') || ', postings ' || coalesce(p.debit, 0) || '/' || coalesce(p.credit, 0)
       FROM accounting.ledger_account l LEFT JOIN accounting.balance_now b USING (ledger_account_id)
       LEFT JOIN (SELECT ledger_account_id, sum(greatest(units, 0)) AS debit, sum(greatest(-units, 0)) AS credit
                    FROM accounting.posting GROUP BY 1) p USING (ledger_account_id)
      WHERE b.ledger_account_id IS NULL OR b.posted_debit <> coalesce(p.debit, 0) OR b.posted_credit <> coalesce(p.credit, 0)`,
          `SELECT ${accountName}, 'sequences ' || coalesce(p.first, 0) || ' to ' || coalesce(p.last, 0) || ' over ' || coalesce(p.count, 0) || ' postings, the balance stands at ' || b.last_sequence
       FROM accounting.ledger_account l JOIN accounting.balance_now b USING (ledger_account_id)
       LEFT JOIN (SELECT ledger_account_id, min(account_sequence) AS first, max(account_sequence) AS last, count(*) AS count
               FROM accounting.posting_in_order GROUP BY 1) p USING (ledger_account_id)
      WHERE p.first <> 1 OR p.last <> p.count OR b.last_sequence + b.unfolded <> coalesce(p.last, 0)`,
          `SELECT ${accountName} || ' at ' || t.account_sequence, 'running balance ' || t.balance_after || ', postings up to here ' || t.running
       FROM (SELECT ledger_account_id, account_sequence, balance_after,
                    sum(units) OVER (PARTITION BY ledger_account_id ORDER BY account_sequence) AS running FROM accounting.posting_in_order) t
       JOIN accounting.ledger_account l USING (ledger_account_id) WHERE t.balance_after <> t.running`,
          `SELECT t.entry_id, 'posting ' || t.n || ' has no place on its account' FROM (${withoutPlace}) t`,
        ],
      },
      `SELECT ${accountName}, 'available ' || b.available || ', limit ' || b.limit_units || ', and no forced posting or lowered limit explains it'
       FROM accounting.ledger_account l JOIN accounting.balance b USING (ledger_account_id)
      WHERE b.is_strict AND b.available < -b.limit_units
        AND NOT (b.forced_excess = -b.available AND (
              -- a forced entry that drew this very account and has its item, and nothing since that drew it without one,
              EXISTS (SELECT FROM (${drawsOfAccount}) d
                       WHERE d.forced_item
                         AND NOT EXISTS (SELECT FROM (${drawsOfAccount}) later WHERE later.last_sequence > d.last_sequence AND NOT later.forced_item AND NOT later.is_capture)
                         AND NOT EXISTS (SELECT FROM accounting.hold h WHERE h.open_units > 0 AND h.placed_at > d.booked_at
                                            AND b.ledger_account_id = CASE b.normal_side WHEN 'CREDIT' THEN h.debit_account_id ELSE h.credit_account_id END))
              -- or the limit that stands was approved when more was drawn, and nothing drew it since.
              OR EXISTS (SELECT FROM accounting.limit_change c
                          WHERE c.state = 'APPLIED' AND c.book_id = l.book_id AND c.number = l.number AND c.asset = l.asset AND c.overdraft_units = b.limit_units
                            AND NOT EXISTS (SELECT FROM (${drawsOfAccount}) later WHERE later.booked_at > c.decided_at AND NOT later.forced_item AND NOT later.is_capture))))`,
    ],
  ),
  invariant(
    3,
    'Debits equal credits per asset, posted and pending; trial balance, daily buckets and postings agree',
    `SELECT count(*) FROM (SELECT DISTINCT book_id, asset FROM accounting.ledger_account) t`,
    [
      `SELECT l.book_id || ' ' || l.asset, 'posted ' || sum(b.posted_debit) || '/' || sum(b.posted_credit) || ', pending ' || sum(b.pending_debit) || '/' || sum(b.pending_credit)
         FROM accounting.balance_now b JOIN accounting.ledger_account l USING (ledger_account_id) GROUP BY l.book_id, l.asset
       HAVING sum(b.posted_debit) <> sum(b.posted_credit) OR sum(b.pending_debit) <> sum(b.pending_credit)`,
      `SELECT ${accountName} || ' of ' || t.business_date, 'buckets ' || t.bucket || ', postings ' || t.posted
         FROM (SELECT ledger_account_id, coalesce(d.business_date, p.business_date) AS business_date,
                      coalesce(d.debit, 0) || '/' || coalesce(d.credit, 0) AS bucket, coalesce(p.debit, 0) || '/' || coalesce(p.credit, 0) AS posted
                 FROM accounting.daily_bucket d
                 FULL JOIN (SELECT ledger_account_id, value_date, business_date,
                                   coalesce(sum(units) FILTER (WHERE units > 0), 0) AS debit, coalesce(-sum(units) FILTER (WHERE units < 0), 0) AS credit
                              -- Sorted, then added up: a table of all groups would not fit into memory.
                              FROM (SELECT ledger_account_id, value_date, business_date, units FROM accounting.posting p
                                     -- What is not folded yet is in no bucket yet.
                                     WHERE NOT EXISTS (SELECT FROM accounting.rollup_place r WHERE r.account_sequence IS NULL AND r.entry_id = p.entry_id AND r.n = p.n)
                                     ORDER BY 1, 2, 3) s
                             GROUP BY 1, 2, 3) p USING (ledger_account_id, value_date, business_date)
                WHERE d.debit IS DISTINCT FROM p.debit OR d.credit IS DISTINCT FROM p.credit) t
         JOIN accounting.ledger_account l USING (ledger_account_id)`,
      `SELECT ${accountName} || ' of ' || t.business_date, 'trial balance ' || t.debit_total || '/' || t.credit_total || ', buckets ' || t.debit || '/' || t.credit
         FROM (${trialBalances}) t JOIN accounting.ledger_account l USING (ledger_account_id)`,
      `SELECT book_id || ' ' || asset || ' of ' || business_date, 'trial balance ' || sum(debit_total) || '/' || sum(credit_total)
         FROM accounting.trial_balance_line GROUP BY book_id, asset, business_date HAVING sum(debit_total) <> sum(credit_total)`,
    ],
  ),
  shiftsInvariant,
  closedPeriodsInvariant,
  ...reportsInvariants,
  interbookInvariant,
  payablesInvariant,
  invariant(
    4,
    'Captured, released, expired and open parts of a hold are its amount',
    'SELECT count(*) FROM accounting.hold',
    [
      `SELECT h.hold_id, 'amount ' || h.amount_units || ', captured ' || h.captured_units || ', released ' || h.released_units || ', expired ' || h.expired_units || ', open ' || h.open_units
       FROM accounting.hold h WHERE h.captured_units + h.released_units + h.expired_units + h.open_units <> h.amount_units OR h.open_units < 0`,
      `SELECT h.hold_id, 'its movements are ' || coalesce(m.captured, 0) || '/' || coalesce(m.released, 0) || '/' || coalesce(m.expired, 0)
       FROM accounting.hold h
       LEFT JOIN (SELECT hold_id, sum(units) FILTER (WHERE kind = 'CAPTURED') AS captured, sum(units) FILTER (WHERE kind = 'RELEASED') AS released,
                         sum(units) FILTER (WHERE kind = 'EXPIRED') AS expired FROM accounting.hold_movement GROUP BY 1) m USING (hold_id)
      WHERE h.captured_units <> coalesce(m.captured, 0) OR h.released_units <> coalesce(m.released, 0) OR h.expired_units <> coalesce(m.expired, 0)`,
      `SELECT ${accountName}, 'pending ' || b.pending_debit || '/' || b.pending_credit || ', open holds ' || coalesce(d.units, 0) || '/' || coalesce(c.units, 0)
       FROM accounting.balance b JOIN accounting.ledger_account l USING (ledger_account_id)
       LEFT JOIN (SELECT debit_account_id AS id, sum(open_units) AS units FROM accounting.hold GROUP BY 1) d ON d.id = b.ledger_account_id
       LEFT JOIN (SELECT credit_account_id AS id, sum(open_units) AS units FROM accounting.hold GROUP BY 1) c ON c.id = b.ledger_account_id
      WHERE b.pending_debit <> coalesce(d.units, 0) OR b.pending_credit <> coalesce(c.units, 0)`,
    ],
  ),
  invariant(
    5,
    'Each key of the ledger has one input and one effect, and a payment one order entry in force at most',
    'SELECT count(*) FROM accounting.posting_key',
    [
      {
        fine: oneEffectEach,
        otherwise: [
          `SELECT k.book_id || ' ' || k.key, 'has ' || coalesce(t.effects, 0) || ' effects'
       FROM accounting.posting_key k
       LEFT JOIN (SELECT book_id, key, count(*) AS effects
                    FROM (SELECT book_id, idempotency_key AS key FROM accounting.journal_entry UNION ALL ${otherEffects}) e GROUP BY 1, 2) t USING (book_id, key)
      WHERE t.effects IS DISTINCT FROM 1`,
          `SELECT e.entry_id, 'was booked without a key of its own' FROM accounting.journal_entry e
       LEFT JOIN accounting.posting_key k ON k.book_id = e.book_id AND k.key = e.idempotency_key WHERE k.key IS NULL`,
        ],
      },
      `SELECT w.book_id || ' ' || w.key, 'was swept ' || w.moved_units || ', is booked ' || coalesce(p.units, h.amount_units)
       FROM accounting.sweep w LEFT JOIN accounting.posting p ON p.entry_id = w.entry_id AND p.units > 0
       LEFT JOIN accounting.hold h ON h.hold_id = w.hold_id
      WHERE w.moved_units > 0 AND w.moved_units IS DISTINCT FROM coalesce(p.units, h.amount_units)`,
      `SELECT e.subject_id, 'has ' || count(*) || ' order entries in force: ' || string_agg(e.entry_id, ', ' ORDER BY e.entry_id)
       FROM accounting.journal_entry e
      WHERE e.subject_kind = 'PAYMENT' AND e.kind = 'PAYMENT' AND e.reverses_entry_id IS NULL
        AND NOT EXISTS (SELECT FROM accounting.journal_entry r WHERE r.reverses_entry_id = e.entry_id)
      GROUP BY e.subject_id HAVING count(*) > 1`,
      `SELECT t.original_entry_id || ' ' || t.original_n, 'has ' || abs(p.units) || ', of which ' || sum(t.units) || ' was taken back'
       FROM accounting.reversal_part t JOIN accounting.posting p ON p.entry_id = t.original_entry_id AND p.n = t.original_n
      GROUP BY 1, p.units HAVING sum(t.units) > abs(p.units)`,
      `SELECT reverses_entry_id, 'was reversed ' || count(*) || ' times' FROM accounting.journal_entry WHERE reverses_entry_id IS NOT NULL
      GROUP BY 1 HAVING count(*) > 1`,
    ],
  ),
  clientAssetsInvariant,
  shortfallCoverInvariant,
  deliveryVersusPaymentInvariant,
  stockRecordInvariant,
  statementsInvariant,
];
