import { type Cursor } from './cursor.js';

const shape = /(?:(\d{4})([-/.]))?(\d{1,2})([-/.])(\d{1,2})(?!\d)/y;

/** `2026-11-25`, `2026/11/25`, `2026.11.25`, or without its year where one was set by `Y`. */
export function readDate(cursor: Cursor, year: string | undefined): string | undefined {
  const began = cursor.at;
  const found = cursor.match(shape);
  if (!found) {
    cursor.fault('INVALID_DATE', `"${cursor.rest(began)}" does not begin with a date`, began);
    return;
  }
  const [text, written, separator, month = '', second, day = ''] = found;
  if (separator !== undefined && separator !== second) {
    cursor.fault('INVALID_DATE', `"${text}" mixes its separators`, began);
    return;
  }
  const ofYear = written ?? year;
  if (ofYear === undefined) {
    cursor.fault('YEAR_MISSING', `"${text}" has no year: write it, or "Y 2026" before it`, began);
    return;
  }
  const date = `${ofYear}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  const real = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(real.getTime()) || real.toISOString().slice(0, 10) !== date) {
    cursor.fault('INVALID_DATE', `There is no ${date}`, began);
    return;
  }
  return date;
}
