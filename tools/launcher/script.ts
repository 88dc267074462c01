import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DayStep } from '#tools/sample/sample.js';

export type { DayStep };

/** One day as the sample's script tells it. */
export interface DayScript {
  date: string;
  zone: string;
  books: string[];
  steps: DayStep[];
}

export function readDayScript(sampleDirectory: string, date: string): DayScript | undefined {
  const path = join(sampleDirectory, 'days', date, 'script.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as DayScript) : undefined;
}
