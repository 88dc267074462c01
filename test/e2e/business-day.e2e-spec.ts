import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { itBySchemas } from '#libs/iso20022/testing.js';
import { hasHledger } from '#libs/testing/index.js';
import { startInstallation } from '#tools/launcher/installation.js';
import { SilentProgress } from '../faults/silent-progress.js';
import { differences } from '../oracle/compare.js';
import { Oracle } from '../oracle/oracle.js';
import { firstDayRows, firstDayValues, sumsThatFail } from './first-day.js';
import { GatewayClient } from './gateway-client.js';
import { exportedJournal, inFunctionalCurrency, toldByHledger, toldByTheProduct } from './told-by-hledger.js';
import { toldBooks } from './told-books.js';
import { gatewayFuzz } from './gateway-fuzz.js';
import { journeys, type Running } from './journeys.js';
import { launch } from './launcher-process.js';
import { figuresOfDay, type LauncherRun, runLauncher, temporaryData } from './launcher.js';
import { publishedSanctions } from './published-sanctions.js';

const days = ['2026-11-25', '2026-11-26', '2026-11-27'];

describe('the first three business days, from nothing, on the embedded default', () => {
  const data = temporaryData();
  let dayOne: LauncherRun;
  let nextDays: LauncherRun;

  beforeAll(async () => {
    // The launcher dies in the middle of the day; the next start goes on from there.
    const sanctions = publishedSanctions ? ['--sanctions', publishedSanctions.path] : [];
    const interrupted = launch(data.directory, ['--once', '--json', '--port', '0', ...sanctions]);
    await interrupted.says('gate passed', 400_000);
    interrupted.child.kill('SIGKILL');
    await interrupted.end();
    dayOne = await runLauncher(data.directory, sanctions);
    // The same data directory again: it goes on with the next days.
    nextDays = await runLauncher(data.directory, ['--days', '2']);
  }, 900_000);

  afterAll(() => {
    data.remove();
  });

  it('ends well, with every invariant proven and every asset at zero', () => {
    expect({ code: dayOne.exitCode, errors: dayOne.exitCode === 0 ? '' : dayOne.errors.slice(-3000) }).toEqual({
      code: 0,
      errors: '',
    });
    expect(dayOne.report?.verify.broken).toBe(0);
    expect(dayOne.report?.verify.checked).toBeGreaterThan(10_000);
    const { entries, postings, sums } = dayOne.report?.ledger ?? { entries: 0, postings: 0, sums: {} };
    expect({ entries, postings, assets: Object.keys(sums).length }).toEqual({
      entries: 11_968,
      postings: 27_530,
      assets: 264,
    });
    expect(new Set(Object.values(sums))).toEqual(new Set(['0']));
  });

  it('goes on where the start that was killed had stopped', () => {
    expect(dayOne.errors).toContain('was interrupted; going on where it stopped');
    expect(dayOne.errors).not.toContain('Northgate moves in');
  });

  it('comes to every row, part and value of the sample day', () => {
    expect(dayOne.report?.rows).toEqual(firstDayRows);
    expect(sumsThatFail(dayOne.report?.rows ?? {})).toEqual([]);
    expect(dayOne.report?.values).toEqual(firstDayValues);
  });

  it('says in short what the rows say', () => {
    expect(dayOne.report?.trades).toEqual({ received: 1996, captured: 1982, rejected: 14, held: 6 });
    expect(dayOne.report?.due).toEqual({ total: 1900, settled: 1812, partial: 9, pending: 74, held: 5 });
    expect(dayOne.report?.workItems).toBe(118);
    expect(dayOne.report?.businessDates).toEqual({ NGEU: '2026-11-25', NGUS: '2026-11-25' });
    expect(Object.keys(dayOne.report ?? {}).sort()).toEqual(
      [
        ...['businessDates', 'rows', 'trades', 'due', 'values', 'workItems', 'ledger', 'verify', 'seconds'],
        'peakMemoryMb',
      ].sort(),
    );
    expect(Object.values(dayOne.report?.seconds ?? {}).every((one) => one >= 0)).toBe(true);
    expect(dayOne.report?.peakMemoryMb).toBeGreaterThan(0);
  });

  it('goes on with the next days on the same data', () => {
    expect({ code: nextDays.exitCode, errors: nextDays.exitCode === 0 ? '' : nextDays.errors.slice(-3000) }).toEqual({
      code: 0,
      errors: '',
    });
    expect(nextDays.report?.businessDates).toEqual({ NGEU: '2026-11-27', NGUS: '2026-11-27' });
    expect(nextDays.report?.verify.broken).toBe(0);
  });

  itBySchemas(
    'exchanges no file that is not valid by its published schema, in either direction',
    (schemas) => {
      const { files, valid, faults } = schemas.judgeFolder(join(data.directory, 'exchange'));
      expect({ faults: faults.slice(0, 10), count: faults.length }).toEqual({ faults: [], count: 0 });
      expect(files).toBeGreaterThan(50);
      const types = (folder: string) => [...(valid.get(folder)?.keys() ?? [])].sort();
      // Ours, and the market's: all of them were taken in and put away.
      expect(types('to')).toEqual(['pain.001.001.12', 'sese.023.001.11']);
      expect(types('done')).toEqual([
        'camt.053.001.08',
        'pacs.002.001.12',
        'pacs.004.001.13',
        'semt.002.001.11',
        'sese.024.001.12',
        'sese.025.001.11',
      ]);
      expect([...valid.keys()].sort()).toEqual(['done', 'to']);
      const orders = schemas.judgeFolder(join(data.directory, 'sample', 'days'));
      expect(orders.faults).toEqual([]);
      expect([...orders.valid.values()].flatMap((types) => [...types.keys()])).toContain('pain.001.001.09');
    },
    120_000,
  );

  it('agrees with the oracle on every id and value of every day', () => {
    const oracle = new Oracle(join(data.directory, 'sample'));
    const found = days.map((date) => ({
      date,
      differences: differences(oracle.play(date), figuresOfDay(data.directory, date)),
    }));
    expect(found).toEqual(days.map((date) => ({ date, differences: [] })));
  });

  describe('the installation that they left, started without a further day', () => {
    const unexpectedEnds: string[] = [];
    let running: Running | undefined;
    const present = (): Running => {
      if (!running) throw new Error('it did not start');
      return running;
    };

    beforeAll(async () => {
      // A job that cannot succeed is to fail within the patience of a test.
      Object.assign(process.env, { MESSAGING_MAX_ATTEMPTS: '2', MESSAGING_BACKOFF_MS: '100' });
      const sampleDirectory = join(data.directory, 'sample');
      const installation = await startInstallation(
        { dataDirectory: data.directory, port: 0 },
        sampleDirectory,
        new SilentProgress(),
        (text) => unexpectedEnds.push(text),
      );
      const base = `http://127.0.0.1:${installation.gatewayPort}`;
      running = { installation, sampleDirectory, client: new GatewayClient(base, installation.access.keys) };
    }, 180_000);

    afterAll(async () => {
      await running?.installation.stop();
    }, 60_000);

    // None of the sample's names is on it: the figures above are those of the day without it.
    (publishedSanctions ? it : it.skip)(
      'has screened by the list that OFAC publishes, besides the sample’s',
      async () => {
        const query = 'query Lists { listVersions(first: 20) { edges { node { source state entryCount } } } }';
        const answer = await present().client.ask('compliance', query);
        const versions = (answer.data as { listVersions: { edges: { node: unknown }[] } }).listVersions.edges;
        expect(versions.map(({ node }) => node)).toContainEqual({
          source: 'OWN',
          state: 'ACTIVE',
          entryCount: publishedSanctions?.entryCount,
        });
      },
    );

    it('has the books that the oracle kept: trial balance by asset, balance sheet, profit and loss, at each date', async () => {
      const oracle = new Oracle(join(data.directory, 'sample'));
      for (const date of days) {
        oracle.play(date);
        for (const [book, books] of Object.entries(oracle.booksNow()))
          expect([date, book, await toldBooks(present().client, book, date)]).toEqual([date, book, books]);
      }
    });

    (hasHledger ? it : it.skip)(
      'has books that hledger comes to as well, from the journal taken out: by account and asset, balance sheet, income statement',
      async () => {
        const date = '2026-11-27';
        const rates: { base: string; quote: string; rate: string }[] = parse(
          readFileSync(join(data.directory, 'sample', 'cut-over', 'rates.csv')),
          { columns: true },
        );
        for (const book of ['NGEU', 'NGUS']) {
          const { client } = present();
          const journal = await exportedJournal(client, book, date);
          const byHledger = await toldByHledger(journal);
          expect([book, byHledger]).toEqual([book, await toldByTheProduct(client, book, date)]);
          expect(Object.keys(byHledger.balances).length).toBeGreaterThan(500);
          if (book !== 'NGEU') continue;
          const lines = await inFunctionalCurrency(client, book, date, journal, rates);
          // hledger rounds each amount for itself: three foreign currencies make a cent and a half.
          expect(lines.filter(({ ours, byHledger: theirs }) => Math.abs(ours - theirs) > 1.5)).toEqual([]);
          expect(lines.some(({ ours }) => ours !== 0)).toBe(true);
        }
      },
      240_000,
    );

    journeys(present);
    gatewayFuzz(present, () => unexpectedEnds);
  });
});
