import { accepted, type Decision, type Problem, refused } from '#libs/kernel/index.js';
import { exponentOf, unitsFromDecimal } from './decimal.js';
import { messageProblem, parseXml, type XmlElement } from './xml.js';

export interface Amount {
  readonly currency: string;
  readonly amountMinor: bigint;
}

/** A quantity as the message has it; its scale is the instrument's, which the message does not know. */
export interface Quantity {
  readonly kind: 'UNIT' | 'FACE';
  readonly text: string;
}

const isoDate = /^(\d{4}-\d{2}-\d{2})(?:T.*|Z|[+-]\d{2}:\d{2})?$/;
const isinPattern = /^[A-Z]{2}[A-Z0-9]{9}\d$/;

/** Reads fields of one element and gathers every problem with its path, so that a sender learns all of them at once. */
export class MessageReader {
  constructor(
    readonly element: XmlElement,
    readonly problems: Problem[] = [],
    private readonly at = element.name,
  ) {}

  private fail(code: string, message: string, path: string): void {
    this.problems.push(messageProblem(code, message, `${this.at}/${path}`));
  }

  has(path: string): boolean {
    return this.element.first(path) !== undefined;
  }

  optional(path: string, lengthMax = 350): string | undefined {
    const text = this.element.value(path);
    if (text !== undefined && Array.from(text).length > lengthMax) {
      this.fail('TOO_LONG', `At most ${lengthMax} characters are allowed.`, path);
      return undefined;
    }
    return text;
  }

  text(path: string, lengthMax = 35): string {
    const text = this.optional(path, lengthMax);
    if (text === undefined && this.element.value(path) === undefined)
      this.fail('MISSING_ELEMENT', 'The element is required.', path);
    return text ?? '';
  }

  oneOf<T extends string>(path: string, allowed: readonly T[]): T {
    const text = this.text(path);
    const found = allowed.find((value) => value === text);
    if (found !== undefined) return found;
    if (text !== '') this.fail('INVALID_CODE', `${text} is not one of ${allowed.join(', ')}.`, path);
    return allowed[0] as T;
  }

  isin(path: string): string {
    const text = this.text(path);
    if (text !== '' && !isinPattern.test(text)) this.fail('INVALID_ISIN', `${text} is not an ISIN.`, path);
    return text;
  }

  /** A date given as a date or as a moment, at `path/Dt`, `path/DtTm` or deeper in the choice of securities messages. */
  optionalDate(path: string): string | undefined {
    const text = ['', '/Dt', '/DtTm', '/Dt/Dt', '/Dt/DtTm']
      .map((inner) => this.element.value(path + inner))
      .find((value) => value !== undefined);
    if (text === undefined) return undefined;
    const match = isoDate.exec(text);
    if (match?.[1] === undefined || Number.isNaN(Date.parse(match[1]))) {
      this.fail('INVALID_DATE', `${text} is not a date.`, path);
      return undefined;
    }
    return match[1];
  }

  date(path: string): string {
    const date = this.optionalDate(path);
    if (date === undefined && !this.has(path)) this.fail('MISSING_ELEMENT', 'The element is required.', path);
    return date ?? '';
  }

  amount(path: string): Amount {
    const element = this.element.first(path);
    if (element === undefined) {
      this.fail('MISSING_ELEMENT', 'The element is required.', path);
      return { currency: '', amountMinor: 0n };
    }
    const currency = element.attributes['Ccy'] ?? '';
    const exponent = exponentOf(currency);
    if (exponent === undefined) {
      this.fail('INVALID_CURRENCY', `"${currency}" is no currency of ISO 4217.`, `${path}/@Ccy`);
      return { currency, amountMinor: 0n };
    }
    const units = unitsFromDecimal(element.text, exponent);
    if (units === undefined && unitsFromDecimal(element.text, 18) !== undefined) {
      this.fail('EXCESS_SCALE', `${currency} has ${exponent} decimals; "${element.text}" has more.`, path);
    } else if (units === undefined || units < 0n) {
      this.fail('INVALID_AMOUNT', `"${element.text}" is not an amount.`, path);
    }
    return { currency, amountMinor: units !== undefined && units >= 0n ? units : 0n };
  }

  optionalAmount(path: string): Amount | undefined {
    return this.has(path) ? this.amount(path) : undefined;
  }

  /** The quantity choice at `path`: units of a share or fund, or the face amount of a debt instrument. */
  quantity(path: string): Quantity {
    for (const [kind, name] of [
      ['UNIT', 'Unit'],
      ['FACE', 'FaceAmt'],
    ] as const) {
      const text = this.element.value(`${path}/Qty/${name}`) ?? this.element.value(`${path}/${name}`);
      if (text === undefined) continue;
      const units = unitsFromDecimal(text, 18);
      if (units === undefined || units < 0n) this.fail('INVALID_QUANTITY', `"${text}" is not a quantity.`, path);
      return { kind, text };
    }
    this.fail('MISSING_ELEMENT', 'A quantity in units or face amount is required.', path);
    return { kind: 'UNIT', text: '0' };
  }

  optionalQuantity(path: string): Quantity | undefined {
    return this.has(path) ? this.quantity(path) : undefined;
  }

  children(path: string): MessageReader[] {
    const names = path.split('/');
    const last = names.pop() ?? '';
    const parent = names.length === 0 ? this.element : this.element.first(names.join('/'));
    const found = parent?.all(last) ?? [];
    const prefix = [this.at, ...names].join('/');
    return found.map((element, index) => new MessageReader(element, this.problems, `${prefix}/${last}[${index + 1}]`));
  }

  /** The same element read with problems of its own: what is wrong with it is then not held against its neighbours. */
  apart(): MessageReader {
    return new MessageReader(this.element, [], this.at);
  }

  /** Where it stands in the document. */
  get path(): string {
    return this.at;
  }

  child(path: string): MessageReader | undefined {
    const element = this.element.first(path);
    return element === undefined ? undefined : new MessageReader(element, this.problems, `${this.at}/${path}`);
  }

  result<T>(value: T): Decision<T> {
    return this.problems.length === 0 ? accepted(value) : refused(this.problems);
  }
}

const namespacePattern = /^urn:iso:std:iso:20022:tech:xsd:([a-z]{4}\.\d{3}\.\d{3}\.\d{2})$/;

/** `sese.024.001.12` of a Document, undefined when its namespace is not one of ISO 20022. */
export const messageTypeOf = (document: XmlElement): string | undefined =>
  namespacePattern.exec(document.namespace)?.[1];

/** Opens a Document of one message (`sese.024`) in any version, given as XML or as an element already parsed. */
export function openDocument(source: string | Uint8Array | XmlElement, message: string): Decision<MessageReader> {
  let document: XmlElement;
  if (typeof source === 'string' || source instanceof Uint8Array) {
    const parsed = parseXml(source);
    if (!parsed.ok) return parsed;
    document = parsed.value;
  } else document = source;
  const type = messageTypeOf(document);
  if (document.name !== 'Document' || type === undefined) {
    return refused(messageProblem('NOT_ISO_20022', 'The root is not a Document of ISO 20022.', document.name));
  }
  if (!type.startsWith(`${message}.`)) {
    return refused(messageProblem('OTHER_MESSAGE', `A ${message} is expected, not a ${type}.`, document.name));
  }
  const body = document.elements[0];
  if (body === undefined) return refused(messageProblem('MISSING_ELEMENT', 'The Document is empty.', document.name));
  return accepted(new MessageReader(body, [], `Document/${body.name}`));
}
