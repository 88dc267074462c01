import { writeFileSync } from 'node:fs';
import { type Installation } from '#tools/launcher/installation.js';
import { playSmallDay } from '../faults/small-day.js';

/** `node dist/test/oracle/play-day.js FOLDER OUTCOME`: plays the small day in the folder and writes down what came of it. */
const [folder = '', outcomeFile = ''] = process.argv.slice(2);

// Whoever has waited long enough, or is gone, must not leave a database behind: not one that is only starting either.
const unwanted = new AbortController();
let installation: Installation | undefined;
let stopped: Promise<void> | undefined;
const stop = () => {
  unwanted.abort(new Error('it was stopped'));
  stopped ??= installation?.stop().finally(() => process.exit(143));
};
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'disconnect'] as const) process.on(signal, stop);

let outcome: object;
try {
  const { sampleDirectory, figures, verified } = await playSmallDay(folder, {
    signal: unwanted.signal,
    onStarted: (started) => {
      installation = started;
    },
  });
  outcome = { sampleDirectory, figures, verified };
} catch (error) {
  outcome = { stopped: error instanceof Error ? error.message : String(error) };
}
if (unwanted.signal.aborted) {
  await stopped;
  process.exit(143);
}
writeFileSync(outcomeFile, JSON.stringify(outcome));
process.exit(0);
