import { Injectable } from '@nestjs/common';
import { Transactions } from '#libs/database/index.js';
import { messagesPerExchangeMax, writeExchange } from '#libs/iso20022/index.js';
import { newId, sha256Hex } from '#libs/kernel/index.js';
import { ExchangeFolders } from './exchange-folders.js';
import { ExchangeRepository } from './exchange.repository.js';

const leaseSeconds = 30;

/**
 * Writes what waits into files. The bytes of a file are decided and stored in one transaction, then
 * written, then marked: stopped anywhere between, the next run writes the same bytes under the same
 * name, which changes nothing.
 */
@Injectable()
export class ExchangeWriterService {
  readonly owner = newId('exw');

  constructor(
    private readonly transactions: Transactions,
    private readonly repository: ExchangeRepository,
    private readonly folders: ExchangeFolders,
  ) {}

  /** One pass over all channels; answers how many files were written. */
  async writeAll(): Promise<number> {
    const waiting = await this.transactions.run((tx) => this.repository.channelsToWrite(tx));
    let written = 0;
    for (const channel of waiting) written += await this.writeChannel(channel);
    return written;
  }

  /** Writes until nothing waits any more, also when another process has the lease of a channel. */
  async flush(signal?: AbortSignal): Promise<void> {
    for (;;) {
      await this.writeAll();
      const waiting = await this.transactions.run((tx) => this.repository.channelsToWrite(tx));
      if (waiting.length === 0) return;
      if (signal?.aborted) throw signal.reason;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async writeChannel(channel: string): Promise<number> {
    let written = 0;
    try {
      for (;;) {
        const file = await this.transactions.run(async (tx) => {
          if (!(await this.repository.lease(tx, channel, 'OUTBOUND', this.owner, leaseSeconds))) return undefined;
          const [open] = await this.repository.openFiles(tx, channel, 'OUTBOUND', 1);
          if (open !== undefined) return open;
          const messages = await this.repository.lockWaiting(tx, channel, messagesPerExchangeMax);
          const [first] = messages;
          if (first === undefined) return undefined;
          const content = Buffer.from(writeExchange(messages), 'utf8');
          // The sequence keeps the order of the files in a folder that lists by name.
          const name = `${first.sequence.padStart(12, '0')}-${first.messageId}.xml`;
          const fileId = await this.repository.storeFile(tx, {
            channel,
            direction: 'OUTBOUND',
            name,
            sha256: sha256Hex(content),
            content,
            state: 'COMPOSED',
          });
          if (fileId === null) throw new Error(`${channel}/${name} was composed before, of other messages`);
          await this.repository.putIntoFile(
            tx,
            fileId,
            messages.map(({ sequence }) => sequence),
          );
          return { fileId, name, content };
        });
        if (file === undefined) return written;
        await this.folders.write(channel, file.name, file.content);
        await this.transactions.run((tx) => this.repository.markWritten(tx, file.fileId));
        written += 1;
      }
    } finally {
      await this.transactions.run((tx) => this.repository.release(tx, channel, 'OUTBOUND', this.owner));
    }
  }
}
