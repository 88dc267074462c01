import { type DynamicModule, Module } from '@nestjs/common';
import { type Service } from '#libs/contracts/index.js';
import { MessageCatalogue } from './message-catalogue.js';
import { MessagingOptions } from './messaging.options.js';
import { Outbox } from './outbox.js';
import { RelayBell } from './relay-bell.js';
import { Schedules } from './schedules.js';

export interface MessagingSettings extends Partial<Omit<MessagingOptions, 'service'>> {
  /** The messages known; the product's catalogue unless a test brings its own. */
  readonly catalogue?: MessageCatalogue;
}

@Module({})
export class MessagingModule {
  /** Everything one service needs to send and to handle messages; global in its process. */
  static forService(service: Service, settings: MessagingSettings = {}): DynamicModule {
    return {
      module: MessagingModule,
      global: true,
      providers: [
        { provide: MessagingOptions, useFactory: () => new MessagingOptions(service, settings) },
        { provide: MessageCatalogue, useValue: settings.catalogue ?? new MessageCatalogue() },
        RelayBell,
        Outbox,
        Schedules,
      ],
      exports: [MessagingOptions, MessageCatalogue, Outbox, Schedules],
    };
  }
}
