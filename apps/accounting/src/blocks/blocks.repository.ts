import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type BlockDirection, type BlockReason } from './blocks.js';

export interface BlockRow {
  readonly id: string;
  readonly book: string;
  readonly number: string;
  readonly direction: BlockDirection;
  readonly reasonCode: BlockReason;
  readonly reason: string;
  readonly reference: string | null;
  readonly placedBy: string;
  readonly placedAt: Date;
  /** With its microseconds, for the cursor. */
  readonly placedAtExact: string;
  readonly liftedBy: string | null;
  readonly liftedAt: Date | null;
  readonly liftedReason: string | null;
}

export interface NewBlock {
  readonly id: string;
  readonly book: string;
  readonly number: string;
  readonly direction: BlockDirection;
  readonly reasonCode: BlockReason;
  readonly reason: string;
  readonly reference: string | null;
  readonly placedBy: string;
}

export interface BlockFilter {
  readonly book?: string | null;
  readonly account?: string | null;
  readonly reasonCode?: string | null;
  readonly isStanding?: boolean | null;
}

const select = `
  SELECT k.block_id AS id, k.book_id AS book, k.number, k.direction, k.reason_code AS "reasonCode", k.reason, k.reference,
         k.placed_by AS "placedBy", k.placed_at AS "placedAt", k.placed_at::text AS "placedAtExact",
         k.lifted_by AS "liftedBy", k.lifted_at AS "liftedAt", k.lifted_reason AS "liftedReason"
    FROM accounting.account_block k`;

@Injectable()
export class BlocksRepository {
  async find(tx: Tx, id: string): Promise<BlockRow | undefined> {
    return tx.row<BlockRow>(`${select} WHERE k.block_id = $1`, [id]);
  }

  async ofAccounts(tx: Tx, keys: readonly { book: string; number: string }[]): Promise<BlockRow[]> {
    return tx.rows<BlockRow>(
      `${select} JOIN jsonb_to_recordset($1::jsonb) AS w(book text, number text) ON w.book = k.book_id AND w.number = k.number
        ORDER BY k.placed_at, k.block_id`,
      [JSON.stringify(keys)],
    );
  }

  async list(tx: Tx, filter: BlockFilter, first: number, after?: readonly (string | null)[]): Promise<BlockRow[]> {
    return tx.rows<BlockRow>(
      `${select} WHERE ($1::text IS NULL OR k.book_id = $1) AND ($2::text IS NULL OR k.number = $2)
          AND ($3::text IS NULL OR k.reason_code = $3) AND ($4::boolean IS NULL OR (k.lifted_at IS NULL) = $4)
          AND ($5::timestamptz IS NULL OR (k.placed_at, k.block_id) < ($5::timestamptz, $6))
        ORDER BY k.placed_at DESC, k.block_id DESC LIMIT $7`,
      [
        filter.book ?? null,
        filter.account ?? null,
        filter.reasonCode ?? null,
        filter.isStanding ?? null,
        after?.[0] ?? null,
        after?.[1] ?? null,
        first + 1,
      ],
    );
  }

  /** Behind the locks that a posting takes: it comes before all of them or after all. */
  async place(tx: Tx, blocks: readonly NewBlock[]): Promise<void> {
    await tx.execute('SELECT accounting.place_blocks($1::jsonb)', [JSON.stringify(blocks)]);
  }

  /** Of the blocks named, those that stood until now. */
  async lift(tx: Tx, ids: readonly string[], by: string, reason: string): Promise<BlockRow[]> {
    const lifted = await tx.rows<{ id: string }>(
      'SELECT block_id AS id FROM accounting.lift_blocks($1::text[], $2, $3)',
      [ids, by, reason],
    );
    return tx.rows<BlockRow>(`${select} WHERE k.block_id = ANY ($1::text[]) ORDER BY k.block_id`, [
      lifted.map(({ id }) => id),
    ]);
  }
}
