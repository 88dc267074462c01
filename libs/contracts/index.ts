import { accountingMessages } from './accounting.js';
import { type MessageDefinition } from './catalogue.js';
import { complianceMessages } from './compliance.js';
import { housekeepingMessages } from './housekeeping.js';
import { settlementMessages } from './settlement.js';

export * from './catalogue.js';
export * from './accounting.js';
export * from './compliance.js';
export * from './housekeeping.js';
export * from './posting-events.js';
export * from './settlement.js';

/** Every message there is. The boot of a service fails when one it consumes has no handler or two. */
export const messageCatalogue = {
  ...accountingMessages,
  ...complianceMessages,
  ...settlementMessages,
  ...housekeepingMessages,
} as const;

export type MessageName = keyof typeof messageCatalogue;
export type PayloadOf<Name extends MessageName> =
  (typeof messageCatalogue)[Name] extends MessageDefinition<infer Payload> ? Payload : never;
