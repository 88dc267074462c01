import { type JobRunType } from './job-run.graphql.js';

interface Watched {
  readonly run: JobRunType;
  readonly changedAt: Date;
}

const pollMs = 500;
const ended = new Set(['SUCCEEDED', 'FAILED', 'DISCARDED']);

/** Reads the row until the job has ended; an iterator of its own, because a generator could not be stopped while it waits. */
export function watchJob(read: () => Promise<Watched | undefined>): AsyncIterableIterator<JobRunType> {
  let isOver = false;
  let last: string | undefined;
  let wake: (() => void) | undefined;
  const done = { value: undefined, done: true } as const;
  const pause = () =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pollMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const hasEnded = () => isOver;
  return {
    async next() {
      while (!hasEnded()) {
        const watched = await read();
        if (watched === undefined) break;
        const { run, changedAt } = watched;
        const seen = `${run.state} ${changedAt.toISOString()}`;
        if (seen !== last) {
          last = seen;
          if (ended.has(run.state)) isOver = true;
          return { value: run, done: false };
        }
        await pause();
      }
      return done;
    },
    return() {
      isOver = true;
      wake?.();
      return Promise.resolve(done);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
