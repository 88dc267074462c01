import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeSample } from './sample.js';

/** Writes the sample's files: `node dist/tools/sample/main.js FOLDER [--days N] [--scale N]`. */
const [folder = '.data/sample', ...flags] = process.argv.slice(2);
const numberAfter = (flag: string, otherwise: number) => {
  const at = flags.indexOf(flag);
  return at < 0 ? otherwise : Number(flags[at + 1]);
};
const files = makeSample({ days: numberAfter('--days', 3), scale: numberAfter('--scale', 1) });
for (const [path, content] of files) {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}
console.error(`${files.size} files written to ${folder}`);
