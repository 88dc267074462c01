import 'reflect-metadata';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { withDatabase } from '../../bench/database.js';
import { assetOf } from '../ledger-tables/correspondence.js';
import { LedgerUnderTest } from '../ledger-tables/ledger.js';
import { Play } from '../ledger-tables/play.js';
import { readTable } from '../ledger-tables/table.js';
import { filesIn, type Result, type Suite, Tally } from '../suite.js';

const folder = 'ledger/tigerbeetle-statemachine';
/** Of all rows: what does not apply must stay the smaller part. */
const shareOfRows = 0.55;

async function run(root: string): Promise<Result> {
  const paths = await filesIn(join(root, folder), (file) => file.endsWith('.txt'));
  const tally = new Tally();
  const rules = new Map<string, number>();
  const tables = await Promise.all(
    paths.map(async (path) => ({ file: basename(path, '.txt'), text: await readFile(path, 'utf8') })),
  );
  await withDatabase(['accounting'], async (database) => {
    const ledger = new LedgerUnderTest(database);
    for (const [n, { file, text }] of tables.entries()) {
      const book = `TABLE${n + 1}`;
      const skip = (rule: string) => rules.set(rule, (rules.get(rule) ?? 0) + 1);
      const assets = [...new Set([...text.matchAll(/\bL[1-9]\d*\b/g)].map(([id]) => assetOf(id)))];
      try {
        const steps = readTable(text);
        await ledger.open(book, assets);
        const play = new Play(ledger, tally, skip, file, book);
        for (const step of steps) await play.step(step);
      } catch (error) {
        tally.fail(`${file}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  });
  for (const [rule, count] of [...rules].sort(([, a], [, b]) => b - a))
    tally.skip(`not applicable, ${rule}: ${count}`, count);
  const result = tally.result();
  const rows = result.passed + result.failed + result.skipped;
  const share = rows === 0 ? 0 : Number((result.passed / rows).toFixed(3));
  return {
    ...result,
    figures: { tables: tables.length, rows, share },
    meetsFloor: result.failed === 0 && share >= shareOfRows,
  };
}

export default { name: 'ledger-tables', folder, run } satisfies Suite;
