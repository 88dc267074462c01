export { Rational } from '#libs/money/index.js';
export * from './day-count.js';
export * from './accrual.js';
export * from './annual-percentage-yield.js';
