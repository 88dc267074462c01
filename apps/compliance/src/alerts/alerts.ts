import { addBusinessDays, calendarOf, instantOf, localDateOf } from '#libs/calendar/index.js';

export const alertStates = ['OPEN', 'RELEASED', 'CONFIRMED'] as const;
export type AlertState = (typeof alertStates)[number];

export const alertReasons = ['NAME_MATCH', 'PARTY_HELD', 'PARTY_UNKNOWN'] as const;
export type AlertReason = (typeof alertReasons)[number];

/**
 * Who works on an alert. A party's alert waits for settlement to say what it stopped: what is stopped gets
 * alerts and work items of its own, and only a party with nothing open gets an item itself.
 */
export type AlertWork = 'OWN_ITEM' | 'AWAITING_SETTLEMENT' | 'ITEMS_OF_OBJECTS';

/** The next business day at the team's hour, on the team's calendar and clock. */
export function alertDueAt(now: Date, team: { calendar: string; zone: string; dueTime: string }): Date {
  const calendar = calendarOf(team.calendar);
  return instantOf(addBusinessDays(calendar, localDateOf(now, team.zone), 1), team.dueTime, team.zone);
}

/** Payments have their own kind of approval, so that it can be told apart who may release money. */
export function approvalKindOf(objectKind: string): 'PAYMENT_RELEASE' | 'HOLD_RELEASE' {
  return objectKind === 'PAYMENT' ? 'PAYMENT_RELEASE' : 'HOLD_RELEASE';
}

export const workItemKeyOf = (alertId: string): string => `alert:${alertId}`;
