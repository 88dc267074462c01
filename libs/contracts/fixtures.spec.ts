import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { messageCatalogue, type MessageDefinition, type MessageName } from './index.js';

const folder = join(import.meta.dirname, 'fixtures');
const catalogue = messageCatalogue as unknown as Record<MessageName, MessageDefinition>;
const names = Object.keys(catalogue) as MessageName[];
const read = (file: string): unknown => JSON.parse(readFileSync(join(folder, file), 'utf8'));

/** `<message>.json` is the first of a message; `<message>.<what was added>.json` came later. Landed ones are never edited. */
const files = readdirSync(folder)
  .filter((file) => file !== 'landed.json')
  .sort();
const landed = read('landed.json') as Record<string, string>;
const messageOf = (file: string) => /^([a-z-]+\.[a-z-]+\.v\d+)(?:\.[a-z-]+)?\.json$/.exec(file)?.[1] as MessageName;

/** What somebody could be found by. An account number, an id, a BIC or the name of an instrument is none of it. */
const personalNames = /name|iban|birth|address|street|city|e-?mail|phone|passport|national/i;
const personalTexts: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['an IBAN', /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b/],
  ['an e-mail address', /[\w.+-]+@[\w-]+\.\w+/],
  ['a telephone number', /\+\d[\d ()-]{7,}/],
];
const publicNames = ['accounting.register-assets.v1 items.name'];

/** Every text of a payload with its path; places in a list are left out. */
function texts(value: unknown, path: string[] = []): [path: string, text: string][] {
  if (typeof value === 'string') return [[path.join('.'), value]];
  if (Array.isArray(value)) return value.flatMap((item) => texts(item, path));
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([name, part]) => texts(part, [...path, name]));
  return [];
}

/** Why a payload shows something of a person. */
function personalIn(name: string, payload: unknown): string[] {
  return texts(payload).flatMap(([path, text]) => {
    if (text.startsWith('sealed:')) return /^sealed:[\w+/=]{48,}$/.test(text) ? [] : [`${path} is not sealed at all`];
    if (publicNames.includes(`${name} ${path}`)) return [];
    const last = path.split('.').at(-1) ?? '';
    return [
      ...(personalNames.test(last) ? [`${path} by its name`] : []),
      ...personalTexts.filter(([, pattern]) => pattern.test(text)).map(([what]) => `${path} holds ${what}`),
    ];
  });
}

interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  pattern?: string;
}

function fieldsOf(schema: JsonSchema, path: string[] = []): [path: string, field: JsonSchema][] {
  const inside = Object.entries(schema.properties ?? {}).flatMap(([name, field]): [string, JsonSchema][] => [
    [[...path, name].join('.'), field],
    ...fieldsOf(field, [...path, name]),
  ]);
  const others = [schema.items, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  return [...inside, ...others.flatMap((other) => (other ? fieldsOf(other, path) : []))];
}

describe('the fixtures of the messages', () => {
  it('are there for every message of the catalogue, and for no other', () => {
    expect(names.filter((name) => !files.includes(`${name}.json`))).toEqual([]);
    expect(files.filter((file) => !names.includes(messageOf(file)))).toEqual([]);
  });

  it.each(files)('%s is read by this release, whole', (file) => {
    const payload = read(file);
    // A field that the schema does not know would be dropped in silence.
    expect(catalogue[messageOf(file)].payload.parse(payload)).toEqual(payload);
  });

  it('stay as they landed: a change that breaks an old message is seen, not written into the old fixture', () => {
    const now = files.map((file) => [
      file,
      createHash('sha256')
        .update(readFileSync(join(folder, file)))
        .digest('hex'),
    ]);
    expect(Object.fromEntries(now)).toEqual(landed);
  });

  it('refuse a change that old messages do not survive', () => {
    const known = catalogue['compliance.list-activated.v1'].payload as unknown as z.ZodObject;
    const old = read('compliance.list-activated.v1.json');
    expect(known.extend({ added: z.string().optional() }).safeParse(old).success).toBe(true);
    expect(known.extend({ added: z.string() }).safeParse(old).success).toBe(false);
    expect(known.extend({ entryCount: z.string() }).safeParse(old).success).toBe(false);
    expect(known.omit({ source: true }).parse(old)).not.toEqual(old);
  });

  it('name their version, and a version that is gone is not used for something else', () => {
    expect(names.filter((name) => !/\.v[1-9]\d*$/.test(name))).toEqual([]);
  });
});

describe('personal data in messages', () => {
  it.each(files)('%s shows none', (file) => {
    expect(personalIn(messageOf(file), read(file))).toEqual([]);
  });

  it('has no field that is not sealed in any schema', () => {
    const open = names.flatMap((name) =>
      fieldsOf(z.toJSONSchema(catalogue[name].payload, { unrepresentable: 'any', io: 'input' }) as JsonSchema)
        .filter(([path]) => personalNames.test(path.split('.').at(-1) ?? ''))
        .filter(([, field]) => !field.items && !field.properties && !field.pattern?.includes('sealed:'))
        .map(([path]) => `${name} ${path}`),
    );
    expect(open).toEqual(publicNames);
  });

  it.each([
    [{ items: [{ creditorName: 'Erika Mustermann' }] }, 'items.creditorName by its name'],
    [{ note: 'pay DE89 3704 0044 0532 0130 00 please' }, 'note holds an IBAN'],
    [{ note: 'DE89370400440532013000' }, 'note holds an IBAN'],
    [{ reason: 'ask erika@example.org' }, 'reason holds an e-mail address'],
    [{ sealedName: 'sealed:Erika' }, 'sealedName is not sealed at all'],
  ])('would be found in %j', (payload, found) => {
    expect(personalIn('compliance.screen-objects.v1', payload)).toContain(found);
  });
});
