import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { until } from '#tools/launcher/api.js';
import { freePort } from '#tools/postgres/embedded.js';

/** A Redis that forgets: it can be flushed, be absent, come back empty, or come back with what it held some time ago. */
export class FaultyRedis {
  private child: ChildProcess | undefined;
  private readonly snapshot: string;

  private constructor(
    private readonly folder: string,
    private readonly port: number,
  ) {
    this.snapshot = join(folder, 'older.rdb');
    mkdirSync(folder, { recursive: true });
  }

  /** `undefined` where no redis-server is installed. */
  static async start(folder: string): Promise<FaultyRedis | undefined> {
    if (spawnSync('redis-server', ['--version']).status !== 0) return undefined;
    const redis = new FaultyRedis(folder, await freePort());
    await redis.begin();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async begin(): Promise<void> {
    this.child = spawn(
      'redis-server',
      // prettier-ignore
      ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.folder, '--save', '', '--appendonly', 'no',
       '--maxmemory-policy', 'noeviction'],
      { stdio: 'ignore' },
    );
    await until('Redis', () => this.ask(async (client) => client.ping()).catch(() => undefined), 10_000);
  }

  /** Without warning; nothing of it is kept but a snapshot taken before. */
  async kill(): Promise<void> {
    const { child } = this;
    if (!child) return;
    this.child = undefined;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    rmSync(join(this.folder, 'dump.rdb'), { force: true });
  }

  async flush(): Promise<void> {
    await this.ask((client) => client.flushall());
  }

  async takeSnapshot(): Promise<void> {
    await this.ask((client) => client.save());
    copyFileSync(join(this.folder, 'dump.rdb'), this.snapshot);
  }

  async restoreSnapshot(): Promise<void> {
    if (!existsSync(this.snapshot)) throw new Error('There is no snapshot to restore');
    await this.kill();
    copyFileSync(this.snapshot, join(this.folder, 'dump.rdb'));
    await this.begin();
  }

  private async ask<Answer>(question: (client: Redis) => Promise<Answer>): Promise<Answer> {
    const client = new Redis(this.url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await question(client);
    } finally {
      client.disconnect();
    }
  }
}
