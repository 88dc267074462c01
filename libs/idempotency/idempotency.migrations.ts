import { Idempotency20261101000400 } from './migrations/20261101000400-idempotency.js';

/** Run once in the schema of every service that answers mutations. */
export const idempotencyMigrations = [Idempotency20261101000400];
