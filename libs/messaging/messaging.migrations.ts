import { MessageCatalogue } from './message-catalogue.js';
import { MessagingTables20261101000200 } from './migrations/20261101000200-messaging-tables.js';
import { MessagingAdd20261101000210 } from './migrations/20261101000210-messaging-add.js';
import { MessagingDeliver20261101000220 } from './migrations/20261101000220-messaging-deliver.js';
import { MessagingJobRuns20261101000230 } from './migrations/20261101000230-messaging-job-runs.js';
import { MessageRoutes20261101000250 } from './migrations/20261101000250-message-routes.js';
import { MessagingPrune20261125000260 } from './migrations/20261125000260-messaging-prune.js';
import { MessagingWatch20261101000240 } from './migrations/20261101000240-messaging-watch.js';

/** Run once a database: schema `messaging` belongs to no service. */
export const messagingMigrations = [
  MessagingTables20261101000200,
  MessagingAdd20261101000210,
  MessagingDeliver20261101000220,
  MessagingJobRuns20261101000230,
  MessagingWatch20261101000240,
  MessageRoutes20261101000250,
  MessagingPrune20261125000260,
];

/**
 * The last part of every migrate run, also when no migration was pending: the routes of this release's
 * catalogue. `query` is a connection of the role that owns the schema.
 */
export async function declareMessageRoutes(
  query: (sql: string, parameters: unknown[]) => Promise<unknown>,
  catalogue: MessageCatalogue = new MessageCatalogue(),
): Promise<void> {
  await query('SELECT messaging.declare_routes($1::jsonb)', [JSON.stringify(catalogue.routes())]);
}
