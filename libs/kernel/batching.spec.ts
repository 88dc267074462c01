import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Batching, QueueFull } from './index.js';

/** A batch ends when the test says so. */
function byHand() {
  const batches: { requests: readonly number[]; end: () => void; fail: (fault: Error) => void }[] = [];
  const run = (requests: readonly number[]) =>
    new Promise<number[]>((resolve, reject) =>
      batches.push({
        requests,
        end: () => {
          resolve(requests.map((one) => one * 10));
        },
        fail: reject,
      }),
    );
  return { batches, run };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const limits = { batchItemsMax: 4, lanes: 1, waitingItemsMax: 6 };

describe('requests at the same time are done in one batch', () => {
  it('takes what comes in one turn together, and what comes meanwhile together with the next', async () => {
    const { batches, run } = byHand();
    const queue = new Batching({ run, ...limits });
    const first = [queue.submit(1), queue.submit(2)];
    await turn();
    const second = [queue.submit(3), queue.submit(4), queue.submit(5)];
    await turn();
    expect(batches.map(({ requests }) => requests)).toEqual([[1, 2]]);
    batches[0]?.end();
    expect(await Promise.all(first)).toEqual([10, 20]);
    await turn();
    expect(batches.map(({ requests }) => requests)).toEqual([
      [1, 2],
      [3, 4, 5],
    ]);
    batches[1]?.end();
    expect(await Promise.all(second)).toEqual([30, 40, 50]);
    await queue.idle();
    expect(queue.figures).toEqual({ waitingItems: 0, busyLanes: 0 });
  });

  it('has as many under way as there are lanes', async () => {
    const { batches, run } = byHand();
    const queue = new Batching({ run, ...limits, lanes: 2 });
    const all = [queue.submit(1)];
    await turn();
    all.push(queue.submit(2));
    await turn();
    all.push(queue.submit(3));
    await turn();
    expect(batches.map(({ requests }) => requests)).toEqual([[1], [2]]);
    batches[1]?.end();
    await turn();
    expect(batches.map(({ requests }) => requests)).toEqual([[1], [2], [3]]);
    batches[0]?.end();
    batches[2]?.end();
    expect(await Promise.all(all)).toEqual([10, 20, 30]);
  });

  it('refuses what would make too much wait, and takes it when there is room', async () => {
    const { batches, run } = byHand();
    const queue = new Batching({ run, ...limits });
    const taken = [queue.submit(1)];
    await turn();
    for (let n = 2; n <= 7; n += 1) taken.push(queue.submit(n));
    await expect(queue.submit(8)).rejects.toThrow(QueueFull);
    await expect(queue.submit(8)).rejects.toMatchObject({ code: 'QUEUE_FULL', retryable: true });
    batches[0]?.end();
    await turn();
    const late = queue.submit(8);
    for (const at of [1, 2]) {
      batches[at]?.end();
      await turn();
    }
    await turn();
    expect(await Promise.all([...taken, late])).toEqual([10, 20, 30, 40, 50, 60, 70, 80]);
    expect(batches.map(({ requests }) => requests)).toEqual([[1], [2, 3, 4, 5], [6, 7, 8]]);
  });

  it('fails each request of a batch whose surroundings fail, and goes on with the next', async () => {
    const { batches, run } = byHand();
    const queue = new Batching({ run, ...limits });
    const failing = [queue.submit(1), queue.submit(2)];
    await turn();
    const next = queue.submit(3);
    const lost = Object.assign(new Error('the database went away'), { code: 'ECONNRESET' });
    batches[0]?.fail(lost);
    expect(await Promise.allSettled(failing)).toEqual([
      { status: 'rejected', reason: lost },
      { status: 'rejected', reason: lost },
    ]);
    await turn();
    batches[1]?.end();
    expect(await next).toBe(30);
  });

  it('does each request alone when the fault may be that of one, so that only this one fails', async () => {
    const batches: (readonly number[])[] = [];
    const queue = new Batching({
      ...limits,
      run: (requests: readonly number[]) => {
        batches.push(requests);
        if (requests.includes(2)) return Promise.reject(new Error('2 cannot be done'));
        return Promise.resolve(requests.map((one) => one * 10));
      },
    });
    expect(await Promise.allSettled([1, 2, 3].map((one) => queue.submit(one)))).toEqual([
      { status: 'fulfilled', value: 10 },
      { status: 'rejected', reason: new Error('2 cannot be done') },
      { status: 'fulfilled', value: 30 },
    ]);
    expect(batches).toEqual([[1, 2, 3], [1], [2], [3]]);
  });

  it('puts only requests of one kind into a batch, the oldest first', async () => {
    const { batches, run } = byHand();
    const queue = new Batching({ run, ...limits, kindOf: (one) => (one % 2 === 0 ? 'even' : 'odd') });
    const all = [1, 2, 3, 4, 5].map((one) => queue.submit(one));
    for (const at of [0, 1]) {
      await turn();
      batches[at]?.end();
    }
    expect(await Promise.all(all)).toEqual([10, 20, 30, 40, 50]);
    expect(batches.map(({ requests }) => requests)).toEqual([
      [1, 3, 5],
      [2, 4],
    ]);
  });

  it('fails them too when the answers are not as many as the requests', async () => {
    const queue = new Batching<number, number>({ run: () => Promise.resolve([]), ...limits });
    await expect(queue.submit(1)).rejects.toThrow('1 requests were given, 0 answered');
  });

  it('answers every request once, in batches within their limit, whatever comes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ size: fc.integer({ min: 1, max: 7 }), waits: fc.boolean() }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 3 }),
        async (requests, lanes) => {
          const batches: number[][] = [];
          const queue = new Batching<{ size: number; n: number }, number>({
            lanes,
            batchItemsMax: 8,
            waitingItemsMax: 20,
            sizeOf: ({ size }) => size,
            run: async (batch) => {
              batches.push(batch.map(({ size }) => size));
              await turn();
              return batch.map(({ n }) => n);
            },
          });
          const answers: Promise<number | string>[] = [];
          for (const [n, { size, waits }] of requests.entries()) {
            answers.push(queue.submit({ size, n }).catch((fault: unknown) => (fault as Error).name));
            if (waits) await turn();
          }
          const settled = await Promise.all(answers);
          settled.forEach((answer, n) => {
            expect([n, 'QueueFull']).toContain(answer);
          });
          const done = settled.flatMap((answer, n) => (answer === n ? [requests[n]?.size ?? 0] : []));
          expect(batches.flat()).toEqual(done);
          for (const sizes of batches)
            expect(sizes.length === 1 || sizes.reduce((sum, size) => sum + size, 0) <= 8).toBe(true);
          await queue.idle();
          expect(queue.figures).toEqual({ waitingItems: 0, busyLanes: 0 });
        },
      ),
      { numRuns: 50 },
    );
  });
});
