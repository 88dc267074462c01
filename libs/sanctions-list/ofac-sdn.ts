import { parse } from 'csv-parse/sync';
import { problem, type Problem } from '#libs/kernel/index.js';
import { type AliasKind, type ListAddress, type ListAlias, type ListEntry, type ListEntryKind } from './list-entry.js';

/**
 * Reads the files that the U.S. Treasury's Office of Foreign Assets Control publishes for its lists: SDN.CSV, ALT.CSV
 * and ADD.CSV, and CONS_PRIM, CONS_ALT, CONS_ADD of the consolidated list, which have the same columns
 * ("Data Specification for the Specially Designated Nationals List", ofac.treasury.gov). No header line, `-0-` is null,
 * and an end-of-file mark 0x1A closes the file.
 */
export interface OfacCompanionFiles {
  /** ALT.CSV: entry, alias id, aka | fka | nka, name, remarks. */
  readonly aliases?: string;
  /** ADD.CSV: entry, address id, street, place, country, remarks. */
  readonly addresses?: string;
}

/** The file is not a list in the published form. Nothing of it is used: half a list would clear whom it should stop. */
export class UnreadableList extends Error {
  constructor(readonly problem: Problem) {
    super(problem.message);
    this.name = 'UnreadableList';
  }
}

/** Throws UnreadableList. */
export function readOfacSdn(csv: string, companions: OfacCompanionFiles = {}): ListEntry[] {
  const aliases = groupByEntry(
    records(companions.aliases ?? '', 'aliases', 5),
    ([entryId, aliasId, kind, name, remarks], line): [string, ListAlias] => [
      required(entryId, 'aliases', line, 'the entry'),
      {
        aliasId: required(aliasId, 'aliases', line, 'the alias id'),
        kind: aliasKind(kind, line),
        name: required(name, 'aliases', line, 'the name'),
        remarks: remarks ?? null,
      },
    ],
    (alias) => alias.aliasId,
  );
  const addresses = groupByEntry(
    records(companions.addresses ?? '', 'addresses', 6),
    ([entryId, addressId, street, place, country, remarks], line): [string, ListAddress] => [
      required(entryId, 'addresses', line, 'the entry'),
      {
        addressId: required(addressId, 'addresses', line, 'the address id'),
        street: street ?? null,
        place: place ?? null,
        country: country ?? null,
        remarks: remarks ?? null,
      },
    ],
    (address) => address.addressId,
  );

  const seen = new Set<string>();
  const entries = records(csv, 'entries', 12).map((fields, index): ListEntry => {
    const line = index + 1;
    const [
      id,
      name,
      type,
      programs,
      title,
      callSign,
      vesselType,
      tonnage,
      grossRegisteredTonnage,
      flag,
      owner,
      remarks,
    ] = fields;
    const entryId = required(id, 'entries', line, 'the entry');
    if (!/^\d+$/.test(entryId)) throw unreadable('entries', line, `"${entryId}" is no entry number`);
    if (seen.has(entryId)) throw unreadable('entries', line, `entry ${entryId} stands in the file twice`);
    seen.add(entryId);
    const vessel = {
      callSign: callSign ?? null,
      vesselType: vesselType ?? null,
      tonnage: tonnage ?? null,
      grossRegisteredTonnage: grossRegisteredTonnage ?? null,
      flag: flag ?? null,
      owner: owner ?? null,
    };
    return {
      entryId,
      kind: entryKind(type, line),
      name: required(name, 'entries', line, 'the name'),
      programs: programsOf(programs ?? ''),
      title: title ?? null,
      vessel: Object.values(vessel).some((detail) => detail !== null) ? vessel : null,
      remarks: remarks ?? null,
      aliases: aliases.get(entryId) ?? [],
      addresses: addresses.get(entryId) ?? [],
    };
  });
  if (entries.length === 0) throw new UnreadableList(problem('LIST_EMPTY', 'The list has no entry'));
  const stray = [...aliases.keys(), ...addresses.keys()].find((entryId) => !seen.has(entryId));
  if (stray !== undefined) {
    throw new UnreadableList(
      problem(
        'LIST_FILES_DIFFER',
        `Entry ${stray} has aliases or addresses but does not stand in the list: the files are of different versions`,
      ),
    );
  }
  return entries;
}

const endOfFileMark = '\u001a';

type Fields = readonly (string | undefined)[];
type FileName = 'entries' | 'aliases' | 'addresses';

function records(csv: string, file: FileName, columns: number): Fields[] {
  const body = csv.trimEnd();
  const text = body.endsWith(endOfFileMark) ? body.slice(0, -1) : body;
  let rows: string[][];
  try {
    rows = parse(text, { bom: true, trim: true, relaxQuotes: true, skipEmptyLines: true, relaxColumnCount: true });
  } catch (error) {
    throw new UnreadableList(
      problem(
        'LIST_UNREADABLE',
        `The ${file} file is no CSV: ${error instanceof Error ? error.message : String(error)}`,
      ),
    );
  }
  return rows.map((row, index) => {
    if (row.length !== columns) throw unreadable(file, index + 1, `has ${row.length} columns, not ${columns}`);
    return row.map((value) => (value === '-0-' || value === '' ? undefined : value));
  });
}

function groupByEntry<T>(
  rows: Fields[],
  read: (fields: Fields, line: number) => [string, T],
  idOf: (one: T) => string,
): ReadonlyMap<string, T[]> {
  const groups = new Map<string, T[]>();
  rows.forEach((fields, index) => {
    const [entryId, one] = read(fields, index + 1);
    const group = groups.get(entryId);
    if (group) group.push(one);
    else groups.set(entryId, [one]);
  });
  for (const group of groups.values()) group.sort((a, b) => Number(BigInt(idOf(a)) - BigInt(idOf(b))));
  return groups;
}

/** `SDGT] [IFSR` is two programs: the file writes the brackets only between them. */
const programsOf = (text: string): string[] =>
  text
    .split(/\]\s*\[/)
    .map((program) => program.replace(/^\[|\]$/g, '').trim())
    .filter((program) => program !== '');

function entryKind(type: string | undefined, line: number): ListEntryKind {
  switch (type?.toLowerCase()) {
    case undefined:
    case 'entity':
      return 'ENTITY';
    case 'individual':
      return 'INDIVIDUAL';
    case 'vessel':
      return 'VESSEL';
    case 'aircraft':
      return 'AIRCRAFT';
    default:
      throw unreadable('entries', line, `"${type ?? ''}" is no kind of entry`);
  }
}

function aliasKind(kind: string | undefined, line: number): AliasKind {
  const text = kind?.toUpperCase().replaceAll('.', '');
  if (text === 'AKA' || text === 'FKA' || text === 'NKA') return text;
  throw unreadable('aliases', line, `"${kind ?? ''}" is no kind of alias`);
}

function required(value: string | undefined, file: FileName, line: number, what: string): string {
  if (value === undefined) throw unreadable(file, line, `${what} is missing`);
  return value;
}

const unreadable = (file: FileName, line: number, fault: string) =>
  new UnreadableList(problem('LIST_UNREADABLE', `The ${file} file, record ${line}: ${fault}`, [file, line]));
