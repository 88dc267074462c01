import { Global, Injectable, Module } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type Problem, problem } from '#libs/kernel/index.js';
import { differingPath, hashInput, type InputHashes } from './input-hashes.js';

/** Mutations answer with their object and with what was wrong; the object is absent when there are problems. */
export interface Payload {
  problems: Problem[];
}

export interface IdempotentCall {
  /** `principal.subject`: keys of two clients never meet. */
  client: string;
  key: string;
  operation: string;
  input: unknown;
}

export type Answer<P> = P & { replayed: boolean };

const notKept = Symbol('not kept');

/**
 * Marks the answer to an input that can never succeed: it is not remembered, so the corrected input
 * may come with the same key. A refusal that depends on the state of things is kept.
 */
export function faultOfInput<P extends Payload>(payload: P): P {
  return Object.assign(payload, { [notKept]: true });
}

const isFaultOfInput = (payload: object) => notKept in payload;

/** The stored form: whole numbers beyond JSON and instants become text, as they are on the wire. */
function stored(payload: unknown): string {
  return JSON.stringify(payload, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
}

function secretOf(): string {
  const secret = process.env.IDEMPOTENCY_SECRET ?? process.env.MESSAGE_SEAL_KEY;
  if (secret) return `idempotency:${secret}`;
  if (process.env.NODE_ENV === 'test') return 'idempotency:test';
  throw new Error('IDEMPOTENCY_SECRET or MESSAGE_SEAL_KEY must be set');
}

interface KeyRow {
  key: string;
  operation: string;
  input_hashes: InputHashes;
  response: object | null;
}

/**
 * One key, one effect: the key row is written in the transaction of the effect, so both are there or
 * neither. A second caller with the same key waits for the first and gets his answer.
 */
@Injectable()
export class Idempotency {
  async run<P extends Payload>(tx: Tx, call: IdempotentCall, work: () => Promise<P>): Promise<Answer<P>> {
    const [answer] = await this.runMany(
      tx,
      { client: call.client, operation: call.operation, items: [{ key: call.key, input: call.input }] },
      async () => [await work()],
    );
    return answer as Answer<P>;
  }

  /**
   * One key per item of a bulk call, taken in sorted order so that two bulk calls never wait for each
   * other in a circle. `work` gets the indexes that are new and answers them in that order. A key twice
   * in one call is decided once: the second is a replay of the first, or its misuse.
   */
  async runMany<P extends Payload>(
    tx: Tx,
    call: { client: string; operation: string; items: readonly { key: string; input: unknown }[] },
    work: (fresh: number[]) => Promise<P[]>,
  ): Promise<Answer<P>[]> {
    const secret = secretOf();
    const asked = call.items.map((item) => ({ key: item.key, hashes: hashInput(item.input, secret) }));
    const firstOf = new Map<string, number>();
    asked.forEach((item, index) => {
      if (!firstOf.has(item.key)) firstOf.set(item.key, index);
    });
    const claimed = new Set(
      await this.claim(
        tx,
        call,
        [...firstOf.values()].map((index) => at(asked, index)),
      ),
    );
    const known = await this.read(
      tx,
      call.client,
      [...firstOf.keys()].filter((key) => !claimed.has(key)),
    );

    const fresh = [...firstOf.entries()].filter(([key]) => claimed.has(key)).map(([, index]) => index);
    const made = fresh.length === 0 ? [] : await work(fresh);
    if (made.length !== fresh.length)
      throw new Error(`${call.operation} answered ${made.length} of ${fresh.length} items`);
    await this.keep(
      tx,
      call.client,
      fresh.map((index, n) => ({ key: at(asked, index).key, payload: at(made, n) })),
    );

    const madeFor = new Map(fresh.map((index, n) => [index, at(made, n)]));
    return asked.map((item, index): Answer<P> => {
      const mine = madeFor.get(index);
      if (mine) return { ...mine, replayed: false };
      const first = firstOf.get(item.key) ?? index;
      const earlier = madeFor.get(first);
      const row: KeyRow | undefined = earlier
        ? { key: item.key, operation: call.operation, input_hashes: at(asked, first).hashes, response: earlier }
        : known.get(item.key);
      if (!row?.response) throw new Error(`idempotency key without an answer: ${item.key}`);
      const path = row.operation === call.operation ? differingPath(row.input_hashes, item.hashes) : 'idempotencyKey';
      if (path !== undefined)
        return { problems: [reused(row.operation, call.operation, path)], replayed: false } as unknown as Answer<P>;
      return { ...(row.response as P), replayed: true };
    });
  }

  /** Waits for whoever holds a key in an open transaction; returns the keys that are ours. */
  private async claim(
    tx: Tx,
    call: { client: string; operation: string },
    items: { key: string; hashes: InputHashes }[],
  ): Promise<string[]> {
    const rows = await tx.rows<{ key: string }>(
      `INSERT INTO idempotency (client, key, operation, input_hashes)
       SELECT $1, item.key, $2, item.hashes FROM jsonb_to_recordset($3::jsonb) AS item (key text, hashes jsonb)
        ORDER BY item.key COLLATE "C"
       ON CONFLICT (client, key) DO NOTHING
       RETURNING key`,
      [call.client, call.operation, JSON.stringify(items)],
    );
    return rows.map((row) => row.key);
  }

  private async read(tx: Tx, client: string, keys: string[]): Promise<Map<string, KeyRow>> {
    if (keys.length === 0) return new Map();
    const rows = await tx.rows<KeyRow>(
      'SELECT key, operation, input_hashes, response FROM idempotency WHERE client = $1 AND key = ANY ($2::text[])',
      [client, keys],
    );
    return new Map(rows.map((row) => [row.key, row]));
  }

  private async keep(tx: Tx, client: string, answers: { key: string; payload: Payload }[]): Promise<void> {
    const kept = answers.filter(({ payload }) => !isFaultOfInput(payload));
    const dropped = answers.filter(({ payload }) => isFaultOfInput(payload));
    if (kept.length > 0) {
      await tx.execute(
        `UPDATE idempotency SET response = answer.payload
           FROM jsonb_to_recordset($2::jsonb) AS answer (key text, payload jsonb)
          WHERE client = $1 AND idempotency.key = answer.key`,
        [client, stored(kept)],
      );
    }
    if (dropped.length > 0) {
      await tx.execute('DELETE FROM idempotency WHERE client = $1 AND key = ANY ($2::text[])', [
        client,
        dropped.map(({ key }) => key),
      ]);
    }
  }
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new Error(`no item ${index}`);
  return item;
}

function reused(before: string, now: string, path: string): Problem {
  const message =
    before === now
      ? `this idempotency key was used before with another ${path}`
      : `this idempotency key was used before for ${before}`;
  return problem('IDEMPOTENCY_KEY_REUSED', message, path.split('.'));
}

@Global()
@Module({ providers: [Idempotency], exports: [Idempotency] })
export class IdempotencyModule {}
