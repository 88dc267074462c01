import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '#libs/testing/index.js';
import { type Access } from '#tools/launcher/access.js';
import { firstQuery } from '#tools/launcher/summary.js';
import {
  launch,
  type Launched,
  launchUnderParent,
  nothingLeft,
  processesOf,
  temporaryInstallation,
} from '../e2e/launcher-process.js';

const isUp = /open in a browser: (http:\/\/127\.0\.0\.1:\d+)\/graphql/;
const startedMs = 120_000;

/** One data directory through its starts and ends, in order; each leaves what the next one finds. */
describe('npm start, from start to end', () => {
  const installation = temporaryInstallation();
  const { data } = installation;
  const running: Launched[] = [];
  const start = (launched: Launched): Launched => {
    running.push(launched);
    return launched;
  };

  afterAll(() => {
    for (const { child } of running) child.kill('SIGKILL');
    installation.remove();
  });

  it('Ctrl-C while it starts ends everything that was started so far', async () => {
    const launched = start(launch(data, ['--port', '0']));
    await launched.says('embedded Postgres on port', startedMs);
    launched.child.kill('SIGINT');
    expect(await launched.end()).toBe(130);
    expect(launched.output).toContain('Stopping …');
    await nothingLeft(data);
  }, 180_000);

  it('killed while its services start: they end by themselves, and Postgres stays for the next start', async () => {
    const killed = start(launch(data, ['--port', '0']));
    await killed.says('schemas migrated', startedMs);
    const commands = () => processesOf(data).map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
    const services = () => commands().filter((one) => /dist\/(apps|tools\/market)/.test(one));
    await waitFor(() => services().length > 0, { what: 'the first service', timeoutMs: 30_000 });
    killed.child.kill('SIGKILL');
    expect(await killed.end()).toBe('SIGKILL');
    await waitFor(() => services().length === 0, { what: 'the end of the services', timeoutMs: 60_000 });
    expect(commands().some((one) => one.includes('postgres'))).toBe(true);
  }, 180_000);

  describe('up', () => {
    let launched: Launched;
    let base: string;
    let keys: Access['keys'];

    beforeAll(async () => {
      launched = start(launchUnderParent(data, ['--port', '0']));
      await launched.says(isUp, startedMs);
      base = isUp.exec(launched.output)?.[1] ?? '';
      ({ keys } = JSON.parse(readFileSync(join(data, 'access.json'), 'utf8')) as Access);
    }, 180_000);

    it('serves GraphiQL to a browser and GraphQL to a program', async () => {
      const page = await fetch(`${base}/graphql`, { headers: { accept: 'text/html,application/xhtml+xml' } });
      expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')]);
      expect(await page.text()).toMatch(/graphiql/i);
      const ask = (authorization?: string) =>
        fetch(`${base}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...(authorization ? { authorization } : {}) },
          body: JSON.stringify({ query: firstQuery }),
        });
      const allowed: unknown = await (await ask(`Bearer ${keys.operations}`)).json();
      expect(allowed).not.toHaveProperty('errors');
      expect(allowed).toMatchObject({ data: { trades: { edges: expect.any(Array) as unknown } } });
      expect((await ask()).status).toBe(401);
    });

    it('shows the queues to operations alone', async () => {
      const look = (key?: string) =>
        fetch(`${base}/ops/queues`, {
          headers: key ? { authorization: `Basic ${Buffer.from(`anyone:${key}`).toString('base64')}` } : {},
        });
      expect((await look()).status).toBe(401);
      expect((await look(keys['front-office'])).status).toBe(403);
      const board = await look(keys.operations);
      expect([board.status, await board.text()]).toEqual([200, expect.stringContaining('<html')]);
    });

    it('tells health and figures', async () => {
      const ready = await fetch(`${base}/health/ready`);
      expect([ready.status, await ready.json()]).toEqual([200, expect.objectContaining({ state: 'up' })]);
      expect(await (await fetch(`${base}/metrics`)).text()).toMatch(/^process_resident_memory_bytes \d/m);
    });

    it('keeps its secrets to its owner', () => {
      for (const name of ['access.json', 'api-keys.json', 'role-passwords.json'])
        expect(`${name} ${(statSync(join(data, name)).mode & 0o777).toString(8)}`).toBe(`${name} 600`);
    });

    it('refuses a second start on the same data', async () => {
      const second = launch(data, ['--port', '0']);
      expect(await second.end()).toBe(1);
      expect(second.output).toMatch(/already runs on .* Stop that one first/);
    });

    it('ends when what started it is killed', async () => {
      launched.child.kill('SIGKILL');
      await nothingLeft(data);
    }, 60_000);
  });
});
