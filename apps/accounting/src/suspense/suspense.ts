/** A posting on a suspense account; debit positive. */
export interface SuspensePosting {
  readonly account: string;
  readonly asset: string;
  readonly entryId: string;
  readonly n: number;
  readonly businessDate: string;
  readonly units: bigint;
  /** What it is about; that of a reversal is what the reversed entry is about. */
  readonly reference: string;
  readonly description: string;
}

/** What is left of a posting; its sign is that of the posting. */
export interface SuspenseItem extends SuspensePosting {
  readonly open: bigint;
}

/**
 * What stands on a suspense account, item by item: a posting is taken back first by later ones about the same thing, then,
 * the oldest first, by any on the other side. So the items of one account and asset stand on one side, and sum to its balance.
 */
export function openItems(postings: readonly SuspensePosting[]): SuspenseItem[] {
  const open = postings.map(({ units }) => units);
  matchInOrder(postings, open, ({ account, asset, reference }) => `${account}\u001f${asset}\u001f${reference}`);
  matchInOrder(postings, open, ({ account, asset }) => `${account}\u001f${asset}`);
  return postings.flatMap((posting, n) => {
    const left = open[n] ?? 0n;
    return left === 0n ? [] : [{ ...posting, open: left }];
  });
}

function matchInOrder(
  postings: readonly SuspensePosting[],
  open: bigint[],
  keyOf: (posting: SuspensePosting) => string,
): void {
  // Of each key the postings that are open, the oldest first: all on one side.
  const waiting = new Map<string, number[]>();
  postings.forEach((posting, n) => {
    const key = keyOf(posting);
    const before = waiting.get(key) ?? [];
    waiting.set(key, before);
    while (before.length > 0) {
      const first = before[0] as number;
      const [left, right] = [open[first] ?? 0n, open[n] ?? 0n];
      if (right === 0n || left > 0n === right > 0n) break;
      const sum = left + right;
      // The smaller one goes, and what is left stands on the side of the larger.
      const isFirstLeft = sum !== 0n && sum > 0n === left > 0n;
      open[first] = isFirstLeft ? sum : 0n;
      open[n] = isFirstLeft ? 0n : sum;
      if (!isFirstLeft) before.shift();
    }
    if (open[n] !== 0n) before.push(n);
  });
}

/** Calendar days since an item came. */
export const ageBuckets = [
  { name: 'UP_TO_2_DAYS', until: 2 },
  { name: 'UP_TO_7_DAYS', until: 7 },
  { name: 'UP_TO_30_DAYS', until: 30 },
  { name: 'UP_TO_90_DAYS', until: 90 },
  { name: 'OLDER', until: Infinity },
] as const;
export type AgeBucket = (typeof ageBuckets)[number]['name'];

export const bucketOf = (ageDays: number): AgeBucket =>
  ageBuckets.find(({ until }) => ageDays <= until)?.name ?? 'OLDER';
