import { Field, Int, ObjectType, Query, Resolver } from '@nestjs/graphql';
import { type Tx } from '#libs/database/index.js';
import { ReadTx, RequiresScopes } from '#libs/graphql/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { channels, ExchangeFolders } from './exchange-folders.js';
import { ExchangeRepository } from './exchange.repository.js';

@ObjectType({ description: 'What is still on its way between us and the market, and between our services.' })
export class ExchangeBacklog {
  @Field(() => Int, { description: 'Messages that no written file holds yet.' }) outbound!: number;
  @Field(() => Int, { description: 'Files that lie in the channels or are stored and not handled.' }) inbound!: number;
  @Field(() => Int, { description: 'Messages between our services that are not consumed yet.' }) messages!: number;
}

@Resolver()
export class ExchangeResolver {
  constructor(
    private readonly repository: ExchangeRepository,
    private readonly folders: ExchangeFolders,
    private readonly outbox: Outbox,
  ) {}

  @Query(() => ExchangeBacklog)
  @RequiresScopes('jobs:read')
  async exchangeBacklog(@ReadTx() tx: Tx): Promise<ExchangeBacklog> {
    const waiting = await Promise.all(channels.map((channel) => this.folders.waiting(channel)));
    const sequence = await this.outbox.nextSequence(tx);
    const { waiting: messages, consumed } = await this.outbox.consumedBelow(tx, sequence);
    const open = await this.repository.backlog(tx);
    return {
      outbound: open.outbound,
      inbound: open.inbound + waiting.reduce((sum, names) => sum + names.length, 0),
      // A transaction still in flight may be about to add one.
      messages: messages === 0 && !consumed ? 1 : messages,
    };
  }
}
