import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { ListsRepository, type StoredEntry } from './lists.repository.js';

/** Which lists are in force and what stands in them, for screening; `Lists` receives and activates them. */
@Injectable()
export class ListVersions {
  constructor(private readonly repository: ListsRepository) {}

  /** No version comes into force until this transaction has ended. */
  async hold(tx: Tx): Promise<void> {
    await this.repository.lockForScreening(tx);
  }

  inForce(tx: Tx): Promise<{ listVersionId: string; source: string }[]> {
    return this.repository.active(tx);
  }

  entriesOf(tx: Tx, listVersionId: string): Promise<StoredEntry[]> {
    return this.repository.entries(tx, listVersionId);
  }

  newEntriesOf(tx: Tx, listVersionId: string): Promise<StoredEntry[]> {
    return this.repository.newEntries(tx, listVersionId);
  }
}
