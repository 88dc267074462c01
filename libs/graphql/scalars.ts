import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from 'graphql';

/** Digits a Decimal may have; amounts are numeric(39,0) and no scale is larger than 18. */
const decimalFormat = /^-?(0|[1-9]\d{0,38})(\.\d{1,18})?$/;
const dateFormat = /^(\d{4})-(\d{2})-(\d{2})$/;
const instantFormat = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})$/;

const refuse = (message: string, node?: ValueNode): never => {
  throw new GraphQLError(message, { ...(node ? { nodes: node } : {}), extensions: { code: 'BAD_USER_INPUT' } });
};

function textOf(node: ValueNode, name: string): string {
  return node.kind === Kind.STRING ? node.value : refuse(`${name} is written as text in quotes`, node);
}

function decimal(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'string')
    return refuse('Decimal is a text such as "12.50", never a number: numbers lose digits');
  if (!decimalFormat.test(value))
    return refuse('Decimal has up to 39 digits before and 18 after the point, such as "-12.50"');
  // "-0", "-0.00": one way to write nothing.
  return /^-0(\.0+)?$/.test(value) ? value.slice(1) : value;
}

export const DecimalScalar = new GraphQLScalarType<string, string>({
  name: 'Decimal',
  description: 'An exact decimal number as text, such as "1250.00". A JSON number is refused.',
  serialize: (value) =>
    value instanceof Object && 'toFixed' in value
      ? decimal((value as { toFixed(): string }).toFixed())
      : decimal(value),
  parseValue: decimal,
  parseLiteral: (node) => decimal(textOf(node, 'Decimal')),
});

function plainDate(value: unknown): string {
  if (typeof value !== 'string') return refuse('Date is a text such as "2026-03-30"');
  const match = dateFormat.exec(value);
  if (!match) return refuse('Date is written YYYY-MM-DD');
  const day = new Date(`${value}T00:00:00Z`);
  if (Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== value)
    return refuse(`${value} is not a day of the calendar`);
  return value;
}

export const DateScalar = new GraphQLScalarType<string, string>({
  name: 'Date',
  description: 'A calendar date without time or zone, YYYY-MM-DD.',
  serialize: plainDate,
  parseValue: plainDate,
  parseLiteral: (node) => plainDate(textOf(node, 'Date')),
});

function instant(value: unknown): Date {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value;
  if (typeof value !== 'string' || !instantFormat.test(value)) {
    return refuse('DateTime is an instant with its offset, such as "2026-03-30T16:00:00Z"');
  }
  plainDate(value.slice(0, 10));
  const parsed = new Date(value);
  return Number.isNaN(parsed.getTime()) ? refuse(`${value} is not an instant`) : parsed;
}

export const DateTimeScalar = new GraphQLScalarType<Date, string>({
  name: 'DateTime',
  description: 'An instant in UTC, such as "2026-03-30T16:00:00.000Z".',
  serialize: (value) => instant(value).toISOString(),
  parseValue: instant,
  parseLiteral: (node) => instant(textOf(node, 'DateTime')),
});

function currencyCode(value: unknown): string {
  return typeof value === 'string' && /^[A-Z]{3}$/.test(value)
    ? value
    : refuse('CurrencyCode has three capital letters (ISO 4217)');
}

export const CurrencyCodeScalar = new GraphQLScalarType<string, string>({
  name: 'CurrencyCode',
  description: 'An ISO 4217 code, such as "EUR".',
  serialize: currencyCode,
  parseValue: currencyCode,
  parseLiteral: (node) => currencyCode(textOf(node, 'CurrencyCode')),
});

function jsonLiteral(node: ValueNode, variables?: Record<string, unknown> | null): unknown {
  switch (node.kind) {
    case Kind.STRING:
    case Kind.BOOLEAN:
    case Kind.ENUM:
      return node.value;
    case Kind.INT:
      return Number(node.value);
    case Kind.FLOAT:
      return refuse('a fraction in JSON is written as text', node);
    case Kind.NULL:
      return null;
    case Kind.LIST:
      return node.values.map((item) => jsonLiteral(item, variables));
    case Kind.OBJECT:
      return Object.fromEntries(node.fields.map((field) => [field.name.value, jsonLiteral(field.value, variables)]));
    case Kind.VARIABLE:
      return variables?.[node.name.value];
  }
}

/** Fractions are refused at any depth: what looks like an amount must not have been a float on its way. */
function jsonValue(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return refuse('a fraction in JSON is written as text');
  if (Array.isArray(value)) value.forEach(jsonValue);
  else if (typeof value === 'object' && value !== null) Object.values(value).forEach(jsonValue);
  return value;
}

export const JsonScalar = new GraphQLScalarType({
  name: 'JSON',
  description: 'A JSON value whose numbers are whole; amounts in it are texts.',
  serialize: (value) => value,
  parseValue: jsonValue,
  parseLiteral: (node, variables) => jsonLiteral(node, variables),
});

export const commonScalars = {
  Decimal: DecimalScalar,
  Date: DateScalar,
  DateTime: DateTimeScalar,
  CurrencyCode: CurrencyCodeScalar,
  JSON: JsonScalar,
};
