import { type AccountKind, type AccountMode, type NormalSide } from './accounts.js';

/** What an account is: the same number with other terms is another account. */
export interface OpeningTerms {
  readonly kind: AccountKind;
  readonly currency: string | null;
  readonly normalSide: NormalSide;
  readonly mode: AccountMode;
}

export interface Opening {
  readonly number: string;
  readonly terms: Partial<OpeningTerms>;
  /** Accounts of one group are opened all or none. */
  readonly group?: string;
}

export type OpeningOutcome =
  | { readonly outcome: 'OPENED' | 'EXISTS' | 'KIND_REQUIRED' | 'ASSET_NOT_FOUND' | 'LINKED_ITEM_REFUSED' }
  | { readonly outcome: 'DIFFERS'; readonly field: keyof OpeningTerms };

const fields = ['normalSide', 'mode', 'currency', 'kind'] as const;

/**
 * One outcome per account asked for, in order. A number that is there already with the same terms is no fault of a
 * single opening, but a group that meets one is opened not at all: it was to make all of its accounts.
 */
export function decideOpenings(
  asked: readonly Opening[],
  standing: ReadonlyMap<string, OpeningTerms>,
  knowsAsset: (asset: string) => boolean,
): OpeningOutcome[] {
  const outcomes: OpeningOutcome[] = [];
  const opened = new Map(standing);
  let current: { group: string; from: number; before: Map<string, OpeningTerms>; isRefused: boolean } | undefined;
  asked.forEach(({ number, terms, group }, n) => {
    if (group === undefined) current = undefined;
    else if (current?.group !== group) current = { group, from: n, before: new Map(opened), isRefused: false };
    if (current?.isRefused) {
      outcomes.push({ outcome: 'LINKED_ITEM_REFUSED' });
      return;
    }
    const outcome = decide(terms, opened.get(number), knowsAsset);
    outcomes.push(outcome);
    if (outcome.outcome === 'OPENED') opened.set(number, terms as OpeningTerms);
    else if (current) {
      current.isRefused = true;
      opened.clear();
      for (const [name, kept] of current.before) opened.set(name, kept);
      for (let at = current.from; at < n; at += 1) outcomes[at] = { outcome: 'LINKED_ITEM_REFUSED' };
    }
  });
  return outcomes;
}

function decide(
  terms: Partial<OpeningTerms>,
  there: OpeningTerms | undefined,
  knowsAsset: (asset: string) => boolean,
): OpeningOutcome {
  if (terms.currency !== null && !knowsAsset(terms.currency ?? '')) return { outcome: 'ASSET_NOT_FOUND' };
  if (terms.kind === undefined) return { outcome: 'KIND_REQUIRED' };
  if (!there) return { outcome: 'OPENED' };
  const field = fields.find((name) => there[name] !== terms[name]);
  return field === undefined ? { outcome: 'EXISTS' } : { outcome: 'DIFFERS', field };
}
