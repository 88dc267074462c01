import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { NameIndex } from './name-index.js';
import { compareNames, configurationHash, editDistance, isHit, matchingConfiguration } from './name-matching.js';
import { plainText } from './name-tokens.js';

const isNameHit = (query: string, list: string) => isHit(compareNames(query, list));

describe('names that are held', () => {
  it.each([
    ['as listed', 'Arkady Volkonin', 'VOLKONIN, Arkady'],
    ['another case and order', 'VOLKONIN ARKADY', 'Volkonin, Arkady'],
    ['accents', 'José Ramón Ibáñez', 'IBANEZ, Jose Ramon'],
    ['an umlaut written as two letters', 'Juergen Mueller-Kastner', 'Jürgen Müller-Kastner'],
    ['letters that do not decompose', 'Soren Ostergaard', 'Søren Østergaard'],
    ['Cyrillic', 'Аркадий Волконин', 'VOLKONIN, Arkadiy'],
    ['Cyrillic romanised another way', 'Александр Лукашенко', 'LUKASHENKA, Alexander'],
    ['Greek', 'Γιώργος Παπαδόπουλος', 'PAPADOPOULOS, Giorgos'],
    ['a romanisation of Mohammed', 'Muhamad al-Zawahiri', 'ZAWAHIRI, Mohammed al-'],
    ['x and ks', 'Aleksandr Petrenko', 'PETRENKO, Alexandr'],
    ['one letter wrong', 'Arkady Volkonim', 'VOLKONIN, Arkady'],
    ['one letter missing', 'Arkdy Volkonin', 'VOLKONIN, Arkady'],
    ['one letter too many', 'Arkady Volkoniin', 'VOLKONIN, Arkady'],
    ['two letters swapped', 'Arkady Vlokonin', 'VOLKONIN, Arkady'],
    ['a patronymic more on the list', 'Vladimir Putin', 'PUTIN, Vladimir Vladimirovich'],
    ['another legal form', 'Zarya Maritime Trading LLC', 'Zarya Maritime Trading, OOO'],
    ['no legal form', 'Zarya Maritime Trading', 'ZARYA MARITIME TRADING CO., LTD.'],
    ['dots in the legal form', 'CIMEX S.A.', 'CIMEX, SA'],
    ['a common word more', 'Zarya Shipping', 'Zarya Shipping Group Ltd'],
    ['a hyphen or none', 'Aero-Caribbean', 'AEROCARIBBEAN'],
    ['glued', 'Bank Melli', 'BANKMELLI'],
    ['an apostrophe', "Sean O'Brannagh", 'OBRANNAGH, Sean'],
    ['a typo in a company name', 'Zaryaa Maritime Trading', 'Zarya Maritime Trading LLC'],
  ])('%s: %s / %s', (_, query, list) => {
    expect(isNameHit(query, list)).toBe(true);
  });
});

describe('near names that are not held', () => {
  it.each([
    ['a shared surname', 'Milan Volkonin', 'VOLKONIN, Arkady'],
    ['a shared given name', 'Arkady Sommer', 'VOLKONIN, Arkady'],
    ['a surname alone', 'Volkonin', 'VOLKONIN, Arkady'],
    ['a surname in a company', 'Volkonin Bakery GmbH', 'VOLKONIN, Arkady'],
    ['shared company words', 'Baltic Maritime Trading LLC', 'Zarya Maritime Trading LLC'],
    ['only another first word', 'Northern Star Shipping Services', 'Southern Star Shipping Services'],
    ['only common words', 'International Trading Company', 'International Trading Group Services'],
    ['another last word', 'Zarya Bank', 'Zarya Shipping'],
    ['another middle name of three', 'Ana Lucia Moreno', 'MORENO, Ana Teresa'],
    ['a number that differs', 'Unit 4471 Holdings', 'Unit 4472 Holdings'],
    ['digits of a company', 'Belletech Corp', '11420 CORP.'],
    ['short names that differ in a letter', 'Jon Lee', 'JIN LEE'],
    ['a legal form alone', 'Company Ltd', 'CIMEX Ltd'],
    ['George Bush', 'George Bush', 'HABBASH, George'],
  ])('%s: %s / %s', (_, query, list) => {
    expect(isNameHit(query, list)).toBe(false);
  });
});

it('explains which tokens matched, with whole numbers only', () => {
  expect(compareNames('Arkady P. Volkonim', 'VOLKONIN, Arkady')).toEqual({
    score: 9036,
    explanation: {
      rule: 'TOKENS',
      matched: [
        { query: 'arkady', list: 'arkady', similarity: 10_000 },
        { query: 'volkonim', list: 'volkonin', similarity: 8750 },
      ],
      queryOnly: ['p'],
      listOnly: [],
    },
  });
});

it('names its configuration by a hash that changes with any part of it', () => {
  expect(configurationHash).toMatch(/^[0-9a-f]{64}$/);
  expect(matchingConfiguration.thresholdBasisPoints).toBe(8500);
});

describe('edit distance', () => {
  it.each([
    ['same', 'same', 0],
    ['volkonin', 'volkonim', 1],
    ['volkonin', 'vlokonin', 1],
    ['volkonin', 'volknin', 1],
    ['kitten', 'sitting', 3],
  ])('%s to %s is %i', (left, right, edits) => {
    expect(editDistance(left, right, 3)).toBe(edits);
  });
});

const syllable = fc.constantFrom('ra', 'ko', 'mel', 'vin', 'tas', 'dor', 'shi', 'ben', 'gu', 'lar', 'nok', 'pes');
const word = fc.array(syllable, { minLength: 2, maxLength: 4 }).map((parts) => parts.join(''));
const name = fc.uniqueArray(word, { minLength: 2, maxLength: 4 });
const accents = ['\u0301', '\u0300', '\u0302', '\u0308', '\u0303'];

describe('whatever the name', () => {
  it('accents, case and order keep it a hit with the full score', () => {
    fc.assert(
      fc.property(name, fc.array(fc.nat(4), { minLength: 30, maxLength: 30 }), fc.nat(3), (words, marks, turn) => {
        const written = [...words.slice(turn % words.length), ...words.slice(0, turn % words.length)].join(' ');
        const marked = Array.from(written, (letter, at) =>
          letter === ' ' ? letter : letter + (accents[marks[at % 30]!] ?? ''),
        ).join('');
        expect(compareNames(marked.toUpperCase(), words.join(' ')).score).toBe(10_000);
      }),
      { seed: 11, numRuns: 200 },
    );
  });

  it('one typo in a longer word keeps it a hit, and the index finds it', () => {
    const index = (list: string) => new NameIndex([{ entryVersionId: 'e1', name: list, isAlias: false }]);
    fc.assert(
      fc.property(name, fc.nat(3), fc.nat(20), fc.constantFrom('q', 'z', 'f'), (words, which, at, letter) => {
        const at0 = which % words.length;
        const word = words[at0]!;
        if (word.length < 5) return;
        const place = at % word.length;
        const typo = word.slice(0, place) + letter + word.slice(place + 1);
        const written = words.map((w, n) => (n === at0 ? typo : w)).join(' ');
        expect(isNameHit(written, words.join(' '))).toBe(true);
        expect(index(words.join(' ')).search(written).hits).toHaveLength(1);
      }),
      { seed: 12, numRuns: 300 },
    );
  });

  it('plain text is plain again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(plainText(plainText(text))).toBe(plainText(text));
      }),
      { seed: 13 },
    );
  });
});

describe('index', () => {
  const index = new NameIndex([
    { entryVersionId: 'e1', name: 'VOLKONIN, Arkady', isAlias: false },
    { entryVersionId: 'e1', name: 'VOLKONEN, Arkadiy', isAlias: true },
    { entryVersionId: 'e2', name: 'Zarya Maritime Trading LLC', isAlias: false },
    { entryVersionId: 'e2', name: 'Morning Glow Navigation', isAlias: true },
    { entryVersionId: 'e3', name: 'Ltd', isAlias: false },
  ]);

  it('gives one hit per entry, by its best name', () => {
    const { hits } = index.search('Arkady Volkonin');
    expect(hits.map((hit) => [hit.listed.name, hit.score])).toEqual([['VOLKONIN, Arkady', 10_000]]);
  });

  it('finds by an alias', () => {
    expect(index.search('Morning Glow Navigation GmbH').hits[0]?.listed).toMatchObject({
      entryVersionId: 'e2',
      isAlias: true,
    });
  });

  it('finds nothing for a clean name, without comparing all', () => {
    expect(index.search('Anna Becker')).toEqual({ hits: [], candidateCount: 0 });
    expect(index.search('')).toEqual({ hits: [], candidateCount: 0 });
  });
});
