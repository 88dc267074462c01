export * from './list-entry.js';
export * from './ofac-sdn.js';
export * from './ofac-remarks.js';
export * from './list-delta.js';
