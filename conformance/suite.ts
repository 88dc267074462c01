import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** What a suite found. A case passes, fails, or is skipped because it does not apply; the reason is then in `skips`. */
export interface Result {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** One line for each failure, for a person. */
  readonly failures: readonly string[];
  /** One line for each kind of skipped or diverging case: what and why. */
  readonly notes?: readonly string[];
  /** Further figures of the JSON line, e.g. `{ holidays: 1722 }`. */
  readonly figures?: Readonly<Record<string, unknown>>;
  /** Where a suite has a floor of its own (a recall, a share). Without it, no case may fail. */
  readonly meetsFloor?: boolean;
}

/**
 * One file in `suites/`, named as the suite is, whose default export this is. Adding the file adds the suite.
 * A suite runs every file it finds in its folders, whatever the file's name.
 */
export interface Suite {
  readonly name: string;
  /** Below the root of the corpora, with `/`. */
  readonly folder: string;
  /** Where a suite reads more than one folder, all of them: it is absent when each of them is. */
  readonly folders?: readonly string[];
  /** `root` is the root of the corpora. */
  run(root: string): Result | Promise<Result>;
}

/** Every file below a folder whose name passes, in a stable order, as full paths. */
export async function filesIn(folder: string, accepts: (path: string) => boolean = () => true): Promise<string[]> {
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name !== 'SOURCE.txt')
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(accepts)
    .sort();
}

/** Counts cases while a suite runs. */
export class Tally {
  private passed = 0;
  private skipped = 0;
  private readonly failures: string[] = [];
  private readonly notes: string[] = [];

  pass(count = 1): void {
    this.passed += count;
  }

  fail(what: string): void {
    this.failures.push(what);
  }

  /** Passes when the two are equal as JSON; otherwise says both. */
  equal(what: string, actual: unknown, expected: unknown): void {
    const [got, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
    if (got === wanted) this.pass();
    else this.fail(`${what}: expected ${wanted}, got ${got}`);
  }

  skip(why: string, count = 1): void {
    this.skipped += count;
    this.notes.push(why);
  }

  note(text: string): void {
    this.notes.push(text);
  }

  result(figures: Record<string, number | string> = {}): Result {
    const { passed, skipped, failures, notes } = this;
    return { passed, failed: failures.length, skipped, failures, notes, figures };
  }
}
