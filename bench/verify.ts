import { AuditOwner, AuditTrail } from '#libs/audit/index.js';
import { seededRandom } from '#libs/kernel/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { verifyAll } from '#tools/verify/verify.js';
import { accountingInvariants } from '../apps/accounting/src/accounting.invariants.js';
import { PostingLane } from '../apps/accounting/src/journal/posting-lane.service.js';
import { transferOf } from '../apps/accounting/src/journal/posting.js';
import { PostingService } from '../apps/accounting/src/journal/posting.service.js';
import { type BenchDatabase, withDatabase } from './database.js';
import { book, type FilledLedger, fillLedger } from './filled-ledger.js';
import { type BenchArguments, progress, round, timed } from './harness.js';

const writers = 4;

export interface VerifyFigures {
  compared: string;
  postings: number;
  entries: number;
  accounts: number;
  fill_seconds: number;
  /** Of each invariant, by its number. */
  seconds: Record<string, number>;
  total_seconds: number;
  checked: number;
  broken: number;
  /** Transfers that were booked meanwhile, by callers that wait for each answer. */
  posted_meanwhile: number;
  posted_per_second: number;
}

/** Transfers through the engine, one after the other for each writer, until it is told to stop. */
async function writing(
  database: BenchDatabase,
  { day, cashAccounts }: FilledLedger,
  until: Promise<unknown>,
): Promise<number> {
  const posting = new PostingService(new AuditTrail(new AuditOwner('accounting')), new WorkItems());
  const lane = new PostingLane(database.transactions('accounting', 4), posting);
  const random = seededRandom('meanwhile');
  let isOver = false;
  void until.finally(() => (isOver = true));
  let posted = 0;
  const write = async (writer: number) => {
    for (let n = 1; !isOver; n += 1) {
      const debit = random.integer(1, cashAccounts - 1);
      const key = `meanwhile-${writer}-${n}`;
      const [result] = await lane.post({
        requestedBy: 'bench',
        items: [
          {
            op: 'ENTRY',
            key,
            book,
            kind: 'TRANSFER',
            businessDate: day,
            valueDate: day,
            description: 'meanwhile',
            subject: { kind: 'BENCH', id: key },
            postings: transferOf(`C${debit}`, `C${debit + 1}`, 'EUR', '100'),
          },
        ],
      });
      if (result?.outcome !== 'POSTED') throw new Error(`refused: ${result?.code ?? 'no result'}`);
      posted += 1;
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
  return posted;
}

/** The invariants of the ledger as `npm run verify` asks for them, while the engine goes on posting. */
export async function verify(options: BenchArguments): Promise<VerifyFigures> {
  const accounts = options.number('accounts', 100_000);
  return withDatabase(['accounting'], async (database) => {
    let filled: FilledLedger | undefined;
    progress('Filling a ledger …');
    const fillSeconds = await timed(async () => {
      filled = await fillLedger(database, { postings: options.number('postings', 1_000_000), accounts });
    });
    if (!filled) throw new Error('nothing was filled');
    progress(`${filled.postings} postings of ${filled.entries} entries, verified while ${writers} callers post …`);
    const began = performance.now();
    const proving = verifyAll(database.urls.verify, accountingInvariants);
    const [proof, posted] = await Promise.all([proving, writing(database, filled, proving)]);
    const total = (performance.now() - began) / 1000;
    for (const { where, detail } of proof.invariants.flatMap(({ broken }) => broken).slice(0, 20))
      progress(`  broken: ${where}: ${detail}`);
    const seconds: Record<string, number> = {};
    // Several may have one number.
    for (const one of proof.invariants) seconds[one.number] = round((seconds[one.number] ?? 0) + one.seconds);
    return {
      compared: 'seconds of each invariant of the ledger, on one snapshot, while postings go on',
      postings: filled.postings,
      entries: filled.entries,
      accounts,
      fill_seconds: round(fillSeconds, 1),
      seconds,
      total_seconds: round(total, 1),
      checked: proof.checked,
      broken: proof.broken,
      posted_meanwhile: posted,
      posted_per_second: Math.round(posted / total),
    };
  });
}

export function printVerify(figures: VerifyFigures): void {
  console.log(figures.compared);
  for (const [number, seconds] of Object.entries(figures.seconds))
    console.log(`  invariant ${number} ${seconds.toFixed(1).padStart(8)} s`);
  console.log(
    `  ${figures.postings} postings in ${figures.total_seconds} s, ${figures.broken} broken; ${figures.posted_per_second}/s posted meanwhile`,
  );
}
