import { accepted, type Decision, refused } from '#libs/kernel/index.js';
import { messageProblem, parseXml, tag, type XmlElement } from './xml.js';
import { messageTypeOf } from './message-reader.js';

export const exchangeNamespace = 'urn:northgate:exchange:1';
export const messagesPerExchangeMax = 500;

export interface OutgoingMessage {
  readonly messageId: string;
  readonly type: string;
  /** The written Document. */
  readonly document: string;
}

export interface IncomingMessage {
  readonly messageId: string;
  readonly type: string;
  readonly document: XmlElement;
}

/** One file to a place or an agent: up to 500 Documents, each under its message id. */
export function writeExchange(messages: readonly OutgoingMessage[]): string {
  if (messages.length === 0 || messages.length > messagesPerExchangeMax) {
    throw new Error(`An exchange file carries 1 to ${messagesPerExchangeMax} messages, not ${messages.length}.`);
  }
  const written = messages.map(({ messageId, type, document }) => {
    // The Document is already XML; only the identifiers need escaping, which `tag` does for a placeholder of one character.
    const open = tag('Message', '-', { id: messageId, type })?.replace(/-<\/Message>$/, '') ?? '';
    return `${open}${document}</Message>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Exchange xmlns="${exchangeNamespace}">\n${written.join('\n')}\n</Exchange>\n`;
}

/** A bare Document is taken as an exchange of one message whose id is the file's name. */
export function readExchange(content: string | Uint8Array, fileName: string): Decision<IncomingMessage[]> {
  const parsed = parseXml(content);
  if (!parsed.ok) return parsed;
  const root = parsed.value;
  const bareType = messageTypeOf(root);
  if (root.name === 'Document' && bareType !== undefined) {
    return accepted([{ messageId: fileName.replace(/\.xml$/i, ''), type: bareType, document: root }]);
  }
  if (root.name !== 'Exchange' || root.namespace !== exchangeNamespace) {
    return refused(messageProblem('NOT_AN_EXCHANGE', `The root must be Exchange of ${exchangeNamespace}.`, root.name));
  }
  const messages = root.all('Message');
  if (messages.length === 0 || messages.length > messagesPerExchangeMax) {
    return refused(
      messageProblem(
        'INVALID_MESSAGE_COUNT',
        `A file carries 1 to ${messagesPerExchangeMax} messages, not ${messages.length}.`,
        'Exchange',
      ),
    );
  }
  const problems = [];
  const found: IncomingMessage[] = [];
  const seen = new Set<string>();
  for (const [index, message] of messages.entries()) {
    const path = `Exchange/Message[${index + 1}]`;
    const messageId = message.attributes['id'] ?? '';
    const document = message.first('Document');
    const type = document === undefined ? undefined : messageTypeOf(document);
    if (messageId === '' || messageId.length > 64)
      problems.push(messageProblem('INVALID_MESSAGE_ID', 'A message needs an id of 1 to 64 characters.', path));
    else if (seen.has(messageId))
      problems.push(messageProblem('DUPLICATE_MESSAGE_ID', `${messageId} stands twice in the file.`, path));
    seen.add(messageId);
    if (document === undefined || type === undefined)
      problems.push(messageProblem('NOT_ISO_20022', 'A message holds one Document of ISO 20022.', path));
    else if (message.attributes['type'] !== undefined && message.attributes['type'] !== type) {
      problems.push(
        messageProblem(
          'TYPE_MISMATCH',
          `The Document is a ${type}, its message says ${message.attributes['type']}.`,
          path,
        ),
      );
    } else found.push({ messageId, type, document });
  }
  return problems.length === 0 ? accepted(found) : refused(problems);
}
