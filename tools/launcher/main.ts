import { resolve } from 'node:path';
import { ArgumentError, readArguments, usage } from './arguments.js';
import { diskHasRoom } from './disk.js';
import { takeLock } from './lock.js';
import { preflight } from './preflight.js';

// Read before anything can take time: afterwards it may be another.
const startedBy = process.ppid;

/** `npm start`: what can be refused is refused before anything large is loaded and anything at all is started. */
async function main(): Promise<number> {
  const options = readArguments(process.argv.slice(2));
  if (options === 'help') {
    console.log(usage);
    return 0;
  }
  const dataDirectory = resolve(options.dataDirectory);
  const { trades, statement, sanctions } = options;
  // What reads them is large, and most starts bring none.
  const ownFiles =
    trades || statement || sanctions
      ? (await import('./own-files.js')).readOwnFiles({ trades, statement, sanctions })
      : {};
  diskHasRoom(dataDirectory, !process.env.DATABASE_URL);
  process.once('exit', takeLock(dataDirectory));
  const endEarly = () => process.exit(1);
  for (const signal of signals) process.once(signal, endEarly);
  await preflight(options.port);
  const { run } = await import('./run.js');
  // From here on `run` answers to them.
  for (const signal of signals) process.off(signal, endEarly);
  return run(options, ownFiles, dataDirectory, startedBy);
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

// Whoever read the output may be gone before us.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

void main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(
      error instanceof ArgumentError ? error.message : error instanceof Error ? `\n${error.message}` : error,
    );
    if (process.env.DEBUG && error instanceof Error) console.error(error.stack);
    process.exit(error instanceof ArgumentError ? 2 : 1);
  },
);
