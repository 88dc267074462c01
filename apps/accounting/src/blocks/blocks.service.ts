import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type Tx } from '#libs/database/index.js';
import { newId } from '#libs/kernel/index.js';
import { type BlockReason, blocksFollowing } from './blocks.js';
import { type BlockRow, BlocksRepository, type NewBlock } from './blocks.repository.js';

type AccountKey = { readonly book: string; readonly number: string };

/** An account that somebody wants open or blocked as a whole, and what a block for it would say. */
export interface Wanted extends AccountKey {
  readonly state: 'OPEN' | 'BLOCKED';
  readonly reason: string;
  readonly reference: string | null;
}

/** Each placing and each lifting leaves its trace in the audit log. */
@Injectable()
export class Blocks {
  constructor(
    private readonly repository: BlocksRepository,
    private readonly audit: AuditTrail,
  ) {}

  async standing(tx: Tx, keys: readonly AccountKey[]): Promise<BlockRow[]> {
    if (keys.length === 0) return [];
    return (await this.repository.ofAccounts(tx, keys)).filter(({ liftedAt }) => liftedAt === null);
  }

  /** The reasons that an account is not open for when somebody wants it open. */
  async staying(tx: Tx, key: AccountKey): Promise<readonly BlockReason[]> {
    return blocksFollowing('OPEN', await this.standing(tx, [key])).staying;
  }

  async place(tx: Tx, asked: readonly Omit<NewBlock, 'id'>[]): Promise<string[]> {
    if (asked.length === 0) return [];
    const blocks = asked.map((block): NewBlock => ({ ...block, id: newId('blk') }));
    await this.repository.place(tx, blocks);
    await this.audit.appendMany(
      tx,
      blocks.map(({ id, book, number, direction, reasonCode, reason, reference, placedBy }) => ({
        action: 'ACCOUNT_BLOCK_PLACED',
        objectKind: 'ACCOUNT',
        objectId: `${book}/${number}`,
        bookId: book,
        principal: placedBy,
        reason,
        after: { block: id, direction, reasonCode, reference },
      })),
    );
    return blocks.map(({ id }) => id);
  }

  /** Those that stood until now; what was lifted before stays as it was. */
  async lift(tx: Tx, ids: readonly string[], by: string, reason: string): Promise<BlockRow[]> {
    if (ids.length === 0) return [];
    const lifted = await this.repository.lift(tx, ids, by, reason);
    await this.audit.appendMany(
      tx,
      lifted.map(({ id, book, number, direction, reasonCode }) => ({
        action: 'ACCOUNT_BLOCK_LIFTED',
        objectKind: 'ACCOUNT',
        objectId: `${book}/${number}`,
        bookId: book,
        principal: by,
        reason,
        before: { block: id, direction, reasonCode },
      })),
    );
    return lifted;
  }

  /** Places or lifts the blocks that have no code, so that the accounts are as they are wanted, as far as those go. */
  async follow(tx: Tx, wanted: readonly Wanted[], by: string): Promise<void> {
    const standing = await this.standing(tx, wanted);
    const decided = wanted.map((one) => ({
      ...one,
      ...blocksFollowing(
        one.state,
        standing.filter(({ book, number }) => book === one.book && number === one.number),
      ),
    }));
    await this.place(
      tx,
      decided
        .filter(({ places }) => places)
        .map(({ book, number, reason, reference }) => ({
          book,
          number,
          direction: 'OUT',
          reasonCode: 'UNSPECIFIED',
          reason,
          reference,
          placedBy: by,
        })),
    );
    for (const { lifts, reason } of decided) await this.lift(tx, lifts, by, reason);
  }
}
