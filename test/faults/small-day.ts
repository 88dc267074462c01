import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Api, patiently } from '#tools/launcher/api.js';
import { runBusinessDay } from '#tools/launcher/business-day.js';
import { type DayFigure } from '#tools/launcher/figures.js';
import { type Installation, startInstallation } from '#tools/launcher/installation.js';
import { moveIn } from '#tools/launcher/institution.js';
import { type OwnFiles } from '#tools/launcher/own-files.js';
import { figuresOf } from '#tools/launcher/report.js';
import { readDayScript } from '#tools/launcher/script.js';
import { firstDay } from '#tools/sample/sample.js';
import { writeSample } from '#tools/sample/write.js';
import { verifyAll, type VerifyResult } from '#tools/verify/verify.js';
import { type Facts, factsOf } from './facts.js';
import { SilentProgress } from './silent-progress.js';

/** Of the installation: killed without warning and started again. */
export const processNames = ['settlement', 'accounting', 'compliance', 'gateway', 'market-simulator'] as const;
export type ProcessName = (typeof processNames)[number];

/** A moment of the day: so long after its n-th step began (0 is the move-in, before the first step). */
export interface Moment {
  step: number;
  afterMs: number;
}

export interface Fault {
  moment: Moment;
  /** In words, for the table. */
  what: string;
  strike: (installation: Installation) => Promise<void>;
}

export interface PlayedDay {
  sampleDirectory: string;
  figures: DayFigure[];
  facts: Facts;
  verified: VerifyResult;
  /** How long each step took; the first is the move-in. */
  stepMs: number[];
  /** What struck, and during which step. */
  struck: string[];
}

/** A person would wait this long for a service to come back: three minutes in pauses of two seconds. */
const attemptsMax = 90;

/**
 * Moves the small institution in and plays its first day, while the faults strike at their moments. Everyone around
 * the back office behaves as they do: what is not answered is sent again, with the same key.
 */
export async function playSmallDay(
  dataDirectory: string,
  options: {
    queueUrl?: string | undefined;
    faults?: readonly Fault[];
    ownFiles?: OwnFiles;
    /** While all of it still runs, after the day. */
    afterDay?: (api: Api, installation: Installation) => Promise<void>;
    /** For whoever may have to stop it early. */
    onStarted?: (installation: Installation) => void;
    /** When it is aborted, nothing more is begun, and what was started is stopped. */
    signal?: AbortSignal;
  } = {},
): Promise<PlayedDay> {
  mkdirSync(dataDirectory, { recursive: true });
  const sampleDirectory = join(dataDirectory, 'sample');
  writeSample(sampleDirectory, { days: 1, scale: 1, volume: 'small' });
  const script = readDayScript(sampleDirectory, firstDay);
  if (!script) throw new Error(`The sample has no script for ${firstDay}`);
  const progress = new SilentProgress();
  let unexpected: Error | undefined;
  const installation = await startInstallation(
    { dataDirectory, port: 0, queueUrl: options.queueUrl },
    sampleDirectory,
    progress,
    (text) => {
      unexpected ??= new Error(text);
    },
    options.signal,
  );
  options.onStarted?.(installation);
  const clock = new StepClock(options.faults ?? [], installation);
  try {
    const api = new Api(`http://127.0.0.1:${installation.gatewayPort}/graphql`, installation.access.keys, attemptsMax);
    const setClock = (localTime: string, zone: string) =>
      patiently(() => installation.setClock(localTime, zone), attemptsMax);
    clock.begin('the move-in');
    await setClock('2026-11-24T22:00', 'Europe/Berlin');
    await moveIn(api, sampleDirectory, progress);
    await runBusinessDay(
      {
        api,
        progress,
        sampleDirectory,
        simulatorUrl: installation.simulatorUrl,
        setClock: (localTime) => setClock(localTime, script.zone),
        ownFiles: options.ownFiles ?? {},
        onStep: (step) => {
          if (unexpected) throw unexpected;
          options.signal?.throwIfAborted();
          clock.begin(`${step.at} ${step.action}${'phase' in step ? ` ${step.phase}` : ''}`);
        },
      },
      script,
    );
    const { stepMs, struck } = await clock.end();
    if (unexpected) throw unexpected;
    await options.afterDay?.(api, installation);
    const figures = await figuresOf(api, firstDay);
    const [facts, verified] = [await factsOf(installation.ownerUrl), await verifyAll(installation.verifyUrl)];
    return { sampleDirectory, figures, facts, verified, stepMs, struck };
  } catch (error) {
    // Whoever asked a process that had ended only knows that it did not answer.
    throw unexpected && unexpected !== error ? new Error(unexpected.message, { cause: error }) : error;
  } finally {
    await clock.end().catch(() => undefined);
    await installation.stop();
  }
}

/** Knows how long each step takes, and lets the faults strike in theirs. */
class StepClock {
  private readonly stepMs: number[] = [];
  private readonly struck: string[] = [];
  private readonly strikes: Promise<void>[] = [];
  private step = -1;
  private beganAt = 0;

  constructor(
    private readonly faults: readonly Fault[],
    private readonly installation: Installation,
  ) {}

  begin(name: string): void {
    this.endStep();
    this.step += 1;
    this.beganAt = performance.now();
    const inThisStep = this.faults.filter(({ moment }) => moment.step === this.step);
    if (inThisStep.length > 0) this.strikes.push(this.strikeInTurn(inThisStep, name));
  }

  /** One after the other, each no earlier than its moment: a process that is still starting cannot be killed again. */
  private async strikeInTurn(faults: readonly Fault[], name: string): Promise<void> {
    const began = this.beganAt;
    const before = [...this.strikes];
    for (const { moment, what, strike } of [...faults].sort((a, b) => a.moment.afterMs - b.moment.afterMs)) {
      const inMs = began + moment.afterMs - performance.now();
      if (inMs > 0) await new Promise((resolve) => setTimeout(resolve, inMs));
      await Promise.all(before);
      this.struck.push(`${what} ${Math.round(moment.afterMs)} ms into ${name}`);
      await strike(this.installation);
    }
  }

  private endStep(): void {
    if (this.step >= 0) this.stepMs[this.step] = performance.now() - this.beganAt;
  }

  async end(): Promise<{ stepMs: number[]; struck: string[] }> {
    this.endStep();
    await Promise.all(this.strikes);
    return { stepMs: this.stepMs, struck: this.struck };
  }
}

export const killed = (name: ProcessName, moment: Moment): Fault => ({
  moment,
  what: `${name} killed`,
  strike: (installation) => installation.processes.replace(name),
});
