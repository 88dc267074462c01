import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import pg from 'pg';
import { roleUrls, newRolePasswords } from '#libs/database/index.js';
import { waitFor } from '#libs/testing/index.js';
import { demoRoles, type DemoRole, hashOfKey } from '#tools/launcher/access.js';
import { Api } from '#tools/launcher/api.js';
import { runBusinessDay } from '#tools/launcher/business-day.js';
import { moveIn } from '#tools/launcher/institution.js';
import { type DayScript } from '#tools/launcher/script.js';
import { SilentProgress } from '../faults/silent-progress.js';
import { type EmbeddedPostgres, freePort, startEmbeddedPostgres } from '#tools/postgres/embedded.js';
import { firstDay, makeSample } from '#tools/sample/sample.js';
import { verifyAll } from '#tools/verify/verify.js';
import { built, root } from './built.js';
import { bytesOf, type Compose, type ComposeService, readCompose, startGroups, variablesOf } from './compose.js';
import { figure, isAlive, readiness, scrape } from './operations.js';

const repository = join(import.meta.dirname, '..', '..');
const hasRedis = spawnSync('redis-server', ['--version']).status === 0;
if (!hasRedis) console.warn('external services: no redis-server on this machine, so what compose describes is not run');

const passwords = newRolePasswords();
const secret = () => randomBytes(32).toString('base64url');
const keys = Object.fromEntries(demoRoles.map((role) => [role, `ngb_${role}_${secret()}`])) as Record<DemoRole, string>;
const ownerPassword = randomBytes(12).toString('hex');
const composeUrls = roleUrls('postgres://owner:none@postgres:5432/back_office', passwords);

/** What an operator writes into the .env file beside docker-compose.yml; a sample installation, so that it has a day to play. */
const variables: Record<string, string> = {
  POSTGRES_PASSWORD: ownerPassword,
  ROLE_PASSWORDS: JSON.stringify(passwords),
  SETTLEMENT_DATABASE_URL: composeUrls.settlement,
  ACCOUNTING_DATABASE_URL: composeUrls.accounting,
  COMPLIANCE_DATABASE_URL: composeUrls.compliance,
  INTERNAL_TOKEN_SECRET: secret(),
  MESSAGE_SEAL_KEY: secret(),
  BOOK_BICS: 'NGEU=NGATDEFFXXX,NGUS=NGATUS33XXX',
  INSTALLATION_MODE: 'sample',
  CLOCK: 'database-row',
  API_CLIENTS_SEED: JSON.stringify(
    demoRoles.map((role) => ({
      subject: `demo-${role}`,
      kind: role === 'partner' ? 'MACHINE' : 'PERSON',
      roles: [role],
      books: ['NGEU', 'NGUS'],
      keyHash: hashOfKey(keys[role]),
    })),
  ),
};
const compose = readCompose(repository, variables);
const ours = Object.entries(compose.services).filter(([, service]) => service.build !== undefined);
const longRunning = ours.filter(([name]) => name !== 'migrate');

describe('docker-compose.yml', () => {
  it('asks for what the test fills in, and for nothing else', () => {
    expect(variablesOf(repository)).toEqual(Object.keys(variables).sort());
  });

  it('has mains without workers, workers apart, and one migrate step before all of them', () => {
    const roles = longRunning.map(([name, { environment, command }]) => [name, environment?.WORKER, command]);
    expect(roles).toEqual([
      ['gateway', undefined, 'node dist/apps/gateway/src/main.js'],
      ...['settlement', 'accounting', 'compliance'].flatMap((name) => [
        [name, 'none', `node dist/apps/${name}/src/main.js`],
        [`${name}-worker`, 'only', `node dist/apps/${name}/src/worker.js`],
      ]),
    ]);
    for (const [, { depends_on }] of longRunning)
      expect(depends_on).toMatchObject({
        migrate: { condition: 'service_completed_successfully' },
        redis: { condition: 'service_healthy' },
      });
    expect(compose.services.migrate?.depends_on).toEqual({ postgres: { condition: 'service_healthy' } });
  });

  it('has Postgres 18 and a Redis that keeps what it acknowledged', () => {
    expect(compose.services.postgres?.image).toBe('postgres:18');
    expect(compose.services.redis?.image).toMatch(/^redis:[78]/);
    expect(compose.services.redis?.command).toMatch(/--appendonly yes .*--maxmemory-policy noeviction/);
  });

  it('checks the health of each process and limits what each may take', () => {
    const unlimited = Object.entries(compose.services).filter(([, { deploy }]) => {
      const limits = deploy?.resources?.limits;
      return !(Number(limits?.cpus) > 0 && bytesOf(limits?.memory ?? '') > 0);
    });
    expect(unlimited.map(([name]) => name)).toEqual([]);
    const unchecked = Object.entries(compose.services).filter(
      ([name, { healthcheck }]) => name !== 'migrate' && !(healthcheck && healthcheck.retries > 0),
    );
    expect(unchecked.map(([name]) => name)).toEqual([]);
  });

  it('keeps the heap of each process well below its memory', () => {
    for (const [name, { environment, deploy }] of ours) {
      const heap = /^--max-old-space-size=(\d+)$/.exec(environment?.NODE_OPTIONS ?? '')?.[1];
      const share = (Number(heap) * 1024 ** 2) / bytesOf(deploy?.resources?.limits?.memory ?? '');
      expect({ name, isBelow: share > 0.4 && share < 0.75 }).toEqual({ name, isBelow: true });
    }
  });

  it('builds one image and runs it for each process', () => {
    expect(new Set(ours.map(([, { build, image }]) => `${build} ${image}`))).toEqual(
      new Set(['. northgate-back-office']),
    );
  });

  it('publishes the gateway alone', () => {
    const open = Object.entries(compose.services).filter(([, { ports }]) => ports !== undefined);
    expect(open.map(([name]) => name)).toEqual(['gateway']);
  });

  it('names files that the image has', () => {
    const image = readFileSync(join(repository, 'Dockerfile'), 'utf8');
    expect(image).toMatch(/^FROM node:24-\S+$/m);
    expect(image).toMatch(/^USER node$/m);
    expect(image.match(/^FROM /gm)?.length).toBeGreaterThan(1);
    for (const [, { command }] of ours) expect(() => built(pathOf(command))).not.toThrow();
    const copied = [...image.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources = '']) => sources.split(' '));
    expect(copied.filter((path) => !existsSync(join(repository, path)))).toEqual([]);
  });
});

const pathOf = (command = '') => command.replace(/^node dist\//, '');

interface Started {
  child: ChildProcess;
  environment: NodeJS.ProcessEnv;
  port: string;
  output: () => string;
}

const described = hasRedis ? describe : describe.skip;

described('what docker-compose.yml describes, started natively', () => {
  const folder = mkdtempSync(join(tmpdir(), 'northgate-compose-'));
  // Open to the user that runs root's Postgres, so that all data is inside and goes with it.
  chmodSync(folder, 0o755);
  const sampleDirectory = join(folder, 'sample');
  const exchange = join(folder, 'exchange');
  const running = new Map<string, Started>();
  let postgres: EmbeddedPostgres;
  let redis: ChildProcess;
  let redisPort = 0;
  let owner: pg.Client;
  let local: (text: string) => string;
  let api: Api;
  let migrated: { code: number | null; output: string };

  const dayWith = (steps: DayScript['steps']): Promise<void> =>
    runBusinessDay(
      {
        api,
        progress: new SilentProgress(),
        sampleDirectory,
        simulatorUrl: '',
        setClock,
        ownFiles: {},
      },
      { date: firstDay, zone: 'Europe/Berlin', books: ['NGEU'], steps },
    );
  const setClock = async (localTime: string) => {
    await owner.query(`SELECT kernel.set_clock(($1::timestamp) AT TIME ZONE 'Europe/Berlin')`, [localTime]);
  };

  beforeAll(async () => {
    mkdirSync(exchange);
    postgres = await startEmbeddedPostgres({ dataDirectory: join(folder, 'postgres'), settings: { fsync: 'off' } });
    const superuser = new pg.Client({ connectionString: postgres.ownerUrl });
    await superuser.connect();
    // As the image makes it: the superuser `postgres` with the password of the environment.
    await superuser.query(`CREATE ROLE postgres SUPERUSER LOGIN PASSWORD '${ownerPassword}'`);
    await superuser.end();
    redisPort = await freePort();
    redis = startRedis(compose, redisPort, folder);
    local = await localAddresses(compose, folder, exchange, { postgres: postgres.port, redis: redisPort });

    for (const [path, content] of makeSample({ days: 1, scale: 1 })) {
      mkdirSync(dirname(join(sampleDirectory, path)), { recursive: true });
      writeFileSync(join(sampleDirectory, path), content);
    }
    for (const group of startGroups(compose.services)) {
      for (const name of group) {
        const service = compose.services[name];
        if (service?.build === undefined) continue;
        const started = start(service, local);
        if (name === 'migrate') {
          const code = await new Promise<number | null>((resolve) => started.child.once('exit', resolve));
          migrated = { code, output: started.output() };
          if (code !== 0) throw new Error(`migrate: ${migrated.output}`);
        } else running.set(name, started);
      }
    }
    owner = new pg.Client({ connectionString: local(compose.services.migrate?.environment?.DATABASE_URL ?? '') });
    await owner.connect();
    api = new Api(`http://127.0.0.1:${running.get('gateway')?.port ?? ''}/graphql`, keys);
  }, 120_000);

  afterAll(async () => {
    for (const { child } of running.values()) child.kill('SIGKILL');
    await owner.end();
    redis.kill('SIGKILL');
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  it('migrates as a step of its own', () => {
    expect(migrated.output).toContain(
      'The database is migrated (sample): messaging, settlement, accounting, compliance',
    );
  });

  it('becomes healthy by the checks that it states', async () => {
    for (const [name, { healthcheck }] of longRunning) {
      const one = running.get(name);
      const [how, program = '', ...parameters] = healthcheck?.test ?? [];
      expect([name, how, program]).toEqual([name, 'CMD', 'node']);
      await waitFor(
        async () => {
          if (one?.child.exitCode !== null) throw new Error(`${name} ended: ${one?.output().slice(-2000) ?? ''}`);
          // The check is a process of its own: it is not started before somebody listens.
          if (!(await isAlive(one.port).catch(() => false))) return false;
          return spawnSync(process.execPath, parameters, { env: one.environment }).status === 0;
        },
        { what: `the health of ${name}`, timeoutMs: 60_000 },
      );
    }
  }, 120_000);

  it('is ready everywhere, each process with its metrics', async () => {
    for (const [name, { port }] of running) {
      const { state, checks } = await waitFor(
        async () => {
          const report = await readiness(port);
          return report.state === 'up' ? report : undefined;
        },
        { what: `${name} to be ready`, timeoutMs: 30_000 },
      );
      expect({ name, state, checks: Object.keys(checks).length > 0 }).toEqual({ name, state: 'up', checks: true });
      const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      expect(metrics).toMatch(/^process_resident_memory_bytes \d/m);
    }
  }, 60_000);

  it('keeps its explorer shut in production', async () => {
    const response = await fetch(`http://127.0.0.1:${running.get('gateway')?.port ?? ''}/graphql`, {
      headers: { accept: 'text/html' },
    });
    expect(await response.text()).not.toContain('graphiql');
  });

  it('moves Northgate in through the gateway', async () => {
    await setClock('2026-11-24T22:00');
    await moveIn(api, sampleDirectory, new SilentProgress());
    const { rows } = await owner.query<{ count: string }>('SELECT count(*) FROM accounting.journal_entry');
    expect(Number(rows[0]?.count)).toBeGreaterThan(0);
  }, 180_000);

  it('opens the day, takes in trades and payments, screens, affirms and instructs them', async () => {
    const shortExecutions = shorten(sampleDirectory);
    await dayWith([
      { at: '07:00', action: 'OPEN', books: ['NGEU'] },
      { at: '09:30', action: 'FILE', kind: 'TRADES', name: 'trades.csv', file: 'short/trades.csv' },
      { at: '10:00', action: 'PAYMENTS', file: 'short/payments.json', part: 'byMutation' },
      {
        at: '10:15',
        action: 'FILE',
        kind: 'CONFIRMATIONS',
        name: 'confirmations.csv',
        file: 'short/confirmations.csv',
      },
      { at: '10:45', action: 'PHASE', phase: 'GATE', cycle: 1 },
      { at: '11:00', action: 'PHASE', phase: 'AFFIRM', cycle: 1 },
      { at: '11:15', action: 'PHASE', phase: 'INSTRUCT', cycle: 1 },
    ]);
    const { trades } = await api.send<{ trades: { edges: { node: SeenTrade }[] } }>(
      'auditor',
      `query Trades { trades(first: 100, filter: { book: "NGEU", businessDate: "${firstDay}" }) { edges { node {
        executionId state clientParty { screenings { outcome } } } } } }`,
    );
    const taken = trades.edges.map(({ node }) => node).filter(({ executionId }) => shortExecutions.has(executionId));
    expect(taken.length).toBeGreaterThan(0);
    expect(taken.filter(({ clientParty }) => !clientParty?.screenings.length)).toEqual([]);
    expect(taken.map(({ state }) => state)).toContain('AFFIRMED');
  }, 180_000);

  it('shows one payment through all three services', async () => {
    const [payment] = shortPayments(sampleDirectory);
    const found = await waitFor(
      async () => {
        const { payments } = await api.send<{ payments: { edges: { node: SeenPayment }[] } }>(
          'auditor',
          `query Payment($id: String!) { payments(first: 1, filter: { endToEndId: $id }) { edges { node {
            endToEndId status screenings { outcome } journalEntry { id postings { accountNumber amount asset } } } } } }`,
          { id: payment?.endToEndId ?? '' },
        );
        const one = payments.edges[0]?.node;
        return one && ['BOOKED', 'EXECUTED'].includes(one.status) ? one : undefined;
      },
      { what: 'the booking of a payment', timeoutMs: 60_000 },
    );
    expect(found.screenings.length).toBeGreaterThan(0);
    expect(found.journalEntry?.postings.length).toBeGreaterThanOrEqual(2);
  }, 90_000);

  it('shows on every process what it has done', async () => {
    for (const [name, { port, environment }] of running) {
      const samples = await scrape(port);
      const isService = name !== 'gateway';
      const isWorker = environment.WORKER === 'only';
      const done: [string, ...string[]][] = [
        ['http_request_seconds_count', isWorker ? 'route="/health/ready"' : 'route="/graphql"', 'status="200"'],
        ...(isWorker ? [] : [['http_request_seconds_sum', 'route="/graphql"'] as [string, ...string[]]]),
        ...(isService
          ? ([
              ['sql_transaction_seconds_count', 'outcome="committed"'],
              ['sql_transaction_seconds_sum', 'outcome="committed"'],
              ['sql_statement_seconds_count', 'statement="select"', 'outcome="done"'],
              ['sql_pool_connections', 'state="limit"'],
            ] as [string, ...string[]][])
          : []),
        ...(isWorker
          ? ([
              ['job_seconds_count', 'outcome="done"'],
              ['job_seconds_sum', 'outcome="done"'],
            ] as [string, ...string[]][])
          : []),
      ];
      const missing = done.filter(([metric, ...labels]) => !((figure(samples, metric, ...labels) ?? 0) > 0));
      expect({ name, missing }).toEqual({ name, missing: [] });
      if (!isService) continue;
      const service = environment.SERVICE_NAME ?? '';
      const gauges: [string, ...string[]][] = [
        ['queue_depth', `queue="${service}-fast"`, 'state="WAITING"'],
        ['queue_depth', `queue="${service}-bulk"`, 'state="PUBLISHED"'],
        ['queue_depth', `queue="${service}-fast"`, 'state="DEAD"'],
        ['queue_oldest_waiting_seconds', `queue="${service}-fast"`],
        ['outbox_lag_seconds', `service="${service}"`],
      ];
      const absent = gauges.filter(([metric, ...labels]) => figure(samples, metric, ...labels) === undefined);
      expect({ name, absent }).toEqual({ name, absent: [] });
      // A main without workers handles no job.
      if (!isWorker) expect({ name, jobs: figure(samples, 'job_seconds_count') ?? 0 }).toEqual({ name, jobs: 0 });
    }
  }, 60_000);

  const everyHealth = async () => {
    const one = async ([name, { port }]: [string, Started]) => {
      try {
        const [alive, { status, state }] = await Promise.all([isAlive(port), readiness(port)]);
        return [name, `${alive ? 'live' : 'dead'} ${status} ${state}`] as const;
      } catch {
        return [name, 'does not answer'] as const;
      }
    };
    return Object.fromEntries(await Promise.all([...running].map(one)));
  };
  const becomes = async (what: string, expected: Record<string, string>) => {
    let found: Record<string, string> = {};
    const isSo = async () => isDeepStrictEqual((found = await everyHealth()), expected);
    await waitFor(isSo, { what, timeoutMs: 30_000, intervalMs: 100 }).catch(() => undefined);
    expect(found).toEqual(expected);
  };
  const eachOne = (stateOf: (name: string) => string) =>
    Object.fromEntries([...running.keys()].map((name) => [name, stateOf(name)]));
  const well = 'live 200 up';

  it('accepts while Redis is away, each process degraded and with what waits in its metrics; then it catches up', async () => {
    await becomes(
      'everything to be up',
      eachOne(() => well),
    );
    const gone = once(redis, 'exit');
    redis.kill('SIGKILL');
    await gone;
    await becomes(
      'each service to be degraded',
      eachOne((name) => (name === 'gateway' ? well : 'live 200 degraded')),
    );
    await dayWith([{ at: '11:30', action: 'PAYMENTS', file: 'short/payments.json', part: 'late' }]);
    const waits: [process: string, metric: string, ...labels: string[]][] = [
      ...['settlement', 'settlement-worker'].map(
        (name) => [name, 'outbox_lag_seconds', 'service="settlement"'] as [string, string, string],
      ),
      ...['compliance', 'compliance-worker'].flatMap((name) => [
        [name, 'queue_depth', 'queue="compliance-', 'state="WAITING"'] as [string, string, string, string],
        [name, 'queue_oldest_waiting_seconds', 'queue="compliance-'] as [string, string, string],
      ]),
    ];
    for (const [name, metric, ...labels] of waits) {
      const port = running.get(name)?.port ?? '';
      await waitFor(async () => (figure(await scrape(port), metric, ...labels) ?? 0) > 0, {
        what: `${metric} of ${name}`,
        timeoutMs: 30_000,
      });
    }
    redis = startRedis(compose, redisPort, folder);
    await becomes(
      'everything to be up again',
      eachOne(() => well),
    );
    for (const [name, metric, ...labels] of waits) {
      const port = running.get(name)?.port ?? '';
      await waitFor(async () => figure(await scrape(port), metric, ...labels) === 0, {
        what: `${metric} of ${name} to be zero again`,
        timeoutMs: 60_000,
      });
    }
    const screened = shortPayments(sampleDirectory, 'late').map(({ endToEndId }) => endToEndId);
    await waitFor(
      async () => {
        const { rows } = await owner.query(
          `SELECT 1 FROM settlement.payment WHERE end_to_end_id = ANY ($1) AND status IN ('BOOKED', 'EXECUTED')`,
          [screened],
        );
        return rows.length === screened.length;
      },
      { what: 'the payments that were accepted meanwhile', timeoutMs: 60_000 },
    );
  }, 180_000);

  it('is down where the database is gone, and nowhere else', async () => {
    await owner.query('ALTER ROLE compliance NOLOGIN');
    try {
      await owner.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'compliance'`);
      await becomes(
        'compliance to be down',
        eachOne((name) =>
          name.startsWith('compliance') ? 'live 503 down' : name === 'gateway' ? 'live 200 degraded' : well,
        ),
      );
      expect((await readiness(running.get('gateway')?.port ?? '')).checks).toEqual({
        settlement: 'up',
        accounting: 'up',
        compliance: 'degraded',
      });
    } finally {
      await owner.query('ALTER ROLE compliance LOGIN');
    }
    await becomes(
      'everything to be up again',
      eachOne(() => well),
    );
  }, 90_000);

  it('writes instructions for the market where the workers share their folder', () => {
    const written = readdirSync(exchange, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.xml'),
    );
    expect(written.length).toBeGreaterThan(0);
  });

  it('stays within the memory that compose gives to each', () => {
    for (const [name, { deploy }] of longRunning) {
      const status = readFileSync(`/proc/${running.get(name)?.child.pid ?? 0}/status`, 'utf8');
      const peak = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
      const limit = bytesOf(deploy?.resources?.limits?.memory ?? '');
      expect({ name, isWithin: peak > 0 && peak < limit, peak }).toMatchObject({ name, isWithin: true });
    }
  });

  it('ends on SIGTERM within its grace, with exit code 0 and every invariant holding', async () => {
    const graceMs = Number.parseInt(compose.services.gateway?.stop_grace_period ?? '0', 10) * 1000;
    const ends = [...running].map(async ([name, { child }]) => {
      const ended = new Promise<string>((resolve) =>
        child.once('exit', (code, signal) => {
          resolve(`${name} ${signal ?? code ?? ''}`);
        }),
      );
      child.kill('SIGTERM');
      return ended;
    });
    const began = Date.now();
    expect(await Promise.all(ends)).toEqual([...running.keys()].map((name) => `${name} 0`));
    expect(Date.now() - began).toBeLessThan(graceMs);
    const verified = await verifyAll(roleUrls(postgres.ownerUrl, passwords).verify);
    expect({ broken: verified.broken, checked: verified.checked > 1000 }).toEqual({ broken: 0, checked: true });
  }, 120_000);
});

interface SeenTrade {
  executionId: string;
  state: string;
  clientParty: { screenings: { outcome: string }[] } | null;
}

interface SeenPayment {
  endToEndId: string;
  status: string;
  screenings: { outcome: string }[];
  journalEntry: { id: string; postings: object[] } | null;
}

/** The command of compose as it stands; only where it listens and writes is of this test. */
function startRedis(described: Compose, port: number, folder: string): ChildProcess {
  const [program = '', ...parameters] = (described.services.redis?.command ?? '').split(' ');
  mkdirSync(join(folder, 'redis'), { recursive: true });
  const own = ['--port', String(port), '--bind', '127.0.0.1', '--dir', join(folder, 'redis'), '--save', ''];
  return spawn(program, [...parameters, ...own], { stdio: 'ignore' });
}

/** Names and ports inside the network of compose → what this machine has in their place. */
async function localAddresses(
  described: Compose,
  folder: string,
  exchange: string,
  taken: Readonly<Record<string, number>>,
): Promise<(text: string) => string> {
  const replaced: [RegExp, string][] = [
    [/@postgres:5432\//, `@127.0.0.1:${taken.postgres ?? 0}/`],
    [/\/\/redis:6379$/, `//127.0.0.1:${taken.redis ?? 0}`],
    [/^0\.0\.0\.0$/, '127.0.0.1'],
    [/^\/exchange$/, exchange],
  ];
  for (const [name, { environment }] of Object.entries(described.services)) {
    const port = environment?.PORT;
    if (port === undefined) continue;
    const local = String(await freePort());
    replaced.push([new RegExp(`^${port}$`), local], [new RegExp(`//${name}:${port}/`), `//127.0.0.1:${local}/`]);
  }
  for (const [name, { environment }] of Object.entries(described.secrets)) {
    const file = join(folder, name);
    writeFileSync(file, variables[environment] ?? '', { mode: 0o600 });
    replaced.push([new RegExp(`^/run/secrets/${name}$`), file]);
  }
  return (text) => replaced.reduce((result, [from, to]) => result.replace(from, to), text);
}

/** A process with the environment of compose and of the image, and none of this one's but the path to programs. */
function start(service: ComposeService, local: (text: string) => string): Started {
  const image = readFileSync(join(repository, 'Dockerfile'), 'utf8');
  const ofImage = Object.fromEntries(
    [...image.matchAll(/^ENV (\w+)=(\S+)$/gm)].map(([, name = '', value = '']) => [name, value] as const),
  );
  const environment: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    ...ofImage,
    ...Object.fromEntries(Object.entries(service.environment ?? {}).map(([name, value]) => [name, local(value)])),
  };
  const child = spawn(process.execPath, [built(pathOf(service.command))], {
    cwd: root,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-20_000)));
  return { child, environment, port: environment.PORT ?? '', output: () => output };
}

interface ShortPayment {
  endToEndId: string;
  book: string;
}

type ShortPayments = Record<'byMutation' | 'late', ShortPayment[]>;

const shortPayments = (sampleDirectory: string, part: keyof ShortPayments = 'byMutation'): ShortPayment[] =>
  (JSON.parse(readFileSync(join(sampleDirectory, 'short', 'payments.json'), 'utf8')) as ShortPayments)[part];

/** A few lines of each file of the first day. */
function shorten(sampleDirectory: string): Set<string | undefined> {
  const day = join(sampleDirectory, 'days', firstDay);
  const compact = firstDay.replaceAll('-', '');
  const target = join(sampleDirectory, 'short');
  mkdirSync(target);
  const lines = (file: string) => readFileSync(join(day, file), 'utf8').trimEnd().split('\n');
  const idOf = (line: string) => line.split(',')[1];
  const allConfirmations = lines(`confirmations-${compact}.csv`);
  const confirmed = new Set(allConfirmations.map(idOf));
  const [header = '', ...all] = lines(`trades-a-${compact}.csv`);
  const trades = all.filter((line) => confirmed.has(idOf(line))).slice(0, 20);
  writeFileSync(join(target, 'trades.csv'), `${[header, ...trades].join('\n')}\n`);
  const executions = new Set(trades.map(idOf));
  const confirmations = allConfirmations.filter((line, index) => index === 0 || executions.has(idOf(line)));
  writeFileSync(join(target, 'confirmations.csv'), `${confirmations.join('\n')}\n`);
  const { byMutation } = JSON.parse(readFileSync(join(day, 'payments.json'), 'utf8')) as { byMutation: ShortPayment[] };
  const ofBook = byMutation.filter(({ book }) => book === 'NGEU');
  const payments: ShortPayments = { byMutation: ofBook.slice(0, 5), late: ofBook.slice(5, 8) };
  writeFileSync(join(target, 'payments.json'), JSON.stringify(payments));
  return executions;
}
