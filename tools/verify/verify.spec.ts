import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { accountingInvariants } from '../../apps/accounting/src/accounting.invariants.js';
import { complianceInvariants } from '../../apps/compliance/src/compliance.invariants.js';
import { settlementInvariants } from '../../apps/settlement/src/settlement.invariants.js';
import { messagingInvariants } from '#libs/messaging/index.js';
import { PlantedBreaches } from '#libs/testing/index.js';
import { invariants } from './verify.js';

/** Where each of a list is broken on purpose; each of these tests ends with asking which was never broken. */
const proofs: [list: readonly { number: number; name: string }[], name: string, test: string][] = [
  [accountingInvariants, 'accountingInvariants', 'apps/accounting/src/accounting.invariants.int-spec.ts'],
  [settlementInvariants, 'settlementInvariants', 'apps/settlement/src/settlement.invariants.int-spec.ts'],
  [complianceInvariants, 'complianceInvariants', 'apps/compliance/src/alerts/alerts.int-spec.ts'],
  [messagingInvariants, 'messagingInvariants', 'libs/messaging/boundaries.int-spec.ts'],
];

describe('what npm run verify proves', () => {
  it('has the invariants that are promised', () => {
    const numbers = new Set(invariants().map(({ number }) => number));
    expect([1, 2, 3, 4, 5, 8, 9, 12, 13].filter((number) => !numbers.has(number))).toEqual([]);
  });

  it('has none that no test breaks on purpose', () => {
    const broken = proofs.flatMap(([list]) => list);
    expect(invariants().filter((one) => !broken.includes(one))).toEqual([]);
    for (const [, name, test] of proofs) {
      const text = readFileSync(join(import.meta.dirname, '..', '..', test), 'utf8');
      expect([test, text.includes(`new PlantedBreaches(${name})`)]).toEqual([test, true]);
      expect([test, text.includes('expect(planted.neverBroken()).toEqual([])')]).toEqual([test, true]);
    }
  });

  it('tells an invariant that no breach was seen of, and one whose name another has', () => {
    const one = { number: 1, name: 'one' };
    const planted = new PlantedBreaches([one, { number: 1, name: 'other' }, { number: 2, name: 'one' }, one]);
    planted.noticed(one, [{}]);
    planted.noticed({ number: 1, name: 'other' }, []);
    expect(planted.neverBroken()).toEqual(['1. other', '2. one', '1. one: stands twice']);
  });
});
