import { stringify } from 'csv-stringify/sync';
import { type ListedName } from './names.js';

/** The three files of OFAC's published list: no header, `-0- ` for an empty field. */
export interface SanctionsFiles {
  primary: string;
  alternateNames: string;
  addresses: string;
}

const empty = '-0- ';

export function sanctionsFiles(list: readonly ListedName[]): SanctionsFiles {
  const primary = list.map(({ number, name, kind }) => [
    String(number),
    name,
    kind === 'individual' ? 'individual' : empty,
    'SAMPLE',
    empty,
    empty,
    empty,
    empty,
    empty,
    empty,
    empty,
    empty,
  ]);
  let alternate = 0;
  const alternates = list.flatMap(({ number, aliases }) =>
    aliases.map((alias) => [String(number), String(number * 10 + (alternate += 1)), 'aka', alias, empty]),
  );
  const addresses = list.map(({ number, country }) => [String(number), String(number), empty, empty, country, empty]);
  const write = (rows: string[][]) => stringify(rows, { quoted_match: /[A-Za-z]/ });
  return { primary: write(primary), alternateNames: write(alternates), addresses: write(addresses) };
}
