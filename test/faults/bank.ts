import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { signInternalToken } from '#libs/auth/index.js';
import { seededRandom, type SeededRandom } from '#libs/kernel/index.js';
import { formatDecimal } from '#libs/money/index.js';
import { Processes } from '#tools/launcher/processes.js';
import { verifyAll } from '#tools/verify/verify.js';
import { accountingInvariants } from '../../apps/accounting/src/accounting.invariants.js';
import { withDatabase } from '../../bench/database.js';

const book = 'NGEU';
const day = '2026-11-25';
const accountCount = 24;
/** What each account has at the start. */
const opening = 100_000n;
const subject = 'bank';

/** A migrated database that nobody else works on. */
export interface BankDatabase {
  readonly owner: pg.Pool;
  readonly urls: { readonly accounting: string; readonly queue: string; readonly verify: string };
}

export interface BankPlan {
  readonly seed: string;
  readonly callers: number;
  /** Pieces of business of each caller; one is one to four requests. */
  readonly pieces: number;
  readonly kills: number;
  /** The compiled service. */
  readonly entry: string;
}

export interface BankOutcome {
  readonly acknowledged: number;
  /** Asked again with the same key: because no answer came, or to hear the same once more. */
  readonly askedAgain: number;
  readonly unanswered: number;
  readonly kills: number;
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  /** A repetition that was answered differently, an account that stands elsewhere, a sum that is not zero. */
  readonly wrong: readonly string[];
  readonly checked: number;
  readonly broken: number;
  readonly books: Books;
}

interface Payload {
  readonly entry?: { readonly id: string } | null;
  readonly hold?: { readonly id: string } | null;
  readonly problems: readonly { readonly code: string }[];
}

const fields: Record<string, string> = {
  postTransfer: 'input: $input) { entry { id } problems { code } } }',
  postEntry: 'input: $input) { entry { id } problems { code } } }',
  postEntries: 'input: $input) { items { entry { id } problems { code } } problems { code } } }',
  placeHold: 'input: $input) { hold { id } problems { code } } }',
  captureHold: 'input: $input) { hold { id } entry { id } problems { code } } }',
  releaseHold: 'input: $input) { hold { id } problems { code } } }',
};
const inputTypes: Record<string, string> = {
  postTransfer: 'PostTransferInput',
  postEntry: 'PostEntryInput',
  postEntries: 'PostEntriesInput',
  placeHold: 'PlaceHoldInput',
  captureHold: 'CaptureHoldInput',
  releaseHold: 'ReleaseHoldInput',
};

/** The accounting service as it ships, on a Postgres that is killed under nobody: only the service is. */
class Bank {
  /** Pieces of business by their number: the service is killed with a request of each on its way. */
  private readonly killAt: Set<number>;
  private begun = 0;
  private strikes = false;
  private up: Promise<unknown> = Promise.resolve();
  private token = { text: '', until: 0 };
  askedAgain = 0;
  unanswered = 0;
  kills = 0;

  constructor(
    private readonly processes: Processes,
    private readonly port: number,
    private readonly secret: string,
    killAt: readonly number[],
  ) {
    this.killAt = new Set(killAt);
  }

  beginPiece(): void {
    this.begun += 1;
    if (this.killAt.delete(this.begun)) this.strikes = true;
  }

  /** Asks until there is an answer, with the same key each time, and sometimes once more when there is. */
  async ask(name: string, input: object, random: SeededRandom, wrong: string[]): Promise<unknown> {
    const answer = await this.untilAnswered(name, input);
    if (random.integer(1, 5) > 1) return answer;
    this.askedAgain += 1;
    const again = await this.untilAnswered(name, input);
    if (JSON.stringify(again) !== JSON.stringify(answer))
      wrong.push(`${name} ${JSON.stringify(input)}: ${JSON.stringify(answer)}, then ${JSON.stringify(again)}`);
    return answer;
  }

  private async untilAnswered(name: string, input: object): Promise<unknown> {
    for (let attempt = 1; attempt <= 50; attempt += 1) {
      await this.up;
      const asking = this.once(name, input);
      if (this.strikes) {
        this.strikes = false;
        this.kills += 1;
        this.up = this.processes.replace('accounting');
      }
      const answer = await asking;
      if (answer !== undefined) return answer;
      this.askedAgain += 1;
      this.unanswered += 1;
    }
    throw new Error(`${name} was never answered`);
  }

  private async once(name: string, input: object): Promise<unknown> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.port}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${await this.bearer()}` },
        body: JSON.stringify({
          query: `mutation M($input: ${inputTypes[name] ?? ''}!) { ${name}(${fields[name] ?? ''}`,
          variables: { input },
        }),
      });
      const { data, errors } = (await response.json()) as { data?: Record<string, unknown> | null; errors?: unknown };
      if (errors === undefined && data?.[name]) return data[name];
      // A service that is starting, or lost its connection, says so; what it does not understand it never will.
      if (response.status === 400) throw new TypeError(`${name}: ${JSON.stringify(errors)}`);
    } catch (error) {
      if (error instanceof TypeError && error.message.startsWith(name)) throw error;
    }
    return undefined;
  }

  private async bearer(): Promise<string> {
    if (Date.now() > this.token.until) {
      const principal = {
        subject,
        kind: 'MACHINE' as const,
        roles: ['front-office' as const],
        scopes: ['ledger:post' as const, 'ledger:read' as const],
        books: [book],
      };
      this.token = { text: await signInternalToken(principal, this.secret), until: Date.now() + 30_000 };
    }
    return this.token.text;
  }
}

/** What was acknowledged: of each entry its id, and of each account where it must stand by that. */
export class Books {
  readonly entries: string[] = [];
  readonly moved = new Map<string, bigint>();
  acknowledged = 0;

  answered(payload: Payload): boolean {
    this.acknowledged += 1;
    return payload.problems.length === 0;
  }

  entry(id: string | undefined, lines: readonly (readonly [account: string, units: bigint])[]): void {
    this.entries.push(id ?? 'an entry that came without its id');
    for (const [account, units] of lines) this.moved.set(account, (this.moved.get(account) ?? 0n) + units);
  }
}

const money = (units: bigint) => formatDecimal(units, 2);
const accountOf = (random: SeededRandom) => `C${random.integer(1, accountCount)}`;

/** One caller's pieces of business, one after the other. */
async function call(caller: number, plan: BankPlan, bank: Bank, books: Books, wrong: string[]): Promise<void> {
  const random = seededRandom(`${plan.seed} caller ${caller}`);
  for (let piece = 1; piece <= plan.pieces; piece += 1) {
    bank.beginPiece();
    const idempotencyKey = `${caller}-${piece}`;
    const base = { book, description: idempotencyKey, idempotencyKey };
    const [debit, other] = [accountOf(random), accountOf(random)];
    const credit = debit === other ? `C${(Number(other.slice(1)) % accountCount) + 1}` : other;
    // Some ask for more than there is.
    const units = random.integer(1, 12) === 1 ? 900_000_000n : BigInt(random.integer(1, 500));
    const posting = (account: string, side: string, of: bigint) => ({ account, asset: 'EUR', side, amount: money(of) });
    const ask = async (name: string, input: object) => (await bank.ask(name, input, random, wrong)) as Payload;
    switch (random.integer(1, 4)) {
      case 1: {
        const amount = { currency: 'EUR', amount: money(units) };
        const answer = await ask('postTransfer', { ...base, debitAccount: debit, creditAccount: credit, amount });
        if (books.answered(answer))
          books.entry(answer.entry?.id, [
            [debit, units],
            [credit, -units],
          ]);
        break;
      }
      case 2: {
        const part = units / 2n;
        const third = accountOf(random);
        const postings = [
          posting(debit, 'DEBIT', units),
          posting(credit, 'CREDIT', units - part),
          ...(part > 0n ? [posting(third, 'CREDIT', part)] : []),
        ];
        const answer = await ask('postEntry', { ...base, kind: 'FEE', postings });
        if (books.answered(answer))
          books.entry(answer.entry?.id, [
            [debit, units],
            [credit, part - units],
            [third, -part],
          ]);
        break;
      }
      case 3: {
        const entries = Array.from({ length: 6 }, (_, n) => ({
          ...base,
          idempotencyKey: `${idempotencyKey}-${n}`,
          kind: 'FEE',
          postings: [posting(debit, 'DEBIT', units + BigInt(n)), posting(credit, 'CREDIT', units + BigInt(n))],
          ...(n < 3 ? { group: 'first' } : {}),
        }));
        const { items } = (await bank.ask('postEntries', { entries }, random, wrong)) as { items: Payload[] };
        items.forEach((answer, n) => {
          const size = units + BigInt(n);
          if (books.answered(answer))
            books.entry(answer.entry?.id, [
              [debit, size],
              [credit, -size],
            ]);
        });
        if (items.length !== entries.length) wrong.push(`${idempotencyKey}: ${items.length} answers`);
        break;
      }
      default: {
        const amount = money(units);
        const placed = await ask('placeHold', {
          ...{ book, debitAccount: debit, creditAccount: credit, asset: 'EUR', amount, idempotencyKey },
          ...{ expiresAt: '2027-01-01T00:00:00Z', reason: 'card' },
        });
        if (!books.answered(placed)) break;
        const holdId = placed.hold?.id ?? '';
        const capture = async (n: number, of: bigint, isFinal: boolean) => {
          const key = `${idempotencyKey}-${n}`;
          const input = { holdId, amount: money(of), isFinal, description: key, idempotencyKey: key };
          const answer = await ask('captureHold', input);
          if (books.answered(answer))
            books.entry(answer.entry?.id, [
              [debit, of],
              [credit, -of],
            ]);
        };
        if (units > 2n) await capture(1, units / 3n, false);
        if (random.integer(1, 2) === 1) await capture(2, units / 2n > 0n ? units / 2n : 1n, true);
        else books.answered(await ask('releaseHold', { holdId, idempotencyKey: `${idempotencyKey}-3` }));
      }
    }
  }
}

async function openAccounts({ owner }: BankDatabase): Promise<void> {
  const client = await owner.connect();
  try {
    await client.query(`
      SELECT set_config('app.books', '*', false);
      INSERT INTO accounting.asset (asset, kind, scale, name) VALUES ('EUR', 'CURRENCY', 2, 'Euro');
      INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('${book}', '${day}', 'OPEN', '2026-11-26');
      INSERT INTO accounting.account (book_id, number, kind, statement_class, normal_side, mode, state)
      SELECT '${book}', 'C' || n, 'CLIENT_CASH', 'CLIENT_MONEY', 'CREDIT', 'STRICT', 'OPEN' FROM generate_series(1, ${accountCount}) n
      UNION ALL SELECT '${book}', 'NOSTRO', 'NOSTRO', 'OWN', 'DEBIT', 'ROLLUP', 'OPEN'`);
  } finally {
    client.release(true);
  }
}

/** What stands in the ledger, against what was acknowledged. */
export async function compare(
  { owner }: BankDatabase,
  books: Books,
  wrong: string[],
): Promise<Pick<BankOutcome, 'lost' | 'doubled'>> {
  const client = await owner.connect();
  try {
    await client.query(`SELECT set_config('app.books', '*', false)`);
    const { rows: found } = await client.query<{ id: string }>(
      'SELECT entry_id AS id FROM accounting.journal_entry ORDER BY sequence',
    );
    const booked = new Set(found.map(({ id }) => id));
    const told = new Set(books.entries);
    const { rows: sums } = await client.query<{ number: string; stands: string }>(
      `SELECT l.number, coalesce(sum(p.units), 0) AS stands FROM accounting.ledger_account l LEFT JOIN accounting.posting p USING (ledger_account_id) GROUP BY 1`,
    );
    for (const { number, stands } of sums)
      if (BigInt(stands) !== (books.moved.get(number) ?? 0n))
        wrong.push(`${number} stands at ${stands}, by what was acknowledged at ${books.moved.get(number) ?? 0n}`);
    const total = sums.reduce((sum, { stands }) => sum + BigInt(stands), 0n);
    if (total !== 0n) wrong.push(`all accounts together stand at ${total}`);
    if (told.size !== books.entries.length) wrong.push('two requests were told of one entry');
    return {
      lost: books.entries.filter((id) => !booked.has(id)),
      // All was answered in the end, so whatever else there is was booked once more.
      doubled: found.map(({ id }) => id).filter((id) => !told.has(id)),
    };
  } finally {
    client.release(true);
  }
}

/** The same on a Postgres of its own. */
export const playBankApart = (plan: BankPlan): Promise<BankOutcome> =>
  withDatabase(['accounting'], (database) => playBank(database, plan));

/**
 * Many callers do business with the ledger over GraphQL while its service is killed at moments that the seed says, and
 * started again. Who is not answered asks again with the same key, until everything was acknowledged.
 */
export async function playBank(database: BankDatabase, plan: BankPlan): Promise<BankOutcome> {
  await openAccounts(database);
  const logs = mkdtempSync(join(tmpdir(), 'northgate-bank-'));
  const secret = 'a secret of this bank alone with thirty-two characters';
  const wrong: string[] = [];
  const processes = new Processes(logs, (name, how) => wrong.push(`${name} ended by itself: ${how}`));
  try {
    const port = await processes.start({
      name: 'accounting',
      entry: plan.entry,
      environment: {
        NODE_ENV: 'production',
        INTERNAL_TOKEN_SECRET: secret,
        MESSAGE_SEAL_KEY: 'a key of this bank alone with thirty-two characters',
        CLOCK: 'database-row',
        SERVICE_NAME: 'accounting',
        PORT: '0',
        WORKER: 'none',
        DATABASE_URL: database.urls.accounting,
        QUEUE_DATABASE_URL: database.urls.queue,
      },
    });
    const random = seededRandom(`${plan.seed} kills`);
    const pieces = plan.callers * plan.pieces;
    const killAt = Array.from({ length: plan.kills }, (_, n) =>
      random.integer(Math.ceil((pieces * (n + 0.2)) / plan.kills), Math.floor((pieces * (n + 0.8)) / plan.kills)),
    );
    const bank = new Bank(processes, port, secret, killAt);
    const books = new Books();
    const open = seededRandom('opening');
    for (let n = 1; n <= accountCount; n += 1) {
      const amount = money(opening);
      const postings = [
        { account: 'NOSTRO', asset: 'EUR', side: 'DEBIT', amount },
        { account: `C${n}`, asset: 'EUR', side: 'CREDIT', amount },
      ];
      const input = { book, kind: 'FEE', description: 'opening', idempotencyKey: `opening-${n}`, postings };
      const answer = (await bank.ask('postEntry', input, open, wrong)) as Payload;
      if (books.answered(answer))
        books.entry(answer.entry?.id, [
          ['NOSTRO', opening],
          [`C${n}`, -opening],
        ]);
      else wrong.push(`an opening was refused: ${JSON.stringify(answer)}`);
    }
    await Promise.all(Array.from({ length: plan.callers }, (_, caller) => call(caller, plan, bank, books, wrong)));
    const { lost, doubled } = await compare(database, books, wrong);
    const { checked, broken } = await verifyAll(database.urls.verify, accountingInvariants);
    const { askedAgain, unanswered, kills } = bank;
    const { acknowledged } = books;
    return { acknowledged, askedAgain, unanswered, kills, lost, doubled, wrong, checked, broken, books };
  } finally {
    await processes.stop();
    rmSync(logs, { recursive: true, force: true });
  }
}
