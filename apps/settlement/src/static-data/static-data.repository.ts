import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import {
  type ClientAccount,
  type Counterparty,
  type Instrument,
  type Place,
  type Price,
  type Rate,
  type Ssi,
} from './static-data.js';

interface VersionedTable {
  readonly table: string;
  readonly key: readonly string[];
  /** Column → SQL type; the name on the object is the column in camel case. */
  readonly columns: Readonly<Record<string, string>>;
}

/** The kinds of static data with a period of validity. */
export const versionedTables = {
  place: {
    table: 'place',
    key: ['place_id'],
    columns: {
      place_id: 'text',
      kind: 'text',
      bic: 'text',
      name: 'text',
      zone: 'text',
      calendar_id: 'text',
      dvp_cut_off: 'text',
      fop_cut_off: 'text',
      depot_account: 'text',
      cash_account: 'text',
      book_id: 'text',
    },
  },
  instrument: {
    table: 'instrument',
    key: ['isin'],
    columns: {
      isin: 'text',
      name: 'text',
      asset_class: 'text',
      market: 'text',
      currency: 'text',
      quantity_scale: 'int',
      price_factor: 'numeric',
      cfi: 'text',
      place_id: 'text',
      status: 'text',
      trading_calendar: 'text',
      settlement_cycle_days: 'int',
    },
  },
  counterparty: {
    table: 'counterparty',
    key: ['counterparty_id'],
    columns: { counterparty_id: 'text', party_id: 'text', name: 'text', bic: 'text', kind: 'text' },
  },
  ssi: {
    table: 'ssi',
    key: ['ssi_id'],
    columns: {
      ssi_id: 'text',
      counterparty_id: 'text',
      market: 'text',
      place_id: 'text',
      agent_bic: 'text',
      safekeeping_account: 'text',
      cash_account: 'text',
    },
  },
  clientAccount: {
    table: 'client_account',
    key: ['account', 'currency'],
    columns: { account: 'text', party_id: 'text', book_id: 'text', kind: 'text', currency: 'text', state: 'text' },
  },
} as const satisfies Record<string, VersionedTable>;
export type VersionedKind = keyof typeof versionedTables;

export type NewVersion = Readonly<Record<string, string | number | null>> & { readonly validFrom: PlainDate };
export interface NewPrice {
  readonly isin: string;
  readonly priceDate: PlainDate;
  readonly price: string;
  readonly currency: string;
  readonly source: string;
}
export interface NewRate {
  readonly base: string;
  readonly quote: string;
  readonly rateDate: PlainDate;
  readonly rate: string;
  readonly source: string;
}
export interface Provenance {
  readonly source: string;
  readonly originId: string | null;
}
/** Which versions to read: those known now, or those known at an earlier moment. */
export interface AsOf {
  readonly knownAt?: Date;
}

const camel = (column: string) => column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
const axes = `version_id AS "versionId", valid_from AS "validFrom", valid_to AS "validTo", recorded_at AS "recordedAt",
  superseded_at AS "supersededAt", source`;
const known = `($1::timestamptz IS NULL AND superseded_at IS NULL
  OR recorded_at <= $1::timestamptz AND (superseded_at IS NULL OR superseded_at > $1::timestamptz))`;
const listOf = ({ columns }: VersionedTable) =>
  Object.keys(columns)
    .map((column) => `${column} AS "${camel(column)}"`)
    .join(', ');

const priceColumns = `version_id AS "versionId", isin, price_date AS "priceDate", trim_scale(price)::text AS price, currency, source,
  recorded_at AS "recordedAt", superseded_at AS "supersededAt"`;
const rateColumns = `version_id AS "versionId", base, quote, rate_date AS "rateDate", trim_scale(rate)::text AS rate, source,
  recorded_at AS "recordedAt", superseded_at AS "supersededAt"`;

@Injectable()
export class StaticDataRepository {
  /** New versions take over from `validFrom` on; what was known before stays as it was recorded. */
  async saveVersions(
    tx: Tx,
    kind: VersionedKind,
    versions: readonly NewVersion[],
    provenance: Provenance,
  ): Promise<void> {
    if (versions.length === 0) return;
    const { table, key, columns }: VersionedTable = versionedTables[kind];
    const names = Object.keys(columns);
    const given = `jsonb_to_recordset($1::jsonb) AS given(${Object.entries(columns)
      .map(([name, type]) => `"${camel(name)}" ${type}`)
      .join(', ')}, "validFrom" date)`;
    // Only a currency may be absent; equality keeps the join on an index.
    const sameKey = key
      .map((name) =>
        name === 'currency'
          ? `coalesce(t.currency, '') = coalesce(given.currency, '')`
          : `t.${name} = given."${camel(name)}"`,
      )
      .join(' AND ');
    const json = JSON.stringify(versions);
    await tx.execute(
      `WITH old AS (
         UPDATE settlement.${table} t SET superseded_at = kernel.now() FROM ${given}
          WHERE t.superseded_at IS NULL AND ${sameKey} AND (t.valid_to IS NULL OR t.valid_to > given."validFrom")
         RETURNING t.*, given."validFrom" AS cut)
       INSERT INTO settlement.${table} (${names.join(', ')}, valid_from, valid_to, source, origin_id)
       SELECT ${names.join(', ')}, valid_from, cut, source, origin_id FROM old WHERE valid_from < cut`,
      [json],
    );
    await tx.execute(
      `INSERT INTO settlement.${table} (${names.join(', ')}, valid_from, source, origin_id)
       SELECT ${names.map((name) => `given."${camel(name)}"`).join(', ')}, given."validFrom", $2, $3 FROM ${given}`,
      [json, provenance.source, provenance.originId],
    );
  }

  async savePrices(tx: Tx, prices: readonly NewPrice[], originId: string | null): Promise<Price[]> {
    if (prices.length === 0) return [];
    const given = `jsonb_to_recordset($1::jsonb) AS given(isin text, "priceDate" date, price numeric, currency text, source text)`;
    await tx.execute(
      `UPDATE settlement.price t SET superseded_at = kernel.now() FROM ${given}
        WHERE t.superseded_at IS NULL AND t.isin = given.isin AND t.price_date = given."priceDate" AND t.source = given.source`,
      [JSON.stringify(prices)],
    );
    return tx.rows<Price>(
      `INSERT INTO settlement.price (isin, price_date, price, currency, source, origin_id)
       SELECT isin, "priceDate", price, currency, source, $2 FROM ${given} RETURNING ${priceColumns}`,
      [JSON.stringify(prices), originId],
    );
  }

  async saveRates(tx: Tx, rates: readonly NewRate[], originId: string | null): Promise<Rate[]> {
    if (rates.length === 0) return [];
    const given = `jsonb_to_recordset($1::jsonb) AS given(base text, quote text, "rateDate" date, rate numeric, source text)`;
    await tx.execute(
      `UPDATE settlement.rate t SET superseded_at = kernel.now() FROM ${given}
        WHERE t.superseded_at IS NULL AND t.base = given.base AND t.quote = given.quote
          AND t.rate_date = given."rateDate" AND t.source = given.source`,
      [JSON.stringify(rates)],
    );
    return tx.rows<Rate>(
      `INSERT INTO settlement.rate (base, quote, rate_date, rate, source, origin_id)
       SELECT base, quote, "rateDate", rate, source, $2 FROM ${given} RETURNING ${rateColumns}`,
      [JSON.stringify(rates), originId],
    );
  }

  /** What an import brought in is no longer known: the versions stay, closed. */
  async supersedeOrigin(tx: Tx, originId: string): Promise<{ prices: Price[]; rates: Rate[] }> {
    const supersede = (table: string) =>
      `UPDATE settlement.${table} SET superseded_at = kernel.now() WHERE origin_id = $1 AND superseded_at IS NULL`;
    for (const { table } of Object.values(versionedTables)) await tx.execute(supersede(table), [originId]);
    return {
      prices: await tx.rows<Price>(`${supersede('price')} RETURNING ${priceColumns}`, [originId]),
      rates: await tx.rows<Rate>(`${supersede('rate')} RETURNING ${rateColumns}`, [originId]),
    };
  }

  async instruments(tx: Tx, isins: readonly string[], asOf: AsOf = {}): Promise<Instrument[]> {
    return this.versions<Instrument>(tx, 'instrument', 'isin', isins, asOf);
  }
  async counterparties(tx: Tx, ids: readonly string[], asOf: AsOf = {}): Promise<Counterparty[]> {
    return this.versions<Counterparty>(tx, 'counterparty', 'counterparty_id', ids, asOf);
  }
  async ssisOf(tx: Tx, counterpartyIds: readonly string[], asOf: AsOf = {}): Promise<Ssi[]> {
    return this.versions<Ssi>(tx, 'ssi', 'counterparty_id', counterpartyIds, asOf);
  }
  async ssi(tx: Tx, ssiId: string): Promise<Ssi[]> {
    return this.versions<Ssi>(tx, 'ssi', 'ssi_id', [ssiId], {});
  }
  async clientAccounts(tx: Tx, accounts: readonly string[]): Promise<ClientAccount[]> {
    return this.versions<ClientAccount>(tx, 'clientAccount', 'account', accounts, {});
  }
  async places(tx: Tx, asOf: AsOf = {}): Promise<Place[]> {
    return tx.rows<Place>(
      `SELECT ${listOf(versionedTables.place)}, ${axes} FROM settlement.place WHERE ${known} ORDER BY place_id, valid_from`,
      [asOf.knownAt ?? null],
    );
  }
  async prices(
    tx: Tx,
    isins: readonly string[],
    asOf: AsOf & { from?: PlainDate | null; to?: PlainDate | null } = {},
  ): Promise<Price[]> {
    return tx.rows<Price>(
      `SELECT ${priceColumns}
         FROM settlement.price WHERE ${known} AND isin = ANY($2::text[])
          AND ($3::date IS NULL OR price_date >= $3) AND ($4::date IS NULL OR price_date <= $4)
        ORDER BY isin, price_date DESC, version_id DESC`,
      [asOf.knownAt ?? null, isins, asOf.from ?? null, asOf.to ?? null],
    );
  }

  /** Per instrument the newest prices up to the newest date asked for: enough to find the last good one. */
  async latestPrices(tx: Tx, isins: readonly string[], upTo: PlainDate): Promise<Price[]> {
    return tx.rows<Price>(
      `SELECT p."versionId", p.isin, p."priceDate", p.price, p.currency, p.source, p."recordedAt", NULL AS "supersededAt"
         FROM unnest($1::text[]) AS wanted(isin) CROSS JOIN LATERAL (
           SELECT version_id AS "versionId", isin, price_date AS "priceDate", trim_scale(price)::text AS price, currency, source,
                  recorded_at AS "recordedAt"
             FROM settlement.price WHERE isin = wanted.isin AND superseded_at IS NULL AND price_date <= $2::date
            ORDER BY price_date DESC LIMIT 30) p`,
      [isins, upTo],
    );
  }

  async rates(tx: Tx, base: string, quote: string, upTo: PlainDate): Promise<Rate[]> {
    return tx.rows<Rate>(
      `SELECT ${rateColumns}
         FROM settlement.rate WHERE superseded_at IS NULL AND base = $1 AND quote = $2 AND rate_date <= $3::date
        ORDER BY rate_date DESC LIMIT 30`,
      [base, quote, upTo],
    );
  }

  /** The latest rate of every pair of currencies up to a date. */
  async ratesOn(tx: Tx, upTo: PlainDate): Promise<{ base: string; quote: string; rate: string; date: PlainDate }[]> {
    return tx.rows(
      `SELECT DISTINCT ON (base, quote) base, quote, trim_scale(rate)::text AS rate, rate_date AS date
         FROM settlement.rate WHERE superseded_at IS NULL AND rate_date <= $1::date ORDER BY base, quote, rate_date DESC, version_id DESC`,
      [upTo],
    );
  }

  async cycles(
    tx: Tx,
  ): Promise<{ market: string; assetClass: string; cycleDays: number; validFrom: PlainDate; rule: string }[]> {
    return tx.rows(
      `SELECT market, asset_class AS "assetClass", cycle_days AS "cycleDays", valid_from AS "validFrom", rule FROM settlement.settlement_cycle`,
    );
  }

  /** One page of current versions by key; `filter` is a list of column = value. */
  async page<Row>(
    tx: Tx,
    kind: VersionedKind,
    filter: Readonly<Record<string, string | null | undefined>>,
    onDate: PlainDate | null,
    after: readonly [string, string] | null,
    limit: number,
  ): Promise<Row[]> {
    const { table, key, columns }: VersionedTable = versionedTables[kind];
    const keyColumn = key[0] ?? 'version_id';
    const params: unknown[] = [onDate, after?.[0] ?? null, after?.[1] ?? null, limit];
    const conditions = Object.entries(filter).flatMap(([column, value]) => {
      if (value === null || value === undefined) return [];
      if (!(column in columns)) throw new Error(`${table} has no column ${column}`);
      params.push(value);
      return [`AND ${column} = $${params.length}`];
    });
    return tx.rows<Row>(
      `SELECT ${listOf(versionedTables[kind])}, ${axes} FROM settlement.${table}
        WHERE superseded_at IS NULL AND ($1::date IS NULL OR valid_from <= $1 AND (valid_to IS NULL OR valid_to > $1))
          AND ($2::text IS NULL OR (${keyColumn}, version_id) > ($2, $3::bigint)) ${conditions.join(' ')}
        ORDER BY ${keyColumn}, version_id LIMIT $4`,
      params,
    );
  }

  /** Every version of one object, also those superseded: its history on both axes. */
  async history<Row>(tx: Tx, kind: VersionedKind, key: string): Promise<Row[]> {
    const { table, key: keys }: VersionedTable = versionedTables[kind];
    return tx.rows<Row>(
      `SELECT ${listOf(versionedTables[kind])}, ${axes} FROM settlement.${table} WHERE ${keys[0] ?? ''} = $1 ORDER BY recorded_at, version_id`,
      [key],
    );
  }

  private async versions<Row>(
    tx: Tx,
    kind: VersionedKind,
    column: string,
    keys: readonly string[],
    asOf: AsOf,
  ): Promise<Row[]> {
    if (keys.length === 0) return [];
    return tx.rows<Row>(
      `SELECT ${listOf(versionedTables[kind])}, ${axes} FROM settlement.${versionedTables[kind].table}
        WHERE ${known} AND ${column} = ANY($2::text[]) ORDER BY ${column}, valid_from`,
      [asOf.knownAt ?? null, [...new Set(keys)]],
    );
  }
}
