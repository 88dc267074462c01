import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { type Location, type OpenItem, type Pool, type PoolPosition, type PoolProof } from './client-assets.js';
import { type KnownPrice, type KnownRate } from './worth.js';

interface LedgerRow {
  asset: string;
  kind: 'CLIENT_CASH' | 'CLIENT_CUSTODY' | 'OWN_CUSTODY' | 'SUSPENSE' | 'NOSTRO' | 'DEPOT';
  account: string | null;
  /** What accounts have for others, and what they have of others: both positive. */
  creditUnits: string;
  debitUnits: string;
  holders: number;
  isCurrency: boolean;
}

interface StatedRow {
  account: string;
  statementId: string;
  statementDate: PlainDate;
  asset: string | null;
  units: string | null;
}

interface OpenRow {
  account: string;
  asset: string;
  reference: string | null;
  bookedUnits: string;
  statedUnits: string;
  valueDate: PlainDate | null;
  code: string | null;
}

export interface NewLine {
  readonly position: PoolPosition;
  readonly proof: PoolProof;
  readonly worthMinor: bigint | null;
}

/** What an account was opened with, by an import or taken back with it. */
const opening = `('OPENING_BALANCE','OPENING_REVERSED')`;

/** The two sides of every pool as the books and the statements have them at the end of a business date. */
@Injectable()
export class ClientAssetsRepository {
  async lock(tx: Tx, book: string): Promise<void> {
    await tx.execute(`SELECT pg_advisory_xact_lock(hashtextextended('client-assets:' || $1, 0))`, [book]);
  }

  async positions(tx: Tx, book: string, businessDate: PlainDate): Promise<PoolPosition[]> {
    const ledger = await this.ledger(tx, book, businessDate);
    const stated = await tx.rows<StatedRow>(
      `SELECT s.account, s.statement_id AS "statementId", s.statement_date AS "statementDate", b.asset, b.units
         FROM accounting.last_agent_statements($1, $2) s LEFT JOIN accounting.agent_balance b USING (statement_id)`,
      [book, businessDate],
    );
    const unstated = await this.sinceOpening(tx, book, businessDate);
    const open = [
      ...(await this.afterDepotStatements(tx, book, businessDate)),
      ...(await this.moneyItems(tx, book, businessDate)),
    ];
    return positionsOf(ledger, stated, unstated, open);
  }

  private async ledger(tx: Tx, book: string, businessDate: PlainDate): Promise<LedgerRow[]> {
    return tx.rows<LedgerRow>(
      `WITH balances AS MATERIALIZED (
         SELECT ledger_account_id, sum(debit - credit) AS units FROM accounting.bucket_now WHERE book_id = $1 AND business_date <= $2 GROUP BY 1)
       SELECT l.asset, a.kind, CASE WHEN a.kind IN ('NOSTRO','DEPOT') THEN a.number END AS account,
              coalesce(sum(-b.units) FILTER (WHERE b.units < 0), 0) AS "creditUnits", coalesce(sum(b.units) FILTER (WHERE b.units > 0), 0) AS "debitUnits",
              (count(*) FILTER (WHERE b.units < 0))::int AS holders, t.kind = 'CURRENCY' AS "isCurrency"
         FROM balances b JOIN accounting.ledger_account l USING (ledger_account_id)
         JOIN accounting.account a ON a.book_id = l.book_id AND a.number = l.number
         JOIN accounting.asset t ON t.asset = l.asset
        WHERE a.kind IN ('CLIENT_CASH','CLIENT_CUSTODY','OWN_CUSTODY','SUSPENSE','NOSTRO','DEPOT')
        GROUP BY 1, 2, 3, t.kind ORDER BY 1, 2, 3`,
      [book, businessDate],
    );
  }

  /** Accounts that were never stated: what they were opened with, and all that was booked since. */
  private async sinceOpening(
    tx: Tx,
    book: string,
    businessDate: PlainDate,
  ): Promise<{ account: string; asset: string; openingUnits: string; sinceUnits: string }[]> {
    return tx.rows(
      `SELECT l.number AS account, l.asset, coalesce(sum(p.units) FILTER (WHERE e.kind IN ${opening}), 0) AS "openingUnits",
              coalesce(sum(p.units) FILTER (WHERE e.kind NOT IN ${opening}), 0) AS "sinceUnits"
         FROM accounting.account a JOIN accounting.ledger_account l ON l.book_id = a.book_id AND l.number = a.number
         JOIN accounting.posting p USING (ledger_account_id) JOIN accounting.journal_entry e USING (entry_id)
        WHERE a.book_id = $1 AND a.kind IN ('NOSTRO','DEPOT') AND p.business_date <= $2
          AND NOT EXISTS (SELECT FROM accounting.last_agent_statements($1, $2) s WHERE s.account = a.number)
        GROUP BY 1, 2`,
      [book, businessDate],
    );
  }

  /** A statement of holdings has no entries: what has its value after it is on its way to the next one. */
  private async afterDepotStatements(tx: Tx, book: string, businessDate: PlainDate): Promise<OpenRow[]> {
    return tx.rows<OpenRow>(
      `SELECT s.account, l.asset, e.subject_id AS reference, sum(p.units) AS "bookedUnits", 0 AS "statedUnits", max(p.value_date) AS "valueDate", NULL AS code
         FROM accounting.last_agent_statements($1, $2) s
         JOIN accounting.journal_entry e ON e.book_id = $1 AND e.business_date >= s.statement_date AND e.business_date <= $2 AND e.value_date > s.statement_date
         JOIN accounting.posting p USING (entry_id)
         JOIN accounting.ledger_account l ON l.ledger_account_id = p.ledger_account_id AND l.number = s.account
        WHERE s.kind = 'CUSTODY' AND e.kind NOT IN ${opening} GROUP BY 1, 2, 3 HAVING sum(p.units) <> 0 ORDER BY 1, 2, 3`,
      [book, businessDate],
    );
  }

  /**
   * By our references: what is booked and what is stated, where they differ. Looked at are those that were booked or stated
   * since the last calculation of an earlier date, and those that were open in it: the others were equal then and are.
   */
  private async moneyItems(tx: Tx, book: string, businessDate: PlainDate): Promise<OpenRow[]> {
    return tx.rows<OpenRow>(
      `WITH since AS (
         SELECT calculation_id, business_date, calculated_at FROM accounting.client_asset_calculation
          WHERE book_id = $1 AND business_date < $2 ORDER BY business_date DESC, version DESC LIMIT 1),
       nostro AS (
         SELECT s.account, l.asset, l.ledger_account_id,
                (SELECT min(f.statement_date) FROM accounting.agent_statement f WHERE f.book_id = $1 AND f.account = s.account) AS first_date
           FROM accounting.last_agent_statements($1, $2) s JOIN accounting.ledger_account l ON l.book_id = $1 AND l.number = s.account
          WHERE s.kind = 'MONEY'),
       entry AS (
         SELECT e.account, e.asset, coalesce(e.reference, e.statement_id || '#' || e.n) AS reference, e.reference IS NULL AS is_unnamed, e.units, e.code, s.received_at
           FROM accounting.agent_entry e JOIN accounting.agent_statement s USING (statement_id) WHERE s.book_id = $1 AND s.kind = 'MONEY' AND s.statement_date <= $2),
       named AS (
         SELECT DISTINCT e.account, e.reference, k.kind FROM entry e CROSS JOIN (VALUES ('INSTRUCTION'), ('PAYMENT')) k(kind)
          WHERE NOT EXISTS (SELECT FROM since) OR e.received_at >= (SELECT calculated_at FROM since)
         UNION SELECT n.account, e.subject_id, e.subject_kind FROM accounting.journal_entry e JOIN accounting.posting p USING (entry_id) JOIN nostro n USING (ledger_account_id)
          WHERE e.book_id = $1 AND e.business_date <= $2 AND e.business_date >= greatest(n.first_date, (SELECT business_date FROM since)) AND e.kind NOT IN ${opening}
         UNION SELECT i.account, i.reference, e.subject_kind FROM accounting.client_asset_item i JOIN since USING (calculation_id)
           LEFT JOIN accounting.journal_entry e ON e.book_id = $1 AND e.subject_id = i.reference AND e.subject_kind IN ('INSTRUCTION','PAYMENT','API','JOURNAL_ENTRY')
          WHERE i.pool = 'MONEY' AND i.reference IS NOT NULL),
       booked AS (
         SELECT n.account, n.asset, r.reference, sum(p.units) AS units, max(p.value_date) AS value_date
           FROM (SELECT DISTINCT account, reference, kind FROM named WHERE kind IS NOT NULL) r
           JOIN accounting.journal_entry e ON e.subject_kind = r.kind AND e.subject_id = r.reference AND e.book_id = $1 AND e.business_date <= $2
           JOIN accounting.posting p USING (entry_id) JOIN nostro n ON n.ledger_account_id = p.ledger_account_id AND n.account = r.account
          GROUP BY 1, 2, 3),
       stated AS (
         SELECT e.account, e.asset, e.reference, sum(e.units) AS units, max(e.code) AS code
           FROM entry e JOIN (SELECT DISTINCT account, reference FROM named) r USING (account, reference) GROUP BY 1, 2, 3)
       SELECT account, asset, reference, coalesce(b.units, 0) AS "bookedUnits", coalesce(s.units, 0) AS "statedUnits", b.value_date AS "valueDate", s.code
         FROM booked b FULL JOIN stated s USING (account, asset, reference)
        WHERE coalesce(b.units, 0) <> coalesce(s.units, 0) ORDER BY 1, 2, 3`,
      [book, businessDate],
    );
  }

  async scales(tx: Tx, assets: readonly string[]): Promise<Map<string, number>> {
    const rows = await tx.rows<{ asset: string; scale: number }>(
      'SELECT asset, scale FROM accounting.asset WHERE asset = ANY($1::text[])',
      [assets],
    );
    return new Map(rows.map(({ asset, scale }) => [asset, scale]));
  }

  /** The last price that a depot was stated with, and the last rates that came with a statement. */
  async figures(
    tx: Tx,
    book: string,
    businessDate: PlainDate,
    assets: readonly string[],
  ): Promise<{ prices: Map<string, KnownPrice>; rates: KnownRate[] }> {
    const prices = await tx.rows<KnownPrice & { asset: string }>(
      `SELECT DISTINCT ON (b.asset) b.asset, trim_scale(b.price)::text AS price, trim_scale(b.price_factor)::text AS factor, b.price_currency AS currency
         FROM accounting.agent_balance b JOIN accounting.agent_statement s USING (statement_id)
        WHERE s.book_id = $1 AND s.statement_date <= $2 AND b.asset = ANY($3::text[]) AND b.price IS NOT NULL ORDER BY b.asset, s.statement_date DESC, s.number DESC`,
      [book, businessDate, assets],
    );
    const rates = await tx.rows<KnownRate>(
      `SELECT DISTINCT ON (r.base, r.quote) r.base, r.quote, trim_scale(r.rate)::text AS rate
         FROM accounting.agent_rate r JOIN accounting.agent_statement s USING (statement_id)
        WHERE s.book_id = $1 AND s.statement_date <= $2 ORDER BY r.base, r.quote, r.rate_date DESC, s.statement_date DESC`,
      [book, businessDate],
    );
    return { prices: new Map(prices.map(({ asset, ...price }) => [asset, price])), rates };
  }

  async store(
    tx: Tx,
    head: { calculationId: string; book: string; businessDate: PlainDate; functionalCurrency: string },
    lines: readonly NewLine[],
  ): Promise<number> {
    const { calculationId, book } = head;
    const stored = await tx.row<{ version: number }>(
      `INSERT INTO accounting.client_asset_calculation (calculation_id, book_id, business_date, version, functional_currency)
       SELECT $1, $2, $3, coalesce(max(version), 0) + 1, $4 FROM accounting.client_asset_calculation WHERE book_id = $2 AND business_date = $3
       RETURNING version`,
      [calculationId, book, head.businessDate, head.functionalCurrency],
    );
    await tx.execute(
      `INSERT INTO accounting.client_asset_line (calculation_id, book_id, pool, asset, entitled_units, owed_units, unallocated_units, own_units, client_count,
         resource_units, cause, worth_minor)
       SELECT $1, $2, l.pool, l.asset, l.entitled, l.owed, l.unallocated, l.own, l.clients, l.resource, l.cause, l.worth
         FROM jsonb_to_recordset($3::jsonb) AS l(pool text, asset text, entitled numeric, owed numeric, unallocated numeric, own numeric, clients int,
              resource numeric, cause text, worth numeric)`,
      [
        calculationId,
        book,
        wire(
          lines.map(({ position, proof, worthMinor }) => ({
            pool: position.pool,
            asset: position.asset,
            entitled: position.entitledUnits,
            owed: position.owedUnits,
            unallocated: position.unallocatedUnits,
            own: position.ownUnits,
            clients: position.clientCount,
            resource: proof.resourceUnits,
            cause: proof.cause,
            worth: worthMinor,
          })),
        ),
      ],
    );
    await tx.execute(
      `INSERT INTO accounting.client_asset_source (calculation_id, book_id, pool, asset, account, statement_id, statement_date, stated_units, booked_units)
       SELECT $1, $2, s.pool, s.asset, s.account, s."statementId", s."statementDate", s.stated, s.booked
         FROM jsonb_to_recordset($3::jsonb) AS s(pool text, asset text, account text, "statementId" text, "statementDate" date, stated numeric, booked numeric)`,
      [
        calculationId,
        book,
        wire(
          lines.flatMap(({ position: { pool, asset, locations } }) =>
            locations.map(({ account, statementId, statementDate, statedUnits, bookedUnits }) => ({
              pool,
              asset,
              account,
              statementId,
              statementDate,
              stated: statedUnits,
              booked: bookedUnits,
            })),
          ),
        ),
      ],
    );
    const items = lines.flatMap(({ proof: { pool, asset, items: some } }) =>
      some.map((one) => ({ ...one, pool, asset })),
    );
    await tx.execute(
      `INSERT INTO accounting.client_asset_item (calculation_id, n, book_id, pool, asset, account, kind, reference, is_explained, units)
       SELECT $1, i.n, $2, i.pool, i.asset, i.account, i.kind, i.reference, i."isExplained", i.units
         FROM jsonb_to_recordset($3::jsonb) AS i(n int, pool text, asset text, account text, kind text, reference text, "isExplained" boolean, units numeric)`,
      [calculationId, book, wire(items.map((one, index) => ({ ...one, n: index + 1 })))],
    );
    return stored?.version ?? 0;
  }
}

const wire = (rows: readonly object[]): string =>
  JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));

function positionsOf(
  ledger: readonly LedgerRow[],
  stated: readonly StatedRow[],
  unstated: readonly { account: string; asset: string; openingUnits: string; sinceUnits: string }[],
  open: readonly OpenRow[],
): PoolPosition[] {
  const pools = new Map<string, PoolInTheMaking>();
  const poolAt = (pool: Pool, asset: string) => {
    const key = `${pool}/${asset}`;
    const one: PoolInTheMaking = pools.get(key) ?? {
      pool,
      asset,
      entitledUnits: 0n,
      owedUnits: 0n,
      clientCount: 0,
      unallocatedUnits: 0n,
      ownUnits: 0n,
      locations: new Map<string, Mutable<Location>>(),
    };
    pools.set(key, one);
    return one;
  };
  const poolOf = (asset: string): Pool => (asset.length === 3 ? 'MONEY' : 'CUSTODY');
  const openOf = new Map<string, OpenItem[]>();
  for (const { account, asset, bookedUnits, statedUnits, ...one } of open)
    openOf.set(`${account}/${asset}`, [
      ...(openOf.get(`${account}/${asset}`) ?? []),
      { ...one, bookedUnits: BigInt(bookedUnits), statedUnits: BigInt(statedUnits) },
    ]);
  const statementOf = new Map(
    stated.map(({ account, statementId, statementDate }) => [account, { statementId, statementDate }]),
  );
  const locationAt = (account: string, asset: string) => {
    const { locations } = poolAt(poolOf(asset), asset);
    const one = locations.get(account) ?? {
      account,
      statementId: statementOf.get(account)?.statementId ?? null,
      statementDate: statementOf.get(account)?.statementDate ?? null,
      statedUnits: 0n,
      bookedUnits: 0n,
      openItems: openOf.get(`${account}/${asset}`) ?? [],
    };
    locations.set(account, one);
    return one;
  };
  for (const { account, asset, units } of stated)
    if (asset !== null && units !== null) locationAt(account, asset).statedUnits = BigInt(units);
  for (const { account, asset, openingUnits, sinceUnits } of unstated) {
    const location = locationAt(account, asset);
    location.statedUnits = BigInt(openingUnits);
    if (BigInt(sinceUnits) !== 0n)
      location.openItems = [
        { reference: null, bookedUnits: BigInt(sinceUnits), statedUnits: 0n, valueDate: null, code: null },
      ];
  }
  for (const row of ledger) {
    const credit = BigInt(row.creditUnits);
    const debit = BigInt(row.debitUnits);
    const pool = poolAt(poolOf(row.asset), row.asset);
    switch (row.kind) {
      case 'CLIENT_CASH':
      case 'CLIENT_CUSTODY':
        pool.entitledUnits += credit;
        pool.owedUnits += debit;
        pool.clientCount += row.holders;
        break;
      case 'OWN_CUSTODY':
        pool.ownUnits += credit;
        break;
      case 'SUSPENSE':
        pool.unallocatedUnits += credit;
        break;
      case 'NOSTRO':
      case 'DEPOT':
        locationAt(row.account ?? '', row.asset).bookedUnits = debit - credit;
        break;
    }
  }
  return [...pools.values()]
    .map((pool): PoolPosition => ({ ...pool, locations: [...pool.locations.values()] }))
    .sort((a, b) => (a.pool === b.pool ? (a.asset < b.asset ? -1 : 1) : a.pool < b.pool ? -1 : 1));
}

interface PoolInTheMaking extends Omit<Mutable<PoolPosition>, 'locations'> {
  locations: Map<string, Mutable<Location>>;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
