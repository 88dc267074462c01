import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { ExchangeRepository, type MessageToSend } from './exchange.repository.js';

/** The only way out to the market: a message is added in the transaction of the fact it tells. */
@Injectable()
export class ExchangeOutboxService {
  constructor(private readonly repository: ExchangeRepository) {}

  async send(tx: Tx, messages: readonly MessageToSend[]): Promise<number> {
    return this.repository.addOutbound(tx, messages);
  }
}
