/** Everything a list shows to someone who pages through it; stops with an error where it goes in a circle. */
export async function pageThrough<Row>(
  readPage: (after: string | null, first: number) => Promise<{ rows: readonly Row[]; cursorOf: (row: Row) => string }>,
  sizeOf: (page: number) => number = () => 1,
  most = 10_000,
): Promise<Row[]> {
  const seen: Row[] = [];
  let after: string | null = null;
  for (let page = 0; seen.length <= most; page += 1) {
    const first = sizeOf(page);
    const { rows, cursorOf } = await readPage(after, first);
    const shown = rows.slice(0, first);
    seen.push(...shown);
    const last = shown.at(-1);
    if (rows.length <= first || last === undefined) return seen;
    after = cursorOf(last);
  }
  throw new Error(`paging shows more than ${most} rows: it goes in a circle`);
}

/** `count` instants that differ by their microseconds only: each is there twice. */
export function instantsOfOneMillisecond(count: number): string[] {
  return Array.from(
    { length: count },
    (_, n) => `2026-03-30 12:00:00.001${String(Math.floor(n / 2) * 7).padStart(3, '0')}+00`,
  );
}
