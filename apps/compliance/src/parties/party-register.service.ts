import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { PartiesRepository, type PartyRow } from './parties.repository.js';

/** The registered parties, for the features that screen and hold them; `Parties` takes them in. */
@Injectable()
export class PartyRegister {
  constructor(private readonly repository: PartiesRepository) {}

  find(tx: Tx, ids: readonly string[]): Promise<PartyRow[]> {
    return this.repository.find(tx, ids);
  }

  findForScreening(tx: Tx, ids: readonly string[]): Promise<PartyRow[]> {
    return this.repository.findForScreening(tx, ids);
  }

  toRescreen(tx: Tx, listVersionId: string, after: string, limit: number): Promise<PartyRow[]> {
    return this.repository.toRescreen(tx, listVersionId, after, limit);
  }

  count(tx: Tx): Promise<number> {
    return this.repository.count(tx);
  }

  hold(tx: Tx, ids: readonly string[]): Promise<void> {
    return this.repository.setHeld(tx, ids, true);
  }

  release(tx: Tx, ids: readonly string[]): Promise<void> {
    return this.repository.setHeld(tx, ids, false);
  }
}
