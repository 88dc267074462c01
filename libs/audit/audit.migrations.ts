import { AuditLeaf20261101000300 } from './migrations/20261101000300-audit-leaf.js';

/** Run once in the schema of every service that keeps an audit log. */
export const auditMigrations = [AuditLeaf20261101000300];
