import { type Ask, type Broken, type Invariant } from '../invariant.js';

const listed = async (ask: Ask, sql: string): Promise<Broken[]> =>
  ask<Broken>(`SELECT "where", detail FROM (${sql}) AS found ("where", detail) ORDER BY 1 LIMIT 100`);

const counted = async (ask: Ask, sql: string): Promise<number> =>
  Number((await ask<{ checked: string }>(`SELECT (${sql})::text AS checked`))[0]?.checked ?? 0);

/** The calculation that stands of each book; `is_settled` while nothing was booked since. */
const last = `
  SELECT DISTINCT ON (c.book_id) c.*, NOT EXISTS (SELECT FROM accounting.journal_entry e WHERE e.book_id = c.book_id AND e.booked_at > c.calculated_at) AS is_settled
    FROM accounting.client_asset_calculation c ORDER BY c.book_id, c.business_date DESC, c.version DESC`;
const line = `l.book_id || ' ' || l.pool || ' ' || l.asset`;

/** From the postings and not from the balances, which the calculation was made of. */
const entitled = `
  SELECT c.calculation_id, c.book_id, c.pool, c.asset, sum(greatest(-c.units, 0)) AS units
    FROM (SELECT k.calculation_id, k.book_id, CASE a.kind WHEN 'CLIENT_CASH' THEN 'MONEY' ELSE 'CUSTODY' END AS pool, l.asset, l.ledger_account_id, sum(p.units) AS units
            FROM (${last}) k JOIN accounting.account a ON a.book_id = k.book_id AND a.kind IN ('CLIENT_CASH','CLIENT_CUSTODY')
            JOIN accounting.ledger_account l ON l.book_id = a.book_id AND l.number = a.number
            JOIN accounting.posting p USING (ledger_account_id) WHERE k.is_settled AND p.business_date <= k.business_date GROUP BY 1, 2, 3, 4, 5) c
   GROUP BY 1, 2, 3, 4`;

/** Domain invariant 6, client assets. */
export const clientAssetsInvariant: Invariant = {
  number: 6,
  name: 'What clients have is stated to be there with the explained transit, or an open shortfall says the difference',
  check: async (ask: Ask) => ({
    checked: await counted(ask, 'SELECT count(*) FROM accounting.client_asset_line'),
    broken: [
      ...(await listed(
        ask,
        `SELECT coalesce(l.book_id, e.book_id) || ' ' || coalesce(l.pool, e.pool) || ' ' || coalesce(l.asset, e.asset),
                'clients have ' || coalesce(e.units, 0) || ', the calculation counted ' || coalesce(l.entitled_units::text, 'nothing')
           FROM (${entitled}) e
           FULL JOIN (SELECT l.* FROM accounting.client_asset_line l JOIN (${last}) k USING (calculation_id) WHERE k.is_settled) l USING (calculation_id, pool, asset)
          WHERE coalesce(e.units, 0) <> coalesce(l.entitled_units, 0)`,
      )),
      ...(await listed(
        ask,
        `SELECT ${line} || ' ' || l.calculation_id, 'the resource is ' || l.resource_units || ', stated ' || coalesce(s.units, 0) || ' and explained ' || coalesce(i.units, 0)
           FROM accounting.client_asset_line l
           LEFT JOIN (SELECT calculation_id, pool, asset, sum(stated_units) AS units FROM accounting.client_asset_source GROUP BY 1, 2, 3) s USING (calculation_id, pool, asset)
           LEFT JOIN (SELECT calculation_id, pool, asset, sum(units) AS units FROM accounting.client_asset_item WHERE is_explained GROUP BY 1, 2, 3) i USING (calculation_id, pool, asset)
          WHERE l.resource_units <> coalesce(s.units, 0) + coalesce(i.units, 0)`,
      )),
      ...(await listed(
        ask,
        `SELECT ${line} || ' ' || l.account, 'stated ' || l.stated_units || ', the statement ' || l.statement_id || ' says ' || coalesce(b.units, 0)
           FROM accounting.client_asset_source l LEFT JOIN accounting.agent_balance b USING (statement_id, asset)
          WHERE l.statement_id IS NOT NULL AND l.stated_units <> coalesce(b.units, 0)`,
      )),
      ...(await listed(
        ask,
        `SELECT coalesce(l.book_id, f.book_id) || ' ' || coalesce(l.pool, f.pool) || ' ' || coalesce(l.asset, f.asset),
                coalesce(-l.difference_units, 0) || ' is missing, the open shortfall says ' || coalesce(f.units::text, 'nothing')
           FROM (SELECT l.* FROM accounting.client_asset_line l JOIN (${last}) k USING (calculation_id) WHERE l.difference_units < 0) l
           FULL JOIN (SELECT * FROM accounting.shortfall WHERE state = 'OPEN') f USING (book_id, pool, asset)
          WHERE -l.difference_units IS DISTINCT FROM f.units`,
      )),
      ...(await listed(
        ask,
        `SELECT f.book_id || ' ' || f.pool || ' ' || f.asset, 'is short of ' || f.units || ', and nobody has it'
           FROM accounting.shortfall f
          WHERE f.state = 'OPEN' AND NOT EXISTS (SELECT FROM accounting.work_item w WHERE w.key = 'shortfall:' || f.shortfall_id AND w.state <> 'CLOSED')`,
      )),
    ],
  }),
};

/** Domain invariant 6, cover: what is said to be set aside is. */
export const shortfallCoverInvariant: Invariant = {
  number: 6,
  name: 'What two people set aside for a shortfall is on its account until the shortfall is cured',
  check: async (ask: Ask) => ({
    checked: await counted(ask, 'SELECT count(*) FROM accounting.shortfall_cover'),
    broken: [
      ...(await listed(
        ask,
        `SELECT c.approval_id, 'is ' || lower(c.state) || ' with ' || c.amount_minor || ' ' || c.currency || ', its entry moves ' || coalesce(sum(p.units)::text, 'nothing')
           FROM accounting.shortfall_cover c
           LEFT JOIN accounting.ledger_account l ON l.book_id = c.book_id AND l.number = c.cover_account AND l.asset = c.currency
           LEFT JOIN accounting.posting p ON p.entry_id = c.entry_id AND p.ledger_account_id = l.ledger_account_id
          WHERE c.state IN ('BOOKED','RELEASED') GROUP BY c.approval_id HAVING sum(p.units) IS DISTINCT FROM c.amount_minor`,
      )),
      ...(await listed(
        ask,
        `SELECT c.approval_id, 'is ' || lower(c.state) || ', and its entry was ' || CASE WHEN r.entry_id IS NULL THEN 'not ' ELSE '' END || 'taken back'
           FROM accounting.shortfall_cover c LEFT JOIN accounting.journal_entry r ON r.reverses_entry_id = c.entry_id
          WHERE c.state IN ('BOOKED','RELEASED') AND (c.state = 'RELEASED') <> (r.entry_id IS NOT NULL)`,
      )),
    ],
  }),
};

/** Domain invariant 6, delivery against payment. */
export const deliveryVersusPaymentInvariant: Invariant = {
  number: 6,
  name: 'A settlement against payment has its delivery and its payment in one entry',
  check: async (ask: Ask) => ({
    checked: await counted(ask, `SELECT count(*) FROM accounting.journal_entry WHERE kind = 'TRADE_SETTLEMENT'`),
    broken: await listed(
      ask,
      `SELECT e.entry_id, CASE WHEN bool_or(length(p.asset) = 3) THEN 'is paid and delivers nothing' ELSE 'delivers and is not paid' END
         FROM accounting.journal_entry e JOIN accounting.posting p USING (entry_id) WHERE e.kind = 'TRADE_SETTLEMENT' GROUP BY e.entry_id
       HAVING NOT (bool_or(length(p.asset) = 3) AND bool_or(length(p.asset) = 12))`,
    ),
  }),
};

/** Domain invariant 6, the stock record. */
export const stockRecordInvariant: Invariant = {
  number: 6,
  name: 'The stock record balances: of each instrument all longs are all shorts',
  check: async (ask: Ask) => ({
    checked: await counted(
      ask,
      `SELECT count(*) FROM (SELECT DISTINCT l.book_id, l.asset FROM accounting.ledger_account l JOIN accounting.asset t USING (asset) WHERE t.kind = 'INSTRUMENT') t`,
    ),
    broken: await listed(
      ask,
      `SELECT b.book_id || ' ' || b.asset, 'long ' || sum(greatest(b.units, 0)) || ', short ' || sum(greatest(-b.units, 0))
         FROM (SELECT l.book_id, l.asset, n.posted_debit - n.posted_credit AS units FROM accounting.balance_now n JOIN accounting.ledger_account l USING (ledger_account_id)
                 JOIN accounting.asset t USING (asset) WHERE t.kind = 'INSTRUMENT') b
        GROUP BY b.book_id, b.asset HAVING sum(b.units) <> 0`,
    ),
  }),
};
