import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import suite from './calendars.js';

describe('the suite of calendars', () => {
  let root: string;
  const run = async (cases: object) => {
    await writeFile(join(root, suite.folder, 'any-name.json'), JSON.stringify(cases));
    return suite.run(root);
  };
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'calendars-'));
    await mkdir(join(root, suite.folder), { recursive: true });
  });
  afterEach(async () => {
    await rm(root, { recursive: true });
  });

  it('checks every day of a year, holidays and business days', async () => {
    const year = ['2026-01-01', '2026-04-03', '2026-04-06', '2026-05-01', '2026-12-25', '2026-12-26'];
    expect(await run({ holidays: { EUTA: { 2026: year } } })).toMatchObject({ passed: 262, failed: 0 });
    const { failures } = await run({
      holidays: { EUTA: { 2026: [...year.slice(1), '2026-11-23'] }, NOWHERE: { 2026: [] } },
    });
    expect(failures).toEqual([
      'EUTA 2026-01-01: expected open, is closed',
      'EUTA 2026-11-23: expected closed, is open',
      expect.stringContaining('no calendar NOWHERE'),
    ]);
  });

  it('counts a documented divergence as skipped and says why', async () => {
    const { failures, skipped, notes } = await run({ holidays: { BRBD: { 2024: ['2024-01-01'] } } });
    expect(skipped).toBe(1);
    expect(notes?.[0]).toContain('BRBD 2024-11-20 is closed with us: Lei 14.759');
    expect(failures).toContain('BRBD 2024-12-25: expected open, is closed');
  });

  it('checks Easter, adjustments and steps', async () => {
    const result = await run({
      easter: ['2026-04-05', '2027-03-29'],
      businessDayConventions: [
        { convention: 'FOLLOWING', calendar: 'SAT_SUN', input: '2014-07-12', expected: '2014-07-14' },
      ],
      daysAdjustment: [
        { rule: '3 business days Sat/Sun then Following Wed/Thu', base: '2014-08-15', expected: '2014-08-22' },
        { rule: 'something else', base: '2014-08-15', expected: '2014-08-22' },
      ],
    });
    expect(result.passed).toBe(3);
    expect(result.failures).toEqual([
      'Easter 2027: expected "2027-03-29", got "2027-03-28"',
      'something else from 2014-08-15: the rule is not understood',
    ]);
  });

  it('says which tables it does not know', async () => {
    expect(await run({ swaps: [] })).toMatchObject({
      passed: 0,
      failed: 0,
      skipped: 1,
      notes: [expect.stringContaining('swaps')],
    });
  });
});
