import { writeSample } from './write.js';

/** Writes the sample's files: `node dist/tools/sample/main.js FOLDER [--days N] [--scale N]`. */
const [folder = '.data/sample', ...flags] = process.argv.slice(2);
const numberAfter = (flag: string, otherwise: number) => {
  const at = flags.indexOf(flag);
  return at < 0 ? otherwise : Number(flags[at + 1]);
};
const count = writeSample(folder, { days: numberAfter('--days', 3), scale: numberAfter('--scale', 1) });
console.error(`${count} files written to ${folder}`);
