import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type Problem } from '#libs/kernel/index.js';

export type Direction = 'INBOUND' | 'OUTBOUND';

export interface StoredFile {
  readonly fileId: string;
  readonly name: string;
  readonly content: Buffer;
  readonly sha256: string;
  readonly state: string;
  readonly attempts: number;
}

export interface MessageToSend {
  readonly channel: string;
  readonly messageId: string;
  readonly type: string;
  readonly document: string;
}

const fileColumns = `file_id AS "fileId", name, content, sha256, state, attempts`;

@Injectable()
export class ExchangeRepository {
  /** Takes or keeps the lease of a channel; false while another process has it. */
  async lease(tx: Tx, channel: string, direction: Direction, owner: string, seconds: number): Promise<boolean> {
    const held = await tx.rows(
      `INSERT INTO settlement.exchange_lease AS l (channel, direction, owner, lease_until)
       VALUES ($1, $2, $3, clock_timestamp() + make_interval(secs => $4))
       ON CONFLICT (channel, direction) DO UPDATE SET owner = excluded.owner, lease_until = excluded.lease_until
        WHERE l.owner = excluded.owner OR l.lease_until < clock_timestamp()
       RETURNING channel`,
      [channel, direction, owner, seconds],
    );
    return held.length === 1;
  }

  /** What is not out or not in yet. */
  async backlog(tx: Tx): Promise<{ outbound: number; inbound: number }> {
    const row = await tx.row<{ outbound: number; inbound: number }>(
      `SELECT (SELECT count(*)::int FROM settlement.exchange_message WHERE direction = 'OUTBOUND' AND state = 'PENDING') AS outbound,
              (SELECT count(*)::int FROM settlement.exchange_file WHERE direction = 'INBOUND' AND state = 'STORED') AS inbound`,
    );
    return row ?? { outbound: 0, inbound: 0 };
  }

  async release(tx: Tx, channel: string, direction: Direction, owner: string): Promise<void> {
    await tx.execute(
      `UPDATE settlement.exchange_lease SET lease_until = clock_timestamp() WHERE channel = $1 AND direction = $2 AND owner = $3`,
      [channel, direction, owner],
    );
  }

  async storeFile(
    tx: Tx,
    file: { channel: string; direction: Direction; name: string; sha256: string; content: Uint8Array; state: string },
  ): Promise<string | null> {
    const row = await tx.row<{ fileId: string }>(
      `INSERT INTO settlement.exchange_file (channel, direction, name, sha256, content, state) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (channel, direction, name) DO NOTHING RETURNING file_id AS "fileId"`,
      [file.channel, file.direction, file.name, file.sha256, Buffer.from(file.content), file.state],
    );
    return row?.fileId ?? null;
  }

  async findFile(tx: Tx, channel: string, direction: Direction, name: string): Promise<StoredFile | undefined> {
    return tx.row<StoredFile>(
      `SELECT ${fileColumns} FROM settlement.exchange_file WHERE channel = $1 AND direction = $2 AND name = $3`,
      [channel, direction, name],
    );
  }

  /** Files whose work is not finished, in the order they came. */
  async openFiles(tx: Tx, channel: string, direction: Direction, limit: number): Promise<StoredFile[]> {
    return tx.rows<StoredFile>(
      `SELECT ${fileColumns} FROM settlement.exchange_file
        WHERE channel = $1 AND direction = $2 AND state IN ('STORED','COMPOSED') ORDER BY file_id LIMIT $3`,
      [channel, direction, limit],
    );
  }

  /** Locks a stored file for handling; undefined when it has been handled meanwhile. */
  async lockStored(tx: Tx, fileId: string): Promise<boolean> {
    const row = await tx.row(
      `SELECT 1 AS found FROM settlement.exchange_file WHERE file_id = $1 AND state = 'STORED' FOR UPDATE`,
      [fileId],
    );
    return row !== undefined;
  }

  async finishFile(tx: Tx, fileId: string, state: string, problems: readonly Problem[] = []): Promise<void> {
    await tx.execute(
      `UPDATE settlement.exchange_file SET state = $2, problems = $3::jsonb, finished_at = kernel.now() WHERE file_id = $1`,
      [fileId, state, JSON.stringify(problems)],
    );
  }

  async countAttempt(tx: Tx, fileId: string): Promise<number> {
    const row = await tx.row<{ attempts: number }>(
      `UPDATE settlement.exchange_file SET attempts = attempts + 1 WHERE file_id = $1 RETURNING attempts`,
      [fileId],
    );
    return row?.attempts ?? 0;
  }

  /** Records the messages of a file; answers only those that were never handled before. */
  async recordInbound(
    tx: Tx,
    channel: string,
    fileId: string,
    messages: readonly { messageId: string; type: string }[],
  ): Promise<Set<string>> {
    const rows = await tx.rows<{ messageId: string }>(
      `INSERT INTO settlement.exchange_message (channel, direction, message_id, type, file_id, state)
       SELECT $1, 'INBOUND', m."messageId", m.type, $2, 'HANDLED'
         FROM jsonb_to_recordset($3::jsonb) AS m(n int, "messageId" text, type text) ORDER BY m.n
       ON CONFLICT (channel, direction, message_id) DO NOTHING RETURNING message_id AS "messageId"`,
      [channel, fileId, JSON.stringify(messages.map(({ messageId, type }, n) => ({ n, messageId, type })))],
    );
    return new Set(rows.map(({ messageId }) => messageId));
  }

  async refuseMessages(
    tx: Tx,
    channel: string,
    refused: readonly { messageId: string; problems: readonly Problem[] }[],
  ): Promise<void> {
    if (refused.length === 0) return;
    await tx.execute(
      `UPDATE settlement.exchange_message m SET state = 'REFUSED', problems = r.problems
         FROM jsonb_to_recordset($2::jsonb) AS r("messageId" text, problems jsonb)
        WHERE m.channel = $1 AND m.direction = 'INBOUND' AND m.message_id = r."messageId"`,
      [channel, JSON.stringify(refused)],
    );
  }

  /** Adds messages to what waits to be sent; a message id is sent once, ever. */
  async addOutbound(tx: Tx, messages: readonly MessageToSend[]): Promise<number> {
    if (messages.length === 0) return 0;
    return tx.execute(
      `INSERT INTO settlement.exchange_message (channel, direction, message_id, type, document, state)
       SELECT m.channel, 'OUTBOUND', m."messageId", m.type, m.document, 'PENDING'
         FROM jsonb_to_recordset($1::jsonb) AS m(n int, channel text, "messageId" text, type text, document text) ORDER BY m.n
       ON CONFLICT (channel, direction, message_id) DO NOTHING`,
      [JSON.stringify(messages.map((message, n) => ({ n, ...message })))],
    );
  }

  async lockWaiting(tx: Tx, channel: string, limit: number): Promise<(MessageToSend & { sequence: string })[]> {
    return tx.rows(
      `SELECT sequence, channel, message_id AS "messageId", type, document FROM settlement.exchange_message
        WHERE channel = $1 AND direction = 'OUTBOUND' AND state = 'PENDING' AND file_id IS NULL ORDER BY sequence LIMIT $2 FOR UPDATE`,
      [channel, limit],
    );
  }

  async putIntoFile(tx: Tx, fileId: string, sequences: readonly string[]): Promise<void> {
    await tx.execute(`UPDATE settlement.exchange_message SET file_id = $1 WHERE sequence = ANY($2::bigint[])`, [
      fileId,
      sequences,
    ]);
  }

  async markWritten(tx: Tx, fileId: string): Promise<void> {
    await tx.execute(
      `UPDATE settlement.exchange_message SET state = 'WRITTEN' WHERE file_id = $1 AND direction = 'OUTBOUND'`,
      [fileId],
    );
    await this.finishFile(tx, fileId, 'WRITTEN');
  }

  /** Channels in which something waits to leave. */
  async channelsToWrite(tx: Tx): Promise<string[]> {
    const rows = await tx.rows<{ channel: string }>(
      `SELECT channel FROM settlement.exchange_message WHERE state = 'PENDING' AND direction = 'OUTBOUND' GROUP BY channel
       UNION SELECT channel FROM settlement.exchange_file WHERE state = 'COMPOSED' ORDER BY channel`,
      [],
    );
    return rows.map(({ channel }) => channel);
  }

  /** Where a file lies stored and is not handled. */
  async channelsToRead(tx: Tx): Promise<string[]> {
    const rows = await tx.rows<{ channel: string }>(
      `SELECT DISTINCT channel FROM settlement.exchange_file WHERE direction = 'INBOUND' AND state = 'STORED'`,
      [],
    );
    return rows.map(({ channel }) => channel);
  }
}
