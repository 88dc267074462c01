import { type PlainDate } from '#libs/calendar/index.js';

/** Which open trades a change of static data reaches. Conditions that are absent do not narrow. */
export interface Touch {
  readonly isin?: string;
  readonly counterpartyId?: string;
  readonly market?: string;
  readonly placeId?: string;
  readonly tradedFrom?: PlainDate;
  readonly settlesFrom?: PlainDate;
  /** Due on this day at one of the places, or in cash of one of the currencies. */
  readonly due?: {
    readonly day: PlainDate;
    readonly placeIds: readonly string[];
    readonly currencies: readonly string[];
  };
}

/** Where a date moves to, by place and by the currency whose cash moves with it (null when none does). */
export interface NewDate {
  readonly placeId: string;
  readonly currency: string | null;
  readonly to: PlainDate;
}

export interface DateMove {
  readonly from: PlainDate;
  readonly dates: readonly NewDate[];
  readonly changeId: string;
  readonly reason: string;
  /** The calendars and versions that the new dates were counted on. */
  readonly calendars: string;
  readonly by: string;
}

export interface Touched {
  readonly count: number;
  /** The first of them, in their order. */
  readonly ids: readonly string[];
}

/** How many ids a preview shows. */
export const touchedShown = 20;

/** The currency that must work for a trade to settle, as SQL: none when it is free of payment. */
export const cashOfTradeSql = `CASE WHEN t.kind = 'DVP' THEN t.currency END`;

/** The condition on a trade `t`; values are added to the parameters. */
export function touchSql(touch: Touch, params: unknown[]): string {
  const conditions: string[] = ['true'];
  const add = (sql: (place: string) => string, value: unknown) => {
    if (value === undefined) return;
    params.push(value);
    conditions.push(sql(`$${params.length}`));
  };
  add((p) => `t.isin = ${p}`, touch.isin);
  add((p) => `t.counterparty_id = ${p}`, touch.counterpartyId);
  add((p) => `t.market = ${p}`, touch.market);
  add((p) => `t.place_id = ${p}`, touch.placeId);
  add((p) => `t.trade_date >= ${p}::date`, touch.tradedFrom);
  add((p) => `t.settlement_date >= ${p}::date`, touch.settlesFrom);
  if (touch.due) {
    params.push(touch.due.day, touch.due.placeIds, touch.due.currencies);
    const n = params.length;
    conditions.push(
      `t.settlement_date = $${n - 2}::date AND (t.place_id = ANY($${n - 1}::text[]) OR ${cashOfTradeSql} = ANY($${n}::text[]))`,
    );
  }
  return conditions.join(' AND ');
}
