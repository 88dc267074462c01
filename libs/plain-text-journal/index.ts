export * from './journal.js';
export * from './exact.js';
export * from './write.js';
export * from './parse.js';
export * from './resolve.js';
