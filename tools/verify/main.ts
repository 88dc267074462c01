import { verifyAll } from './verify.js';
import { withVerifyUrl } from './database.js';

/** `npm run verify [-- --json] [--data FOLDER]`: proves every invariant; exit code 1 when one is broken. */
const json = process.argv.includes('--json');
const at = process.argv.indexOf('--data');
const dataDirectory = at < 0 ? '.data' : (process.argv[at + 1] ?? '.data');

const result = await withVerifyUrl(dataDirectory, (url) => verifyAll(url));
if (json) {
  console.log(JSON.stringify(result));
} else {
  for (const one of result.invariants) {
    console.log(
      `${one.broken.length === 0 ? '✓' : '✗'} ${one.number}. ${one.name}: ${one.checked} checked, ${one.broken.length} broken (${one.seconds.toFixed(1)} s)`,
    );
    for (const { where, detail } of one.broken.slice(0, 20)) console.log(`    ${where}: ${detail}`);
  }
  console.log(
    result.broken === 0
      ? `All hold: ${result.checked} checked.`
      : `${result.broken} BROKEN of ${result.checked} checked.`,
  );
}
process.exit(result.broken === 0 ? 0 : 1);
