import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What happened to the market, in order: replayed after a restart, it gives the same books and the same answers. */
export type JournalLine =
  { kind: 'RECEIVED'; channel: string; name: string; date: string } | { kind: 'EVENT'; date: string; time: string };

export class Journal {
  private readonly path: string;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.path = join(directory, 'journal.jsonl');
  }

  lines(): JournalLine[] {
    if (!existsSync(this.path)) return [];
    return readFileSync(this.path, 'utf8')
      .split('\n')
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line) as JournalLine);
  }

  append(line: JournalLine): void {
    appendFileSync(this.path, `${JSON.stringify(line)}\n`);
  }
}
