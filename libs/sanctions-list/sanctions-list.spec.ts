import { describe, expect, it } from '@jest/globals';
import { entryContentHash, listDelta, readOfacSdn, readRemarks, UnreadableList } from './index.js';

const none = '-0- ';
const entity = (id: number, name: string, remarks = none) =>
  `${id},"${name}",${none},"CUBA",${Array(7).fill(none).join(',')},${remarks === none ? none : `"${remarks}"`}`;
const file = (...lines: string[]) => `${lines.join('\r\n')}\r\n\u001a`;

describe('reading the OFAC files', () => {
  it('reads nulls, programs, vessels and the end-of-file mark', () => {
    const entries = readOfacSdn(
      file(
        entity(36, 'AEROCARIBBEAN AIRLINES'),
        `2676,"AL ZAWAHIRI, Dr. Ayman","individual","SDGT] [IFSR","Leader",${Array(6).fill(none).join(',')},"DOB 19 Jun 1951."`,
        `15036,"ARTAVIL","vessel","IRAN","-0- ","5IM316","Crude Oil Tanker","159681","81479","Malta",${none},"Vessel Registration Identification IMO 9187629."`,
      ),
    );
    expect(entries.map(({ kind, programs }) => [kind, ...programs])).toEqual([
      ['ENTITY', 'CUBA'],
      ['INDIVIDUAL', 'SDGT', 'IFSR'],
      ['VESSEL', 'IRAN'],
    ]);
    expect(entries[0]).toMatchObject({
      entryId: '36',
      name: 'AEROCARIBBEAN AIRLINES',
      title: null,
      vessel: null,
      remarks: null,
    });
    expect(entries[2]?.vessel).toEqual({
      callSign: '5IM316',
      vesselType: 'Crude Oil Tanker',
      tonnage: '159681',
      grossRegisteredTonnage: '81479',
      flag: 'Malta',
      owner: null,
    });
  });

  it('joins aliases and addresses in the order of their ids', () => {
    const [entry] = readOfacSdn(file(entity(306, 'BANCO NACIONAL DE CUBA')), {
      aliases: file(`306,1220,"aka","BNC",${none}`, `306,220,"fka","NATIONAL BANK OF CUBA",${none}`),
      addresses: file(`306,199,"Zweierstrasse 35","Zurich CH-8022","Switzerland",${none}`),
    });
    expect(entry?.aliases.map(({ kind, name }) => `${kind} ${name}`)).toEqual(['FKA NATIONAL BANK OF CUBA', 'AKA BNC']);
    expect(entry?.addresses).toEqual([
      { addressId: '199', street: 'Zweierstrasse 35', place: 'Zurich CH-8022', country: 'Switzerland', remarks: null },
    ]);
  });

  it.each([
    ['an empty file', file(), {}, 'LIST_EMPTY'],
    ['a cut line', '36,"AEROCARIBBEAN', {}, 'LIST_UNREADABLE'],
    ['a missing column', '36,"A",-0- ', {}, 'LIST_UNREADABLE'],
    ['the same entry twice', file(entity(36, 'A'), entity(36, 'B')), {}, 'LIST_UNREADABLE'],
    ['aliases of another version', file(entity(36, 'A')), { aliases: `37,1,"aka","B",${none}` }, 'LIST_FILES_DIFFER'],
  ])('refuses %s as a whole', (_what, csv, companions, code) => {
    let thrown: unknown;
    try {
      readOfacSdn(csv, companions);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(UnreadableList);
    expect((thrown as UnreadableList).problem.code).toBe(code);
  });
});

describe('remarks', () => {
  it('finds dates and places of birth, nationalities, documents and weak aliases', () => {
    expect(
      readRemarks(
        "DOB 19 Jun 1951; alt. DOB 1952; POB Giza, Egypt; nationality Egypt; citizen Qatar; Gender Male; Passport 1084010 (Egypt); alt. Passport 19820215; a.k.a. 'ABU X'; Linked To: Y.",
      ),
    ).toEqual({
      birthDates: ['19 Jun 1951', '1952'],
      birthPlaces: ['Giza, Egypt'],
      nationalities: ['Egypt', 'Qatar'],
      gender: 'Male',
      weakAliases: ['ABU X'],
      documents: [
        { kind: 'Passport', number: '1084010', country: 'Egypt' },
        { kind: 'Passport', number: '19820215', country: null },
      ],
    });
    expect(readRemarks(null).birthDates).toEqual([]);
  });
});

describe('the delta of two versions', () => {
  const before = readOfacSdn(file(entity(1, 'ONE'), entity(2, 'TWO'), entity(3, 'THREE')));
  const after = readOfacSdn(file(entity(3, 'THREE'), entity(2, 'TWO', 'DOB 1951.'), entity(4, 'FOUR')));

  it('names what was added, deleted and modified, and ignores the order', () => {
    const delta = listDelta(before, after);
    expect(delta.added.map(({ entryId }) => entryId)).toEqual(['4']);
    expect(delta.deleted.map(({ entryId }) => entryId)).toEqual(['1']);
    expect(delta.modified.map(({ after: entry, changedFields }) => [entry.entryId, ...changedFields])).toEqual([
      ['2', 'remarks'],
    ]);
    expect(listDelta(after, [...after].reverse())).toEqual({ added: [], deleted: [], modified: [] });
  });

  it('hashes the content of an entry, not its place', () => {
    const [, , three] = before;
    expect(entryContentHash(three!)).toBe(entryContentHash(after[0]!));
    expect(entryContentHash(three!)).not.toBe(entryContentHash(after[1]!));
  });
});
