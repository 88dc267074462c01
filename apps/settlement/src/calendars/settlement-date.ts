import { type PlainDate } from '#libs/calendar/index.js';

/** The calendar of each currency's settlement system: cash moves only when it works. */
export const currencyCalendars: Readonly<Record<string, string>> = {
  EUR: 'TARGET',
  USD: 'USNY',
  GBP: 'GBLO',
  JPY: 'JPTO',
};

export interface CycleRule {
  readonly market: string;
  /** `*` for every asset class of the market. */
  readonly assetClass: string;
  readonly cycleDays: number;
  readonly validFrom: PlainDate;
}

/** Business days between trade and settlement, by the rule in force on the trade date; the instrument's own number when there is no rule. */
export function cycleDaysOf(
  rules: readonly CycleRule[],
  market: string,
  assetClass: string,
  tradeDate: PlainDate,
  instrumentCycleDays: number | undefined,
): number {
  let best: CycleRule | undefined;
  for (const rule of rules) {
    if (rule.market !== market || rule.validFrom > tradeDate) continue;
    if (rule.assetClass !== '*' && rule.assetClass !== assetClass) continue;
    const isMoreExact = best?.assetClass === '*' && rule.assetClass !== '*';
    const isLess = best !== undefined && best.assetClass !== '*' && rule.assetClass === '*';
    if (!best || isMoreExact || (!isLess && rule.validFrom > best.validFrom)) best = rule;
  }
  return best?.cycleDays ?? instrumentCycleDays ?? 2;
}

/** The calendars that must both work: the place's and, when cash moves (`currency` given), the currency's. */
export function settlementCalendarIds(placeCalendarId: string, currency: string | null): string[] {
  const cash = currency === null ? undefined : currencyCalendars[currency];
  return cash === undefined || cash === placeCalendarId ? [placeCalendarId] : [placeCalendarId, cash];
}
