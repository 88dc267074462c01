import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the launcher remembers between starts; everything else is in the database. */
export interface State {
  scale: number;
  movedIn: boolean;
  lastDay: string | null;
  /** The day that was begun and not ended, and how many of its steps are done; the next start goes on there. */
  underWay: { date: string; stepsDone: number; notes: Record<string, string> } | null;
}

/** The evening before the first business day, when Northgate moves in. */
export const sampleStartsAt = '2026-11-24T21:00:00Z';

const file = (dataDirectory: string) => join(dataDirectory, 'state.json');

export function readState(dataDirectory: string, scale: number): State {
  const path = file(dataDirectory);
  if (!existsSync(path)) return { scale, movedIn: false, lastDay: null, underWay: null };
  const kept = JSON.parse(readFileSync(path, 'utf8')) as Omit<State, 'underWay'> & Partial<State>;
  return { ...kept, underWay: kept.underWay ?? null };
}

/** Written beside and renamed: a start that is killed here leaves the old state or the new one. */
export function keepState(dataDirectory: string, state: State): void {
  const path = file(dataDirectory);
  writeFileSync(`${path}.new`, `${JSON.stringify(state, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}
