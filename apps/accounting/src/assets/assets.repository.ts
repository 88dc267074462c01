import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { currencyExponent, isCurrency } from '#libs/money/index.js';

export interface Asset {
  readonly asset: string;
  readonly kind: 'CURRENCY' | 'INSTRUMENT';
  readonly scale: number;
  readonly name: string;
  /** Of an instrument: the money it is priced in, and what a price is multiplied by. Absent while nobody told. */
  readonly currency?: string | null | undefined;
  readonly priceFactor?: string | null | undefined;
}

@Injectable()
export class AssetsRepository {
  /** The scale of an asset never changes under the amounts booked in it; a later name does not matter to the ledger. */
  async register(tx: Tx, assets: readonly Asset[]): Promise<number> {
    if (assets.length === 0) return 0;
    return tx.execute(
      `INSERT INTO accounting.asset AS known (asset, kind, scale, name, currency, price_factor)
       SELECT DISTINCT ON (asset) asset, kind, scale, name, currency, "priceFactor"
         FROM jsonb_to_recordset($1::jsonb) AS a(asset text, kind text, scale int, name text, currency text, "priceFactor" numeric) ORDER BY asset
       ON CONFLICT (asset) DO UPDATE SET currency = excluded.currency, price_factor = excluded.price_factor
         WHERE (excluded.currency, excluded.price_factor) IS DISTINCT FROM (known.currency, known.price_factor) AND excluded.price_factor IS NOT NULL`,
      [JSON.stringify(assets)],
    );
  }

  /** ISO 4217 says all there is to know of a currency, so nobody has to announce one. */
  async ensureCurrencies(tx: Tx, codes: Iterable<string>): Promise<void> {
    const wanted = [...new Set(codes)].filter(isCurrency);
    const known = await this.find(tx, wanted);
    await this.register(
      tx,
      wanted
        .filter((code) => !known.has(code))
        .map((code) => ({ asset: code, kind: 'CURRENCY', scale: currencyExponent(code), name: code })),
    );
  }

  async find(tx: Tx, assets: readonly string[]): Promise<Map<string, Asset>> {
    const rows = await tx.rows<Asset>(
      'SELECT asset, kind, scale, name, currency, trim_scale(price_factor)::text AS "priceFactor" FROM accounting.asset WHERE asset = ANY ($1::text[])',
      [[...new Set(assets)]],
    );
    return new Map(rows.map((row) => [row.asset, row]));
  }
}
