import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { createEmptyDatabase, createTestDatabase, redisForTests } from '#libs/testing/index.js';
import { processMark } from '#tools/postgres/lock-file.js';
import { launch, nothingLeft, passwordsOfTests, smallDisk, temporaryInstallation } from '../e2e/launcher-process.js';

describe('npm start refuses', () => {
  let installation: ReturnType<typeof temporaryInstallation>;
  beforeEach(() => {
    installation = temporaryInstallation();
  });
  afterEach(() => {
    installation.remove();
  });

  /** Ends by itself, says all of this, and leaves neither process nor lock nor data. */
  async function refused(words: string[], environment: NodeJS.ProcessEnv, said: RegExp[], code = 1): Promise<void> {
    const launched = launch(installation.data, ['--once', '--json', '--port', '0', ...words], {
      ...passwordsOfTests,
      ...environment,
    });
    const ended = await launched.end();
    for (const text of said) expect(launched.output).toMatch(text);
    expect(launched.output).not.toMatch(/^\s+at .+:\d+:\d+/m); // a stack is no message
    expect(ended).toBe(code);
    await nothingLeft(installation.data);
    expect(existsSync(join(installation.data, 'postgres'))).toBe(false);
  }

  it('unknown options and missing files, all at once', async () => {
    await refused(
      ['--trades', '/nowhere/trades.csv', '--colour', '--port', 'many'],
      {},
      [
        /--trades: there is no file \/nowhere\/trades\.csv/,
        /unknown option --colour/,
        /--port must be a whole number from 0 to 65535, not "many"/,
        /npm start -- \[options\]/,
      ],
      2,
    );
  });

  it('own files that are not what they should be, all at once, before anything is started', async () => {
    const letter = join(installation.data, '..', 'letter.txt');
    const empty = join(installation.data, '..', 'empty.csv');
    writeFileSync(letter, 'Dear Sirs,\nour trades of today:\n');
    writeFileSync(empty, '');
    await refused(
      ['--trades', letter, '--statement', letter, '--sanctions', letter],
      {},
      [
        /--trades: .*letter\.txt cannot be used: .*\n {2}Needed is a CSV file/,
        /--statement: .*letter\.txt cannot be used: .*\n {2}Needed is a bank statement/,
        /--sanctions: .*letter\.txt cannot be used: .*\n {2}Needed is a list as OFAC publishes it/,
        /Nothing was started/,
      ],
      2,
    );
    expect(existsSync(installation.data)).toBe(false);
    await refused(
      ['--trades', empty, '--statement', tmpdir(), '--sanctions', '/nowhere/sdn.csv'],
      {},
      [/--trades: .* is empty\./, /--statement: .* is a folder\./, /--sanctions: there is no file/],
      2,
    );
    expect(existsSync(installation.data)).toBe(false);
  });

  it('a disk without room, before anything is written to it', async () => {
    const disk = smallDisk(installation.data, 64);
    if (!disk) {
      console.warn('skipped: no small disk can be mounted here (that takes root)');
      return;
    }
    try {
      await refused([], {}, [
        /The disk that holds .* has \d+ MB free; 1024 MB are needed\. Free some, .*--data FOLDER/,
      ]);
      expect(readdirSync(installation.data)).toEqual([]);
    } finally {
      disk.remove();
    }
  });

  it('a port that is taken', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    try {
      await refused(['--port', String(port)], {}, [new RegExp(`Port ${port} .* is taken .*--port N`)]);
    } finally {
      server.close();
    }
  });

  it('a database that does not answer, and one that is no Postgres', async () => {
    await refused([], { DATABASE_URL: 'postgres://owner:x@127.0.0.1:1/back_office' }, [
      /DATABASE_URL: nothing answers at 127\.0\.0\.1:1\. Start that Postgres/,
    ]);
    await refused([], { DATABASE_URL: 'mysql://owner:x@127.0.0.1/back_office' }, [/DATABASE_URL: this is no Postgres/]);
  });

  it('a wrong password and a missing database', async () => {
    const cluster = new URL(process.env.TEST_POSTGRES_URL ?? '');
    const wrong = new URL(cluster);
    wrong.password = 'wrong';
    await refused([], { DATABASE_URL: wrong.toString() }, [/refuses the user owner or the password/]);
    const missing = new URL(cluster);
    missing.pathname = '/not_made';
    await refused([], { DATABASE_URL: missing.toString() }, [/has no database not_made\. Create it/]);
  });

  it('a database that a newer version migrated', async () => {
    const database = await createEmptyDatabase();
    const owner = new pg.Client({ connectionString: database.ownerUrl });
    await owner.connect();
    await owner.query('CREATE SCHEMA kernel; CREATE TABLE kernel.migration_history (name text)');
    await owner.query(`INSERT INTO kernel.migration_history VALUES ('FromTheFuture20991231000000')`);
    await owner.end();
    try {
      await refused([], { DATABASE_URL: database.ownerUrl }, [
        /newer version of this product.*FromTheFuture20991231000000/,
      ]);
    } finally {
      await database.drop();
    }
  });

  it('a database with the days of another data directory, and one with real money in it, --reset or not', async () => {
    const lived = await createTestDatabase({ mode: 'sample', startsAt: '2026-11-30T19:00:00Z' });
    const real = await createTestDatabase({ mode: 'production' });
    try {
      await refused([], { DATABASE_URL: lived.ownerUrl }, [/does not know.*--data FOLDER, or start.*--reset/]);
      await refused(['--reset'], { DATABASE_URL: real.ownerUrl }, [/holds a production installation/]);
    } finally {
      await lived.drop();
      await real.drop();
    }
  });

  it('a Redis that may throw jobs away, or that is not there', async () => {
    await refused([], { QUEUE_URL: 'redis://127.0.0.1:1' }, [/QUEUE_URL: no Redis answers at 127\.0\.0\.1:1.*unset/]);
    const redis = await redisForTests();
    if (!redis) {
      console.warn('no redis-server on this machine: the policy is not tested');
      return;
    }
    try {
      const { Redis } = await import('ioredis');
      const client = new Redis(redis.url);
      await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
      await client.quit();
      await refused([], { QUEUE_URL: redis.url }, [
        /maxmemory-policy allkeys-lru.*CONFIG SET maxmemory-policy noeviction/,
      ]);
    } finally {
      await redis.stop();
    }
  });

  it('a second start on the same data, and takes over what a dead one left', async () => {
    mkdirSync(installation.data, { recursive: true });
    const lock = join(installation.data, 'launcher.lock');
    writeFileSync(lock, processMark(process.pid) ?? '');
    const second = launch(installation.data, ['--once', '--port', '0']);
    expect(await second.end()).toBe(1);
    expect(second.output).toMatch(new RegExp(`already runs on .* \\(process ${process.pid}\\).*--data FOLDER`));
    expect(existsSync(lock)).toBe(true);
    // The same pid, an earlier run: what another start after a reboot would find.
    writeFileSync(lock, `${process.pid} 1`);
    await refused([], { DATABASE_URL: 'postgres://owner:x@127.0.0.1:1/back_office' }, [/nothing answers/]);
  });
});
