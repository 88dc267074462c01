import { type BenchArguments, machine, printComparison } from './harness.js';

// npm run bench -- NAME [--json] [--rounds N] [--messages N | --lines N | --scale N]
// Progress goes to stderr; the last line of stdout is one JSON object. A bench compares within one run and judges nothing.

interface Bench {
  about: string;
  rounds: number;
  numbers: readonly string[];
  run(options: BenchArguments): Promise<object>;
}

const benches: Record<string, Bench> = {
  relay: {
    about:
      'outbox → relay → worker → inbox against bare BullMQ on the same backend (QUEUE_URL for Redis); --messages N',
    rounds: 3,
    numbers: ['messages'],
    async run(options) {
      const result = await (await import('./relay.js')).relay(options);
      if (!options.isJson) printComparison(result);
      return result;
    },
  },
  capture: {
    about: 'capture of trade lines against INSERT of the same lines into a bare table; --lines N',
    rounds: 3,
    numbers: ['lines'],
    async run(options) {
      const result = await (await import('./capture.js')).capture(options);
      if (!options.isJson) printComparison(result);
      return result;
    },
  },
  ledger: {
    about: 'transfers through the posting engine against hand-written SQL; --accounts N, --transfers N',
    rounds: 3,
    numbers: ['accounts', 'transfers'],
    async run(options) {
      const { ledger, printLedger } = await import('./ledger.js');
      const result = await ledger(options);
      if (!options.isJson) printLedger(result);
      return result;
    },
  },
  verify: {
    about: 'the invariants of the ledger over many postings, while postings go on; --postings N, --accounts N',
    rounds: 1,
    numbers: ['postings', 'accounts'],
    async run(options) {
      const { verify, printVerify } = await import('./verify.js');
      const result = await verify(options);
      if (!options.isJson) printVerify(result);
      return result;
    },
  },
  reports: {
    about: 'statements over many postings against a plain GROUP BY of them; --postings N, --accounts N',
    rounds: 9,
    numbers: ['postings', 'accounts'],
    async run(options) {
      const { reports, printReports } = await import('./reports.js');
      const result = await reports(options);
      if (!options.isJson) printReports(result);
      return result;
    },
  },
  'ledger-curve': {
    about: 'postings by the share that touches one account: by hand, strict, rollup; --accounts N, --transfers N',
    rounds: 3,
    numbers: ['accounts', 'transfers'],
    async run(options) {
      const { ledgerCurve, printCurve } = await import('./ledger-curve.js');
      const result = await ledgerCurve(options);
      if (!options.isJson) printCurve(result);
      return result;
    },
  },
  day: {
    about: 'seconds of each phase of a business day, with --scale N against scale 1',
    rounds: 1,
    numbers: ['scale'],
    async run(options) {
      const { day, printDay } = await import('./day.js');
      const result = await day(options);
      if (!options.isJson) printDay(result);
      return result;
    },
  },
};

const usage = `npm run bench -- NAME [--json] [--rounds N]\n${Object.entries(benches)
  .map(([name, { about }]) => `  ${name.padEnd(13)}${about}`)
  .join('\n')}`;

function readArguments(words: readonly string[]): { bench: Bench; options: BenchArguments } | string {
  const [name = '', ...rest] = words;
  const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
  if (!bench) return name === '' ? 'Which bench?' : `There is no bench ${name}`;
  const numbers = new Map<string, number>();
  let isJson = false;
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const flag = word.replace(/^--/, '');
    if (word === '--json') isJson = true;
    else if (word.startsWith('--') && ['rounds', ...bench.numbers].includes(flag)) {
      const text = rest.shift() ?? '';
      if (!/^[1-9]\d{0,8}$/.test(text)) return `${word} needs a whole number above zero`;
      numbers.set(flag, Number(text));
    } else return `${name} knows no ${word}`;
  }
  const number = (flag: string, otherwise: number) => numbers.get(flag) ?? otherwise;
  return { bench, options: { name, isJson, rounds: number('rounds', bench.rounds), number } };
}

async function main(): Promise<number> {
  const read = readArguments(process.argv.slice(2));
  if (typeof read === 'string') {
    process.stderr.write(`${read}\n${usage}\n`);
    return 2;
  }
  const { bench, options } = read;
  const result = await bench.run(options);
  console.log(JSON.stringify({ bench: options.name, ...result, machine: machine(), at: new Date().toISOString() }));
  return 0;
}

void main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
