import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '#libs/kernel/index.js';
import { firstDay } from '#tools/sample/sample.js';
import { readLockFile } from '#tools/postgres/lock-file.js';
import { embeddedDataDirectory, startEmbeddedPostgres } from '#tools/postgres/embedded.js';
import { postgresFolder } from '#tools/verify/database.js';
import { differences } from '../oracle/compare.js';
import { Oracle } from '../oracle/oracle.js';
import { playBankApart } from './bank.js';
import { compareFacts, type Facts } from './facts.js';
import { FaultyRedis } from './redis.js';
import { type Fault, killed, type Moment, type PlayedDay, playSmallDay, processNames } from './small-day.js';

/**
 * `npm run test:faults [-- --seed N] [-- WORD …]`: plays a small day again and again, each time under another fault,
 * on both queue backends, and compares what is left with an undisturbed day and with the oracle. A WORD picks the rows
 * whose name holds it, e.g. `accounting`, `redis/`. Exit code 1 when anything was lost, doubled or broken.
 */
const usage = 'npm run test:faults [-- --seed TEXT] [WORD …]';
const strikesPerRow = 10;
const absentMs = 60_000;

type Backend = 'postgres' | 'redis';

interface Surroundings {
  dataDirectory: string;
  redis: FaultyRedis | undefined;
}

interface Case {
  name: string;
  /** What strikes, given ten moments spread over the day in order. */
  faults: (moments: readonly Moment[], around: Surroundings) => Fault[];
}

const at = (moments: readonly Moment[], index: number): Moment => moments[index] ?? { step: 0, afterMs: 0 };

const cases: Record<Backend | 'both', readonly Case[]> = {
  both: [
    ...processNames.map((name) => ({
      name: `${name} killed`,
      faults: (moments: readonly Moment[]) => moments.map((moment) => killed(name, moment)),
    })),
    {
      name: 'Postgres restarted and killed in turn',
      faults: (moments, around) =>
        moments.map((moment, index) => ({
          moment,
          what: index % 2 === 1 ? 'Postgres killed' : 'Postgres restarted',
          strike: () => restartPostgres(around.dataDirectory, index % 2 === 1 ? 'SIGKILL' : 'SIGINT'),
        })),
    },
  ],
  postgres: [],
  redis: [
    {
      name: 'Redis flushed',
      faults: (moments, { redis }) =>
        moments.map((moment) => ({ moment, what: 'Redis flushed', strike: async () => redis?.flush() })),
    },
    {
      name: `Redis absent for ${absentMs / 1000} s, back empty`,
      faults: (moments, { redis }) => [
        {
          moment: at(moments, 4),
          what: 'Redis taken away',
          strike: async () => {
            await redis?.kill();
            await new Promise((resolve) => setTimeout(resolve, absentMs));
            await redis?.begin();
          },
        },
      ],
    },
    {
      name: 'Redis restored from an old snapshot',
      faults: (moments, { redis }) => [
        { moment: at(moments, 2), what: 'snapshot taken', strike: async () => redis?.takeSnapshot() },
        { moment: at(moments, 5), what: 'Redis restored', strike: async () => redis?.restoreSnapshot() },
        { moment: at(moments, 8), what: 'Redis restored again', strike: async () => redis?.restoreSnapshot() },
      ],
    },
  ],
};

/** Ends the postmaster, politely (sessions are cut, a checkpoint is written) or not, and starts it on the same port. */
async function restartPostgres(dataDirectory: string, signal: 'SIGINT' | 'SIGKILL'): Promise<void> {
  const folder = postgresFolder(dataDirectory);
  const lock = readLockFile(join(embeddedDataDirectory(folder), 'cluster'));
  if (!lock) throw new Error(`No Postgres runs on ${folder}`);
  process.kill(lock.pid, signal);
  while (isAlive(lock.pid)) await new Promise((resolve) => setTimeout(resolve, 20));
  await startEmbeddedPostgres({ dataDirectory: folder, port: lock.port });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Moments drawn evenly over the whole of an undisturbed day. */
function momentsOf(stepMs: readonly number[], seed: string): Moment[] {
  const random = seededRandom(seed);
  const total = Math.floor(stepMs.reduce((sum, one) => sum + one, 0));
  const times = Array.from({ length: strikesPerRow }, () => random.integer(0, total - 1)).sort((a, b) => a - b);
  return times.map((time) => {
    let left = time;
    for (const [step, ms] of stepMs.entries()) {
      if (left < ms) return { step, afterMs: Math.round(left) };
      left -= ms;
    }
    return { step: stepMs.length - 1, afterMs: 0 };
  });
}

const nothing = () => Promise.resolve();
/** What Ctrl-C has to stop and remove. */
let endEarly: () => Promise<void> = nothing;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void endEarly().finally(() => process.exit(130)));

async function play(
  backend: Backend,
  faults: (around: Surroundings) => readonly Fault[],
): Promise<{ day: PlayedDay; expected: string[]; seconds: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'northgate-faults-'));
  chmodSync(folder, 0o755);
  const dataDirectory = join(folder, 'data');
  const redis = backend === 'redis' ? await FaultyRedis.start(join(folder, 'redis')) : undefined;
  const remove = async () => {
    await redis?.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  endEarly = remove;
  const began = performance.now();
  try {
    const day = await playSmallDay(dataDirectory, {
      onStarted: (installation) => {
        endEarly = async () => {
          await installation.stop();
          await remove();
        };
      },
      queueUrl: redis?.url,
      faults: faults({ dataDirectory, redis }),
    });
    // A front office that asks again because the answer was lost makes one more replay: that row may only grow.
    const figures = day.figures.filter(({ row }) => row !== 'paymentReplays');
    const expected = new Oracle(day.sampleDirectory).play(firstDay).filter(({ row }) => row !== 'paymentReplays');
    return { day, expected: differences(expected, figures), seconds: (performance.now() - began) / 1000 };
  } catch (error) {
    const kept = mkdtempSync(join(tmpdir(), 'northgate-faults-logs-'));
    cpSync(join(dataDirectory, 'logs'), kept, { recursive: true });
    throw new Error(
      `${error instanceof Error ? error.message : String(error)}; the logs of its processes are kept in ${kept}`,
      {
        cause: error,
      },
    );
  } finally {
    endEarly = nothing;
    await remove();
  }
}

const words = process.argv.slice(2);
const seedAt = words.indexOf('--seed');
const seed = seedAt < 0 ? 'faults-1' : (words.splice(seedAt, 2)[1] ?? '');
if (words.some((word) => word.startsWith('-'))) {
  console.error(usage);
  process.exit(2);
}

let failed = 0;
const rows: string[] = [];
const say = (text: string) => {
  console.error(text);
};
for (const backend of ['postgres', 'redis'] as const) {
  const probe = backend === 'redis' ? await FaultyRedis.start(mkdtempSync(join(tmpdir(), 'northgate-redis-'))) : null;
  await probe?.kill();
  if (probe === undefined) {
    say('redis-server is not installed: the rows of the second queue backend are skipped');
    failed += 1;
    continue;
  }
  const chosen = [...cases.both, ...cases[backend]].filter(
    ({ name }) => words.length === 0 || words.some((word) => `${backend}/${name}`.includes(word)),
  );
  if (chosen.length === 0) continue;
  say(`\nQueue on ${backend}: the undisturbed day`);
  const undisturbed = await play(backend, () => []);
  say(`  ${undisturbed.seconds.toFixed(0)} s`);
  report(backend, 'none', undisturbed, undisturbed.day.facts);
  for (const { name, faults } of chosen) {
    say(`\nQueue on ${backend}: ${name}`);
    const moments = momentsOf(undisturbed.day.stepMs, `${seed}:${backend}:${name}`);
    try {
      const disturbed = await play(backend, (around) => faults(moments, around));
      for (const one of disturbed.day.struck) say(`  ${one}`);
      report(backend, name, disturbed, undisturbed.day.facts);
    } catch (error) {
      failed += 1;
      rows.push(
        `| ${backend} | ${name} | the day stopped: ${error instanceof Error ? error.message.split('\n')[0] : ''} | | | | |`,
      );
      say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
  }
}

function report(
  backend: Backend,
  name: string,
  played: { day: PlayedDay; expected: string[]; seconds: number },
  undisturbed: Facts,
): void {
  const { acknowledged, lost, doubled } = compareFacts(undisturbed, played.day.facts);
  const { broken } = played.day.verified;
  if (lost.length + doubled.length + broken + played.expected.length > 0) failed += 1;
  for (const fact of lost.slice(0, 10)) say(`  LOST ${fact}`);
  for (const fact of doubled.slice(0, 10)) say(`  DOUBLED ${fact}`);
  for (const difference of played.expected.slice(0, 10)) say(`  ORACLE ${difference}`);
  rows.push(
    `| ${backend} | ${name} | ${played.day.struck.length} | ${acknowledged} | ${lost.length} | ${doubled.length} | ${played.expected.length} | ${broken} | ${played.seconds.toFixed(0)} s |`,
  );
  say(rows[rows.length - 1] ?? '');
}

/** Many callers of the ledger over GraphQL, its service killed again and again. */
const bankName = 'bank/accounting killed under many callers';
if (words.length === 0 || words.some((word) => bankName.includes(word))) {
  say(`\n${bankName}`);
  const began = performance.now();
  const plan = { seed, callers: 48, pieces: 150, kills: 12, entry: 'dist/apps/accounting/src/main.js' };
  const bank = await playBankApart(plan);
  for (const text of [...bank.lost, ...bank.doubled, ...bank.wrong].slice(0, 20)) say(`  ${text}`);
  const { acknowledged, kills, lost, doubled, wrong, broken, askedAgain, unanswered } = bank;
  if (lost.length + doubled.length + wrong.length + broken > 0 || kills !== plan.kills) failed += 1;
  say(`  ${unanswered} requests were not answered, ${askedAgain} asked again`);
  const took = ((performance.now() - began) / 1000).toFixed(0);
  rows.push(
    `| none | ${bankName} | ${kills} | ${acknowledged} | ${lost.length} | ${doubled.length} | ${wrong.length} | ${broken} | ${took} s |`,
  );
  say(rows[rows.length - 1] ?? '');
}

console.log(
  [
    '| Queue | Fault | Strikes | Acknowledged | Lost | Doubled | Oracle differs | Invariants broken | Took |',
    '|---|---|---:|---:|---:|---:|---:|---:|---:|',
    ...rows,
  ].join('\n'),
);
process.exit(failed === 0 ? 0 : 1);
