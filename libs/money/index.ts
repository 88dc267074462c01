export * from './currency.js';
export * from './decimal.js';
export * from './rounding.js';
export * from './money.js';
export * from './rational.js';
