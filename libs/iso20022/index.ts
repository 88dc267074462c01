export { decimalFromUnits, unitsFromDecimal } from './decimal.js';
export * from './exchange.js';
export * from './holdings-statement.js';
export { messageTypeOf, type Amount, type Quantity } from './message-reader.js';
export * from './payment-messages.js';
export * from './settlement-messages.js';
export * from './statement.js';
export { parseXml, xmlBytesMax, XmlElement } from './xml.js';
