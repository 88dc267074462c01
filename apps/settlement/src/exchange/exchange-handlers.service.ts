import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type XmlElement } from '#libs/iso20022/index.js';
import { type Problem } from '#libs/kernel/index.js';

export interface InboundMessage {
  readonly channel: string;
  readonly messageId: string;
  readonly type: string;
  readonly document: XmlElement;
  readonly fileName: string;
}

/** The key of the work item that a refused message has. */
export const messageItemKey = (channel: string, messageId: string): string => `exchange:${channel}:${messageId}`;

/**
 * Handles the messages of one kind in one transaction; answers what was wrong with those it refused. Each of them
 * gets a work item, unless the handler has opened one under the message's key, which can say more.
 */
export type InboundHandler = (
  tx: Tx,
  messages: readonly InboundMessage[],
) => Promise<ReadonlyMap<string, readonly Problem[]>>;

/** Which feature handles which kind of message (`sese.024`): each kind has one owner. */
@Injectable()
export class ExchangeHandlersService {
  private readonly handlers = new Map<string, InboundHandler>();

  register(kind: string, handler: InboundHandler): void {
    if (this.handlers.has(kind)) throw new Error(`${kind} has two handlers`);
    this.handlers.set(kind, handler);
  }

  find(kind: string): InboundHandler | undefined {
    return this.handlers.get(kind);
  }
}

export const kindOf = (type: string): string => type.slice(0, 8);
