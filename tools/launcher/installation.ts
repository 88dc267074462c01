import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openLastingPool } from '#libs/database/index.js';
import { migrateAll, roleUrls } from '#tools/migrate/migrate.js';
import { migrationPlan } from '#tools/migrate/catalogue.js';
import { removeEmbeddedPostgres, startEmbeddedPostgres } from '#tools/postgres/embedded.js';
import { passwordsFile, postgresFolder } from '#tools/verify/database.js';
import { type Access, hashOfKey, readOrMakeAccess } from './access.js';
import { Processes, type ProcessPlan } from './processes.js';
import { type Progress } from './progress.js';
import { sampleStartsAt } from './state.js';

/** Everything of one running installation. */
export interface Installation {
  access: Access;
  gatewayPort: number;
  simulatorUrl: string;
  ownerUrl: string;
  verifyUrl: string;
  logDirectory: string;
  processes: Processes;
  setClock: (localTime: string, zone: string) => Promise<void>;
  stop: () => Promise<void>;
}

export interface InstallationOptions {
  dataDirectory: string;
  /** The gateway's; 0 for a free one. */
  port: number;
  /** In place of QUEUE_URL of the environment. */
  queueUrl?: string | undefined;
}

/** Books that the demo people see. */
const demoBooks = ['NGEU', 'NGUS'];

/**
 * Starts the database, migrates it, and starts every process. When any part fails, or when the signal says that it is
 * no longer wanted, all of it is stopped again before the promise rejects.
 */
export async function startInstallation(
  options: InstallationOptions,
  sampleDirectory: string,
  progress: Progress,
  onUnexpectedExit: (text: string) => void,
  signal: AbortSignal = new AbortController().signal,
): Promise<Installation> {
  const dataDirectory = resolve(options.dataDirectory);
  const queueUrl = options.queueUrl ?? process.env.QUEUE_URL;
  const logDirectory = join(dataDirectory, 'logs');
  const exchangeDirectory = join(dataDirectory, 'exchange');
  mkdirSync(exchangeDirectory, { recursive: true });
  const access = readOrMakeAccess(dataDirectory);
  const undo: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const external = process.env.DATABASE_URL;
    let ownerUrl = external ?? '';
    if (!external) {
      const postgres = await startEmbeddedPostgres({ dataDirectory: postgresFolder(dataDirectory) });
      undo.push(() => postgres.stop());
      signal.throwIfAborted();
      ownerUrl = postgres.ownerUrl;
      progress.step(`embedded Postgres on port ${postgres.port}`);
    } else {
      progress.step('your Postgres (DATABASE_URL)');
    }
    if (queueUrl) progress.step('your Redis for the queue (QUEUE_URL)');
    const passwords = await migrateAll({
      ...(await migrationPlan()),
      ownerUrl,
      dataDirectory,
      mode: 'sample',
      startsAt: sampleStartsAt,
    });
    signal.throwIfAborted();
    const urls = roleUrls(ownerUrl, passwords);
    progress.step('schemas migrated, each service with its own role');

    // A pool of one: it connects again when the database was restarted.
    const owner = openLastingPool({ connectionString: ownerUrl, max: 1, application_name: 'launcher' });
    undo.push(() => owner.end());

    const processes = new Processes(logDirectory, (name, how) => {
      onUnexpectedExit(`${name} ended unexpectedly (${how}); its log: ${join(logDirectory, `${name}.log`)}`);
    });
    const stopProcesses = () => processes.stop();
    undo.push(stopProcesses);
    // Ends the waiting for processes that are not ready yet.
    signal.addEventListener('abort', () => void stopProcesses());

    const shared = {
      NODE_ENV: 'development',
      INTERNAL_TOKEN_SECRET: access.internalTokenSecret,
      MESSAGE_SEAL_KEY: access.messageSealKey,
      EXCHANGE_DIRECTORY: exchangeDirectory,
      BOOK_BICS: 'NGEU=NGATDEFFXXX,NGUS=NGATUS33XXX',
      CLOCK: 'database-row',
      ...(queueUrl ? { QUEUE_URL: queueUrl } : {}),
      QUEUE_DATABASE_URL: urls.queue,
    };
    const service = (
      name: 'settlement' | 'accounting' | 'compliance',
      extra: Record<string, string> = {},
    ): ProcessPlan => ({
      name,
      entry: `dist/apps/${name}/src/main.js`,
      environment: { ...shared, SERVICE_NAME: name, PORT: '0', WORKER: 'inline', DATABASE_URL: urls[name], ...extra },
    });
    const keysFile = join(dataDirectory, 'api-keys.json');
    const principals = Object.entries(access.keys).map(([role, key]) => ({
      hash: hashOfKey(key),
      subject: `demo-${role}`,
      kind: role === 'partner' ? 'MACHINE' : 'PERSON',
      roles: [role],
      books: demoBooks,
    }));
    writeFileSync(
      keysFile,
      JSON.stringify(Object.fromEntries(principals.map(({ hash, ...principal }) => [hash, principal]))),
      { mode: 0o600 },
    );

    const [settlement, accounting, compliance, simulator] = await Promise.all([
      processes.start(service('settlement')),
      processes.start(service('accounting')),
      processes.start(
        service('compliance', {
          API_CLIENTS_SEED: JSON.stringify(
            principals.map(({ hash, ...principal }) => ({ ...principal, keyHash: hash })),
          ),
        }),
      ),
      processes.start({
        name: 'market-simulator',
        entry: 'dist/tools/market-simulator/main.js',
        environment: {
          EXCHANGE_DIRECTORY: exchangeDirectory,
          SCRIPT_FILE: join(sampleDirectory, 'market', 'script.json'),
          STATE_DIRECTORY: join(dataDirectory, 'market'),
          PORT: '0',
        },
      }),
    ]);
    const gatewayPort = await processes.start({
      name: 'gateway',
      entry: 'dist/apps/gateway/src/main.js',
      environment: {
        ...shared,
        SERVICE_NAME: 'gateway',
        PORT: String(options.port),
        API_KEYS_FILE: keysFile,
        SETTLEMENT_URL: `http://127.0.0.1:${settlement}/graphql`,
        ACCOUNTING_URL: `http://127.0.0.1:${accounting}/graphql`,
        COMPLIANCE_URL: `http://127.0.0.1:${compliance}/graphql`,
      },
    });
    signal.throwIfAborted();
    progress.step('settlement, accounting, compliance, market simulator and gateway are up');
    progress.step(`open in a browser: http://127.0.0.1:${gatewayPort}/graphql`);

    return {
      access,
      gatewayPort,
      simulatorUrl: `http://127.0.0.1:${simulator}`,
      ownerUrl,
      verifyUrl: urls.verify,
      logDirectory,
      processes,
      setClock: async (localTime, zone) => {
        // Never back: a day that goes on after an interruption finds the clock where that left it.
        await owner.query(`SELECT kernel.set_clock(greatest($1::timestamp AT TIME ZONE $2, kernel.now()))`, [
          localTime,
          zone,
        ]);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** `--reset`: removes what the launcher made and nothing else. */
export function removeData(dataDirectory: string): void {
  removeEmbeddedPostgres(postgresFolder(dataDirectory));
  rmSync(passwordsFile(dataDirectory), { force: true });
  for (const name of [
    'exchange',
    'market',
    'sample',
    'logs',
    'reports',
    'access.json',
    'api-keys.json',
    'state.json',
  ]) {
    rmSync(join(dataDirectory, name), { recursive: true, force: true });
  }
}
