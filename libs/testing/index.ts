export { corporaDirectory } from './corpora.js';
export {
  createEmptyDatabase,
  createTestDatabase,
  testRolePasswords,
  type TestDatabase,
  type TestDatabaseOptions,
} from './test-database.js';
export { redisForTests, type TestRedis } from './redis.js';
export { waitFor } from './wait-for.js';
export { askHledger, hasHledger, hledgerBalances, withoutEndingZeros } from './hledger.js';
export { instantsOfOneMillisecond, pageThrough } from './page-through.js';
export { PlantedBreaches } from './planted-breaches.js';
