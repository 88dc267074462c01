import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { readStatementMessage } from '#libs/iso20022/index.js';
import { type Problem, sha256Hex } from '#libs/kernel/index.js';
import { readOfacSdn, UnreadableList } from '#libs/sanctions-list/index.js';
import { readCsv } from '../../apps/settlement/src/files/file.js';
import { tradeColumns } from '../../apps/settlement/src/trades/trade-line.js';
import { ArgumentError } from './arguments.js';

/** A file of the caller, read before anything is started: what happens to it afterwards changes nothing. */
export interface OwnFile {
  /** Under which the services know it. */
  name: string;
  content: string;
  /** Makes the key of handing it in: another file is another request, the same one again is not. */
  hash: string;
}

export type OwnFileKind = 'trades' | 'statement' | 'sanctions';
export type OwnFiles = Partial<Record<OwnFileKind, OwnFile>>;

const kinds: readonly OwnFileKind[] = ['trades', 'statement', 'sanctions'];

/** What the gateway takes in one request, less its frame. */
const escapedBytesMax = 31 * 1024 * 1024;
const toldMax = 5;

/** What each file must be, for whoever brought something else. */
const wanted: Readonly<Record<OwnFileKind, string>> = {
  trades: `Needed is a CSV file in UTF-8 with a header line that names these columns, and a line for each trade: ${tradeColumns.join(',')}`,
  statement:
    'Needed is a bank statement as the banks send it: XML with a Document of the kind camt.053, of an account of the sample institution',
  sanctions:
    'Needed is a list as OFAC publishes it (SDN.CSV): twelve columns without a header line, the first a number, the second a name',
};

/** Reads the files that the command line names; throws an ArgumentError with every fault of every file. */
export function readOwnFiles(paths: Readonly<Partial<Record<OwnFileKind, string | undefined>>>): OwnFiles {
  const faults: string[] = [];
  const read: OwnFiles = {};
  for (const kind of kinds) {
    const path = paths[kind];
    if (path === undefined) continue;
    const bytes = bytesOf(path);
    const found = typeof bytes === 'string' ? [bytes] : faultsIn(kind, bytes);
    if (found.length > 0 || typeof bytes === 'string') {
      const more = found.length > toldMax ? [`and ${found.length - toldMax} more`] : [];
      faults.push(`--${kind}: ${path} cannot be used: ${[...found.slice(0, toldMax), ...more].join('; ')}.`);
      if (typeof bytes !== 'string') faults.push(`  ${wanted[kind]}.`);
      continue;
    }
    read[kind] = { name: nameOf(kind, path), content: bytes.toString('utf8'), hash: sha256Hex(bytes).slice(0, 16) };
  }
  if (faults.length > 0) throw new ArgumentError(`${faults.join('\n')}\nNothing was started.`);
  return read;
}

/** The bytes, or why there are none. */
function bytesOf(path: string): Buffer | string {
  try {
    return readFileSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EACCES' || code === 'EPERM') return 'this user may not read it';
    if (code === 'ENOENT') return 'it is not there any more';
    return error instanceof Error ? error.message : String(error);
  }
}

/** The same readers that the services use; what they would refuse as a whole is refused here. */
function faultsIn(kind: OwnFileKind, bytes: Buffer): string[] {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return ['it is not UTF-8 text'];
  }
  // GraphQL carries it as a JSON string, and Postgres keeps no NUL in a text.
  const escapedBytes = Buffer.byteLength(JSON.stringify(text));
  if (escapedBytes > escapedBytesMax)
    return [`it has ${escapedBytes} bytes as JSON, at most ${escapedBytesMax} are taken at once; split it`];
  switch (kind) {
    case 'trades': {
      const csv = readCsv(bytes, tradeColumns);
      if (!csv.lines) return csv.problems.map(told);
      return csv.lines.length === 0 ? ['it has a header line and no trade'] : [];
    }
    case 'statement': {
      const message = readStatementMessage(bytes);
      if (!message.ok) return message.problems.map(told);
      return message.value.type.startsWith('camt.053') ? [] : [`it is a ${message.value.type}, no statement of a day`];
    }
    case 'sanctions':
      try {
        readOfacSdn(text);
        return [];
      } catch (error) {
        if (error instanceof UnreadableList) return [told(error.problem)];
        throw error;
      }
  }
}

function told({ message, path }: Problem): string {
  const line = path.find((part): part is number => typeof part === 'number');
  const text = message.replace(/\.$/, '');
  return line === undefined || text.includes(`line ${line}`) ? text : `line ${line}: ${text}`;
}

/** Services take letters, digits and a few signs in a name. */
function nameOf(kind: OwnFileKind, path: string): string {
  return `own-${kind}-${basename(path).replace(/[^\w.-]+/g, '_')}`.slice(0, 100);
}
