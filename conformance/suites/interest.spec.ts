import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Suite } from '../suite.js';
import apy from './apy.js';
import dayCount from './day-count.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'interest-'));
});
afterEach(async () => {
  await rm(root, { recursive: true });
});
const run = async (suite: Suite, lines: string[]) => {
  await mkdir(join(root, suite.folder), { recursive: true });
  await writeFile(join(root, suite.folder, 'any-name.csv'), lines.join('\n'));
  return suite.run(root);
};

describe('the suite of day counts', () => {
  it('takes columns by their header, and conventions by the names that others give them', async () => {
    const header = 'convention,start,end,ref_start,ref_end,termination_date,expected_days,expected_year_fraction';
    expect(
      await run(dayCount, [
        header,
        'Actual/Actual (ISMA),1999-02-01,1999-07-01,1998-07-01,1999-07-01,,150,0.410958904109589',
        'Actual/365 (Fixed),2026-01-01,2026-12-31,,,,364,0.9972602739726027',
        '30/360 (Bond Basis),2006-08-31,2007-02-28,,,,178,',
        '30E/360 (Eurobond Basis),2006-08-31,2007-02-28,,,,178,',
        '30E/360 (ISDA),2006-08-31,2007-02-28,,,,180,',
        '30/360 (ISDA),2006-08-31,2007-02-28,,,2007-02-28,178,',
        '30/360 (ISDA),2006-08-31,2007-02-28,,,2008-02-28,180,',
      ]),
    ).toMatchObject({ passed: 7, failed: 0, failures: [], figures: { conventions: 5 } });
  });

  it('fails what differs, what it does not know and what expects nothing', async () => {
    const { failures } = await run(dayCount, [
      'convention,start,end,expected_days,expected_year_fraction',
      'ACT_360,2026-01-01,2026-01-31,31,0.083333333335',
      'ACT_BUSINESS,2026-01-01,2026-01-31,20,',
      'ACT_360,2026-01-01,2026-01-31,,',
    ]);
    expect(failures).toEqual([
      expect.stringMatching(
        /^any-name.csv line 2: ACT_360 .*: expected 0.083333333335 of a year, got 0.0833.*; expected 31 days, got 30$/,
      ),
      expect.stringContaining('the convention is unknown'),
      expect.stringContaining('nothing is expected'),
    ]);
  });
});

it('the suite of yields compounds where there is a rate, and fails what differs', async () => {
  const { passed, failures } = await run(apy, [
    'id,kind,principal,rates,days,compounding,expected_interest,expected_apy_percent',
    'one,general,1000,5.25%,365,daily/365,53.90,5.39',
    'two,general,1000,,182,,30.37,6.19',
    'three,stepped rate,1000,5.00% then 5.50%,183,daily/365,26.68,5.39',
  ]);
  expect(passed).toBe(1);
  expect(failures).toEqual([
    expect.stringContaining('two: expected {"interest":"3037","yield":"619"}, got {"interest":"3037","yield":"618"}'),
    expect.stringContaining('2 rates for 0 terms'),
  ]);
});
