import { writeFileSync } from 'node:fs';
import { playSmallDay } from '../faults/small-day.js';

/** `node dist/test/oracle/play-day.js FOLDER OUTCOME`: plays the small day in the folder and writes down what came of it. */
const [folder = '', outcomeFile = ''] = process.argv.slice(2);
let outcome: object;
try {
  const { sampleDirectory, figures, verified } = await playSmallDay(folder, {
    onStarted: (installation) => {
      // Whoever has waited long enough must not leave a database behind.
      process.once('SIGTERM', () => void installation.stop().finally(() => process.exit(143)));
    },
  });
  outcome = { sampleDirectory, figures, verified };
} catch (error) {
  outcome = { stopped: error instanceof Error ? error.message : String(error) };
}
writeFileSync(outcomeFile, JSON.stringify(outcome));
process.exit(0);
