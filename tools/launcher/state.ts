import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the launcher remembers between starts; everything else is in the database. */
export interface State {
  scale: number;
  movedIn: boolean;
  lastDay: string | null;
}

/** The evening before the first business day, when Northgate moves in. */
export const sampleStartsAt = '2026-11-24T21:00:00Z';

const file = (dataDirectory: string) => join(dataDirectory, 'state.json');

export function readState(dataDirectory: string, scale: number): State {
  const path = file(dataDirectory);
  if (!existsSync(path)) return { scale, movedIn: false, lastDay: null };
  return JSON.parse(readFileSync(path, 'utf8')) as State;
}

export function keepState(dataDirectory: string, state: State): void {
  writeFileSync(file(dataDirectory), `${JSON.stringify(state, null, 2)}\n`);
}
