import pg from 'pg';
import { together } from '#libs/database/index.js';
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
  invariants: {
    number: number;
    name: string;
    checked: number;
    broken: { where: string; detail: string }[];
    seconds: number;
  }[];
}

/** So many sessions look at the same moment: a core each, so none of them asks for helpers. */
const sessions = 2;
const settings = `
  SET LOCAL work_mem = '256MB';
  SET LOCAL max_parallel_workers_per_gather = 0`;

export const invariants = (): Invariant[] =>
  [...accountingInvariants, ...settlementInvariants, ...messagingInvariants, ...complianceInvariants].sort(
    (a, b) => a.number - b.number,
  );

/**
 * Proves every invariant against one snapshot, while the system may be at work: the role `verify` only reads,
 * and REPEATABLE READ shows all its questions the same moment, those of the other session too.
 */
export async function verifyAll(verifyUrl: string, chosen: readonly Invariant[] = invariants()): Promise<VerifyResult> {
  // No statement takes longer than the role allows (15 minutes).
  const clients = Array.from({ length: sessions }, () => new pg.Client({ connectionString: verifyUrl }));
  try {
    let snapshot: string | undefined;
    for (const client of clients) {
      await client.connect();
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      if (snapshot === undefined) snapshot = await exportedSnapshot(client);
      else await client.query(`SET TRANSACTION SNAPSHOT ${pg.escapeLiteral(snapshot)}`);
      await client.query(settings);
    }
    const results: VerifyResult['invariants'] = [];
    const waiting = chosen.map((invariant, place) => ({ invariant, place }));
    const work = async (client: pg.Client) => {
      const ask: Ask = async (sql, parameters) => (await client.query(sql, parameters)).rows as never;
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const { number, name, check } = next.invariant;
        const began = performance.now();
        const found = await check(ask);
        results[next.place] = { number, name, ...found, seconds: Math.round(performance.now() - began) / 1000 };
      }
    };
    await together(clients.map(work));
    for (const client of clients) await client.query('COMMIT');
    return {
      checked: results.reduce((sum, one) => sum + one.checked, 0),
      broken: results.reduce((sum, one) => sum + one.broken.length, 0),
      invariants: results,
    };
  } finally {
    for (const client of clients) await client.end();
  }
}

async function exportedSnapshot(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ snapshot: string }>('SELECT pg_export_snapshot() AS snapshot');
  return rows[0]?.snapshot ?? '';
}
