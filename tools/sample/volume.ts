import { type Institution } from './institution.js';

/** `small` is a day of about 60 trades due, 60 new ones and 30 payments for tests that run it many times. */
export type SampleVolume = 'full' | 'small';

/** How often a planted case comes: a small day keeps at most two of each. */
export const planted = (volume: SampleVolume, count: number): number =>
  volume === 'small' ? Math.min(count, 2) : count;

const everyNthInstrument = 5;

/** The same people and instruments, fewer of them: those singled out, and those that the imported files name, all stay. */
export function smallInstitution(institution: Institution): Institution {
  const { instruments, clients, suspendedInstrument } = institution;
  const seen = new Map<string, number>();
  const isKept = (one: Institution['instruments'][number]): boolean => {
    const group = `${one.market}:${one.assetClass}`;
    const index = seen.get(group) ?? 0;
    seen.set(group, index + 1);
    return index % everyNthInstrument === 0 || one === suspendedInstrument;
  };
  return {
    ...institution,
    instruments: instruments.filter(isKept),
    clients: clients.filter(({ account }) => {
      const number = Number(account.slice(1));
      return number <= 60 || (number >= 100 && number <= 130) || (number >= 770 && number <= 860);
    }),
  };
}
