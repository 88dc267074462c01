export * from './audit-leaf.js';
export * from './audit-trail.js';
export * from './audit.migrations.js';
export * from './audit.module.js';
