import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { newId } from '#libs/kernel/index.js';
import { type Pool } from './client-assets.js';

export interface ShortfallRow {
  readonly shortfallId: string;
  readonly book: string;
  readonly pool: Pool;
  readonly asset: string;
  readonly scale: number;
  readonly state: 'OPEN' | 'CURED';
  readonly openedOn: PlainDate;
  readonly curedOn: PlainDate | null;
  readonly units: string;
  readonly cause: string;
  readonly worthMinor: string | null;
  readonly functionalCurrency: string;
  readonly calculationId: string;
}

interface Found {
  readonly units: bigint;
  readonly cause: string;
  readonly worthMinor: bigint | null;
  readonly calculationId: string;
}

const columns = `f.shortfall_id AS "shortfallId", f.book_id AS book, f.pool, f.asset, t.scale, f.state, f.opened_on AS "openedOn", f.cured_on AS "curedOn",
  f.units, f.cause, f.worth_minor AS "worthMinor", f.functional_currency AS "functionalCurrency", f.last_calculation_id AS "calculationId"`;
const from = 'accounting.shortfall f JOIN accounting.asset t USING (asset)';

@Injectable()
export class ShortfallsRepository {
  async open(tx: Tx, book: string): Promise<ShortfallRow[]> {
    return tx.rows<ShortfallRow>(
      `SELECT ${columns} FROM ${from} WHERE f.book_id = $1 AND f.state = 'OPEN' ORDER BY f.pool, f.asset`,
      [book],
    );
  }

  async find(tx: Tx, shortfallId: string, lock = false): Promise<ShortfallRow | undefined> {
    return tx.row<ShortfallRow>(
      `SELECT ${columns} FROM ${from} WHERE f.shortfall_id = $1 ${lock ? 'FOR UPDATE OF f' : ''}`,
      [shortfallId],
    );
  }

  /** The newest first. */
  async page(
    tx: Tx,
    filter: { book: string | null; state: string | null },
    after: readonly [string, string] | null,
    limit: number,
  ): Promise<ShortfallRow[]> {
    return tx.rows<ShortfallRow>(
      `SELECT ${columns} FROM ${from} WHERE ($1::text IS NULL OR f.book_id = $1) AND ($2::text IS NULL OR f.state = $2)
          AND ($3::date IS NULL OR (f.opened_on, f.shortfall_id) < ($3::date, $4)) ORDER BY f.opened_on DESC, f.shortfall_id DESC LIMIT $5`,
      [filter.book, filter.state, after?.[0] ?? null, after?.[1] ?? null, limit],
    );
  }

  async add(
    tx: Tx,
    found: Found & { book: string; pool: Pool; asset: string; openedOn: PlainDate; functionalCurrency: string },
  ): Promise<ShortfallRow> {
    const shortfallId = newId('sho');
    await tx.execute(
      `INSERT INTO accounting.shortfall (shortfall_id, book_id, pool, asset, opened_on, units, cause, worth_minor, functional_currency, last_calculation_id)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      [
        shortfallId,
        found.book,
        found.pool,
        found.asset,
        found.openedOn,
        found.units.toString(),
        found.cause,
        found.worthMinor?.toString() ?? null,
        found.functionalCurrency,
        found.calculationId,
      ],
    );
    const row = await this.find(tx, shortfallId);
    if (!row) throw new Error(`${shortfallId} is not seen`);
    return row;
  }

  async goesOn(tx: Tx, shortfallId: string, found: Found): Promise<void> {
    await tx.execute(
      `UPDATE accounting.shortfall SET units = $2, cause = $3, worth_minor = $4, last_calculation_id = $5 WHERE shortfall_id = $1`,
      [shortfallId, found.units.toString(), found.cause, found.worthMinor?.toString() ?? null, found.calculationId],
    );
  }

  async cure(tx: Tx, shortfallId: string, curedOn: PlainDate, calculationId: string): Promise<void> {
    await tx.execute(
      `UPDATE accounting.shortfall SET state = 'CURED', cured_on = $2, last_calculation_id = $3 WHERE shortfall_id = $1`,
      [shortfallId, curedOn, calculationId],
    );
  }
}
