import { z } from 'zod';
import { messageCatalogue, type MessageDefinition } from '#libs/contracts/index.js';
import { byText, code, page, table } from './markdown.js';

interface Schema {
  type?: string | string[];
  format?: string;
  pattern?: string;
  enum?: unknown[];
  const?: unknown;
  items?: Schema;
  maxItems?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
  anyOf?: Schema[];
  oneOf?: Schema[];
}

function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' \u2223 ');
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return [...new Set(choices.map(typeOf))].join(' \u2223 ');
  if (schema.type === 'array') {
    const most = schema.maxItems === undefined ? '' : `, at most ${schema.maxItems}`;
    return `list of ${typeOf(schema.items ?? {})}${most}`;
  }
  if (schema.type === 'object') {
    const values = schema.additionalProperties;
    return typeof values === 'object' && !schema.properties ? `map to ${typeOf(values)}` : 'object';
  }
  if (schema.format) return schema.format;
  const plain = Array.isArray(schema.type) ? schema.type.join(' \u2223 ') : (schema.type ?? 'any');
  return schema.pattern ? `${plain} ${schema.pattern}` : plain;
}

/** One row for each field, those of nested objects under a dotted path. */
function fieldsOf(schema: Schema, path = ''): string[][] {
  const rows: string[][] = [];
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const here = path === '' ? name : `${path}.${name}`;
    rows.push([code(here), typeOf(field), schema.required?.includes(name) ? 'yes' : '']);
    rows.push(...fieldsOf(field, here));
    if (field.items) rows.push(...fieldsOf(field.items, `${here}[]`));
  }
  const choices = schema.anyOf ?? schema.oneOf ?? [];
  const seen = new Set(rows.map(([name]) => name));
  for (const choice of choices) {
    for (const row of fieldsOf(choice, path)) {
      // A field of several choices is shown once, and is required only within its own.
      if (seen.has(row[0])) continue;
      seen.add(row[0]);
      rows.push([row[0] ?? '', row[1] ?? '', row[2] === 'yes' ? 'in its case' : '']);
    }
  }
  return rows;
}

export function messagesPage(): string {
  const messages = Object.entries(messageCatalogue as unknown as Record<string, MessageDefinition>).sort(([a], [b]) =>
    byText(a, b),
  );
  const overview = table(
    ['message', 'kind', 'from', 'to', 'lane', 'long job', 'in order'],
    messages.map(([name, message]) => [
      `[${name}](#${name.replaceAll('.', '')})`,
      message.kind,
      message.producers.join(', '),
      message.consumers.join(', '),
      message.lane,
      message.longRunning ? 'yes' : '',
      message.orderedBy ? 'by key' : '',
    ]),
  );
  const each = messages.map(([name, message]) => {
    const schema = z.toJSONSchema(message.payload, { unrepresentable: 'any', io: 'input' }) as Schema;
    const fields = fieldsOf(schema);
    return `## ${name}\n\n${fields.length === 0 ? 'Without fields.' : table(['field', 'type', 'required'], fields)}`;
  });
  return page(
    'Messages',
    'Every message between the services, from `libs/contracts`. A command has one consumer, which acts; an event tells ' +
      'every consumer what happened. Texts that begin with `sealed:` hold personal data, readable only with the message key.',
    overview,
    ...each,
  );
}
