export { differingPath, hashInput, type InputHashes } from './input-hashes.js';
export {
  type Answer,
  faultOfInput,
  Idempotency,
  type IdempotentCall,
  IdempotencyModule,
  type Payload,
} from './idempotency.js';
export { idempotencyMigrations } from './idempotency.migrations.js';
