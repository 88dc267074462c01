import { type PlainDate } from './plain-date.js';

/** A market's rules as a clerk would check them. One file in `markets/` for each market. */
export interface MarketCalendar {
  readonly id: string;
  /** What it is open for: the days of a currency, of a trading venue, of a place of settlement. */
  readonly describes: string;
  /** Raised with each change of a rule or a one-off closure; stored beside every date that was calculated. */
  readonly version: string;
  /** Where the rules are published. */
  readonly sources: readonly string[];
  /** Days of the year on which it is closed; days on a weekend may be among them. */
  holidays(year: number): PlainDate[];
  /** The zone of its closing times, where days close early. */
  readonly zone?: string;
  /** Days of the year that close early; days that are not worked at all may be among them. */
  earlyCloses?(year: number): EarlyClose[];
}

export interface EarlyClose {
  readonly day: PlainDate;
  readonly localTime: string;
}

/** Days that all close at the same time. */
export const closingAt = (localTime: string, days: readonly PlainDate[]): EarlyClose[] =>
  days.map((day) => ({ day, localTime }));
