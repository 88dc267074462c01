import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mergedLists, mergeParts, type Part } from './merged-lists.js';

interface Item {
  id: string;
  keys: string[];
}

const keysOf = ({ keys }: Item) => keys;

/** As the gateway pages: each time from where every service was left, and at most a page of each. */
function paged(
  parts: readonly Part<Item>[],
  order: (typeof mergedLists)[number]['order'],
  sizeOf: (page: number) => number,
): Item[] {
  const left = new Map(parts.map(({ service }) => [service, 0]));
  const seen: Item[] = [];
  for (let page = 0; ; page += 1) {
    const first = sizeOf(page);
    const fetched = parts.map(({ service, items }) => ({
      service,
      items: items.slice(left.get(service), (left.get(service) ?? 0) + first),
    }));
    const merged = mergeParts(fetched, order, keysOf, first);
    if (merged.length === 0) return seen;
    for (const { service, item } of merged) {
      const at = parts.find((part) => part.service === service)?.items.indexOf(item) ?? -1;
      left.set(service, at + 1);
      seen.push(item);
    }
  }
}

const [workItems, jobRuns] = mergedLists as [(typeof mergedLists)[number], (typeof mergedLists)[number]];

/** Work items of one service by the microsecond and id, of which the wire shows the millisecond. */
const workParts = fc
  .tuple(...[0, 1, 2].map(() => fc.array(fc.tuple(fc.nat(4_000), fc.stringMatching(/^[0-9a-f]{4}$/)))))
  .map((lists) =>
    lists.map((list, place): Part<Item> => ({
      service: `service${place}`,
      items: list
        .map(([microseconds, id], n) => ({ microseconds, id: `${id}-${place}-${n}` }))
        .sort((a, b) => a.microseconds - b.microseconds || (a.id < b.id ? -1 : 1))
        .map(({ microseconds, id }) => ({
          id,
          keys: [new Date(Math.floor(microseconds / 1_000)).toISOString(), id],
        })),
    })),
  );

describe('the list of all services', () => {
  it('is the same in pages of any size: nothing lost, nothing twice, each service in its own order', () => {
    fc.assert(
      fc.property(
        workParts,
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 7 }),
        (parts, sizes) => {
          const all = parts.flatMap(({ items }) => [...items]);
          const whole = mergeParts(parts, workItems.order, keysOf, all.length).map(({ item }) => item);
          const inPages = paged(parts, workItems.order, (page) => sizes[page % sizes.length] ?? 1);
          expect(inPages).toEqual(whole);
          expect(new Set(inPages.map(({ id }) => id)).size).toBe(all.length);
          expect(inPages).toHaveLength(all.length);
          for (const { items } of parts) expect(inPages.filter((item) => items.includes(item))).toEqual(items);
          const times = inPages.map(({ keys }) => keys[0]);
          expect(times).toEqual([...times].sort());
        },
      ),
      { seed: 20260330, numRuns: 300 },
    );
  });

  it('does not jump over an item whose id would sort behind a later one of the same millisecond', () => {
    const at = '2026-03-30T12:00:00.000Z';
    // By the microsecond: z before a. Sorted by what the wire shows, a came first and z was never shown.
    const parts = [{ service: 'settlement', items: ['z', 'a', 'm'].map((id) => ({ id, keys: [at, id] })) }];
    expect(paged(parts, workItems.order, () => 1).map(({ id }) => id)).toEqual(['z', 'a', 'm']);
  });

  it('goes by the number of jobs as a number, newest first', () => {
    const runs = (service: string, ...sequences: string[]) => ({
      service,
      items: sequences.map((sequence) => ({ id: `job_${sequence}_${service}`, keys: [sequence, service] })),
    });
    const parts = [runs('settlement', '1000', '99', '10'), runs('accounting', '1001', '100', '99', '9')];
    expect(paged(parts, jobRuns.order, () => 2).map(({ keys }) => keys[0])).toEqual([
      '1001',
      '1000',
      '100',
      '99',
      '99',
      '10',
      '9',
    ]);
  });
});
