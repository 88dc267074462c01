/** Why a number is blocked. The first was given without a code: with the state of the account, or by the import. */
export const blockReasons = [
  'UNSPECIFIED',
  'COURT_ORDER',
  'COMPLIANCE',
  'FRAUD',
  'DECEASED',
  'DISPUTE',
  'CUSTOMER_REQUEST',
] as const;
export type BlockReason = (typeof blockReasons)[number];

/** Seen from the account: OUT is what draws on it, IN is what it receives. */
export const blockDirections = ['OUT', 'IN', 'BOTH'] as const;
export type BlockDirection = (typeof blockDirections)[number];

/** What the posting rule sees of a number; the database derives it from the blocks that stand (`accounting.state_by_blocks`). */
export const accountStates = ['OPEN', 'BLOCKED', 'BLOCKED_IN', 'BLOCKED_BOTH', 'CLOSED'] as const;
export type AccountState = (typeof accountStates)[number];

export const stopsWhatGoesOut = (state: AccountState): boolean => state === 'BLOCKED' || state === 'BLOCKED_BOTH';
export const stopsWhatComesIn = (state: AccountState): boolean => state === 'BLOCKED_IN' || state === 'BLOCKED_BOTH';

interface Standing {
  readonly id: string;
  readonly reasonCode: BlockReason;
}

/**
 * What is done about the blocks of a number that somebody wants OPEN or BLOCKED as a whole. Only blocks without a code
 * follow the state; who gave a reason lifts that block by itself.
 */
export function blocksFollowing(
  wanted: 'OPEN' | 'BLOCKED',
  standing: readonly Standing[],
): { readonly places: boolean; readonly lifts: readonly string[]; readonly staying: readonly BlockReason[] } {
  const plain = standing.filter(({ reasonCode }) => reasonCode === 'UNSPECIFIED').map(({ id }) => id);
  return {
    places: wanted === 'BLOCKED' && plain.length === 0,
    lifts: wanted === 'OPEN' ? plain : [],
    staying: standing.flatMap(({ reasonCode }) => (reasonCode === 'UNSPECIFIED' ? [] : [reasonCode])),
  };
}
