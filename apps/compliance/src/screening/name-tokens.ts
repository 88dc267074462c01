import { commonWords, legalForms, particles } from './name-words.js';

/**
 * A name made comparable: case, accents, punctuation, script and legal form taken away. What is left
 * are tokens, each with a weight that says how much it tells about who is meant.
 */
export interface NameToken {
  readonly text: string;
  /** The spelling with the usual variants of romanisation folded together: `aleksandr` and `alexander` differ in one letter. */
  readonly folded: string;
  /** Its consonants as they sound. */
  readonly sound: string;
  readonly hasDigit: boolean;
  /** Hundredths: 100 tells who is meant, 50 is a word that many companies have, 30 a particle or an initial. */
  readonly weight: number;
}

export interface NormalisedName {
  readonly tokens: readonly NameToken[];
  /** All tokens without spaces, for names that were split or glued together. */
  readonly joined: string;
}

/** Latin letters that do not decompose, and the other alphabets that are read letter by letter (BGN/PCGN, ELOT 743). */
const letters: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ı: 'i',
  ħ: 'h',
  ŋ: 'n',
  ə: 'a',
  а: 'a',
  б: 'b',
  в: 'v',
  г: 'g',
  ґ: 'g',
  д: 'd',
  е: 'e',
  ё: 'e',
  є: 'ye',
  ж: 'zh',
  з: 'z',
  и: 'i',
  і: 'i',
  ї: 'yi',
  й: 'y',
  к: 'k',
  л: 'l',
  м: 'm',
  н: 'n',
  о: 'o',
  п: 'p',
  р: 'r',
  с: 's',
  т: 't',
  у: 'u',
  ў: 'u',
  ф: 'f',
  х: 'kh',
  ц: 'ts',
  ч: 'ch',
  ш: 'sh',
  щ: 'shch',
  ъ: '',
  ы: 'y',
  ь: '',
  э: 'e',
  ю: 'yu',
  я: 'ya',
  ђ: 'dj',
  ј: 'j',
  љ: 'lj',
  њ: 'nj',
  ћ: 'c',
  џ: 'dz',
  α: 'a',
  β: 'v',
  γ: 'g',
  δ: 'd',
  ε: 'e',
  ζ: 'z',
  η: 'i',
  θ: 'th',
  ι: 'i',
  κ: 'k',
  λ: 'l',
  μ: 'm',
  ν: 'n',
  ξ: 'x',
  ο: 'o',
  π: 'p',
  ρ: 'r',
  σ: 's',
  ς: 's',
  τ: 't',
  υ: 'y',
  φ: 'f',
  χ: 'ch',
  ψ: 'ps',
  ω: 'o',
};

const legalFormSet = new Set(legalForms);
const commonWordSet = new Set(commonWords);
const particleSet = new Set(particles);

const combining = /\p{M}+/gu;
const glued = /[.'’‘`´ʻʼ"“”]/gu;
const separators = /[^\p{L}\p{N}]+/gu;

function transliterate(text: string): string {
  let out = '';
  for (const letter of text) out += letters[letter] ?? letter;
  return out;
}

/** Lower case, without accents, in Latin letters where the script is read letter by letter. */
export function plainText(name: string): string {
  // Й and ё decompose to a letter and a mark: they are looked up before the marks go.
  const composed = transliterate(name.normalize('NFKC').toLowerCase());
  return transliterate(composed.normalize('NFKD').replace(combining, ''))
    .replace(glued, '')
    .replace(separators, ' ')
    .trim();
}

const folds: readonly [RegExp, string][] = [
  [/ph/g, 'f'],
  [/x/g, 'ks'],
  [/shch|sch/g, 'sh'],
  [/ck|q|kh|c(?=[^hiey]|$)/g, 'k'],
  [/gh/g, 'g'],
  [/dj|dzh/g, 'j'],
  [/tz/g, 'ts'],
  [/w/g, 'v'],
  [/(?<=[bcdfghjklmnpqrstvxz])y(?=[aou])|iy$|yi|ij$|ii|y/g, 'i'],
  [/ou|oo/g, 'u'],
  [/oe/g, 'o'],
  [/ae/g, 'a'],
  [/ee/g, 'i'],
  [/ue/g, 'u'],
  [/(.)\1+/g, '$1'],
];

/** Folds the usual variants of romanisation; two spellings of one name become equal or differ in a letter. */
export function fold(token: string): string {
  if (token.length < 3) return token;
  let folded = token;
  for (const [pattern, replacement] of folds) folded = folded.replace(pattern, replacement);
  return folded;
}

/** Consonants as they sound: Mohammed, Muhamad and Mohamet share one. */
export function skeleton(token: string): string {
  return token
    .replace(/(?<=.)h(?=.)|[aeiouy]/g, '')
    .replace(/d/g, 't')
    .replace(/b/g, 'v')
    .replace(/z|j|ts/g, 's')
    .replace(/g/g, 'k')
    .replace(/(.)\1+/g, '$1');
}

function tokenOf(text: string): NameToken {
  const folded = fold(text);
  return { text, folded, sound: skeleton(folded), hasDigit: /\d/.test(text), weight: weightOf(text) };
}

function weightOf(token: string): number {
  if (token.length === 1 || particleSet.has(token)) return 30;
  return commonWordSet.has(token) ? 50 : 100;
}

export function normaliseName(name: string): NormalisedName {
  const words = plainText(name)
    .split(' ')
    .filter((word) => word !== '');
  const telling = words.filter((word) => !legalFormSet.has(word));
  // A name made of legal forms only ("Company Ltd") keeps them: it must not match everything.
  const kept = telling.length > 0 ? telling : words;
  return { tokens: kept.map(tokenOf), joined: kept.join('') };
}
