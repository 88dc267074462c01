import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runSuite } from './runner.js';
import { type Suite } from './suite.js';

/**
 * `npm run conformance -- <suite> [--dir <folder>]`: runs the software against cases made by others. Without a suite,
 * runs all. The last line on standard output is JSON, one line for each suite; exit code 1 when a floor is missed.
 */
const suitesFolder = new URL('./suites/', import.meta.url);

async function suiteNames(): Promise<string[]> {
  const names = await readdir(suitesFolder);
  return names.flatMap((file) => (/^[a-z0-9-]+\.js$/.test(file) ? [file.slice(0, -'.js'.length)] : [])).sort();
}

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { dir: { type: 'string', default: '../shared/corpora' } },
  });
  const known = await suiteNames();
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    console.error(`No suite ${unknown.join(', ')}. There are: ${known.join(', ')}`);
    return 2;
  }
  let isPassed = true;
  for (const name of positionals.length > 0 ? positionals : known) {
    const { default: suite } = (await import(new URL(`${name}.js`, suitesFolder).href)) as { default: Suite };
    const ran = await runSuite(suite, resolve(values.dir), {
      report: (line) => {
        console.log(line);
      },
      explain: (line) => {
        console.error(line);
      },
    });
    isPassed = isPassed && ran;
  }
  return isPassed ? 0 : 1;
}

process.exitCode = await main();
