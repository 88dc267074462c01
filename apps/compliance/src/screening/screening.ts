import { type IndexSearch, type NameIndex } from './name-index.js';
import { type MatchExplanation, matchingConfiguration } from './name-matching.js';

export const screenedKinds = ['PARTY', 'TRADE', 'PAYMENT', 'INSTRUCTION'] as const;
export type ScreenedKind = (typeof screenedKinds)[number];

/** A name of an object, and the registered party behind it, when there is one. */
export interface ScreenedName {
  readonly role: string;
  readonly name: string;
  readonly partyId?: string;
  readonly partyVersion?: number;
  /** Entries that two people found not to be this party. */
  readonly clearedEntries?: ReadonlySet<string>;
}

export interface ExplainedHit {
  readonly listVersionId: string;
  readonly entryVersionId: string;
  readonly listName: string;
  readonly isAlias: boolean;
  readonly score: number;
  readonly explanation: MatchExplanation;
  readonly isCleared: boolean;
}

export interface ExplainedName {
  readonly role: string;
  readonly partyId?: string;
  readonly partyVersion?: number;
  readonly candidateCount: number;
  readonly hits: readonly ExplainedHit[];
  /** The best names below the threshold: why the name was not held. */
  readonly nearest: readonly ExplainedHit[];
}

export interface ScreeningResult {
  readonly score: number;
  readonly isHit: boolean;
  /** The hit that decides, if any. */
  readonly decisive: ExplainedHit | undefined;
  readonly names: readonly ExplainedName[];
}

const nearMissFloorBasisPoints = 7_000;
const nearestKept = 3;

/** Screens the names of one object against lists. The same names and lists give the same result, to the last point. */
export function screenNames(
  names: readonly ScreenedName[],
  lists: readonly { readonly listVersionId: string; readonly index: NameIndex }[],
): ScreeningResult {
  const explained = names.map((name) => explainName(name, lists));
  const all = explained.flatMap((one) => [...one.hits, ...one.nearest]);
  const live = explained.flatMap((one) => one.hits.filter((hit) => !hit.isCleared)).sort(byScore);
  return {
    score: all.reduce((best, hit) => Math.max(best, hit.score), 0),
    isHit: live.length > 0,
    decisive: live[0],
    names: explained,
  };
}

function explainName(
  name: ScreenedName,
  lists: readonly { readonly listVersionId: string; readonly index: NameIndex }[],
): ExplainedName {
  const searches = lists.map(({ listVersionId, index }) => ({
    listVersionId,
    search: index.search(name.name, nearMissFloorBasisPoints),
  }));
  const found = searches.flatMap(({ listVersionId, search }) => explainHits(listVersionId, search, name)).sort(byScore);
  const isHit = (hit: ExplainedHit) => hit.score >= matchingConfiguration.thresholdBasisPoints;
  return {
    role: name.role,
    ...(name.partyId === undefined ? {} : { partyId: name.partyId }),
    ...(name.partyVersion === undefined ? {} : { partyVersion: name.partyVersion }),
    candidateCount: searches.reduce((sum, { search }) => sum + search.candidateCount, 0),
    hits: found.filter(isHit),
    nearest: found.filter((hit) => !isHit(hit)).slice(0, nearestKept),
  };
}

function explainHits(listVersionId: string, search: IndexSearch, name: ScreenedName): ExplainedHit[] {
  return search.hits.map(({ listed, score, explanation }) => ({
    listVersionId,
    entryVersionId: listed.entryVersionId,
    listName: listed.name,
    isAlias: listed.isAlias,
    score,
    explanation,
    isCleared: name.clearedEntries?.has(listed.entryVersionId) ?? false,
  }));
}

const byScore = (a: ExplainedHit, b: ExplainedHit) =>
  b.score - a.score || (a.entryVersionId < b.entryVersionId ? -1 : 1);
