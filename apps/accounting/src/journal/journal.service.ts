import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type EntryRow, JournalRepository } from './journal.repository.js';

/** Reading the journal for other features; PostingService is the one way to write it. */
@Injectable()
export class Journal {
  constructor(private readonly repository: JournalRepository) {}

  entry(tx: Tx, id: string): Promise<EntryRow | undefined> {
    return this.repository.entry(tx, id);
  }

  async entries(tx: Tx, ids: readonly string[]): Promise<EntryRow[]> {
    return ids.length === 0 ? [] : this.repository.entries(tx, ids);
  }
}
