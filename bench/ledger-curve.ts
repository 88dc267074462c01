import pg from 'pg';
import { PostingLane } from '../apps/accounting/src/journal/posting-lane.service.js';
import { PostingService } from '../apps/accounting/src/journal/posting.service.js';
import { foldRollups } from '../apps/accounting/src/rollup/rollup.repository.js';
import { AuditOwner, AuditTrail } from '#libs/audit/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { withDatabase } from './database.js';
import { type BenchArguments, median, progress } from './harness.js';
import { byHand, itemOf, measure, seed, sharedByMany, Transfers } from './ledger.js';

export interface CurveFigures {
  compared: string;
  rounds: number;
  accounts: number;
  /** Transfers a second by the share of them that touches one account. */
  curve: { shared_percent: number; handwritten_tps: number; strict_tps: number; rollup_tps: number }[];
}

const shares = [0, 25, 50, 75, 100];
const callers = 256;
/** Each an engine of its own, as processes are: they meet only in the database. */
const engines = 3;

/** How much one account that many post to slows everyone down: by hand, with a strict account and with a rollup account. */
export async function ledgerCurve(options: BenchArguments): Promise<CurveFigures> {
  const accounts = options.number('accounts', 10_000);
  const count = options.number('transfers', 5_000);
  return withDatabase(['accounting'], async (database) => {
    await seed(database, accounts);
    const transfers = new Transfers(accounts);
    const lanes = Array.from(
      { length: engines },
      () =>
        new PostingLane(
          database.transactions('accounting', 2),
          new PostingService(new AuditTrail(new AuditOwner('accounting')), new WorkItems()),
        ),
    );
    const folding = database.transactions('accounting', 1);
    const pool = new pg.Pool({ connectionString: database.ownerUrl, max: 16 });
    pool.on('error', () => undefined);
    const clients = await Promise.all(Array.from({ length: 16 }, () => pool.connect()));

    const engine = async (sharedPercent: number, shared?: string): Promise<number> => {
      const { perSecond } = await measure(count, callers, async (caller) => {
        const [result] = (await lanes[caller % engines]?.post({
          items: [itemOf(transfers.next(sharedPercent), shared)],
          requestedBy: 'bench',
        })) ?? [undefined];
        if (result?.outcome !== 'POSTED') throw new Error(`refused: ${result?.code ?? 'no result'}`);
      });
      return perSecond;
    };
    /** What was posted is folded within the time that is measured: nothing is left for later. */
    const rollup = async (sharedPercent: number): Promise<number> => {
      const began = performance.now();
      const posting = { isOver: false };
      const folded = (async () => {
        for (;;) {
          const { isOver } = posting;
          const { postings } = await folding.run(foldRollups);
          if (isOver && postings === 0) return;
          if (postings === 0) await new Promise((resolve) => setTimeout(resolve, 250));
        }
      })();
      try {
        await engine(sharedPercent, sharedByMany);
      } finally {
        posting.isOver = true;
        await folded;
      }
      return count / ((performance.now() - began) / 1000);
    };
    const handwritten = async (sharedPercent: number): Promise<number> =>
      (
        await measure(count / 2, clients.length, (caller) =>
          byHand(clients[caller] as pg.PoolClient, transfers.next(sharedPercent)),
        )
      ).perSecond;

    try {
      progress('  warm-up');
      await engine(0);
      await rollup(50);
      await handwritten(0);
      await database.owner.query('ANALYZE');
      const rounds = new Map<number, { hand: number[]; strict: number[]; rollup: number[] }>();
      for (let round = 1; round <= options.rounds; round += 1) {
        progress(`  round ${round}/${options.rounds}`);
        for (const share of round % 2 === 1 ? shares : [...shares].reverse()) {
          const at = rounds.get(share) ?? { hand: [], strict: [], rollup: [] };
          rounds.set(share, at);
          at.hand.push(await handwritten(share));
          at.strict.push(await engine(share));
          at.rollup.push(await rollup(share));
          progress(
            `    ${String(share).padStart(3)} % on one account: by hand ${Math.round(at.hand.at(-1) ?? 0)}, strict ${Math.round(at.strict.at(-1) ?? 0)}, rollup ${Math.round(at.rollup.at(-1) ?? 0)} a second`,
          );
        }
      }
      const middle = (values: number[] | undefined) => Math.round(median(values ?? []));
      return {
        compared: `transfers a second from ${callers} callers over ${engines} engines, by the share that touches one account`,
        rounds: options.rounds,
        accounts,
        curve: shares.map((share) => ({
          shared_percent: share,
          handwritten_tps: middle(rounds.get(share)?.hand),
          strict_tps: middle(rounds.get(share)?.strict),
          rollup_tps: middle(rounds.get(share)?.rollup),
        })),
      };
    } finally {
      for (const client of clients) client.release();
      await pool.end();
    }
  });
}

export function printCurve({ compared, curve }: CurveFigures): void {
  console.log(compared);
  for (const { shared_percent, handwritten_tps, strict_tps, rollup_tps } of curve)
    console.log(
      `  ${String(shared_percent).padStart(3)} %  by hand ${String(handwritten_tps).padStart(6)}  strict ${String(strict_tps).padStart(6)}  rollup ${String(rollup_tps).padStart(6)}`,
    );
}
