import { Injectable } from '@nestjs/common';
import { Transactions, type Tx } from '#libs/database/index.js';
import { type IncomingMessage, readExchange } from '#libs/iso20022/index.js';
import { isTransientFault, newId, problem, type Problem, sha256Hex } from '#libs/kernel/index.js';
import { type NewWorkItem, WorkItems } from '#libs/work-items/index.js';
import { channels, ExchangeFolders } from './exchange-folders.js';
import { ExchangeHandlersService, type InboundMessage, kindOf, messageItemKey } from './exchange-handlers.service.js';
import { ExchangeRepository, type StoredFile } from './exchange.repository.js';

const leaseSeconds = 30;
const filesPerTurn = 50;
/** After so many failures of a whole file its messages are tried one by one, and what fails alone is a person's. */
const attemptsAsAWhole = 4;
/** A file that cannot be handled for so many turns, for reasons that lie outside it, holds up its channel: somebody looks. */
const turnsUntilAsked = 10;
const by = 'exchange';

const delayedKey = (channel: string, fileName: string) => `exchange-delayed:${channel}:${fileName}`;

/**
 * Reads the folders. The bytes are stored before anything is made of them; a message is handled in the
 * transaction that records its id, so it has its effect once however often its file is read or sent.
 */
@Injectable()
export class ExchangeReaderService {
  readonly owner = newId('exr');
  /** How often each waiting file failed for reasons outside it, since this process began. */
  private readonly delays = new Map<string, number>();

  constructor(
    private readonly transactions: Transactions,
    private readonly repository: ExchangeRepository,
    private readonly folders: ExchangeFolders,
    private readonly handlers: ExchangeHandlersService,
    private readonly workItems: WorkItems,
  ) {}

  /** One pass over all channels; answers how many files were finished. */
  async readAll(): Promise<number> {
    let finished = 0;
    const faults: unknown[] = [];
    // One question for all of them: most of the time nothing waits anywhere.
    const stored = new Set(await this.transactions.run((tx) => this.repository.channelsToRead(tx)));
    for (const channel of channels) {
      try {
        finished += await this.readChannel(channel, stored.has(channel));
      } catch (error) {
        // What stops one channel stops no other; it is told when all have had their turn.
        faults.push(error);
      }
    }
    if (faults.length > 0) throw faults[0];
    return finished;
  }

  /** Reads until no folder holds a file and none stored waits, also when another process has a lease. */
  async drain(signal?: AbortSignal): Promise<number> {
    let finished = 0;
    for (;;) {
      finished += await this.readAll();
      const waiting = (await Promise.all(channels.map((channel) => this.folders.waiting(channel)))).some(
        ({ length }) => length > 0,
      );
      const stored = await this.transactions.run((tx) => this.repository.channelsToRead(tx));
      if (!waiting && stored.length === 0) return finished;
      if (signal?.aborted) throw signal.reason;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  private async readChannel(channel: string, hasStored: boolean): Promise<number> {
    const names = await this.folders.waiting(channel);
    if (names.length === 0 && !hasStored) return 0;
    let finished = 0;
    try {
      if (!(await this.keepLease(channel))) return 0;
      for (const name of names) await this.takeIn(channel, name);
      for (;;) {
        const open = await this.transactions.run((tx) =>
          this.repository.openFiles(tx, channel, 'INBOUND', filesPerTurn),
        );
        if (open.length === 0) break;
        let progressed = 0;
        for (const file of open) {
          if (!(await this.keepLease(channel))) return finished;
          if (await this.handle(channel, file)) progressed += 1;
          // Order within a channel: a later file waits for the one before it.
          else break;
        }
        finished += progressed;
        if (progressed < open.length) break;
      }
    } finally {
      await this.transactions.run((tx) => this.repository.release(tx, channel, 'INBOUND', this.owner));
    }
    return finished;
  }

  private keepLease(channel: string): Promise<boolean> {
    return this.transactions.run((tx) => this.repository.lease(tx, channel, 'INBOUND', this.owner, leaseSeconds));
  }

  /** Stores the bytes, then puts the file away; the same name with other bytes is kept beside and refused. */
  private async takeIn(channel: string, name: string): Promise<void> {
    let content: Buffer;
    try {
      content = await this.folders.read(channel, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    const sha256 = sha256Hex(content);
    const storedName = await this.transactions.run(async (tx) => {
      const file = { channel, direction: 'INBOUND' as const, name, sha256, content, state: 'STORED' };
      if ((await this.repository.storeFile(tx, file)) !== null) return name;
      const known = await this.repository.findFile(tx, channel, 'INBOUND', name);
      if (known?.sha256 === sha256) return name;
      const otherName = `${name}.${sha256.slice(0, 12)}`;
      const fileId = await this.repository.storeFile(tx, { ...file, name: otherName, state: 'REFUSED' });
      if (fileId !== null) {
        const fault = problem('NAME_REUSED', `${name} came before with another content.`);
        await this.repository.finishFile(tx, fileId, 'REFUSED', [fault]);
        await this.openItem(tx, channel, otherName, fault);
      }
      return otherName;
    });
    await this.folders.putAway(channel, name, storedName);
  }

  /** True when the file is finished: handled, or refused with a work item. */
  private async handle(channel: string, file: StoredFile): Promise<boolean> {
    const parsed = readExchange(file.content, file.name);
    if (!parsed.ok) {
      await this.transactions.run(async (tx) => {
        if (!(await this.repository.lockStored(tx, file.fileId))) return;
        await this.repository.finishFile(tx, file.fileId, 'REFUSED', parsed.problems);
        await this.openItem(
          tx,
          channel,
          file.name,
          parsed.problems[0] ?? problem('UNREADABLE', 'The file cannot be read.'),
        );
      });
      return true;
    }
    try {
      await this.transactions.run(async (tx) => {
        if (!(await this.repository.lockStored(tx, file.fileId))) return;
        await this.handleMessages(tx, channel, file, parsed.value);
        await this.finish(tx, channel, file);
      });
      this.delays.delete(file.fileId);
      return true;
    } catch (error) {
      // Nothing is wrong with the file: it waits, and with it its channel, until it can be handled.
      if (isTransientFault(error)) {
        await this.delayed(channel, file);
        throw error;
      }
      const attempts = await this.transactions.run((tx) => this.repository.countAttempt(tx, file.fileId));
      if (attempts < attemptsAsAWhole) throw error;
      await this.handleOneByOne(channel, file, parsed.value);
      return true;
    }
  }

  private async handleMessages(
    tx: Tx,
    channel: string,
    file: StoredFile,
    messages: readonly IncomingMessage[],
  ): Promise<void> {
    const fresh = await this.repository.recordInbound(
      tx,
      channel,
      file.fileId,
      messages.map(({ messageId, type }) => ({ messageId, type })),
    );
    const refused: { messageId: string; problems: readonly Problem[] }[] = [];
    for (const run of runsOfAKind(messages.filter(({ messageId }) => fresh.has(messageId)))) {
      const kind = kindOf(run[0]?.type ?? '');
      const handler = this.handlers.find(kind);
      if (handler === undefined) {
        const fault = problem('UNKNOWN_MESSAGE', `Nobody here handles a ${kind}.`);
        refused.push(...run.map(({ messageId }) => ({ messageId, problems: [fault] })));
        continue;
      }
      const inbound = run.map((message): InboundMessage => ({ ...message, channel, fileName: file.name }));
      for (const [messageId, problems] of await handler(tx, inbound)) refused.push({ messageId, problems });
    }
    await this.repository.refuseMessages(tx, channel, refused);
    await this.askAbout(tx, channel, refused);
  }

  private async finish(tx: Tx, channel: string, file: StoredFile): Promise<void> {
    await this.repository.finishFile(tx, file.fileId, 'HANDLED');
    await this.workItems.close(tx, delayedKey(channel, file.name), 'the file was handled', by);
  }

  /** Counts a turn that failed for a reason outside the file; when there were many, a person is told. */
  private async delayed(channel: string, file: StoredFile): Promise<void> {
    const turns = (this.delays.get(file.fileId) ?? 0) + 1;
    this.delays.set(file.fileId, turns);
    if (turns < turnsUntilAsked) return;
    await this.transactions
      .run(async (tx) =>
        this.workItems.open(
          tx,
          {
            key: delayedKey(channel, file.name),
            kind: 'EXCHANGE_DELAYED',
            category: 'OTHER',
            objectKind: 'EXCHANGE_FILE',
            objectId: `${channel}/${file.name}`.slice(0, 64),
            reference: file.name.slice(0, 64),
            reasonCode: 'CHANNEL_STANDS_STILL',
            bookId: '*',
            ownerTeam: 'operations',
            dueAt: await this.dueAt(tx),
            nextAction: `Find out why the database cannot take the messages of ${channel}; the file is tried again by itself`,
          },
          by,
        ),
      )
      // The database may be what is missing; the next turn asks again.
      .catch(() => undefined);
  }

  private async handleOneByOne(channel: string, file: StoredFile, messages: readonly IncomingMessage[]): Promise<void> {
    for (const message of messages) {
      try {
        await this.transactions.run((tx) => this.handleMessages(tx, channel, file, [message]));
      } catch (error) {
        if (isTransientFault(error)) {
          await this.delayed(channel, file);
          throw error;
        }
        const fault = problem(
          'NOT_HANDLED',
          error instanceof Error ? error.message : 'The message could not be handled.',
        );
        await this.transactions.run(async (tx) => {
          await this.repository.recordInbound(tx, channel, file.fileId, [message]);
          const refused = [{ messageId: message.messageId, problems: [fault] }];
          await this.repository.refuseMessages(tx, channel, refused);
          await this.askAbout(tx, channel, refused);
        });
      }
    }
    await this.transactions.run((tx) => this.finish(tx, channel, file));
    this.delays.delete(file.fileId);
  }

  /**
   * Nobody may overlook what was refused. An item that the owner of the message has opened under its key,
   * because it knew more about it, stays as it is.
   */
  private async askAbout(
    tx: Tx,
    channel: string,
    refused: readonly { messageId: string; problems: readonly Problem[] }[],
  ): Promise<void> {
    if (refused.length === 0) return;
    const dueAt = await this.dueAt(tx);
    await this.workItems.openMany(
      tx,
      refused.map(({ messageId, problems }): NewWorkItem => ({
        key: messageItemKey(channel, messageId),
        kind: 'MESSAGE_REFUSED',
        category: 'OTHER',
        objectKind: 'EXCHANGE_MESSAGE',
        objectId: messageId.slice(0, 64),
        reference: messageId.slice(0, 64),
        reasonCode: problems[0]?.code ?? 'REFUSED',
        bookId: '*',
        ownerTeam: 'settlement-operations',
        dueAt,
        nextAction: `Ask ${channel} what the message is about, then have its content handled by hand or sent again`,
      })),
      by,
    );
  }

  private async dueAt(tx: Tx): Promise<Date> {
    const row = await tx.row<{ dueAt: Date }>(`SELECT kernel.now() + interval '2 hours' AS "dueAt"`, []);
    if (!row) throw new Error('the clock does not answer');
    return row.dueAt;
  }

  private async openItem(tx: Tx, channel: string, reference: string, fault: Problem): Promise<void> {
    await this.workItems.open(tx, {
      key: `exchange:${channel}:${reference}`,
      kind: 'EXCHANGE_REFUSED',
      category: 'OTHER',
      objectKind: 'EXCHANGE_FILE',
      objectId: `${channel}/${reference}`.slice(0, 64),
      reference: reference.slice(0, 64),
      reasonCode: fault.code,
      bookId: '*',
      ownerTeam: 'settlement-operations',
      dueAt: await this.dueAt(tx),
      nextAction: 'Ask the sender for the file again, or handle its content by hand',
    });
  }
}

/** Neighbours of one kind are handled together; the order between kinds is kept. */
function runsOfAKind(messages: readonly IncomingMessage[]): IncomingMessage[][] {
  const runs: IncomingMessage[][] = [];
  for (const message of messages) {
    const last = runs.at(-1);
    if (last?.[0] !== undefined && kindOf(last[0].type) === kindOf(message.type)) last.push(message);
    else runs.push([message]);
  }
  return runs;
}
