import { WorkItem20261101000500 } from './migrations/20261101000500-work-item.js';
import { WorkItemGuards20261124003001 } from './migrations/20261124003001-work-item-guards.js';

/** Run once in the schema of every service that leaves work to people. */
export const workItemMigrations = [WorkItem20261101000500, WorkItemGuards20261124003001];
