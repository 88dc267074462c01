import { setImmediate } from 'node:timers/promises';
import { present } from '../present.js';
import {
  editsAllowed,
  type MatchExplanation,
  matchingConfiguration,
  scoreNames,
  tokenSimilarity,
} from './name-matching.js';
import { type NameToken, type NormalisedName, normaliseName } from './name-tokens.js';

/** One name of a list entry: the main name or an alias. */
export interface ListedName {
  /** The version of the entry (its content), so that a screening names exactly what it saw. */
  readonly entryVersionId: string;
  readonly name: string;
  readonly isAlias: boolean;
}

export interface NameHit {
  readonly listed: ListedName;
  readonly score: number;
  readonly explanation: MatchExplanation;
}

export interface IndexSearch {
  /** Best first; one hit per entry, its best name. */
  readonly hits: readonly NameHit[];
  /** How many names were compared in full. */
  readonly candidateCount: number;
}

const postings = <Key>() => new Map<Key, number[]>();
function post<Key>(map: Map<Key, number[]>, key: Key, value: number): void {
  const values = map.get(key);
  if (values) values.push(value);
  else map.set(key, [value]);
}

const trigramsOf = (text: string): string[] => {
  const padded = `^${text}$`;
  const trigrams: string[] = [];
  for (let at = 0; at + 3 <= padded.length; at++) trigrams.push(padded.slice(at, at + 3));
  return trigrams;
};

const similarTokensCached = 20_000;
const namesPerTurn = 1_000;

/**
 * Finds the names of a list that may be a given name, in memory. Tokens are found by their trigrams and
 * by their consonant skeleton, names by their tokens; every candidate is then compared in full, and no
 * candidate is cut off for being one too many.
 */
export class NameIndex {
  private readonly names: { listed: ListedName; normalised: NormalisedName }[] = [];
  private readonly tokens: NameToken[] = [];
  private readonly foldedLengths: number[] = [];
  private sharedTrigrams: Uint8Array | undefined;
  private readonly tokenNumbers = new Map<string, number>();
  private readonly namesOfToken: number[][] = [];
  private readonly tokensOfTrigram = postings<string>();
  private readonly tokensOfSkeleton = postings<string>();
  private readonly namesOfJoined = postings<string>();
  private readonly similarTokens = new Map<string, [token: number, similarity: number][]>();

  constructor(listedNames: Iterable<ListedName>) {
    for (const listed of listedNames) this.add(listed);
  }

  /** A large list takes a second to index: other work of the process gets its turn meanwhile. */
  static async build(listedNames: Iterable<ListedName>): Promise<NameIndex> {
    const index = new NameIndex([]);
    let added = 0;
    for (const listed of listedNames) {
      index.add(listed);
      added += 1;
      if (added % namesPerTurn === 0) await setImmediate();
    }
    return index;
  }

  get nameCount(): number {
    return this.names.length;
  }

  private add(listed: ListedName): void {
    const normalised = normaliseName(listed.name);
    if (normalised.tokens.length === 0) return;
    const number = this.names.push({ listed, normalised }) - 1;
    for (const token of new Set(normalised.tokens)) {
      const known = this.tokenNumbers.get(token.text) ?? this.addToken(token);
      const names = present(this.namesOfToken[known]);
      if (names.at(-1) !== number) names.push(number);
    }
    post(this.namesOfJoined, normalised.joined, number);
  }

  private addToken(token: NameToken): number {
    const number = this.tokens.push(token) - 1;
    this.tokenNumbers.set(token.text, number);
    this.namesOfToken.push([]);
    this.foldedLengths.push(token.folded.length);
    for (const trigram of new Set([...trigramsOf(token.text), ...trigramsOf(token.folded)]))
      post(this.tokensOfTrigram, trigram, number);
    post(this.tokensOfSkeleton, token.sound, number);
    return number;
  }

  private similarTo(token: NameToken): readonly [token: number, similarity: number][] {
    const cached = this.similarTokens.get(token.text);
    if (cached) return cached;
    const shared = (this.sharedTrigrams ??= new Uint8Array(this.tokens.length));
    const touched: number[] = [];
    const allowed = editsAllowed(token.text.length + 1);
    for (const trigram of new Set([...trigramsOf(token.text), ...trigramsOf(token.folded)])) {
      for (const number of this.tokensOfTrigram.get(trigram) ?? []) {
        if (Math.abs((this.foldedLengths[number] ?? 0) - token.folded.length) > allowed) continue;
        if (shared[number] === 0) touched.push(number);
        shared[number] = (shared[number] ?? 0) + 1;
      }
    }
    const candidates = new Set<number>(this.tokensOfSkeleton.get(token.sound));
    // One edit destroys at most four of a word's trigrams (a swap), so a similar word still shares the rest.
    const needed = Math.max(1, token.text.length - 4 * Math.max(allowed, 1));
    for (const number of touched) {
      if ((shared[number] ?? 0) >= needed) candidates.add(number);
      shared[number] = 0;
    }
    const similar: [number, number][] = [];
    for (const number of candidates) {
      const similarity = tokenSimilarity(token, present(this.tokens[number]));
      if (similarity >= matchingConfiguration.tokenFloorBasisPoints) similar.push([number, similarity]);
    }
    if (this.similarTokens.size >= similarTokensCached) this.similarTokens.clear();
    this.similarTokens.set(token.text, similar);
    return similar;
  }

  search(
    name: string | NormalisedName,
    thresholdBasisPoints = matchingConfiguration.thresholdBasisPoints,
  ): IndexSearch {
    const query = typeof name === 'string' ? normaliseName(name) : name;
    const candidates = this.candidates(query, thresholdBasisPoints);
    const best = new Map<string, NameHit>();
    for (const number of candidates) {
      const { listed, normalised } = present(this.names[number]);
      const { score, explanation } = scoreNames(query, normalised);
      if (score < thresholdBasisPoints) continue;
      const known = best.get(listed.entryVersionId);
      if (!known || score > known.score || (score === known.score && known.listed.isAlias && !listed.isAlias)) {
        best.set(listed.entryVersionId, { listed, score, explanation });
      }
    }
    const hits = [...best.values()].sort(
      (a, b) => b.score - a.score || (a.listed.entryVersionId < b.listed.entryVersionId ? -1 : 1),
    );
    return { hits, candidateCount: candidates.size };
  }

  /** Names whose tokens could reach the threshold even if everything else were forgiven. */
  private candidates(query: NormalisedName, threshold: number): Set<number> {
    const matched = new Map<number, number>();
    for (const token of query.tokens) {
      const best = new Map<number, number>();
      for (const [similarToken, similarity] of this.similarTo(token)) {
        const value = similarity * Math.min(token.weight, present(this.tokens[similarToken]).weight);
        for (const number of this.namesOfToken[similarToken] ?? [])
          if (value > (best.get(number) ?? 0)) best.set(number, value);
      }
      for (const [number, value] of best) matched.set(number, (matched.get(number) ?? 0) + value);
    }
    const whole = query.tokens.reduce((sum, token) => sum + token.weight * 10_000, 0);
    const candidates = new Set<number>();
    for (const [number, value] of matched) {
      const missing = Math.max(whole - value, 0) * matchingConfiguration.omissionPercent;
      if (value * 100 * 10_000 >= threshold * (value * 100 + missing)) candidates.add(number);
    }
    for (const number of this.namesOfJoined.get(query.joined) ?? []) candidates.add(number);
    return candidates;
  }
}
