import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { isTransientFault } from '#libs/kernel/index.js';
import { metricsRegistry } from '#libs/observability/index.js';
import { createTestDatabase, type TestDatabase, waitFor } from '#libs/testing/index.js';
import { dataSourceOptions, NoConnectionFree, openPool, poolOf, Transactions } from './index.js';

const connectTimeoutMs = 300;
let database: TestDatabase;
let dataSource: DataSource;
let transactions: Transactions;
beforeAll(async () => {
  database = await createTestDatabase();
  const url = database.urlFor('settlement');
  dataSource = new DataSource(
    dataSourceOptions({ url, applicationName: 'pool of two', poolSize: 2, connectTimeoutMs }),
  );
  transactions = new Transactions(dataSource);
});
afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

const pid = () =>
  transactions.run(async (tx) => (await tx.row<{ pid: number }>('SELECT pg_backend_pid() AS pid'))?.pid);

/** A transaction that stays open until it is told to end. */
async function opened() {
  let end: () => void = () => undefined;
  const told = new Promise<void>((resolve) => (end = resolve));
  let begun = false;
  const ended = transactions.run(async (tx) => {
    await tx.rows('SELECT 1');
    begun = true;
    await told;
  });
  await waitFor(() => begun, { what: 'a transaction' });
  return async () => {
    end();
    await ended;
  };
}
const figure = async (state: string) =>
  (await metricsRegistry.getSingleMetric('sql_pool_connections')?.get())?.values.find(
    ({ labels }) => labels['pool'] === 'pool of two' && labels['state'] === state,
  )?.value;
const connections = async () =>
  (
    await database
      .pool('owner')
      .query<{ n: number }>(
        `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pool of two'`,
      )
  ).rows[0]?.n;

describe('a pool of two connections', () => {
  it('lets a third transaction wait, and run when one of the others ends in time', async () => {
    const [first, second] = [await opened(), await opened()];
    const third = pid();
    await waitFor(async () => (await figure('waiting')) === 1, { what: 'a transaction that waits', intervalMs: 10 });
    await first();
    expect(await third).toBeGreaterThan(0);
    expect(await connections()).toBe(2);
    await second();
  });

  it('tells a third one after the time that it may take, as a fault that passes; then it goes on', async () => {
    const [first, second] = [await opened(), await opened()];
    const began = performance.now();
    let isRun = false;
    const refusal = await transactions
      .run(() => {
        isRun = true;
        return Promise.resolve();
      })
      .catch((error: unknown) => error);
    const waitedMs = performance.now() - began;
    expect(refusal).toBeInstanceOf(NoConnectionFree);
    expect((refusal as Error).message).toBe('none of the 2 connections of the pool came free in 0.3 s');
    expect(isTransientFault(refusal)).toBe(true);
    expect(isRun).toBe(false);
    expect(waitedMs).toBeGreaterThan(connectTimeoutMs * 0.9);
    expect(waitedMs).toBeLessThan(5_000);
    const errors = await metricsRegistry.getSingleMetric('sql_errors_total')?.get();
    expect(
      errors?.values.filter(({ labels }) => labels['code'] === 'EPOOLEXHAUSTED').map(({ value }) => value),
    ).toEqual([1]);

    await first();
    await second();
    const pids = new Set(await Promise.all(Array.from({ length: 20 }, pid)));
    expect(pids.size).toBeLessThanOrEqual(2);
    expect(await connections()).toBeLessThanOrEqual(2);
    expect([await figure('used'), await figure('waiting'), await figure('limit')]).toEqual([0, 0, 2]);
  });
});

describe('a connection that breaks while it is lent out', () => {
  // Without a listener on such a connection, its loss is an uncaught exception and fails the run.
  it.each(['a pool of our own', "TypeORM's pool"])('between two statements ends no process: %s', async (which) => {
    const settings = { url: database.urlFor('settlement'), applicationName: 'cut between two', poolSize: 1 };
    const source = which === "TypeORM's pool" ? new DataSource(dataSourceOptions(settings)) : undefined;
    await source?.initialize();
    const pool = source ? poolOf(source) : openPool(settings);
    const client = await pool.connect();
    let lost = false;
    client.once('end', () => (lost = true));
    await database
      .pool('owner')
      .query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cut between two'`);
    await waitFor(() => lost, { what: 'the loss of the connection' });
    await expect(client.query('SELECT 1')).rejects.toThrow();
    client.release(true);
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await (source ? source.destroy() : pool.end());
  });

  it('in the packet that accepted it: the transaction fails, the next one has a connection', async () => {
    const server = new URL(database.urlFor('settlement'));
    const proxy = await proxyOf(Number(server.port), server.hostname);
    server.host = `127.0.0.1:${proxy.port}`;
    const source = new DataSource(
      dataSourceOptions({ url: server.href, applicationName: 'cut when accepted', poolSize: 1 }),
    );
    try {
      const behindProxy = new Transactions(source);
      const one = () => behindProxy.run((tx) => tx.row('SELECT 1 AS one'));
      expect(await one()).toEqual({ one: 1 });
      proxy.cutNextWhenAccepted();
      await waitFor(() => poolOf(source).totalCount === 0, { what: 'the loss of the idle connection' });
      await expect(one()).rejects.toThrow();
      expect(proxy.cut).toBe(1);
      expect(await one()).toEqual({ one: 1 });
    } finally {
      await source.destroy();
      await proxy.close();
    }
  });
});

/** Between a pool and Postgres; on demand it behaves as a server that is told to stop while it accepts a session. */
async function proxyOf(serverPort: number, serverHost: string) {
  const readyForQuery = Buffer.from('5a0000000549', 'hex');
  const fields = ['SFATAL', 'VFATAL', 'C57P01', 'Mterminating connection due to administrator command', ''];
  const body = Buffer.from(fields.map((field) => `${field}\0`).join(''));
  const goodbye = Buffer.concat([Buffer.from('E'), Buffer.alloc(4), body]);
  goodbye.writeInt32BE(body.length + 4, 1);
  const state = { cutNext: false, cut: 0 };
  const sockets = new Set<Socket>();
  const listener = createServer((from) => {
    const to = connect(serverPort, serverHost);
    let accepted = false;
    for (const socket of [from, to]) sockets.add(socket.on('error', () => undefined));
    from.pipe(to);
    from.on('close', () => to.destroy());
    to.on('close', () => from.destroy());
    to.on('data', (chunk: Buffer) => {
      const isAccepting = !accepted && chunk.subarray(-6).equals(readyForQuery);
      accepted ||= isAccepting;
      if (!isAccepting || !state.cutNext) {
        from.write(chunk);
        return;
      }
      state.cutNext = false;
      state.cut += 1;
      from.end(Buffer.concat([chunk, goodbye]));
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    port: (listener.address() as AddressInfo).port,
    get cut() {
      return state.cut;
    },
    /** The sessions of now are ended, so that the next transaction asks for a new one. */
    cutNextWhenAccepted: () => {
      state.cutNext = true;
      for (const socket of sockets) socket.destroy();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
