export * from './work-items.js';
export { DeadLetterWork, dueWithinHours } from './dead-letter-work.js';
export { WorkItemsModule } from './work-items.module.js';
export { WorkItemConnection, WorkItemType } from './work-item.graphql.js';
export { workItemMigrations } from './work-item.migrations.js';
