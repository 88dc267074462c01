import { afterAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { firstDay } from '#tools/sample/sample.js';
import { FaultyRedis } from '../faults/redis.js';
import { killed, playSmallDay } from '../faults/small-day.js';
import { differences } from '../oracle/compare.js';
import { Oracle } from '../oracle/oracle.js';
import { temporaryData } from '../e2e/launcher.js';

/** One kill of each process, each in the thick of its work. */
const faults = [
  killed('compliance', { step: 3, afterMs: 60 }), // screens what the first trade file brings
  killed('gateway', { step: 8, afterMs: 10 }), // takes payments in
  killed('settlement', { step: 15, afterMs: 150 }), // instructs the market
  killed('accounting', { step: 17, afterMs: 250 }), // books what the market confirms
  killed('market-simulator', { step: 19, afterMs: 100 }), // answers
];

describe.each(['postgres', 'redis'] as const)(
  'a small day with the queue on %s, each process killed once',
  (backend) => {
    const data = temporaryData();

    afterAll(() => {
      data.remove();
    });

    it('comes to what the oracle says, every invariant unbroken', async () => {
      const redis = backend === 'redis' ? await FaultyRedis.start(join(data.directory, 'redis')) : undefined;
      if (backend === 'redis' && !redis) {
        console.warn('skipped: no redis-server on this machine');
        return;
      }
      try {
        const day = await playSmallDay(join(data.directory, 'data'), { queueUrl: redis?.url, faults });
        expect(day.struck).toHaveLength(faults.length);
        // A front office that asks again because the answer was lost makes one more replay.
        const without = <Row extends { row: string }>(rows: readonly Row[]) =>
          rows.filter(({ row }) => row !== 'paymentReplays');
        expect(differences(without(new Oracle(day.sampleDirectory).play(firstDay)), without(day.figures))).toEqual([]);
        expect(day.verified.broken).toBe(0);
        expect(day.verified.checked).toBeGreaterThan(5_000);
      } finally {
        await redis?.kill();
      }
    }, 400_000);
  },
);
