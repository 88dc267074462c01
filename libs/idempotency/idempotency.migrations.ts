import { AnsweredKeysStay20261125000410 } from './migrations/20261125000410-answered-keys-stay.js';
import { Idempotency20261101000400 } from './migrations/20261101000400-idempotency.js';

/** Run once in the schema of every service that answers mutations. */
export const idempotencyMigrations = [Idempotency20261101000400, AnsweredKeysStay20261125000410];
