import { Injectable } from '@nestjs/common';
import { type MessageName, type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { contextHeaders, currentContext } from '#libs/observability/index.js';
import { MessageCatalogue } from './message-catalogue.js';
import { RelayBell } from './relay-bell.js';

export interface AddOptions {
  /** Business time (kernel.now()) before which the message is not delivered. */
  readonly dueAt?: Date;
  /** The key people search the job by: a file name, a business date. */
  readonly businessKey?: string;
  /** Who asked; the subject of the request unless given. */
  readonly requestedBy?: string;
  /** 1 (first) to 100 (last); without one, in order of arrival and before all that have one. */
  readonly priority?: number;
}

export type MessageToAdd = {
  [Name in MessageName]: { readonly name: Name; readonly payload: PayloadOf<Name> } & AddOptions;
}[MessageName];

export interface AddedMessage {
  readonly messageId: string;
  readonly sequence: string;
  /** Present when the message is long-running: its durable job run. */
  readonly jobRunId?: string;
}

/** The only way to send: a message is added in the transaction of the fact it tells. */
@Injectable()
export class Outbox {
  constructor(
    private readonly catalogue: MessageCatalogue,
    private readonly bell: RelayBell,
  ) {}

  async add<Name extends MessageName>(
    tx: Tx,
    name: Name,
    payload: PayloadOf<Name>,
    options: AddOptions = {},
  ): Promise<AddedMessage> {
    const [added] = await this.addAll(tx, [{ ...options, name, payload } as MessageToAdd]);
    if (added === undefined) throw new Error(`${name} was not added`);
    return added;
  }

  /** One round trip for any number of messages; the answers are in the order of the messages. */
  async addAll(tx: Tx, messages: readonly MessageToAdd[]): Promise<AddedMessage[]> {
    if (messages.length === 0) return [];
    const headers = {
      ...contextHeaders(),
      ...(currentContext()?.subject === undefined ? {} : { requestedBy: currentContext()?.subject }),
    };
    const payloads: string[] = [];
    const rows = messages.map((message) => {
      const definition = this.catalogue.get(message.name);
      const payload = definition.payload.parse(message.payload);
      payloads.push(JSON.stringify(payload));
      return {
        name: message.name,
        headers: message.requestedBy === undefined ? headers : { ...headers, requestedBy: message.requestedBy },
        orderingKey: definition.orderedBy?.(payload) ?? null,
        dueAt: message.dueAt?.toISOString() ?? null,
        businessKey: message.businessKey ?? null,
        priority: message.priority ?? 0,
      };
    });
    const added = await tx.rows<{ message_id: string; sequence: string; job_run_id: string | null }>(
      'SELECT message_id, sequence, job_run_id FROM messaging.add($1::jsonb, $2::json[])',
      [JSON.stringify(rows), payloads],
    );
    tx.afterCommit(() => {
      this.bell.ring();
    });
    return added.map((row) => ({
      messageId: row.message_id,
      sequence: row.sequence,
      ...(row.job_run_id === null ? {} : { jobRunId: row.job_run_id }),
    }));
  }

  /** The sealed sequence: no transaction that could still add a message below it is in flight. */
  async sealedSequence(tx: Tx): Promise<string> {
    const row = await tx.row<{ sequence: string }>('SELECT messaging.sealed_sequence() AS sequence');
    return row?.sequence ?? '1';
  }

  /**
   * Where the next message would stand: everything added so far is below, also what is in flight.
   * `consumedBelow` is false until the last of those transactions has ended.
   */
  async nextSequence(tx: Tx): Promise<string> {
    const row = await tx.row<{ sequence: string }>('SELECT messaging.next_sequence() AS sequence');
    return row?.sequence ?? '1';
  }

  /** From here until `leaveBarrier`, nothing from the sequence on is pruned. */
  async useBarrier(tx: Tx, name: string, sequence: string): Promise<void> {
    await tx.execute('SELECT messaging.use_barrier($1, $2::bigint)', [name, sequence]);
  }

  async leaveBarrier(tx: Tx, name: string): Promise<void> {
    await tx.execute('SELECT messaging.leave_barrier($1)', [name]);
  }

  /** Whether every message below the sequence, of every service, has had its effect or is somebody's work item. */
  async consumedBelow(tx: Tx, sequence: string): Promise<{ consumed: boolean; waiting: number }> {
    const row = await tx.row<{ is_sealed: boolean; waiting: string }>(
      'SELECT is_sealed, waiting FROM messaging.consumed_below($1::bigint)',
      [sequence],
    );
    const waiting = Number(row?.waiting ?? 0);
    return { consumed: row?.is_sealed === true && waiting === 0, waiting };
  }
}
