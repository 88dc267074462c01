export * from './isin.js';
export * from './lei.js';
export * from './iban.js';
export * from './bic.js';
