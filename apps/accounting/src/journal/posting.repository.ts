import { Injectable } from '@nestjs/common';
import { together, type Tx } from '#libs/database/index.js';
import { type AccountAfter, type Closing, type HoldMovement, type Line } from './fold.js';
import {
  type AccountState,
  type BookedEntry,
  type DayState,
  type Hold,
  type LedgerAccount,
  type LedgerState,
} from './ledger-state.js';
import { type BookedLine } from './input-fingerprint.js';
import { type PostingItem, type ResultCode } from './posting.js';

/** What an earlier call left under a key. */
export interface KeptKey {
  readonly requestHash: Buffer;
  /** Of a refusal. */
  readonly code: ResultCode | null;
  readonly account: string | null;
  readonly asset: string | null;
  readonly availableUnits: string | null;
  /** Of a sweep. */
  readonly movedUnits: string | null;
}

export interface KeyToTake {
  readonly book: string;
  readonly key: string;
  readonly hash: Buffer;
}

/** An entry with its lines, or a hold, as they are written. */
export interface Writing {
  readonly item: PostingItem;
  readonly id: string;
  readonly by: string;
  readonly lines: readonly Line[];
  readonly swept?: bigint;
  readonly hash?: Buffer;
}

export interface BatchToWrite {
  readonly moment: string;
  readonly writings: readonly Writing[];
  readonly accounts: readonly AccountAfter[];
  readonly holdMovements: readonly HoldMovement[];
  readonly closings: readonly (Closing & { key: string; by: string })[];
  readonly sweeps: readonly {
    book: string;
    key: string;
    asked: string;
    moved: string;
    entry?: string;
    hold?: string;
  }[];
  readonly refusals: readonly {
    book: string;
    key: string;
    code: string;
    account?: string;
    asset?: string;
    available?: string;
  }[];
}

interface AccountRow {
  id: string | null;
  book: string;
  number: string;
  asset: string;
  normalSide: 'DEBIT' | 'CREDIT';
  isStrict: boolean;
  limit: string;
  paymentLimit: string | null;
  state: AccountState;
  postedDebit: string;
  postedCredit: string;
  pendingDebit: string;
  pendingCredit: string;
  lastSequence: string;
  forcedExcess: string;
  hasNumber: boolean;
  hasAsset: boolean;
}

const distinct = <T>(values: Iterable<T>, keyOf: (value: T) => string): T[] => [
  ...new Map([...values].map((value) => [keyOf(value), value])).values(),
];
const openings = new Set(['OPENING_BALANCE', 'OPENING_REVERSED']);

@Injectable()
export class PostingRepository {
  /**
   * All that the items touch, locked, in one round trip: the statements are sent together and done in this order.
   */
  async take(
    tx: Tx,
    items: readonly PostingItem[],
    keys: readonly KeyToTake[],
    exactly: boolean,
  ): Promise<{ kept: Map<number, KeptKey>; state: LedgerState }> {
    const dated = items.flatMap((item) => ('businessDate' in item ? [item] : []));
    const [days, taken, accounts, numbers, holds, entries, started, clock] = await together([
      this.takeDays(tx, dated),
      this.takeKeys(tx, keys),
      this.lockAccounts(tx, items, exactly ? 'EXACT' : strengthFor(items)),
      this.numbers(tx, items),
      this.holds(tx, items),
      this.entries(tx, items),
      this.startedBooks(tx, dated),
      tx.row<{ moment: string }>(
        `SELECT to_char(kernel.now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS moment`,
      ),
    ]);
    const locked = accounts.filter(({ id }) => id !== null).map(accountOf);
    // A hold or an entry that was committed after the accounts were locked is not there yet: its accounts are not ours.
    const isLocked = new Set(locked.map(({ id }) => id));
    const ours = (...ids: string[]) => ids.every((id) => isLocked.has(id));
    return {
      kept: taken,
      state: {
        days,
        numbers,
        holds: holds.filter(({ debitAccountId, creditAccountId }) => ours(debitAccountId, creditAccountId)),
        entries: entries.filter(({ postings }) => ours(...postings.map(({ accountId }) => accountId))),
        accounts: locked,
        unopened: accounts.filter(({ id }) => id === null),
        booksBeforeFirstDay: dated.map(({ book }) => book).filter((book) => !started.has(book)),
        moment: clock?.moment ?? '',
      },
    };
  }

  private async takeDays(
    tx: Tx,
    dated: readonly { book: string; businessDate: string }[],
  ): Promise<LedgerState['days']> {
    const asked = distinct(dated, ({ book, businessDate }) => `${book} ${businessDate}`);
    if (asked.length === 0) return [];
    return tx.rows<{ book: string; businessDate: string; state: DayState }>(
      `SELECT book, business_date AS "businessDate", state FROM accounting.take_days($1::text[], $2::date[])`,
      [asked.map(({ book }) => book), asked.map(({ businessDate }) => businessDate)],
    );
  }

  /** The keys that were taken before, each by its place. */
  async takeKeys(tx: Tx, keys: readonly KeyToTake[]): Promise<Map<number, KeptKey>> {
    if (keys.length === 0) return new Map();
    const rows = await tx.rows<KeptKey & { place: number }>(
      `SELECT place, request_hash AS "requestHash", code, account, asset, available_units AS "availableUnits", moved_units AS "movedUnits"
         FROM accounting.take_keys($1::text[], $2::text[], $3::bytea[])`,
      [keys.map(({ book }) => book), keys.map(({ key }) => key), keys.map(({ hash }) => hash)],
    );
    return new Map(rows.map((row) => [row.place - 1, row]));
  }

  /** Of keys that are not to be taken: those that are. */
  async knownKeys(tx: Tx, keys: readonly KeyToTake[]): Promise<Map<number, Buffer>> {
    if (keys.length === 0) return new Map();
    const rows = await tx.rows<{ place: number; requestHash: Buffer }>(
      `SELECT g.o::int AS place, k.request_hash AS "requestHash" FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS g(book, key, o)
         JOIN accounting.posting_key k ON k.book_id = g.book AND k.key = g.key`,
      [keys.map(({ book }) => book), keys.map(({ key }) => key)],
    );
    return new Map(rows.map(({ place, requestHash }) => [place - 1, requestHash]));
  }

  /** Of entries that are booked: their lines, in order. */
  async bookedLines(tx: Tx, ids: readonly string[]): Promise<Map<string, BookedLine[]>> {
    const rows = await tx.rows<Omit<BookedLine, 'units'> & { entry: string; units: string }>(
      `SELECT p.entry_id AS entry, p.n, l.number AS account, p.asset, p.units
         FROM accounting.posting p JOIN accounting.ledger_account l USING (ledger_account_id)
        WHERE p.entry_id = ANY ($1::text[]) ORDER BY p.entry_id, p.n`,
      [ids],
    );
    const found = new Map<string, BookedLine[]>();
    for (const { entry, units, ...line } of rows)
      found.set(entry, [...(found.get(entry) ?? []), { ...line, units: BigInt(units) }]);
    return found;
  }

  private async lockAccounts(tx: Tx, items: readonly PostingItem[], strength: Strength): Promise<AccountRow[]> {
    const named = distinct(
      items.flatMap(accountsIn),
      ({ book, number, asset }) => `${book}\u001f${number}\u001f${asset}`,
    );
    const closing = items.flatMap((item) => ('close' in item ? [{ book: item.book, number: item.close.account }] : []));
    return tx.rows<AccountRow>(
      `SELECT id, book, number, asset, normal_side AS "normalSide", is_strict AS "isStrict", limit_units AS "limit", payment_limit_units AS "paymentLimit",
              account_state AS state, posted_debit AS "postedDebit", posted_credit AS "postedCredit", pending_debit AS "pendingDebit",
              pending_credit AS "pendingCredit", last_sequence AS "lastSequence", forced_excess AS "forcedExcess", has_number AS "hasNumber", has_asset AS "hasAsset"
         FROM accounting.lock_accounts($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8)`,
      [
        named.map(({ book }) => book),
        named.map(({ number }) => number),
        named.map(({ asset }) => asset),
        reversedBy(items),
        usedHolds(items),
        closing.map(({ book }) => book),
        closing.map(({ number }) => number),
        strength,
      ],
    );
  }

  private async numbers(tx: Tx, items: readonly PostingItem[]): Promise<LedgerState['numbers']> {
    const asked = items.flatMap((item) => ('close' in item ? [{ book: item.book, number: item.close.account }] : []));
    if (asked.length === 0) return [];
    return tx.rows<{ book: string; number: string; state: AccountState; whenOpen: AccountState }>(
      `SELECT a.book_id AS book, a.number, a.state, accounting.state_by_blocks(a.book_id, a.number) AS "whenOpen" FROM accounting.account a
        WHERE (a.book_id, a.number) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
      [asked.map(({ book }) => book), asked.map(({ number }) => number)],
    );
  }

  private async holds(tx: Tx, items: readonly PostingItem[]): Promise<Hold[]> {
    const ids = usedHolds(items);
    if (ids.length === 0) return [];
    const rows = await tx.rows<Omit<Hold, 'open'> & { open: string }>(
      `SELECT hold_id AS id, book_id AS book, asset, debit_account_id AS "debitAccountId", credit_account_id AS "creditAccountId", open_units AS open,
              expires_at <= kernel.now() AS "isExpired"
         FROM accounting.hold WHERE hold_id = ANY ($1::text[])`,
      [ids],
    );
    return rows.map((row) => ({ ...row, open: BigInt(row.open) }));
  }

  private async entries(tx: Tx, items: readonly PostingItem[]): Promise<BookedEntry[]> {
    const ids = reversedBy(items);
    if (ids.length === 0) return [];
    const rows = await tx.rows<
      Omit<BookedEntry, 'postings'> & {
        postings: { n: number; account: string; units: string; reversed: string | null }[];
      }
    >(
      `SELECT e.entry_id AS id, e.book_id AS book,
              e.reverses_entry_id IS NOT NULL OR EXISTS (SELECT FROM accounting.reversal_part t WHERE t.entry_id = e.entry_id) AS "isReversal",
              EXISTS (SELECT FROM accounting.journal_entry r WHERE r.reverses_entry_id = e.entry_id) AS "isReversed",
              (SELECT jsonb_agg(jsonb_build_object('n', p.n, 'account', p.ledger_account_id::text, 'units', p.units::text, 'reversed', t.reversed) ORDER BY p.n)
                 FROM accounting.posting p
                 LEFT JOIN (SELECT original_n AS n, sum(units)::text AS reversed FROM accounting.reversal_part t
                             WHERE t.original_entry_id = e.entry_id GROUP BY 1) t USING (n)
                WHERE p.entry_id = e.entry_id) AS postings
         FROM accounting.journal_entry e WHERE e.entry_id = ANY ($1::text[])`,
      [ids],
    );
    return rows.map((row) => ({
      ...row,
      postings: row.postings.map(({ n, account, units, reversed }) => ({
        n,
        accountId: account,
        units: BigInt(units),
        reversed: BigInt(reversed ?? 0),
      })),
    }));
  }

  /** Books that have had a business day: what they brought along is behind them. */
  private async startedBooks(tx: Tx, dated: readonly { book: string; kind: string }[]): Promise<Set<string>> {
    const books = distinct(
      dated.filter(({ kind }) => openings.has(kind)).map(({ book }) => book),
      (book) => book,
    );
    if (books.length === 0) return new Set(dated.map(({ book }) => book));
    const rows = await tx.rows<{ book: string }>(
      'SELECT DISTINCT book_id AS book FROM accounting.business_day WHERE book_id = ANY ($1::text[])',
      [books],
    );
    return new Set(rows.map(({ book }) => book));
  }

  /** Everything that was decided, in one statement. */
  async write(tx: Tx, batch: BatchToWrite): Promise<void> {
    const entries = batch.writings.filter(({ item }) => item.op !== 'HOLD');
    const { postings, buckets, sequences } = postingsOf(entries, batch.accounts);
    const moved = batch.accounts.filter((one) => isMoved(one, sequences));
    const field = <Row, Value>(rows: readonly Row[], of: (row: Row) => Value): Value[] => rows.map(of);
    const dated = entries.map((one) => one.item as Extract<PostingItem, { op: 'ENTRY' | 'REVERSAL' | 'CAPTURE' }>);
    const rest = restOf(batch);
    if (entries.length === 0 && moved.length === 0 && rest === null) return;
    const booked = tx.execute(bookPostings, [
      batch.moment,
      field(entries, ({ id }) => id),
      field(dated, ({ book }) => book),
      field(dated, ({ kind }) => kind),
      field(dated, ({ businessDate }) => businessDate),
      field(dated, ({ valueDate }) => valueDate),
      field(dated, ({ description }) => description),
      field(dated, ({ subject }) => subject.kind),
      field(dated, ({ subject }) => subject.id),
      field(dated, ({ key }) => key),
      field(entries, ({ by }) => by),
      field(entries, ({ lines }) => lines.length),
      field(dated, (item) => (item.op === 'REVERSAL' && !item.part ? item.reverses : null)),
      field(dated, ({ forced }) => forced?.reason ?? null),
      field(dated, (item) => (item.op === 'CAPTURE' ? item.hold.holdId : null)),
      field(entries, ({ hash }) => hash),
      field(postings, ({ entry }) => entry),
      field(postings, ({ n }) => n),
      field(postings, ({ accountId }) => accountId),
      field(postings, ({ asset }) => asset),
      field(postings, ({ units }) => String(units)),
      field(postings, ({ sequence }) => sequence),
      field(postings, ({ balance }) => (balance === null ? null : String(balance))),
      field(moved, ({ account }) => account.id),
      field(moved, (one) => String(written(one).postedDebit)),
      field(moved, (one) => String(written(one).postedCredit)),
      field(moved, ({ pendingDebit }) => String(pendingDebit)),
      field(moved, ({ pendingCredit }) => String(pendingCredit)),
      field(moved, ({ account }) => sequences.get(account.id) ?? account.lastSequence),
      field(moved, ({ forcedExcess }) => String(forcedExcess)),
      field(buckets, ({ accountId }) => accountId),
      field(buckets, ({ book }) => book),
      field(buckets, ({ valueDate }) => valueDate),
      field(buckets, ({ businessDate }) => businessDate),
      field(buckets, ({ debit }) => String(debit)),
      field(buckets, ({ credit }) => String(credit)),
      rest === null ? null : JSON.stringify(rest),
    ]);
    await together([booked, this.keepEvents(tx, entries)]);
  }

  /** What entries came of, behind them in the same round trip. */
  private async keepEvents(tx: Tx, entries: readonly Writing[]): Promise<void> {
    const kept = entries.flatMap(({ item, id }) =>
      item.op === 'ENTRY' && item.event !== undefined ? [{ ...item.event, id, book: item.book }] : [],
    );
    if (kept.length === 0) return;
    await tx.execute(`SELECT accounting.keep_events($1::text[], $2::text[], $3::text[], $4::text[], $5::int[])`, [
      kept.map(({ id }) => id),
      kept.map(({ book }) => book),
      kept.map(({ kind }) => kind),
      kept.map(({ facts }) => JSON.stringify(facts)),
      kept.map(({ ruleVersion }) => ruleVersion),
    ]);
  }
}

const bookPostings = `SELECT accounting.book_postings($1::timestamptz, $2::text[], $3::text[], $4::text[], $5::date[], $6::date[], $7::text[], $8::text[], $9::text[],
  $10::text[], $11::text[], $12::int[], $13::text[], $14::text[], $15::text[], $16::bytea[],
  $17::int[], $18::int[], $19::bigint[], $20::text[], $21::numeric[], $22::bigint[], $23::numeric[],
  $24::bigint[], $25::numeric[], $26::numeric[], $27::numeric[], $28::numeric[], $29::bigint[], $30::numeric[],
  $31::bigint[], $32::text[], $33::date[], $34::date[], $35::numeric[], $36::numeric[], $37::jsonb)`;

/** A rollup account moves by its fold alone: what is posted does not change its row. */
const written = (one: AccountAfter) => (one.account.isStrict ? one : one.account);

/** Each posting on a strict account follows the one before it, in sequence and in balance; on a rollup account it has no place yet. */
function postingsOf(entries: readonly Writing[], accounts: readonly AccountAfter[]) {
  const standing = new Map(
    accounts.map(({ account }) => [
      account.id,
      {
        isStrict: account.isStrict,
        sequence: account.lastSequence,
        balance: account.postedDebit - account.postedCredit,
      },
    ]),
  );
  const sequences = new Map<string, number>();
  const buckets = new Map<
    string,
    { accountId: string; book: string; valueDate: string; businessDate: string; debit: bigint; credit: bigint }
  >();
  const postings = entries.flatMap(({ item, lines }, place) => {
    const { book, valueDate, businessDate } = item as Extract<PostingItem, { op: 'ENTRY' }>;
    return lines.map(({ n, accountId = '', asset, units }) => {
      const at = standing.get(accountId);
      if (!at) throw new Error(`ledger account ${accountId} was not locked`);
      if (!at.isStrict) return { entry: place + 1, n, accountId, asset, units, sequence: null, balance: null };
      at.sequence += 1;
      at.balance += units;
      sequences.set(accountId, at.sequence);
      const name = `${accountId} ${valueDate} ${businessDate}`;
      const bucket = buckets.get(name) ?? { accountId, book, valueDate, businessDate, debit: 0n, credit: 0n };
      if (units > 0n) bucket.debit += units;
      else bucket.credit -= units;
      buckets.set(name, bucket);
      return { entry: place + 1, n, accountId, asset, units, sequence: at.sequence, balance: at.balance };
    });
  });
  const inOrder = [...buckets.values()].sort(
    (one, other) =>
      Number(BigInt(one.accountId) - BigInt(other.accountId)) ||
      (one.valueDate < other.valueDate ? -1 : 1) ||
      (one.businessDate < other.businessDate ? -1 : 1),
  );
  return { postings, buckets: inOrder, sequences };
}

const isMoved = (
  { account, pendingDebit, pendingCredit, forcedExcess }: AccountAfter,
  sequences: ReadonlyMap<string, number>,
): boolean =>
  sequences.has(account.id) ||
  pendingDebit !== account.pendingDebit ||
  pendingCredit !== account.pendingCredit ||
  forcedExcess !== account.forcedExcess;

/** What a batch seldom has. */
function restOf({ writings, holdMovements, closings, sweeps, refusals }: BatchToWrite): object | null {
  const holds = writings.flatMap(({ item, id, by, lines }) => {
    if (item.op !== 'HOLD') return [];
    const [debit, credit] = lines;
    const { asset, reason, expiresAt } = item.hold;
    return [
      {
        id,
        by,
        asset,
        reason,
        book: item.book,
        key: item.key,
        expires: expiresAt,
        debit: debit?.accountId,
        credit: credit?.accountId,
        units: String(debit?.units),
      },
    ];
  });
  const parts = {
    holds,
    sweeps,
    refusals,
    movements: holdMovements.map(({ hold, kind, units, entryId, key }) => ({
      hold: hold.id,
      book: hold.book,
      kind,
      units: String(units),
      entry: entryId,
      key,
    })),
    parts: writings.flatMap(({ item, id }) =>
      item.op === 'REVERSAL' && item.part
        ? item.part.map(({ n, units }, at) => ({
            entry: id,
            n: at + 1,
            book: item.book,
            original: item.reverses,
            of: n,
            units,
          }))
        : [],
    ),
    closings: closings.map(({ book, account, state, key, by }) => ({ book, account, state, key, by })),
  };
  const filled = Object.entries(parts).filter(([, list]) => list.length > 0);
  return filled.length === 0 ? null : Object.fromEntries(filled);
}

function accountsIn(item: PostingItem): { book: string; number: string; asset: string }[] {
  const { book } = item;
  if (item.op === 'ENTRY') return item.postings.map(({ account, asset }) => ({ book, number: account, asset }));
  if (item.op !== 'HOLD') return [];
  const { debitAccount, creditAccount, asset } = item.hold;
  return [debitAccount, creditAccount].map((number) => ({ book, number, asset }));
}

/** How firmly rollup accounts are held: their key shared, against another hold, or against everyone until the end. */
type Strength = 'SHARE' | 'PENDING' | 'EXACT';

function strengthFor(items: readonly PostingItem[]): Strength {
  if (items.some((item) => ('upTo' in item && item.upTo !== undefined) || item.op === 'CLOSE')) return 'EXACT';
  // Of two who reverse one entry the second finds what the first did.
  return items.some(({ op }) => op !== 'ENTRY') ? 'PENDING' : 'SHARE';
}

const reversedBy = (items: readonly PostingItem[]): string[] =>
  items.flatMap((item) => (item.op === 'REVERSAL' ? [item.reverses] : []));

const usedHolds = (items: readonly PostingItem[]): string[] =>
  items.flatMap((item) => (item.op === 'CAPTURE' || item.op === 'RELEASE' ? [item.hold.holdId] : []));

const accountOf = (row: AccountRow): LedgerAccount => ({
  id: row.id ?? '',
  book: row.book,
  number: row.number,
  asset: row.asset,
  normalSide: row.normalSide,
  isStrict: row.isStrict,
  limit: BigInt(row.limit),
  ...(row.paymentLimit === null ? {} : { paymentLimit: BigInt(row.paymentLimit) }),
  state: row.state,
  postedDebit: BigInt(row.postedDebit),
  postedCredit: BigInt(row.postedCredit),
  pendingDebit: BigInt(row.pendingDebit),
  pendingCredit: BigInt(row.pendingCredit),
  lastSequence: Number(row.lastSequence),
  forcedExcess: BigInt(row.forcedExcess),
});
