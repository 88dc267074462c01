import { type Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { poolOf } from '#libs/database/index.js';
import { type Bench, createBench } from '../testing/bench.js';
import { PostingLane } from './posting-lane.service.js';

let bench: Bench;
let lane: PostingLane;
let roundTrips = 0;

beforeAll(async () => {
  bench = await createBench();
  lane = new PostingLane(bench.transactions, bench.posting);
  const watched = new Set<Duplex>();
  poolOf(bench.transactions.dataSource).on('acquire', (client) => {
    const { stream } = (client as unknown as { connection: { stream: Duplex } }).connection;
    if (watched.has(stream)) return;
    watched.add(stream);
    // What is sent before anything is heard belongs to one round trip.
    let heard = true;
    const write = stream.write.bind(stream);
    stream.write = ((...given: Parameters<typeof write>) => {
      if (heard) roundTrips += 1;
      heard = false;
      return write(...given);
    }) as typeof stream.write;
    stream.on('data', () => (heard = true));
  });
});
afterAll(() => bench.drop());

const during = async <T>(work: () => Promise<T>): Promise<{ made: T; roundTrips: number }> => {
  const before = roundTrips;
  const made = await work();
  return { made, roundTrips: roundTrips - before };
};
const deposit = (key: string) => bench.move(key, 'NOSTRO-EUR', 'A-CASH', 100, { kind: 'DEPOSIT' });

describe('callers of one moment', () => {
  it('have their entries in one durable transaction of two round trips, however many they are', async () => {
    // Each is answered after a commit that waits for the disk.
    expect(await bench.run((tx) => tx.row('SHOW synchronous_commit'))).toEqual({ synchronous_commit: 'on' });
    for (const callers of [1, 200]) {
      const { made, roundTrips: taken } = await during(() =>
        Promise.all(
          Array.from({ length: callers }, (_, n) =>
            lane.post({ items: [deposit(`lane-${callers}-${n}`)], requestedBy: `caller ${n}` }),
          ),
        ),
      );
      expect(made.flat().map(({ outcome, replayed }) => [outcome, replayed])).toEqual(
        Array.from({ length: callers }, () => ['POSTED', false]),
      );
      expect(taken).toBe(2);
    }
    const { rows } = await bench.database
      .pool('owner')
      .query<{ moments: number; entries: number }>(
        `SELECT count(DISTINCT booked_at)::int AS moments, count(*)::int AS entries FROM accounting.journal_entry WHERE idempotency_key LIKE 'lane-200-%'`,
      );
    expect(rows).toEqual([{ moments: 1, entries: 200 }]);
  });

  it('take no more for holds, refusals and repetitions; in the transaction of another it is three, and his commit', async () => {
    const items = [
      deposit('lane-1-0'),
      bench.move('lane-refused', 'B-CASH', 'NOSTRO-EUR', 100, { kind: 'WITHDRAWAL' }),
      {
        op: 'HOLD' as const,
        key: 'lane-hold',
        book: 'NGEU',
        hold: {
          debitAccount: 'A-CASH',
          creditAccount: 'NOSTRO-EUR',
          asset: 'EUR',
          units: '40',
          expiresAt: '2026-12-25T06:00:00Z',
          reason: 'TEST',
        },
      },
    ];
    const { made, roundTrips: taken } = await during(() => lane.post({ items, requestedBy: 'test' }));
    expect(made.map(({ outcome, code, replayed }) => [code ?? outcome, replayed])).toEqual([
      ['POSTED', true],
      ['INSUFFICIENT_FUNDS', false],
      ['POSTED', false],
    ]);
    expect(taken).toBe(2);
    const within = await during(() => bench.post([deposit('lane-within')]));
    expect(within.made[0]?.outcome).toBe('POSTED');
    expect(within.roundTrips).toBe(3 + 1);
  });
});
