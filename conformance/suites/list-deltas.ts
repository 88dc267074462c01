import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { type ListEntry, listDelta, readOfacSdn } from '#libs/sanctions-list/index.js';
import { filesIn, type Result, type Suite, Tally } from '../suite.js';

/** One published version of the list to the next: sizes and the ids of what was added, deleted and modified. */
interface ExpectedStep {
  from_file: string;
  to_file: string;
  entities_from: string;
  entities_to: string;
  added_ids: string;
  deleted_ids: string;
  modified_ids: string;
  name_changed?: string;
}

/** Consecutive steps share a version; keeping the last two is enough and keeps memory small. */
const versionsKept = 2;

const folder = 'compliance/ofac-sdn';

async function run(root: string): Promise<Result> {
  const dir = join(root, folder);
  const tally = new Tally();
  const versions = new Map((await filesIn(join(dir, 'versions'))).map((path) => [basename(path), path]));
  const read = new Map<string, ListEntry[]>();
  const unread = new Set(versions.keys());

  const entriesOf = async (file: string): Promise<ListEntry[]> => {
    const kept = read.get(file);
    if (kept) return kept;
    const path = versions.get(file);
    if (path === undefined) throw new Error(`there is no version ${file}`);
    const bytes = await readFile(path);
    const entries = readOfacSdn((file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8'));
    unread.delete(file);
    read.set(file, entries);
    for (const oldest of [...read.keys()].slice(0, -versionsKept)) read.delete(oldest);
    return entries;
  };

  let steps = 0;
  const changes = { added: 0, deleted: 0, modified: 0 };
  for (const path of await filesIn(dir, (file) => file.endsWith('.csv') && !file.startsWith(join(dir, 'versions')))) {
    const text = await readFile(path, 'utf8');
    if (!text.startsWith('from_file,to_file,')) continue; // a list itself, not a table of steps
    for (const step of parse<ExpectedStep>(text, { columns: true, skipEmptyLines: true })) {
      steps += 1;
      const name = `${step.from_file} → ${step.to_file}`;
      try {
        const [before, after] = [await entriesOf(step.from_file), await entriesOf(step.to_file)];
        const delta = listDelta(before, after);
        tally.equal(`${name} size before`, before.length, Number(step.entities_from));
        tally.equal(`${name} size after`, after.length, Number(step.entities_to));
        tally.equal(`${name} added`, ids(delta.added), expectedIds(step.added_ids));
        tally.equal(`${name} deleted`, ids(delta.deleted), expectedIds(step.deleted_ids));
        tally.equal(
          `${name} modified`,
          ids(delta.modified.map(({ after: entry }) => entry)),
          expectedIds(step.modified_ids),
        );
        if (step.name_changed !== undefined) {
          tally.equal(
            `${name} renamed`,
            delta.modified.filter(({ changedFields }) => changedFields.includes('name')).length,
            Number(step.name_changed),
          );
        }
        changes.added += delta.added.length;
        changes.deleted += delta.deleted.length;
        changes.modified += delta.modified.length;
      } catch (error) {
        tally.fail(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
  // A version that no step names has no expected delta, but it has to be readable.
  for (const file of [...unread]) {
    try {
      await entriesOf(file);
      tally.pass();
      tally.note(`${file} stands in no step; it was read`);
    } catch (error) {
      tally.fail(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return tally.result({ steps, ...changes });
}

const ids = (entries: readonly ListEntry[]): string[] => sorted(entries.map(({ entryId }) => entryId));
const expectedIds = (text: string): string[] => sorted(text.split(/\s+/).filter((id) => id !== ''));
const sorted = (texts: string[]): string[] => texts.sort((a, b) => Number(BigInt(a) - BigInt(b)));

export default { name: 'list-deltas', folder, run } satisfies Suite;
