import { canonicalJson, sha256Hex } from '#libs/kernel/index.js';
import { present } from '../present.js';
import { type NameToken, type NormalisedName, normaliseName } from './name-tokens.js';
import { commonWords, legalForms, particles } from './name-words.js';

/**
 * Compares two names and explains the result. All arithmetic is on whole numbers (basis points), so
 * that a stored screening replays to the same score on any machine, years later.
 */
export interface MatchingConfiguration {
  readonly algorithm: 'token-alignment-1';
  /** From this score on a name is a hit. */
  readonly thresholdBasisPoints: number;
  /** Two tokens less alike than this do not correspond. */
  readonly tokenFloorBasisPoints: number;
  /** What a part that only one name has costs, against one that both have and that differs. */
  readonly omissionPercent: number;
  readonly legalForms: readonly string[];
  readonly commonWords: readonly string[];
  readonly particles: readonly string[];
}

export const matchingConfiguration: MatchingConfiguration = {
  algorithm: 'token-alignment-1',
  thresholdBasisPoints: 8500,
  tokenFloorBasisPoints: 7400,
  omissionPercent: 25,
  legalForms,
  commonWords,
  particles,
};

export const configurationHash = sha256Hex(canonicalJson(matchingConfiguration));

export interface MatchedTokens {
  readonly query: string;
  readonly list: string;
  readonly similarity: number;
}

/** Why a score is what it is. */
export interface MatchExplanation {
  readonly rule: 'TOKENS' | 'JOINED';
  readonly matched: readonly MatchedTokens[];
  readonly queryOnly: readonly string[];
  readonly listOnly: readonly string[];
}

export interface NameScore {
  readonly score: number;
  readonly explanation: MatchExplanation;
}

/**
 * Edits (insert, delete, replace, swap of neighbours) between two words, or `limit + 1` when there are more:
 * the optimal string alignment distance.
 */
export function editDistance(left: string, right: string, limit: number): number {
  if (left === right) return 0;
  const width = right.length + 1;
  if (Math.abs(left.length - right.length) > limit || width > rowWidthMax) return limit + 1;
  let [before, row, next] = rows;
  for (let column = 0; column < width; column++) row[column] = column;
  for (let i = 1; i <= left.length; i++) {
    const letter = left.charCodeAt(i - 1);
    const letterBefore = i > 1 ? left.charCodeAt(i - 2) : -1;
    next[0] = i;
    let least = i;
    for (let j = 1; j < width; j++) {
      const other = right.charCodeAt(j - 1);
      let cost = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (letter === other ? 0 : 1));
      if (j > 1 && letterBefore === other && letter === right.charCodeAt(j - 2))
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      next[j] = cost;
      if (cost < least) least = cost;
    }
    if (least > limit) return limit + 1;
    [before, row, next] = [row, next, before];
  }
  return row[right.length] ?? limit + 1;
}

/** Nobody's name has a longer word; three rows are kept for all comparisons, which are many. */
const rowWidthMax = 256;
const rows: readonly [Uint16Array, Uint16Array, Uint16Array] = [
  new Uint16Array(rowWidthMax),
  new Uint16Array(rowWidthMax),
  new Uint16Array(rowWidthMax),
];

/** Edits a word of this length may have and still be the same word: short words none, long words two. */
export function editsAllowed(length: number): number {
  if (length < 4) return 0;
  return length < 9 ? 1 : 2;
}

function editSimilarity(left: string, right: string): number {
  const longer = Math.max(left.length, right.length);
  const limit = editsAllowed(longer);
  const edits = editDistance(left, right, limit);
  return edits > limit ? 0 : 10_000 - Math.ceil((edits * 10_000) / longer);
}

const foldedPenalty = 200;
const skeletonSimilarity = 8_600;

/** Two vowels may differ where all consonants agree. */
function soundsAlike(left: NameToken, right: NameToken): boolean {
  if (left.sound !== right.sound || left.folded[0] !== right.folded[0]) return false;
  return Math.min(left.folded.length, right.folded.length) >= 6 && editDistance(left.folded, right.folded, 2) <= 2;
}

/** How alike two tokens are, 0 to 10,000. */
export function tokenSimilarity(left: NameToken, right: NameToken): number {
  if (left.text === right.text) return 10_000;
  if (left.hasDigit || right.hasDigit) return 0;
  const similarity = Math.max(
    editSimilarity(left.text, right.text),
    editSimilarity(left.folded, right.folded) - foldedPenalty,
  );
  return similarity < skeletonSimilarity && soundsAlike(left, right) ? skeletonSimilarity : similarity;
}

interface Pair {
  readonly query: number;
  readonly list: number;
  readonly similarity: number;
  readonly value: number;
}

function alignTokens(query: readonly NameToken[], list: readonly NameToken[], floor: number): Pair[] {
  const pairs: Pair[] = [];
  query.forEach((left, q) => {
    list.forEach((right, l) => {
      const similarity = tokenSimilarity(left, right);
      if (similarity < floor) return;
      pairs.push({ query: q, list: l, similarity, value: similarity * Math.min(left.weight, right.weight) });
    });
  });
  pairs.sort((a, b) => b.value - a.value || a.query - b.query || a.list - b.list);
  const usedQuery = new Set<number>();
  const usedList = new Set<number>();
  return pairs.filter((pair) => {
    if (usedQuery.has(pair.query) || usedList.has(pair.list)) return false;
    usedQuery.add(pair.query);
    usedList.add(pair.list);
    return true;
  });
}

/**
 * matched ÷ (matched + contradicted + a share of omitted), on token weights: a part that differs
 * (Anna Petrova, Maria Petrova) counts in full, one that is missing (Vladimir Putin, Vladimir
 * Vladimirovich Putin) counts a quarter. Where only common words agree nothing is forgiven.
 */
export function scoreNames(
  query: NormalisedName,
  list: NormalisedName,
  configuration = matchingConfiguration,
): NameScore {
  const pairs = alignTokens(query.tokens, list.tokens, configuration.tokenFloorBasisPoints);
  let matched = 0;
  let left = query.tokens.reduce((sum, token) => sum + token.weight * 10_000, 0);
  let right = list.tokens.reduce((sum, token) => sum + token.weight * 10_000, 0);
  let isTelling = false;
  for (const pair of pairs) {
    const weight = Math.min(present(query.tokens[pair.query]).weight, present(list.tokens[pair.list]).weight);
    matched += weight * pair.similarity;
    left -= weight * pair.similarity;
    right -= weight * pair.similarity;
    isTelling ||= weight === 100;
  }
  const contradicted = Math.min(left, right);
  const omitted = Math.max(left, right) - contradicted;
  const omissionPercent = isTelling ? configuration.omissionPercent : 100;
  const whole = matched * 100 + contradicted * 100 + omitted * omissionPercent;
  const score = whole === 0 ? 0 : Math.floor((matched * 100 * 10_000) / whole);

  const joined = joinedScore(query, list);
  if (joined > score) {
    const words = {
      query: query.tokens.map(({ text }) => text).join(' '),
      list: list.tokens.map(({ text }) => text).join(' '),
    };
    return {
      score: joined,
      explanation: { rule: 'JOINED', matched: [{ ...words, similarity: joined }], queryOnly: [], listOnly: [] },
    };
  }
  const inQuery = new Set(pairs.map((pair) => pair.query));
  const inList = new Set(pairs.map((pair) => pair.list));
  return {
    score,
    explanation: {
      rule: 'TOKENS',
      matched: pairs.map((pair) => ({
        query: present(query.tokens[pair.query]).text,
        list: present(list.tokens[pair.list]).text,
        similarity: pair.similarity,
      })),
      queryOnly: query.tokens.filter((_, index) => !inQuery.has(index)).map(({ text }) => text),
      listOnly: list.tokens.filter((_, index) => !inList.has(index)).map(({ text }) => text),
    },
  };
}

const joinedLengthMin = 6;
const joinedSimilarity = 9_900;

/** Names that differ only in where their spaces are: Aero-Caribbean, Aerocaribbean. */
function joinedScore(query: NormalisedName, list: NormalisedName): number {
  return query.joined.length >= joinedLengthMin && query.joined === list.joined ? joinedSimilarity : 0;
}

/** Two names as they stand. */
export function compareNames(query: string, list: string, configuration = matchingConfiguration): NameScore {
  return scoreNames(normaliseName(query), normaliseName(list), configuration);
}

export function isHit(score: NameScore, configuration = matchingConfiguration): boolean {
  return score.score >= configuration.thresholdBasisPoints;
}
