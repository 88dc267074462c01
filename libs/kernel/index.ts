export * from './problem.js';
export * from './invariant.js';
export * from './clock.js';
export * from './id.js';
export * from './hash.js';
export * from './chunk.js';
export * from './random.js';
export * from './transient-fault.js';
