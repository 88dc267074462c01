export * from './scopes.js';
export * from './principal.js';
export * from './internal-token.js';
export * from './api-key.js';
export * from './current-principal.js';
