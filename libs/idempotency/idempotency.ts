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

/** Of a call: keys of two clients never meet. */
const idOf = ({ client, key }: { client: string; key: string }): string => `${client}\u001f${key}`;

interface Asked extends IdempotentCall {
  id: string;
  hashes: InputHashes;
}

interface KeyRow {
  client: string;
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
    const [answer] = await this.runEach(tx, [call], async () => [await work()]);
    return answer as Answer<P>;
  }

  /** The items of one bulk call, each with its key. */
  async runMany<P extends Payload>(
    tx: Tx,
    call: { client: string; operation: string; items: readonly { key: string; input: unknown }[] },
    work: (fresh: number[]) => Promise<P[]>,
  ): Promise<Answer<P>[]> {
    const { client, operation, items } = call;
    return this.runEach(
      tx,
      items.map(({ key, input }) => ({ client, operation, key, input })),
      work,
    );
  }

  /**
   * Several calls, perhaps of several clients. Their keys are taken in sorted order, so that two who do so never wait for
   * each other in a circle. `work` gets the indexes that are new and answers them in that order. A key twice is decided
   * once: the second is a replay of the first, or its misuse.
   */
  async runEach<P extends Payload>(
    tx: Tx,
    calls: readonly IdempotentCall[],
    work: (fresh: number[]) => Promise<P[]>,
  ): Promise<Answer<P>[]> {
    const secret = secretOf();
    const asked = calls.map((call): Asked => ({ ...call, id: idOf(call), hashes: hashInput(call.input, secret) }));
    const firstOf = new Map<string, number>();
    asked.forEach(({ id }, index) => {
      if (!firstOf.has(id)) firstOf.set(id, index);
    });
    const firsts = [...firstOf.values()].map((index) => at(asked, index));
    const claimed = await this.claim(tx, firsts);
    const known = await this.read(
      tx,
      firsts.filter(({ id }) => !claimed.has(id)),
    );

    const fresh = [...firstOf.entries()].filter(([id]) => claimed.has(id)).map(([, index]) => index);
    const made = fresh.length === 0 ? [] : await work(fresh);
    if (made.length !== fresh.length) throw new Error(`${made.length} of ${fresh.length} calls were answered`);
    await this.keep(
      tx,
      fresh.map((index, n) => ({ client: at(asked, index).client, key: at(asked, index).key, payload: at(made, n) })),
    );

    const madeFor = new Map(fresh.map((index, n) => [index, at(made, n)]));
    return asked.map((item, index): Answer<P> => {
      const mine = madeFor.get(index);
      if (mine) return { ...mine, replayed: false };
      const first = firstOf.get(item.id) ?? index;
      const earlier = madeFor.get(first);
      const row: KeyRow | undefined = earlier
        ? { ...at(asked, first), input_hashes: at(asked, first).hashes, response: earlier }
        : known.get(item.id);
      if (!row?.response) throw new Error(`idempotency key without an answer: ${item.key}`);
      const path = row.operation === item.operation ? differingPath(row.input_hashes, item.hashes) : 'idempotencyKey';
      if (path !== undefined)
        return { problems: [reused(row.operation, item.operation, path)], replayed: false } as unknown as Answer<P>;
      return { ...(row.response as P), replayed: true };
    });
  }

  /** Waits for whoever holds a key in an open transaction; returns the ids of those that are ours. */
  private async claim(tx: Tx, asked: readonly Asked[]): Promise<Set<string>> {
    const rows = await tx.rows<{ client: string; key: string }>(
      `INSERT INTO idempotency (client, key, operation, input_hashes)
       SELECT item.client, item.key, item.operation, item.hashes
         FROM jsonb_to_recordset($1::jsonb) AS item (client text, key text, operation text, hashes jsonb)
        ORDER BY item.client COLLATE "C", item.key COLLATE "C"
       ON CONFLICT (client, key) DO NOTHING
       RETURNING client, key`,
      [JSON.stringify(asked.map(({ client, key, operation, hashes }) => ({ client, key, operation, hashes })))],
    );
    return new Set(rows.map(idOf));
  }

  private async read(tx: Tx, asked: readonly Asked[]): Promise<Map<string, KeyRow>> {
    if (asked.length === 0) return new Map();
    const rows = await tx.rows<KeyRow>(
      `SELECT client, key, operation, input_hashes, response FROM idempotency
        WHERE (client, key) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
      [asked.map(({ client }) => client), asked.map(({ key }) => key)],
    );
    return new Map(rows.map((row) => [idOf(row), row]));
  }

  private async keep(tx: Tx, answers: { client: string; key: string; payload: Payload }[]): Promise<void> {
    const kept = answers.filter(({ payload }) => !isFaultOfInput(payload));
    const dropped = answers.filter(({ payload }) => isFaultOfInput(payload));
    if (kept.length > 0) {
      await tx.execute(
        `UPDATE idempotency SET response = answer.payload
           FROM jsonb_to_recordset($1::jsonb) AS answer (client text, key text, payload jsonb)
          WHERE idempotency.client = answer.client AND idempotency.key = answer.key`,
        [stored(kept)],
      );
    }
    if (dropped.length > 0) {
      await tx.execute(
        'DELETE FROM idempotency WHERE (client, key) IN (SELECT * FROM unnest($1::text[], $2::text[]))',
        [dropped.map(({ client }) => client), dropped.map(({ key }) => key)],
      );
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
