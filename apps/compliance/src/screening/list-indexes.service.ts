import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { ListVersions } from '../lists/list-versions.service.js';
import { type StoredEntry } from '../lists/lists.repository.js';
import { type ListedName, NameIndex } from './name-index.js';

export interface IndexInForce {
  readonly listVersionId: string;
  readonly source: string;
  readonly index: NameIndex;
}

const retiredKept = 2;

function* namesOf(entries: readonly StoredEntry[]): Iterable<ListedName> {
  for (const { entryVersionId, name, aliases } of entries) {
    yield { entryVersionId, name, isAlias: false };
    for (const alias of aliases) yield { entryVersionId, name: alias, isAlias: true };
  }
}

/**
 * The indexes of list versions, in this process. Which versions are in force is read from the database with
 * every use, so every process follows an activation at once; a version never changes, so its index never ages.
 */
@Injectable()
export class ListIndexes {
  private readonly kept = new Map<string, Promise<NameIndex>>();

  constructor(private readonly lists: ListVersions) {}

  /** Of all sources, in the order they were put in force. */
  async inForce(tx: Tx): Promise<IndexInForce[]> {
    const active = await this.lists.inForce(tx);
    const indexes: IndexInForce[] = [];
    for (const version of active) indexes.push({ ...version, index: await this.of(tx, version.listVersionId) });
    this.retire(active.length);
    return indexes;
  }

  async of(tx: Tx, listVersionId: string): Promise<NameIndex> {
    const known = this.kept.get(listVersionId);
    const index = known ?? this.load(tx, listVersionId);
    // Last used stands last. Who comes while it is being built waits for the same one.
    this.kept.delete(listVersionId);
    this.kept.set(listVersionId, index);
    try {
      return await index;
    } catch (error) {
      if (known === undefined) {
        this.kept.delete(listVersionId);
        throw error;
      }
      // The one that was building it lost its transaction; this one has its own.
      return this.load(tx, listVersionId);
    }
  }

  /** Of what a version brought; made for one job and not kept. */
  async ofNewEntries(tx: Tx, listVersionId: string): Promise<NameIndex> {
    return NameIndex.build(namesOf(await this.lists.newEntriesOf(tx, listVersionId)));
  }

  private async load(tx: Tx, listVersionId: string): Promise<NameIndex> {
    return NameIndex.build(namesOf(await this.lists.entriesOf(tx, listVersionId)));
  }

  private retire(inForce: number): void {
    for (const listVersionId of this.kept.keys()) {
      if (this.kept.size <= inForce + retiredKept) return;
      this.kept.delete(listVersionId);
    }
  }
}
