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

/** Legal forms and titles: they say what somebody is, not who. */
export const legalForms: readonly string[] = [
  'ab',
  'ag',
  'aktiengesellschaft',
  'as',
  'asa',
  'bv',
  'bvba',
  'cia',
  'co',
  'company',
  'corp',
  'corporation',
  'dba',
  'doo',
  'eood',
  'eg',
  'ev',
  'fze',
  'fzco',
  'fzc',
  'fzllc',
  'gbr',
  'gesellschaft',
  'gmbh',
  'inc',
  'incorporated',
  'jsc',
  'kft',
  'kg',
  'kgaa',
  'kk',
  'lda',
  'limited',
  'limitada',
  'llc',
  'llp',
  'lp',
  'ltd',
  'ltda',
  'mbh',
  'nv',
  'oao',
  'ohg',
  'ojsc',
  'ood',
  'ooo',
  'oy',
  'oyj',
  'pao',
  'pjsc',
  'plc',
  'pt',
  'pte',
  'pty',
  'pvt',
  'private',
  'public',
  'sa',
  'sab',
  'sal',
  'sarl',
  'sas',
  'sdn',
  'bhd',
  'se',
  'sl',
  'slu',
  'sociedad',
  'anonima',
  'societe',
  'anonyme',
  'spa',
  'srl',
  'sro',
  'sti',
  'zao',
  'zrt',
  'joint',
  'stock',
  'the',
  'and',
  'und',
  'et',
  'mr',
  'mrs',
  'ms',
  'miss',
  'dr',
  'prof',
  'sir',
  'sheikh',
  'shaykh',
  'haji',
  'hajji',
  'mullah',
  'mawlawi',
  'colonel',
  'oo',
  'sp',
];

/** Words that many companies have: alone they name nobody. */
export const commonWords: readonly string[] = [
  'agency',
  'air',
  'airlines',
  'bank',
  'banco',
  'banque',
  'brothers',
  'business',
  'capital',
  'cargo',
  'center',
  'centre',
  'chemical',
  'chemicals',
  'commerce',
  'commercial',
  'commodities',
  'construction',
  'consulting',
  'credit',
  'development',
  'distribution',
  'east',
  'electronics',
  'energy',
  'engineering',
  'enterprise',
  'enterprises',
  'equipment',
  'establishment',
  'europe',
  'european',
  'exchange',
  'export',
  'factory',
  'finance',
  'financial',
  'first',
  'food',
  'foods',
  'foundation',
  'freight',
  'fund',
  'fuel',
  'gas',
  'general',
  'global',
  'gold',
  'group',
  'holding',
  'holdings',
  'house',
  'import',
  'industrial',
  'industries',
  'industry',
  'institute',
  'insurance',
  'international',
  'intl',
  'invest',
  'investment',
  'investments',
  'lines',
  'logistics',
  'management',
  'marine',
  'maritime',
  'market',
  'markets',
  'metal',
  'metals',
  'mining',
  'national',
  'navigation',
  'new',
  'north',
  'ocean',
  'office',
  'oil',
  'organization',
  'overseas',
  'partners',
  'petrochemical',
  'petroleum',
  'power',
  'products',
  'project',
  'projects',
  'real',
  'estate',
  'resources',
  'sea',
  'securities',
  'security',
  'service',
  'services',
  'shipping',
  'society',
  'solutions',
  'south',
  'star',
  'steel',
  'supply',
  'system',
  'systems',
  'tech',
  'technical',
  'technologies',
  'technology',
  'telecom',
  'textile',
  'trade',
  'trading',
  'transport',
  'transportation',
  'travel',
  'trust',
  'union',
  'united',
  'universal',
  'university',
  'ventures',
  'west',
  'western',
  'eastern',
  'northern',
  'southern',
  'world',
  'worldwide',
  'handel',
  'handels',
  'comercial',
  'comercio',
  'internacional',
  'inversiones',
  'servicios',
  'empresa',
  'compania',
  'grupo',
  'torgovy',
  'dom',
];

/** Particles of names of persons; a single letter weighs the same. */
export const particles: readonly string[] = [
  'al',
  'el',
  'ul',
  'ad',
  'ar',
  'as',
  'ash',
  'at',
  'an',
  'abu',
  'abd',
  'bin',
  'ben',
  'ibn',
  'bint',
  'da',
  'das',
  'de',
  'del',
  'della',
  'den',
  'der',
  'di',
  'do',
  'dos',
  'du',
  'la',
  'le',
  'les',
  'los',
  'of',
  'for',
  'in',
  'on',
  'e',
  'y',
  'i',
  'van',
  'vom',
  'von',
  'zu',
  'zum',
  'zur',
  'jr',
  'sr',
  'ii',
  'iii',
];

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
