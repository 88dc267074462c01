/** A value that is always there, e.g. the row of a count; its absence is a bug. */
export function present<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error('a value that is always there is missing');
  return value;
}
