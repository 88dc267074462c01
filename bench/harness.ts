import { cpus, release, totalmem, type } from 'node:os';

export interface BenchArguments {
  name: string;
  isJson: boolean;
  rounds: number;
  /** What a bench reads beside: `--lines 20000`, `--scale 4`. */
  number(name: string, otherwise: number): number;
}

/** One side of a comparison: `run` does the work of a round and returns its seconds. */
export interface Side {
  name: string;
  run(round: number): Promise<number>;
}

export interface SideFigures {
  name: string;
  seconds: number[];
  medianSeconds: number;
  /** Units of work a second, at the median. */
  perSecond: number;
}

export interface Comparison {
  /** In words: what is done, and against what. */
  compared: string;
  unit: string;
  unitsPerRound: number;
  rounds: number;
  subject: SideFigures;
  baseline: SideFigures;
  /** Seconds of the subject by seconds of the baseline: the median over the pairs, and their range. */
  ratio: { median: number; least: number; most: number };
}

export const progress = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export const round = (value: number, digits = 3): number => Number(value.toFixed(digits));

/**
 * Both sides in each round, first and second by turns, so that a machine that slows down or warms up does so for both.
 * Round 0 warms up and is not counted.
 */
export async function compare(
  given: { compared: string; unit: string; unitsPerRound: number; rounds: number },
  subject: Side,
  baseline: Side,
): Promise<Comparison> {
  const seconds = { subject: [] as number[], baseline: [] as number[] };
  for (let number = 0; number <= given.rounds; number += 1) {
    const order = number % 2 === 0 ? (['subject', 'baseline'] as const) : (['baseline', 'subject'] as const);
    for (const which of order) {
      const side = which === 'subject' ? subject : baseline;
      const taken = await side.run(number);
      progress(
        `  ${number === 0 ? 'warm-up' : `round ${number}/${given.rounds}`}  ${side.name}: ${taken.toFixed(2)} s, ` +
          `${Math.round(given.unitsPerRound / taken)} ${given.unit}/s`,
      );
      if (number > 0) seconds[which].push(taken);
    }
  }
  const figures = (side: Side, all: number[]): SideFigures => ({
    name: side.name,
    seconds: all.map((one) => round(one)),
    medianSeconds: round(median(all)),
    perSecond: Math.round(given.unitsPerRound / median(all)),
  });
  const ratios = seconds.subject.map((taken, at) => taken / (seconds.baseline[at] ?? Number.NaN));
  return {
    ...given,
    subject: figures(subject, seconds.subject),
    baseline: figures(baseline, seconds.baseline),
    ratio: {
      median: round(median(ratios), 2),
      least: round(Math.min(...ratios), 2),
      most: round(Math.max(...ratios), 2),
    },
  };
}

/** Seconds that the work took. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

export function machine() {
  const [first] = cpus();
  return {
    cpu: first?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
  };
}

export function printComparison({ compared, unit, subject, baseline, ratio, rounds }: Comparison): void {
  console.log(compared);
  for (const { name, medianSeconds, perSecond } of [subject, baseline])
    console.log(
      `  ${name.padEnd(46)} ${medianSeconds.toFixed(2).padStart(8)} s  ${String(perSecond).padStart(8)} ${unit}/s`,
    );
  console.log(
    `  ratio of the seconds ${ratio.median.toFixed(2)} (${ratio.least.toFixed(2)} to ${ratio.most.toFixed(2)}), medians of ${rounds} paired rounds`,
  );
}
