import { canonicalJson, invariant } from '#libs/kernel/index.js';
import { type ListEntry } from './list-entry.js';

export interface ModifiedEntry {
  readonly before: ListEntry;
  readonly after: ListEntry;
  /** In the order in which an entry is read, e.g. `['programs', 'remarks']`. */
  readonly changedFields: readonly (keyof ListEntry)[];
}

export interface ListDelta {
  readonly added: readonly ListEntry[];
  readonly deleted: readonly ListEntry[];
  readonly modified: readonly ModifiedEntry[];
}

const fields: readonly (keyof ListEntry)[] = [
  'kind',
  'name',
  'programs',
  'title',
  'vessel',
  'remarks',
  'aliases',
  'addresses',
];

/**
 * What changed from one version of a list to the next, by the publisher's entry id.
 * Every entry of either version is exactly one of added, deleted, modified, unchanged; each list is in order of its file.
 */
export function listDelta(before: readonly ListEntry[], after: readonly ListEntry[]): ListDelta {
  const old = byEntryId(before);
  const current = byEntryId(after);
  const modified: ModifiedEntry[] = [];
  for (const entry of after) {
    const earlier = old.get(entry.entryId);
    if (!earlier) continue;
    const changedFields = fields.filter((field) => canonicalJson(earlier[field]) !== canonicalJson(entry[field]));
    if (changedFields.length > 0) modified.push({ before: earlier, after: entry, changedFields });
  }
  const delta = {
    added: after.filter(({ entryId }) => !old.has(entryId)),
    deleted: before.filter(({ entryId }) => !current.has(entryId)),
    modified,
  };
  invariant(
    before.length + delta.added.length - delta.deleted.length === after.length,
    'a list delta explains the size of the new list',
  );
  return delta;
}

function byEntryId(entries: readonly ListEntry[]): ReadonlyMap<string, ListEntry> {
  const map = new Map(entries.map((entry) => [entry.entryId, entry]));
  invariant(map.size === entries.length, 'a list version names each entry once');
  return map;
}
