export { Tx } from './tx.js';
export { together } from './together.js';
export {
  NoConnectionFree,
  Transactions,
  TransactionAborted,
  defaultTransactionSettings,
  sqlStateOf,
  type Isolation,
  type TransactionOptions,
  type TransactionSettings,
} from './transactions.js';
export { DatabaseModule, type DatabaseModuleOptions } from './database.module.js';
export {
  dataSourceOptions,
  openLastingPool,
  openPool,
  poolConfig,
  poolOf,
  type ConnectionSettings,
} from './data-source-options.js';
export { connectionFault, databaseAddress } from './connection-fault.js';
export { watchPgPool } from './sql-metrics.js';
export { typeParsers } from './types.js';
export { baseMigrations } from './base.migrations.js';
export {
  RolesAreMissing,
  databaseRoles,
  ensureRoles,
  newRolePasswords,
  readOrMakeRolePasswords,
  roleUrl,
  roleUrls,
  scramVerifier,
  serviceRoles,
  type DatabaseRole,
  type RolePasswords,
  type ServiceRole,
} from './roles.js';
