import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { AuditOwner, AuditTrail } from '#libs/audit/index.js';
import { signInternalToken } from '#libs/auth/index.js';
import { seededRandom } from '#libs/kernel/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { Processes } from '#tools/launcher/processes.js';
import { type PostingItem, transferOf } from '../apps/accounting/src/journal/posting.js';
import { PostingLane } from '../apps/accounting/src/journal/posting-lane.service.js';
import { PostingService } from '../apps/accounting/src/journal/posting.service.js';
import { type BenchDatabase, withDatabase } from './database.js';
import { type BenchArguments, median, progress, round } from './harness.js';

const book = 'NGEU';
const day = '2026-11-25';
const overdraftUnits = 1_000_000_000;
const connectionsTried = [8, 16, 32] as const;

export interface LedgerFigures {
  compared: string;
  rounds: number;
  accounts: number;
  /** Transfers a second, medians over the rounds. */
  handwritten_tps: number;
  handwritten_connections: number;
  engine_tps: Record<'16' | '256', number>;
  bulk_tps: number;
  single_tps: number;
  engine_p99_ms: Record<'16' | '256', number>;
  hot: { handwritten_tps: number; engine_tps: number };
  bytes_per_posting: number;
}

interface Transfer {
  readonly key: string;
  readonly debit: number;
  readonly credit: number;
}

interface Measured {
  readonly perSecond: number;
  readonly p99Ms: number;
}

/** `callers` at a time, each asking again as soon as it is answered. */
export async function measure(
  count: number,
  callers: number,
  work: (caller: number) => Promise<void>,
  perCall = 1,
): Promise<Measured> {
  let left = Math.ceil(count / perCall);
  const calls = left;
  const took: number[] = [];
  const began = performance.now();
  await Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      while (left > 0) {
        left -= 1;
        const asked = performance.now();
        await work(caller);
        took.push(performance.now() - asked);
      }
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  const sorted = took.sort((a, b) => a - b);
  return { perSecond: (calls * perCall) / seconds, p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0 };
}

/** Transfers between two accounts of many, or between one of many and the one that all share. */
export class Transfers {
  private readonly random = seededRandom('transfers');
  private made = 0;

  constructor(private readonly accounts: number) {}

  /** To the one that all share in so many of a hundred transfers. */
  next(sharedPercent: number): Transfer {
    this.made += 1;
    const hot = sharedPercent > 0 && this.random.integer(1, 100) <= sharedPercent;
    const debit = this.random.integer(2, this.accounts);
    // Another one: as far on as it takes, round the end.
    const other = 2 + ((debit - 2 + this.random.integer(1, this.accounts - 2)) % (this.accounts - 1));
    return { key: `t${this.made}`, debit, credit: hot ? 1 : other };
  }
}

const numberOf = (account: number) => `C${account}`;
/** The rollup account of the bench. */
export const sharedByMany = 'SHARED';

export async function seed({ owner }: BenchDatabase, accounts: number): Promise<void> {
  progress(`Opening ${accounts} accounts …`);
  const client = await owner.connect();
  try {
    // What is opened by hand is whole: the triggers that keep it so would look at each row of it alone.
    await client.query(
      `SELECT set_config('app.books', '*', false), set_config('session_replication_role', 'replica', false)`,
    );
    await client.query(`INSERT INTO accounting.asset (asset, kind, scale, name) VALUES ('EUR', 'CURRENCY', 2, 'Euro')`);
    await client.query(
      `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ($1, $2, 'OPEN', '2026-11-26')`,
      [book, day],
    );
    await client.query(
      `INSERT INTO accounting.account (book_id, number, kind, statement_class, normal_side, mode, state)
       SELECT $1, 'C' || n, 'CLIENT_CASH', 'CLIENT_MONEY', 'CREDIT', 'STRICT', 'OPEN' FROM generate_series(1, $2::int) n`,
      [book, accounts],
    );
    await client.query(
      `INSERT INTO accounting.account_limit (book_id, number, asset, overdraft_units)
       SELECT $1, 'C' || n, 'EUR', $3 FROM generate_series(1, $2::int) n`,
      [book, accounts, overdraftUnits],
    );
    await client.query(
      `WITH opened AS (INSERT INTO accounting.ledger_account (book_id, number, asset)
         SELECT $1, 'C' || n, 'EUR' FROM generate_series(1, $2::int) n RETURNING ledger_account_id, book_id)
       INSERT INTO accounting.balance (ledger_account_id, book_id, normal_side, is_strict, limit_units)
       SELECT ledger_account_id, book_id, 'CREDIT', true, $3 FROM opened ORDER BY 1`,
      [book, accounts, overdraftUnits],
    );
    await client.query(`
      CREATE SCHEMA bench;
      CREATE TABLE bench.account (id int PRIMARY KEY, debit numeric(39,0) NOT NULL DEFAULT 0, credit numeric(39,0) NOT NULL DEFAULT 0,
        limit_units numeric(39,0) NOT NULL DEFAULT ${overdraftUnits}, CHECK (credit - debit >= -limit_units));
      CREATE TABLE bench.entry (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text NOT NULL UNIQUE, description text NOT NULL,
        booked_at timestamptz NOT NULL DEFAULT now());
      CREATE TABLE bench.posting (entry_id bigint NOT NULL REFERENCES bench.entry, n int NOT NULL, account_id int NOT NULL REFERENCES bench.account,
        units numeric(39,0) NOT NULL, PRIMARY KEY (entry_id, n));
      CREATE INDEX ON bench.posting (account_id);
    `);
    await client.query(`INSERT INTO bench.account (id) SELECT generate_series(1, $1::int)`, [accounts]);
    await client.query(`
      INSERT INTO accounting.account (book_id, number, kind, statement_class, normal_side, mode, state)
      VALUES ('${book}', '${sharedByMany}', 'SUSPENSE', 'OWN', 'DEBIT', 'ROLLUP', 'OPEN');
      WITH opened AS (INSERT INTO accounting.ledger_account (book_id, number, asset) VALUES ('${book}', '${sharedByMany}', 'EUR') RETURNING ledger_account_id, book_id)
      INSERT INTO accounting.balance (ledger_account_id, book_id, normal_side, is_strict) SELECT ledger_account_id, book_id, 'DEBIT', false FROM opened`);
    await client.query(`SELECT set_config('session_replication_role', 'origin', false)`);
    await client.query('VACUUM ANALYZE');
  } finally {
    client.release();
  }
}

/** What a careful developer writes first: one transaction a transfer, both accounts in order, prepared statements. */
export async function byHand(client: pg.PoolClient, { key, debit, credit }: Transfer): Promise<void> {
  const debits = () =>
    client.query({
      name: 'debit',
      text: 'UPDATE bench.account SET debit = debit + $2 WHERE id = $1',
      values: [debit, 100],
    });
  const credits = () =>
    client.query({
      name: 'credit',
      text: 'UPDATE bench.account SET credit = credit + $2 WHERE id = $1',
      values: [credit, 100],
    });
  await client.query('BEGIN');
  await (debit < credit ? debits() : credits());
  await (debit < credit ? credits() : debits());
  const entry = await client.query<{ id: string }>({
    name: 'entry',
    text: 'INSERT INTO bench.entry (key, description) VALUES ($1, $2) RETURNING id',
    values: [key, 'transfer'],
  });
  await client.query({
    name: 'postings',
    text: 'INSERT INTO bench.posting (entry_id, n, account_id, units) VALUES ($1, 1, $2, $4), ($1, 2, $3, -$4::numeric)',
    values: [entry.rows[0]?.id, debit, credit, 100],
  });
  await client.query('COMMIT');
}

/** The account that all share may be a rollup account. */
export const itemOf = ({ key, debit, credit }: Transfer, shared = numberOf(1)): PostingItem => ({
  op: 'ENTRY',
  key,
  book,
  kind: 'TRANSFER',
  businessDate: day,
  valueDate: day,
  description: 'transfer',
  subject: { kind: 'BENCH', id: key },
  postings: transferOf(numberOf(debit), credit === 1 ? shared : numberOf(credit), 'EUR', '100'),
});

const mutation = `mutation Post($input: PostEntriesInput!) { postEntries(input: $input) { problems { code } items { entry { id } problems { code } } } }`;
const singleMutation = `mutation Post($input: PostEntryInput!) { postEntry(input: $input) { entry { id } problems { code } } }`;

const inputOf = ({ key, debit, credit }: Transfer) => ({
  book,
  kind: 'TRANSFER',
  description: 'transfer',
  idempotencyKey: key,
  postings: [
    { account: numberOf(debit), asset: 'EUR', side: 'DEBIT', amount: '1.00' },
    { account: numberOf(credit), asset: 'EUR', side: 'CREDIT', amount: '1.00' },
  ],
});

/** The accounting service as it ships, asked as the gateway asks it. */
async function withSubgraph<Result>(
  database: BenchDatabase,
  work: (ask: (query: string, input: object) => Promise<void>) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'northgate-bench-logs-'));
  const secret = 'a secret of this bench alone with thirty-two characters';
  const processes = new Processes(folder, (name, how) => {
    progress(`${name} ended unexpectedly (${how})`);
  });
  try {
    const port = await processes.start({
      name: 'accounting',
      entry: 'dist/apps/accounting/src/main.js',
      environment: {
        NODE_ENV: 'production',
        INTERNAL_TOKEN_SECRET: secret,
        MESSAGE_SEAL_KEY: 'a key of this bench alone with thirty-two characters',
        CLOCK: 'database-row',
        SERVICE_NAME: 'accounting',
        PORT: '0',
        WORKER: 'none',
        DATABASE_URL: database.urls.accounting,
        QUEUE_DATABASE_URL: database.urls.queue,
      },
    });
    const principal = {
      subject: 'bench',
      kind: 'MACHINE' as const,
      roles: ['front-office' as const],
      scopes: ['ledger:post' as const, 'ledger:read' as const],
      books: [book],
    };
    let token = { text: '', until: 0 };
    return await work(async (query, input) => {
      if (Date.now() > token.until)
        token = { text: await signInternalToken(principal, secret), until: Date.now() + 30_000 };
      const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token.text}` },
        body: JSON.stringify({ query, variables: { input } }),
      });
      const text = await response.text();
      if (response.status !== 200 || text.includes('"code"') || text.includes('"errors"'))
        throw new Error(`accounting answered ${response.status}: ${text.slice(0, 400)}`);
    });
  } finally {
    await processes.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Everything that a posting leaves on disk. */
async function bytesOfLedger({ owner }: BenchDatabase): Promise<{ bytes: number; postings: number }> {
  const client = await owner.connect();
  try {
    await client.query(`SELECT set_config('app.books', '*', false)`);
    const { rows } = await client.query<{ bytes: string; postings: string }>(
      `SELECT sum(pg_total_relation_size(c.oid)) AS bytes, (SELECT count(*) FROM accounting.posting) AS postings
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'accounting' AND c.relkind = 'r'`,
    );
    return { bytes: Number(rows[0]?.bytes), postings: Number(rows[0]?.postings) };
  } finally {
    client.release();
  }
}

export async function ledger(options: BenchArguments): Promise<LedgerFigures> {
  const accounts = options.number('accounts', 100_000);
  const count = options.number('transfers', 10_000);
  return withDatabase(['accounting'], async (database) => {
    await seed(database, accounts);
    const empty = await bytesOfLedger(database);
    const transfers = new Transfers(accounts);
    const posting = new PostingService(new AuditTrail(new AuditOwner('accounting')), new WorkItems());
    const lane = new PostingLane(database.transactions('accounting', 4), posting);
    const pool = new pg.Pool({ connectionString: database.ownerUrl, max: Math.max(...connectionsTried) });
    pool.on('error', () => undefined);

    const handwritten = async (number: number, connections: number, sharedPercent = 0): Promise<Measured> => {
      const clients = await Promise.all(Array.from({ length: connections }, () => pool.connect()));
      try {
        return await measure(number, connections, (caller) =>
          byHand(clients[caller] as pg.PoolClient, transfers.next(sharedPercent)),
        );
      } finally {
        for (const client of clients) client.release();
      }
    };
    const engine = (number: number, callers: number, sharedPercent = 0): Promise<Measured> =>
      measure(number, callers, async () => {
        const [result] = await lane.post({ items: [itemOf(transfers.next(sharedPercent))], requestedBy: 'bench' });
        if (result?.outcome !== 'POSTED') throw new Error(`refused: ${result?.code ?? 'no result'}`);
      });

    const perSecond = async (name: string, work: Promise<Measured>): Promise<Measured> => {
      const measured = await work;
      progress(
        `    ${name.padEnd(34)} ${String(Math.round(measured.perSecond)).padStart(7)} a second, p99 ${measured.p99Ms.toFixed(1)} ms`,
      );
      return measured;
    };

    try {
      return await withSubgraph(database, async (ask) => {
        const bulk = (number: number) =>
          measure(
            number,
            4,
            () => ask(mutation, { entries: Array.from({ length: 1_000 }, () => inputOf(transfers.next(0))) }),
            1_000,
          );
        const single = (number: number) => measure(number, 64, () => ask(singleMutation, inputOf(transfers.next(0))));

        progress('  warm-up');
        const tried = new Map<number, number>();
        for (const connections of connectionsTried) await handwritten(count / 4, connections);
        await engine(count, 256);
        await bulk(count / 2);
        await single(count / 20);
        await handwritten(count / 10, 16, 100);
        await database.owner.query('ANALYZE');
        for (const connections of connectionsTried) {
          const { perSecond: tps } = await perSecond(
            `by hand, ${connections} connections`,
            handwritten(count / 4, connections),
          );
          tried.set(connections, tps);
        }
        const best = [...tried].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 16;

        const sides = {
          handwritten: () => handwritten(count / 2, best),
          'engine, 16 callers': () => engine(count / 2, 16),
          'engine, 256 callers': () => engine(count, 256),
          'bulk mutation of 1,000': () => bulk(count),
          'single mutation, 64 callers': () => single(count / 10),
          'by hand, one account': () => handwritten(count / 10, best, 100),
          'engine, one account': () => engine(count, 256, 100),
        };
        const rounds = new Map<string, Measured[]>();
        for (let number = 1; number <= options.rounds; number += 1) {
          progress(`  round ${number}/${options.rounds}`);
          const order = Object.entries(sides);
          for (const [name, side] of number % 2 === 1 ? order : order.reverse())
            rounds.set(name, [...(rounds.get(name) ?? []), await perSecond(name, side())]);
        }
        const tps = (name: keyof typeof sides) =>
          Math.round(median((rounds.get(name) ?? []).map((one) => one.perSecond)));
        const p99 = (name: keyof typeof sides) => round(median((rounds.get(name) ?? []).map((one) => one.p99Ms)), 1);
        const full = await bytesOfLedger(database);
        return {
          compared:
            'transfers a second through the posting engine against hand-written SQL, one transfer a transaction',
          rounds: options.rounds,
          accounts,
          handwritten_tps: tps('handwritten'),
          handwritten_connections: best,
          engine_tps: { '16': tps('engine, 16 callers'), '256': tps('engine, 256 callers') },
          bulk_tps: tps('bulk mutation of 1,000'),
          single_tps: tps('single mutation, 64 callers'),
          engine_p99_ms: { '16': p99('engine, 16 callers'), '256': p99('engine, 256 callers') },
          hot: { handwritten_tps: tps('by hand, one account'), engine_tps: tps('engine, one account') },
          bytes_per_posting: Math.round((full.bytes - empty.bytes) / (full.postings - empty.postings)),
        };
      });
    } finally {
      await pool.end();
    }
  });
}

export function printLedger(figures: LedgerFigures): void {
  console.log(figures.compared);
  const against = (tps: number, baseline: number) => `${String(tps).padStart(8)}/s  ${(tps / baseline).toFixed(2)} ×`;
  const { handwritten_tps: base, hot } = figures;
  console.log(`  by hand over ${figures.handwritten_connections} connections ${String(base).padStart(12)}/s`);
  console.log(
    `  engine, 16 callers   ${against(figures.engine_tps['16'], base)}  p99 ${figures.engine_p99_ms['16']} ms`,
  );
  console.log(
    `  engine, 256 callers  ${against(figures.engine_tps['256'], base)}  p99 ${figures.engine_p99_ms['256']} ms`,
  );
  console.log(`  bulk mutation        ${against(figures.bulk_tps, base)}`);
  console.log(`  single mutations     ${against(figures.single_tps, base)}`);
  console.log(
    `  one hot account      ${against(hot.engine_tps, hot.handwritten_tps)} of ${hot.handwritten_tps}/s by hand`,
  );
  console.log(`  ${figures.bytes_per_posting} bytes a posting, all tables and indexes together`);
}
