export * from './table.js';
export * from './csv.js';
export * from './xlsx.js';
export * from './pdf.js';
export * from './render.js';
