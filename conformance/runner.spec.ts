import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runSuite } from './runner.js';
import { type Result } from './suite.js';

const nothing: Result = { passed: 0, failed: 0, skipped: 0, failures: [] };

describe('running a conformance suite', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'corpora-'));
    await mkdir(join(root, 'there'));
  });
  afterEach(async () => {
    await rm(root, { recursive: true });
  });

  const run = async (result: Result, folders = ['absent', 'there']) => {
    const lines: string[] = [];
    const said: string[] = [];
    const suite = { name: 'one', folder: 'absent', folders, run: () => result };
    const isPassed = await runSuite(suite, root, {
      report: (line) => lines.push(line),
      explain: (line) => said.push(line),
    });
    return { isPassed, line: JSON.parse(lines.at(-1) ?? '') as unknown, said: said.join('\n') };
  };

  it('says that the folder is absent, and that is no failure', async () => {
    const { isPassed, line, said } = await run(nothing, ['absent']);
    expect(isPassed).toBe(true);
    expect(line).toMatchObject({ suite: 'one', passed: 0, failed: 0, skipped: 0 });
    expect(said).toContain('no folder absent');
  });

  it.each([
    ['all cases pass', { ...nothing, passed: 3, skipped: 1 }, true],
    ['one case fails', { ...nothing, passed: 3, failed: 1, failures: ['one'] }, false],
    ['every file is skipped', { ...nothing, skipped: 4 }, false],
    ['the floor of the suite is missed', { ...nothing, passed: 3, meetsFloor: false }, false],
    ['a case fails above the floor of the suite', { ...nothing, passed: 3, failed: 1, meetsFloor: true }, true],
  ])('%s', async (_what, result, expected) => {
    expect((await run(result)).isPassed).toBe(expected);
  });

  it('puts the figures of the suite on the JSON line', async () => {
    expect((await run({ ...nothing, passed: 1, figures: { steps: 20 } })).line).toEqual({
      suite: 'one',
      passed: 1,
      failed: 0,
      skipped: 0,
      steps: 20,
    });
  });
});
