import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { accepted, type Decision, problem, type Problem, refused } from '#libs/kernel/index.js';

/** The path is given as one text, the way people write the path of an element. */
export const messageProblem = (code: string, message: string, path = ''): Problem =>
  problem(code, message, path === '' ? [] : path.split('/'));

/** 32 MiB: 500 messages of the largest kind we exchange need about 4. */
export const xmlBytesMax = 32 * 1024 * 1024;
const nestingMax = 64;

/** One element with its text and children, names without prefix. */
export class XmlElement {
  constructor(
    readonly name: string,
    readonly namespace: string,
    readonly attributes: Readonly<Record<string, string>>,
    readonly elements: readonly XmlElement[],
    readonly text: string,
  ) {}

  all(name: string): XmlElement[] {
    return this.elements.filter((element) => element.name === name);
  }

  first(path: string): XmlElement | undefined {
    const [name, ...rest] = path.split('/');
    const child = this.elements.find((element) => element.name === name);
    return rest.length === 0 ? child : child?.first(rest.join('/'));
  }

  /** The text at a path, undefined when absent or empty. */
  value(path: string): string | undefined {
    return this.first(path)?.text || undefined;
  }
}

type RawNode = Record<string, unknown>;

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  parseAttributeValue: false,
  processEntities: false,
  htmlEntities: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  trimValues: false,
  cdataPropName: '#cdata',
});

/**
 * Reads XML from outside. A document type is refused whole: it is what external entities and entity
 * expansion need, and ISO 20022 forbids it. Only the five predefined entities and character
 * references are decoded, once.
 */
export function parseXml(content: string | Uint8Array, bytesMax = xmlBytesMax): Decision<XmlElement> {
  const size = typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength;
  if (size > bytesMax)
    return refused(messageProblem('XML_TOO_LARGE', `The XML has ${size} bytes; ${bytesMax} are allowed.`));
  let text: string;
  try {
    text = typeof content === 'string' ? content : new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    return refused(messageProblem('XML_NOT_UTF8', 'The XML is not valid UTF-8.'));
  }
  text = text.replace(/^\uFEFF/, '');
  if (text.includes('\0')) return refused(messageProblem('NUL_BYTE', 'The XML contains a NUL byte.'));
  if (/<!DOCTYPE/i.test(text)) {
    return refused(messageProblem('XML_DOCTYPE', 'A document type declaration is not accepted.'));
  }
  if (/<!ENTITY/i.test(text)) return refused(messageProblem('XML_DOCTYPE', 'Entity declarations are not accepted.'));
  const nesting = nestingOf(text);
  if (nesting > nestingMax) {
    return refused(
      messageProblem('XML_TOO_DEEP', `The XML nests ${nesting} elements deep; ${nestingMax} are allowed.`),
    );
  }
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- its successor is another package of the same code
  const validity = XMLValidator.validate(text);
  if (validity !== true) {
    const { msg, line, col } = validity.err;
    return refused(messageProblem('XML_NOT_WELL_FORMED', `${msg} (line ${line}, column ${col})`));
  }
  try {
    const nodes = parser.parse(text) as RawNode[];
    const root = nodes.find((node) => elementName(node) !== undefined);
    if (root === undefined) return refused(messageProblem('XML_NOT_WELL_FORMED', 'There is no root element.'));
    return accepted(toElement(root, { '': '' }));
  } catch (error) {
    const message = error instanceof Error ? error.message : 'The XML cannot be read.';
    return refused(messageProblem('XML_NOT_WELL_FORMED', message));
  }
}

/** Depth by tags alone, before any parser recurses into the content. */
function nestingOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [tag] of text.matchAll(/<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<\/?[A-Za-z_][^<>]*>/g)) {
    if (tag.startsWith('<!')) continue;
    if (tag.startsWith('</')) depth -= 1;
    else if (!tag.endsWith('/>')) deepest = Math.max(deepest, (depth += 1));
  }
  return deepest;
}

const elementName = (node: RawNode): string | undefined =>
  Object.keys(node).find((key) => key !== ':@' && !key.startsWith('#') && !key.startsWith('?'));

function toElement(node: RawNode, outer: Readonly<Record<string, string>>): XmlElement {
  const qualified = elementName(node) ?? '';
  const attributes = Object.fromEntries(
    Object.entries((node[':@'] ?? {}) as Record<string, string>).map(([name, value]) => [name, decodeText(value)]),
  );
  const prefixes: Record<string, string> = { ...outer };
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'xmlns') prefixes[''] = value;
    else if (name.startsWith('xmlns:')) prefixes[name.slice(6)] = value;
  }
  const colon = qualified.indexOf(':');
  const prefix = colon < 0 ? '' : qualified.slice(0, colon);
  const children = (node[qualified] ?? []) as RawNode[];
  return new XmlElement(
    qualified.slice(colon + 1),
    prefixes[prefix] ?? '',
    attributes,
    children.filter((child) => elementName(child) !== undefined).map((child) => toElement(child, prefixes)),
    children.map(textOf).join('').trim(),
  );
}

function textOf(child: RawNode): string {
  if (typeof child['#text'] === 'string') return decodeText(child['#text']);
  const characters = child['#cdata'] as RawNode[] | undefined;
  return characters?.map((part) => (typeof part['#text'] === 'string' ? part['#text'] : '')).join('') ?? '';
}

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decodeText(text: string): string {
  return text.replace(/&(#x[0-9a-f]{1,6}|#\d{1,7}|\w+);/gi, (whole, reference: string) => {
    const predefined = named[reference];
    if (predefined !== undefined) return predefined;
    if (!reference.startsWith('#')) throw new Error(`The entity ${whole} is not defined.`);
    const code =
      reference[1]?.toLowerCase() === 'x'
        ? Number.parseInt(reference.slice(2), 16)
        : Number.parseInt(reference.slice(1), 10);
    if (!isXmlCharacter(code)) throw new Error(`The reference ${whole} is not a character of XML.`);
    return String.fromCodePoint(code);
  });
}

const isXmlCharacter = (code: number): boolean =>
  code === 0x9 ||
  code === 0xa ||
  code === 0xd ||
  (code >= 0x20 && code <= 0xd7ff) ||
  (code >= 0xe000 && code <= 0xfffd) ||
  (code >= 0x10000 && code <= 0x10ffff);

export type Content = string | readonly (string | undefined)[] | undefined;

/** Written text of one element; an element without content is left out, because ISO 20022 has no empty ones. */
export function tag(
  name: string,
  content: Content,
  attributes: Readonly<Record<string, string>> = {},
): string | undefined {
  const inner =
    typeof content === 'string' ? escapeText(content) : content?.filter((part) => part !== undefined).join('');
  if (!inner) return undefined;
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeText(value)}"`);
  return `<${name}${written.join('')}>${inner}</${name}>`;
}

export function escapeText(text: string): string {
  for (const character of text) {
    if (!isXmlCharacter(character.codePointAt(0) ?? 0))
      throw new Error('Text holds a character that XML cannot carry.');
  }
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** A whole Document of one message type. */
export function documentOf(type: string, body: string | undefined): string {
  if (body === undefined) throw new Error(`A ${type} without content cannot be written.`);
  return `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:${type}">${body}</Document>`;
}
