import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { Handles } from '#libs/messaging/index.js';
import { present } from '../present.js';
import { ComplianceConfig } from '../compliance.config.js';

/** Which business date each book works on, as accounting last told. */
@Injectable()
export class BusinessDays {
  constructor(private readonly config: ComplianceConfig) {}

  /** The date that facts of a book belong to now; without a business day it is the date on the wall. */
  async dates(tx: Tx): Promise<(book: string) => string> {
    const rows = await tx.rows<{ book: string; date: string }>(
      'SELECT book_id AS book, business_date::text AS date FROM compliance.business_day',
    );
    const today = await tx.row<{ date: string }>(`SELECT (kernel.now() AT TIME ZONE $1)::date::text AS date`, [
      this.config.zone,
    ]);
    const dates = new Map(rows.map(({ book, date }) => [book, date]));
    const { date } = present(today);
    return (book) => dates.get(book) ?? date;
  }

  async now(tx: Tx): Promise<Date> {
    return present(await tx.row<{ now: Date }>('SELECT kernel.now() AS now')).now;
  }

  @Handles('accounting.business-day-changed.v1')
  async changed(tx: Tx, day: PayloadOf<'accounting.business-day-changed.v1'>): Promise<void> {
    const date = day.state === 'OPEN' ? day.businessDate : day.nextBusinessDate;
    await tx.execute(
      `INSERT INTO compliance.business_day (book_id, business_date, state) VALUES ($1, $2, $3)
       ON CONFLICT (book_id) DO UPDATE SET business_date = excluded.business_date, state = excluded.state`,
      [day.book, date, day.state],
    );
  }
}
