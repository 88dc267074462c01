import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addDays } from '#libs/calendar/index.js';
import { booksOpenOn, firstDay, sampleDays } from '#tools/sample/sample.js';
import { writeSample } from '#tools/sample/write.js';
import { verifyAll } from '#tools/verify/verify.js';
import { Api } from './api.js';
import { type LauncherArguments } from './arguments.js';
import { runBusinessDay } from './business-day.js';
import { diskRunsFull } from './disk.js';
import { type DayFigure } from './figures.js';
import { type Installation, removeData, startInstallation } from './installation.js';
import { moveIn } from './institution.js';
import { type OwnFiles } from './own-files.js';
import { fitExternalDatabase } from './external-database.js';
import { Progress } from './progress.js';
import { readDayScript } from './script.js';
import { keepState, readState } from './state.js';
import { figuresOf, reportOf } from './report.js';
import { summaryText, welcomeText } from './summary.js';

const parentCheckMs = 500;
const diskCheckMs = 2_000;

/** One start of the back office, from the files of the sample to the last process that ends. */
export async function run(
  options: LauncherArguments,
  ownFiles: OwnFiles,
  dataDirectory: string,
  startedBy: number,
): Promise<number> {
  const progress = new Progress(options.json);
  let starting: Promise<Installation> | undefined;
  let stopping: Promise<void> | undefined;
  const notWanted = new AbortController();
  const stop = (): Promise<void> =>
    (stopping ??= (async () => {
      clearInterval(parentWatch);
      clearInterval(diskWatch);
      notWanted.abort(new Error('stopped while starting'));
      // What fails to start stops itself.
      const installation = await starting?.catch(() => undefined);
      await installation?.stop();
    })());
  const exit = { isUnderWay: false };
  const stopAndExit = (text: string, code: number) => {
    if (exit.isUnderWay) return;
    exit.isUnderWay = true;
    progress.print(text);
    void stop()
      .catch((error: unknown) => {
        console.error(error);
      })
      .finally(() => process.exit(code));
  };
  // Signals to npm do not reach what it started, so the disappearance of the parent counts as one.
  const parentWatch = setInterval(() => {
    if (process.ppid !== startedBy) stopAndExit('What started the back office is gone; stopping.', 1);
  }, parentCheckMs);
  const diskWatch = setInterval(() => {
    const fault = diskRunsFull(dataDirectory);
    if (fault) stopAndExit(fault, 1);
  }, diskCheckMs);
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)
    process.on(signal, () => {
      stopAndExit('\nStopping …', code);
    });
  // A fault of ours, too, must leave nothing behind.
  process.on('uncaughtException', (error) => {
    console.error(error);
    stopAndExit('Stopping after an unexpected fault.', 1);
  });

  try {
    if (options.reset) progress.begin('reset', 'Removing the data of earlier runs');
    if (process.env.DATABASE_URL)
      await fitExternalDatabase(process.env.DATABASE_URL, readState(dataDirectory, options.scale), options.reset);
    if (options.reset) removeData(dataDirectory);
    const state = readState(dataDirectory, options.scale);
    const keep = () => {
      keepState(dataDirectory, state);
    };
    const dates = datesAfter(state.lastDay, options.days);
    const sampleDirectory = join(dataDirectory, 'sample');
    progress.begin(
      'sample',
      'Northgate, an invented broker-dealer with a book in Frankfurt (NGEU) and one in New York (NGUS)',
    );
    writeSampleUpTo(dates, sampleDirectory, state.scale);
    progress.step(
      `its clients, accounts and ${dates.length === 1 ? `the files of business day ${dates[0] ?? ''}` : `the files of ${dates.length} business days`} generated`,
    );

    progress.begin('start', 'Starting');
    notWanted.signal.throwIfAborted();
    starting = startInstallation(
      options,
      sampleDirectory,
      progress,
      (text) => {
        stopAndExit(text, 1);
      },
      notWanted.signal,
    );
    const running = await starting;
    const api = new Api(`http://127.0.0.1:${running.gatewayPort}/graphql`, running.access.keys);

    if (!state.movedIn) {
      progress.begin('cutOver', 'Northgate moves in');
      await running.setClock('2026-11-24T22:00', 'Europe/Berlin');
      await moveIn(api, sampleDirectory, progress);
      state.movedIn = true;
      keep();
    }
    for (const date of dates) {
      const underWay = state.underWay?.date === date ? state.underWay : { date, stepsDone: 0, notes: {} };
      state.underWay = underWay;
      if (underWay.stepsDone > 0)
        progress.begin('resume', `Business day ${date} was interrupted; going on where it stopped`);
      const script = readDayScript(sampleDirectory, date);
      if (!script) throw new Error(`The sample has no script for ${date}`);
      await runBusinessDay(
        {
          api,
          progress,
          sampleDirectory,
          simulatorUrl: running.simulatorUrl,
          setClock: (localTime) => running.setClock(localTime, script.zone),
          ownFiles,
          memory: {
            stepsDone: underWay.stepsDone,
            stepDone: () => {
              underWay.stepsDone += 1;
              keep();
            },
            once: (name, text) => {
              const noted = (underWay.notes[name] ??= text);
              keep();
              return noted;
            },
          },
        },
        script,
      );
      keepFigures(dataDirectory, date, await figuresOf(api, date));
      state.lastDay = date;
      state.underWay = null;
      keep();
    }
    progress.begin('verify', 'Proving the invariants');
    const verified = await verifyAll(running.verifyUrl);
    for (const { number, name, checked, broken } of verified.invariants) {
      const text = `${number}. ${name.charAt(0).toUpperCase()}${name.slice(1)}: ${checked} checked`;
      if (broken.length === 0) progress.step(text);
      else progress.fault(`BROKEN ${text}, ${broken.length} broken, first ${broken[0]?.where ?? ''}`);
    }
    progress.end();
    const lastDate = dates[dates.length - 1] ?? firstDay;
    const report = await reportOf(
      api,
      lastDate,
      booksOpenOn(lastDate),
      verified,
      progress.seconds,
      running.processes.peakMemoryMb(),
    );
    progress.print(summaryText(report));
    progress.print(welcomeText(running.gatewayPort, running.access.keys, dataDirectory));
    if (options.json && !options.once) console.log(JSON.stringify(report));
    const code = verified.broken === 0 ? 0 : 1;
    if (options.once) {
      await stop();
      progress.print('  Stopped, as --once asks. Without it the addresses above go on answering.');
      if (options.json) console.log(JSON.stringify(report));
      return code;
    }
    progress.print('  Running. Ctrl-C stops everything; the next start goes on with the next business day.');
    return await new Promise<number>(() => undefined);
  } catch (error) {
    // What a stop interrupted has nothing to say any more; the stop ends the process.
    if (exit.isUnderWay) return await new Promise<number>(() => undefined);
    progress.end();
    await stop();
    throw error;
  }
}

/** Each day's figures with the references behind them, for a look and for the oracle. */
function keepFigures(dataDirectory: string, date: string, figures: readonly DayFigure[]): void {
  const folder = join(dataDirectory, 'reports');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${date}.json`), `${JSON.stringify(figures, null, 1)}\n`);
}

/** The next days on which a book opens, after the last one that was run. */
function datesAfter(lastDay: string | null, count: number): string[] {
  if (!lastDay) return sampleDays(count);
  const dates: string[] = [];
  for (let date = addDays(lastDay, 1); dates.length < count; date = addDays(date, 1))
    if (booksOpenOn(date).length > 0) dates.push(date);
  return dates;
}

/** Generates the sample up to the last date wanted; the same bytes every time, so writing again is harmless. */
function writeSampleUpTo(dates: readonly string[], directory: string, scale: number): void {
  const last = dates[dates.length - 1] ?? firstDay;
  let days = 1;
  while ((sampleDays(days)[days - 1] ?? last) < last) days += 1;
  writeSample(directory, { days, scale });
}
