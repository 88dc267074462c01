export * from './plain-date.js';
export { easterSunday } from './holiday-rules.js';
export * from './business-calendar.js';
export * from './zoned-time.js';
