import { WorkItem20261101000500 } from './migrations/20261101000500-work-item.js';

/** Run once in the schema of every service that leaves work to people. */
export const workItemMigrations = [WorkItem20261101000500];
