import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeSample } from './sample.js';

/** Writes the sample's files in place of what the folder holds; the same bytes every time. Gives their number. */
export function writeSample(folder: string, options: Parameters<typeof makeSample>[0]): number {
  const files = makeSample(options);
  rmSync(folder, { recursive: true, force: true });
  for (const [path, content] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return files.size;
}
