import { statSync } from 'node:fs';

/** What `npm start` was asked to do. */
export interface LauncherArguments {
  once: boolean;
  json: boolean;
  reset: boolean;
  port: number;
  scale: number;
  /** Business days to run before staying up (or exiting with `--once`). */
  days: number;
  /** The caller's own files, in place of the sample's. */
  trades?: string;
  statement?: string;
  sanctions?: string;
  dataDirectory: string;
}

export class ArgumentError extends Error {}

export const usage = `npm start -- [options]
  --once              run the next business day, then exit (0 only when every invariant holds)
  --json              print one JSON object as the last line of stdout; everything else goes to stderr
  --reset             start from nothing: removes the data directory first
  --port N            the gateway's port (default 4000)
  --days N            run N business days in a row (default 1)
  --scale N           multiply the sample's volumes by N (with --reset only)
  --data FOLDER       the data directory (default .data)
  --trades FILE       run the day on your own trades (CSV), instead of the sample's
  --statement FILE    hand in your own bank statement (camt.053), besides
  --sanctions FILE    screen against your own sanctions list (OFAC's CSV), besides the sample's
  --help              show this`;

/** Reads the command line; every fault at once. */
export function readArguments(words: readonly string[]): LauncherArguments | 'help' {
  const faults: string[] = [];
  const read: LauncherArguments = {
    once: false,
    json: false,
    reset: false,
    port: 4000,
    scale: 1,
    days: 1,
    dataDirectory: '.data',
  };
  const rest = [...words];
  const value = (flag: string): string => {
    const next = rest.shift();
    if (next === undefined) faults.push(`${flag} needs a value`);
    return next ?? '';
  };
  const wholeNumber = (flag: string, from: number, to: number): number => {
    const text = value(flag);
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < from || number > to)
      faults.push(`${flag} must be a whole number from ${from} to ${to}, not "${text}"`);
    return number;
  };
  const file = (flag: string): string => {
    const path = value(flag);
    const fault = path ? faultOfFile(path) : undefined;
    if (fault) faults.push(`${flag}: ${fault}`);
    return path;
  };
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    switch (word) {
      case '--help':
      case '-h':
        return 'help';
      case '--once':
        read.once = true;
        break;
      case '--json':
        read.json = true;
        break;
      case '--reset':
        read.reset = true;
        break;
      case '--port':
        read.port = wholeNumber(word, 0, 65_535);
        break;
      case '--scale':
        read.scale = wholeNumber(word, 1, 100);
        break;
      case '--days':
        read.days = wholeNumber(word, 1, 366);
        break;
      case '--data':
        read.dataDirectory = value(word);
        break;
      case '--trades':
        read.trades = file(word);
        break;
      case '--statement':
        read.statement = file(word);
        break;
      case '--sanctions':
        read.sanctions = file(word);
        break;
      default:
        faults.push(`unknown option ${word}`);
    }
  }
  if (faults.length > 0) throw new ArgumentError(`${faults.join('\n')}\n\n${usage}`);
  return read;
}

/** What is wrong with a path at first sight; what is in the file is another matter. */
function faultOfFile(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) return `there is no file ${path}. Correct the path, or leave the option out to use the sample's`;
  if (found.isDirectory()) return `${path} is a folder. Name the file in it`;
  if (!found.isFile()) return `${path} is no ordinary file. Copy it into one and name that`;
  if (found.size === 0) return `${path} is empty. Name a file with something in it`;
  return undefined;
}
