/** The gateway's own subgraph: lists that each service keeps for itself, shown as one. */
export const deskName = 'desk';

export const services = ['settlement', 'accounting', 'compliance'] as const;

export interface ListOrder {
  field: string;
  descending: boolean;
  /** Whole numbers as text: 10 comes after 9. */
  isNumber?: boolean;
}

export interface MergedList {
  /** Of the merged field. */
  name: string;
  fieldOf(service: string): string;
  description: string;
  /** The node's fields that decide between the services; within one service its own order stays. */
  order: ListOrder[];
}

export const mergedLists: readonly MergedList[] = [
  {
    name: 'workItems',
    fieldOf: (service) => `${service}WorkItems`,
    description: 'Work left to people in all services, by due time.',
    order: [
      { field: 'dueAt', descending: false },
      { field: 'id', descending: false },
    ],
  },
  {
    name: 'jobRuns',
    fieldOf: (service) => `${service}JobRuns`,
    description: 'Background jobs of all services, newest first.',
    order: [
      { field: 'sequence', descending: true, isNumber: true },
      { field: 'service', descending: false },
    ],
  },
];

/** One service's part: in its own order, each with what decides. */
export interface Part<Item> {
  service: string;
  items: readonly Item[];
}

/**
 * The first `most` of the parts as one list. Always the head of a part that comes first is taken, and no part is
 * sorted again: a service orders by microseconds and the wire has milliseconds, so sorting would put a later one
 * of a part before an earlier one, and the cursor (how far each part was read) would jump over it. What is taken
 * depends on the heads alone, so pages of any size put together are the same list.
 */
export function mergeParts<Item>(
  parts: readonly Part<Item>[],
  order: readonly ListOrder[],
  keysOf: (item: Item) => readonly string[],
  most: number,
): { service: string; item: Item }[] {
  const heads = parts.map((part) => ({ part, at: 0 }));
  const merged: { service: string; item: Item }[] = [];
  while (merged.length < most) {
    let best: { head: (typeof heads)[number]; item: Item; keys: readonly string[] } | undefined;
    for (const head of heads) {
      const item = head.part.items[head.at];
      if (item === undefined) continue;
      const keys = keysOf(item);
      if (best === undefined || compareKeys(order, keys, best.keys) < 0) best = { head, item, keys };
    }
    if (best === undefined) break;
    best.head.at += 1;
    merged.push({ service: best.head.part.service, item: best.item });
  }
  return merged;
}

export function compareKeys(order: readonly ListOrder[], a: readonly string[], b: readonly string[]): number {
  for (const [index, { descending, isNumber }] of order.entries()) {
    const [left, right] = [a[index] ?? '', b[index] ?? ''];
    if (left === right) continue;
    const isBefore = isNumber ? BigInt(left) < BigInt(right) : left < right;
    return isBefore === descending ? 1 : -1;
  }
  return 0;
}
