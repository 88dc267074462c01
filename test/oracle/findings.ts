import { type VerifyResult } from '#tools/verify/verify.js';
import { type Finding } from './mutants.js';

/** Everything that a day has wrong, in words: the oracle's differences and the broken invariants. */
export interface Found {
  differences: readonly string[];
  invariants: VerifyResult['invariants'];
}

const nameOf = ({ number, name }: VerifyResult['invariants'][number]) => `${number}. ${name}`;

/** What of it is the finding that was meant; none when the mutant got through, or was noticed by accident only. */
export function meant(finding: Finding, { differences, invariants }: Found): string | undefined {
  if ('stops' in finding) return undefined;
  if ('oracle' in finding) return differences.find((one) => one.startsWith(finding.oracle));
  const broken = invariants.find(
    (one) => one.broken.length > 0 && nameOf(one).toLowerCase().startsWith(finding.invariant.toLowerCase()),
  );
  return broken && `${nameOf(broken)}: ${broken.broken.length} broken, first ${broken.broken[0]?.where ?? ''}`;
}

export function everything({ differences, invariants }: Found): string[] {
  return [
    ...differences.map((one) => `the oracle: ${one}`),
    ...invariants
      .filter(({ broken }) => broken.length > 0)
      .map((one) => `invariant ${nameOf(one)}: ${one.broken.length} broken, first ${one.broken[0]?.detail ?? ''}`),
  ];
}
