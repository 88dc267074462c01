import pg from 'pg';
import { accountingInvariants } from '../../apps/accounting/src/accounting.invariants.js';
import { complianceInvariants } from '../../apps/compliance/src/compliance.invariants.js';
import { settlementInvariants } from '../../apps/settlement/src/settlement.invariants.js';
import { messagingInvariants } from '#libs/messaging/index.js';

/** Asks the database, read-only. */
export type Ask = <Row>(sql: string, parameters?: unknown[]) => Promise<Row[]>;

export interface Invariant {
  /** Its number in docs/architecture.md, What must always hold. */
  number: number;
  name: string;
  check: (ask: Ask) => Promise<{ checked: number; broken: { where: string; detail: string }[] }>;
}

export interface VerifyResult {
  checked: number;
  broken: number;
  invariants: { number: number; name: string; checked: number; broken: { where: string; detail: string }[] }[];
}

export const invariants = (): Invariant[] =>
  [...accountingInvariants, ...settlementInvariants, ...messagingInvariants, ...complianceInvariants].sort(
    (a, b) => a.number - b.number,
  );

/**
 * Proves every invariant against one snapshot, while the system may be at work: the role `verify` only reads,
 * and REPEATABLE READ shows all its questions the same moment.
 */
export async function verifyAll(verifyUrl: string, chosen: readonly Invariant[] = invariants()): Promise<VerifyResult> {
  const client = new pg.Client({ connectionString: verifyUrl, statement_timeout: 300_000 });
  await client.connect();
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const ask: Ask = async (sql, parameters) => (await client.query(sql, parameters)).rows as never;
    const results: VerifyResult['invariants'] = [];
    for (const { number, name, check } of chosen) results.push({ number, name, ...(await check(ask)) });
    await client.query('COMMIT');
    return {
      checked: results.reduce((sum, one) => sum + one.checked, 0),
      broken: results.reduce((sum, one) => sum + one.broken.length, 0),
      invariants: results,
    };
  } finally {
    await client.end();
  }
}
