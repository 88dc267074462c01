import { afterAll, describe, expect, it } from '@jest/globals';
import {
  launch,
  type Launched,
  nothingLeft,
  smallDisk,
  temporaryInstallation,
  usedMegabytes,
} from '../e2e/launcher-process.js';

const startedMs = 120_000;

describe('npm start on a disk that runs full', () => {
  const full = temporaryInstallation();
  const disk = smallDisk(full.data, 1_400);
  if (!disk) console.warn('the full disk is skipped: no small disk can be mounted here (that takes root)');
  const running: Launched[] = [];
  const start = (): Launched => {
    const launched = launch(full.data, ['--port', '0']);
    running.push(launched);
    return launched;
  };

  afterAll(() => {
    for (const { child } of running) child.kill('SIGKILL');
    disk?.remove();
    full.remove();
  });

  (disk ? it : it.skip)(
    'stops in order, and says so',
    async () => {
      const launched = start();
      await launched.says('Northgate moves in', startedMs);
      disk?.resize(usedMegabytes(full.data) + 60);
      expect(await launched.end()).toBe(1);
      expect(launched.output).toMatch(/is nearly full \(\d+ MB free\).*Free some, then start again/);
      await nothingLeft(full.data);
      disk?.resize(1_600);
    },
    240_000,
  );

  it('goes on when there is room again, until Ctrl-C ends the day', async () => {
    const launched = start();
    await launched.says('signed by two people', startedMs);
    launched.child.kill('SIGINT');
    expect(await launched.end()).toBe(130);
    // It was told to stop: what that interrupted is no fault.
    expect(launched.output).not.toMatch(/Error|ECONN|fetch failed|unexpectedly/);
    await nothingLeft(full.data);
  }, 240_000);
});
