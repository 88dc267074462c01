import { Injectable, Logger } from '@nestjs/common';
import { AuditTrail, leafHash } from '#libs/audit/index.js';
import { sqlStateOf, together, type Transactions, type Tx } from '#libs/database/index.js';
import { canonicalJson, sha256 } from '#libs/kernel/index.js';
import { isCurrency } from '#libs/money/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { type AccountAfter, type Candidate, type Decision, fold, type Folded } from './fold.js';
import { type LedgerState } from './ledger-state.js';
import { merkleRootOf } from './merkle.js';
import { differingPath, differingPosting, fingerprintOf, isSameInput } from './input-fingerprint.js';
import { idOf, inputFault, isStorableText } from './posting-input.js';
import { previewOf } from './previews.js';
import { isAlarm, type PostingItem, type PostingResult, type ResultCode } from './posting.js';
import { type KeptKey, PostingRepository, type Writing } from './posting.repository.js';

export interface PostingCall {
  readonly items: readonly PostingItem[];
  readonly requestedBy: string;
  /** Decides and books nothing. */
  readonly validateOnly?: boolean;
  readonly batchId?: string;
}

/** An item with the call it came in. */
interface Given {
  readonly item: PostingItem;
  readonly call: number;
  readonly by: string;
}

/** What the rule of posting is: injected, so that a test can see the tables stand behind a wrong one. */
export type PostingRule = (
  candidates: readonly Candidate[],
  state: LedgerState,
  options?: { readonly previews?: boolean },
) => Folded;

/**
 * The one way into the journal. A batch takes two round trips: what it touches is locked and read, the rule decides in
 * memory, what was decided is written with one audit leaf.
 */
@Injectable()
export class PostingService {
  private readonly logger = new Logger('PostingService');
  private readonly repository = new PostingRepository();
  /** Only a test puts a wrong one in its place. */
  rule: PostingRule = fold;

  constructor(
    private readonly audit: AuditTrail,
    private readonly workItems: WorkItems,
  ) {}

  async post(tx: Tx, call: PostingCall): Promise<PostingResult[]> {
    const [results] = await this.postTogether(tx, [call]);
    return results ?? [];
  }

  /** Several calls in a transaction of their own. What is written travels with the commit, so it takes two round trips. */
  async commitTogether(transactions: Transactions, calls: readonly PostingCall[]): Promise<PostingResult[][]> {
    try {
      return await transactions.run((tx) => this.postTogether(tx, calls, 'with the commit'));
    } catch (error) {
      if (!isRefusedByTheTables(error)) throw error;
      return transactions.run((tx) => this.postTogether(tx, calls));
    }
  }

  /** Several calls in one batch: each has its own groups and its own name in the log. All are dry runs, or none is. */
  async postTogether(
    tx: Tx,
    calls: readonly PostingCall[],
    written: 'at once' | 'with the commit' = 'at once',
  ): Promise<PostingResult[][]> {
    const given = calls.flatMap(({ items, requestedBy }, call) =>
      items.map((item) => ({ item, call, by: requestedBy })),
    );
    if (given.length === 0) return calls.map(() => []);
    const isDry = calls[0]?.validateOnly === true;
    const waits = written === 'with the commit' && !isDry;
    const results = waits ? await this.book(tx, given, tx.withCommit.bind(tx)) : await this.bookApart(tx, given, isDry);
    const ofCall = calls.map((_, call) => results.filter((__, n) => given[n]?.call === call));
    if (isDry) return ofCall;
    const recorded = this.record(tx, calls, ofCall);
    if (waits) tx.withCommit(recorded);
    await this.openExcesses(tx, given, results);
    await this.alarm(tx, results);
    if (!waits) await recorded;
    return ofCall;
  }

  /**
   * All at once, and apart only when the database itself refuses the batch: a fault that the rule did not foresee would
   * take every item along. It is split in halves until the items at fault stand alone; those of a group stay together.
   */
  private async bookApart(tx: Tx, given: readonly Given[], isDry: boolean): Promise<PostingResult[]> {
    const underWay: Promise<unknown>[] = [tx.execute('SAVEPOINT posting')];
    try {
      const results = await this.book(tx, given, isDry ? undefined : (writing) => underWay.push(writing));
      underWay.push(tx.execute(isDry ? 'ROLLBACK TO SAVEPOINT posting' : 'RELEASE SAVEPOINT posting'));
      await together(underWay);
      return results;
    } catch (error) {
      await Promise.allSettled(underWay);
      if (!isRefusedByTheTables(error)) throw error;
      const state = sqlStateOf(error) ?? '';
      await tx.execute('ROLLBACK TO SAVEPOINT posting');
      const units = unitsOf(given);
      if (units.length === 1) return this.refuse(tx, given, state, faultOf(error), isDry);
      const middle = Math.ceil(units.length / 2);
      const results: PostingResult[] = [];
      for (const half of [units.slice(0, middle), units.slice(middle)]) {
        const places = half.flat();
        const answers = await this.bookApart(
          tx,
          places.map((place) => given[place] as Given),
          isDry,
        );
        places.forEach((place, n) => (results[place] = answers[n] as PostingResult));
      }
      return results;
    }
  }

  /** What is written goes to `writes`, when it is there: the answers are known before. */
  private async book(
    tx: Tx,
    given: readonly Given[],
    writes: ((writing: Promise<unknown>) => void) | undefined,
  ): Promise<PostingResult[]> {
    const placed = given.map(({ item }) => ({ fault: inputFault(item), hash: fingerprintOf(item) }));
    // The first of this batch under a key has it; the others are answered as it is.
    const firstOf = new Map<string, number>();
    given.forEach(({ item }, n) => {
      if (placed[n]?.fault === undefined && !firstOf.has(keyOf(item))) firstOf.set(keyOf(item), n);
    });
    const firsts = [...firstOf.values()];
    const withKeys = (places: readonly number[]) =>
      places.map((n) => {
        const { book, key } = (given[n] as Given).item;
        return { book, key, hash: placed[n]?.hash ?? Buffer.alloc(0) };
      });
    const faulty = given.flatMap(({ item }, n) => (placed[n]?.fault !== undefined && hasStorableKey(item) ? [n] : []));
    const looking = this.repository.knownKeys(tx, withKeys(faulty));
    looking.catch(() => undefined);
    const { kept, state } = await this.repository.take(
      tx,
      firsts.map((n) => (given[n] as Given).item),
      withKeys(firsts),
      // A dry run tells what would stand, to the unit.
      writes === undefined,
    );
    const known = await looking;

    const results: PostingResult[] = [];
    const placeOf = new Map(firsts.map((n, place) => [keyOf((given[n] as Given).item), place]));
    given.forEach(({ item }, n) => {
      const { fault, hash } = placed[n] as (typeof placed)[number];
      if (fault !== undefined) {
        const at = faulty.indexOf(n);
        const keptOfFaulty = at >= 0 ? known.get(at) : undefined;
        results[n] = keptOfFaulty ? reused(item, keptOfFaulty) : refused(item, fault);
        return;
      }
      const place = placeOf.get(keyOf(item)) as number;
      const old = kept.get(place);
      if (old) results[n] = keptResult(item, hash, old);
      else {
        const first = placed[firsts[place] as number]?.hash ?? hash;
        if (!first.equals(hash)) results[n] = reused(item, first);
      }
    });

    await this.nameThePosting(tx, given, results, kept);
    // What is refused before the ledger is asked is known to the rule only for the sake of its group.
    const isOpen = (n: number) => results[n] === undefined;
    const fresh = given.flatMap(({ item }, n) =>
      (isOpen(n) ? firstOf.get(keyOf(item)) === n : item.group !== undefined && results[n]?.outcome === 'REFUSED')
        ? [n]
        : [],
    );
    const decided = new Set(fresh.filter(isOpen));
    const candidates = fresh.map((n): Candidate => {
      const { item, call } = given[n] as Given;
      const code = results[n]?.code;
      return { item, call, id: idOf(item), ...(code === undefined ? {} : { refusal: { code } }) };
    });
    const folded = writes ? this.rule(candidates, state) : this.dryRun(candidates, state);
    const writings: Writing[] = [];
    const hashes = new Map<number, Buffer>();
    fresh.forEach((n, place) => {
      if (!decided.has(n)) return;
      const { item, by } = given[n] as Given;
      const decision = folded.decisions[place] as Decision;
      const { id } = candidates[place] as Candidate;
      if (decision.lines.length > 0) {
        const hash = item.op === 'HOLD' ? undefined : entryHash(item, id, state.moment, decision);
        if (hash) hashes.set(n, hash);
        writings.push({ item, id, by, lines: decision.lines, hash });
      }
      const touched = folded.previews?.[place];
      results[n] = {
        ...resultOf(item, id, decision, hashes.get(n)),
        ...(touched ? { preview: previewOf(item, decision, touched) } : {}),
      };
    });
    writes?.(
      this.repository.write(tx, {
        moment: state.moment,
        writings,
        accounts: folded.accounts,
        holdMovements: folded.holdMovements,
        closings: folded.closings.map((closing) => {
          const { item, by } = given[fresh[closing.candidate] as number] as Given;
          return { ...closing, key: item.key, by };
        }),
        sweeps: fresh.flatMap((n, place) => sweepOf((given[n] as Given).item, folded.decisions[place] as Decision)),
        refusals: [...decided].flatMap((n) => refusalOf(results[n] as PostingResult)),
      }),
    );
    given.forEach(({ item }, n) => {
      if (results[n] !== undefined) return;
      const { hash: _, excess: __, ...answer } = results[firstOf.get(keyOf(item)) as number] as PostingResult;
      results[n] = { ...answer, replayed: true };
    });
    return results;
  }

  /** Each call on the ledger as it stands: nobody's dry run sees what another's would have booked. */
  private dryRun(candidates: readonly Candidate[], state: LedgerState): Folded {
    const decisions: Decision[] = [];
    const previews: (readonly AccountAfter[])[] = [];
    for (const call of new Set(candidates.map((one) => one.call))) {
      const places = [...candidates.keys()].filter((place) => candidates[place]?.call === call);
      const folded = this.rule(
        places.map((place) => candidates[place] as Candidate),
        state,
        { previews: true },
      );
      places.forEach((place, n) => {
        decisions[place] = folded.decisions[n] as Decision;
        previews[place] = folded.previews?.[n] ?? [];
      });
    }
    return { decisions, previews, holdMovements: [], accounts: [], closings: [] };
  }

  /** Of a key whose entry has other postings: the one that differs, as long as what was asked is what was booked. */
  private async nameThePosting(
    tx: Tx,
    given: readonly Given[],
    results: PostingResult[],
    kept: ReadonlyMap<number, KeptKey>,
  ): Promise<void> {
    if (kept.size === 0) return;
    const asked = given.flatMap(({ item }, n) =>
      item.op === 'ENTRY' && item.upTo === undefined && results[n]?.path?.[0] === 'postings' ? [{ n, item }] : [],
    );
    if (asked.length === 0) return;
    const booked = await this.repository.bookedLines(
      tx,
      asked.map(({ item }) => idOf(item)),
    );
    for (const { n, item } of asked) {
      const lines = booked.get(idOf(item));
      if (lines) results[n] = { ...(results[n] as PostingResult), path: differingPosting(item, lines) };
    }
  }

  /** One item, or one group, that the database refused: its key is used up by it, unless the input cannot be read. */
  private async refuse(
    tx: Tx,
    given: readonly Given[],
    state: string,
    fault: string,
    isDry: boolean,
  ): Promise<PostingResult[]> {
    const code: ResultCode =
      state === '22003' || fault.startsWith('counters_within_range')
        ? 'BALANCE_OUT_OF_RANGE'
        : /^(22|54)|23502/.test(state)
          ? 'MALFORMED_ITEM'
          : 'LEDGER_CHECK_FAILED';
    const results: PostingResult[] = [];
    for (const { item } of given) {
      const key = { book: item.book, key: item.key, hash: fingerprintOf(item) };
      const answer = { ...refused(item, { code }), fault: `${state} ${fault}` };
      if (code === 'MALFORMED_ITEM' || isDry) {
        const used = (await this.repository.knownKeys(tx, [key])).get(0);
        results.push(used ? reused(item, used) : answer);
        continue;
      }
      const old = (await this.repository.takeKeys(tx, [key])).get(0);
      if (old) {
        results.push(keptResult(item, key.hash, old));
        continue;
      }
      await this.repository.write(tx, {
        moment: new Date(0).toISOString(),
        writings: [],
        accounts: [],
        holdMovements: [],
        closings: [],
        sweeps: [],
        refusals: refusalOf(answer),
      });
      results.push(answer);
    }
    return results;
  }

  /** The database stood up against a batch: the items at fault were refused alone, and this is a bug of ours or of who asked. */
  private async alarm(tx: Tx, results: readonly PostingResult[]): Promise<void> {
    for (const { key, book, code, fault } of results.filter((result) => result.fault !== undefined))
      this.logger.error(`the database refused item ${key} of ${book}: ${code ?? ''}, ${fault ?? ''}`);
    const alarms = results.filter(isAlarm);
    if (alarms.length === 0) return;
    const clock = await tx.row<{ due: Date }>(`SELECT kernel.now() + interval '4 hours' AS due`);
    await this.workItems.openMany(
      tx,
      alarms.map(({ key, book, code, fault }) => ({
        key: `ledger-check:${book}:${key}`,
        kind: 'LEDGER_CHECK_FAILED',
        category: 'OTHER' as const,
        objectKind: 'POSTING_ITEM',
        objectId: key,
        reference: key,
        reasonCode: code ?? 'LEDGER_CHECK_FAILED',
        bookId: book,
        ownerTeam: 'operations',
        dueAt: clock?.due ?? new Date(0),
        nextAction: `Find out why the ledger refused this item, then book it again under a new key (${fault ?? ''})`,
      })),
    );
  }

  /** One leaf for each book and each who asked: the root over the hashes of what was done. */
  private async record(
    tx: Tx,
    calls: readonly PostingCall[],
    results: readonly (readonly PostingResult[])[],
  ): Promise<void> {
    const leaves = new Map<string, { book: string; by: string; batchId?: string; hashes: string[] }>();
    calls.forEach(({ items, requestedBy: by, batchId }, call) => {
      results[call]?.forEach((result, n) => {
        // An entry has its own hash; what moves a hold or the state of an account is hashed as it was asked for.
        const isOther =
          result.outcome === 'POSTED' && !result.replayed && !['ENTRY', 'REVERSAL', 'CAPTURE'].includes(result.op);
        const hash = result.hash ?? (isOther ? leafHash(canonicalJson(items[n])) : undefined);
        if (hash === undefined) return;
        const name = `${result.book}\u001f${by}\u001f${batchId ?? ''}`;
        const leaf = leaves.get(name) ?? { book: result.book, by, batchId, hashes: [] };
        leaf.hashes.push(hash);
        leaves.set(name, leaf);
      });
    });
    await this.audit.appendMany(
      tx,
      [...leaves.values()].map(({ book, by, batchId, hashes }) => {
        const root = merkleRootOf(hashes);
        return {
          action: 'LEDGER_BATCH_POSTED',
          objectKind: 'POSTING_BATCH',
          objectId: batchId ?? `root_${root.slice(0, 32)}`,
          bookId: book,
          principal: by,
          after: { items: hashes.length, root },
        };
      }),
    );
  }

  /** A confirmed fact beyond what was there is booked, and somebody has to find cover for it. */
  private async openExcesses(tx: Tx, given: readonly Given[], results: readonly PostingResult[]): Promise<void> {
    const exceeded = results.flatMap((result, n) =>
      result.excess === undefined || result.replayed
        ? []
        : result.excess.map((one) => ({ ...one, result, item: given[n]?.item })),
    );
    if (exceeded.length === 0) return;
    const clock = await tx.row<{ due: Date }>(`SELECT kernel.now() + interval '1 day' AS due`);
    await this.workItems.openMany(
      tx,
      exceeded.map(({ account, asset, units, result, item }) => ({
        key: `forced-excess:${result.id ?? result.key}:${account}:${asset}`,
        kind: 'FORCED_EXCESS',
        category: 'OTHER' as const,
        objectKind: 'JOURNAL_ENTRY',
        objectId: result.id ?? result.key,
        reference: account,
        reasonCode: isCurrency(asset) ? 'INSUFFICIENT_FUNDS' : 'INSUFFICIENT_SECURITIES',
        bookId: result.book,
        valueAtRisk: isCurrency(asset) ? { currency: asset, amountMinor: BigInt(units) } : undefined,
        ownerTeam: 'operations',
        dueAt: clock?.due ?? new Date(0),
        nextAction: `Cover ${account} in ${asset}: a confirmed fact was booked beyond its limit${item !== undefined && 'forced' in item && item.forced ? ` (${item.forced.reason})` : ''}`,
      })),
    );
  }
}

/** Of an input with a fault: whether its key can be looked for. */
const hasStorableKey = ({ book, key }: { book: unknown; key: unknown }): boolean =>
  typeof book === 'string' && typeof key === 'string' && isStorableText(`${book}${key}`);

const keyOf = ({ book, key }: PostingItem): string => `${book}\u001f${key}`;

/** Places of the items, those of a group together, in the order of decision. */
function unitsOf(given: readonly Given[]): number[][] {
  const groups = new Map<string, number[]>();
  const units: number[][] = [];
  given.forEach(({ item, call }, n) => {
    const name = item.group === undefined ? undefined : `${call}\u001f${item.group}`;
    const known = name === undefined ? undefined : groups.get(name);
    if (known) known.push(n);
    else {
      const unit = [n];
      units.push(unit);
      if (name !== undefined) groups.set(name, unit);
    }
  });
  return units;
}

/** A value that does not fit, a constraint, a limit of Postgres: a fault of the items, not of the connection. */
const isRefusedByTheTables = (error: unknown): boolean => /^(22|23|54)/.test(sqlStateOf(error) ?? '');

function faultOf(error: unknown): string {
  const { constraint, message } = error as { constraint?: string; message?: string };
  return [constraint, message].filter(Boolean).join(': ');
}

/** RFC 6962, 2.1: a leaf is hashed behind a zero byte. The text is what `accounting.entry_hash_of` makes of the rows. */
function entryHash(item: PostingItem, id: string, moment: string, { lines }: Decision): Buffer {
  const { book, kind, businessDate, valueDate, forced } = item as Extract<PostingItem, { op: 'ENTRY' }>;
  const reverses = item.op === 'REVERSAL' && !item.part ? item.reverses : null;
  const text = lines.map(({ n, accountId, asset, units }) => `${n}:${accountId ?? ''}:${asset}:${units}`).join(';');
  const fields = [id, book, kind, businessDate, valueDate, moment, reverses, forced?.reason ?? null, text];
  return sha256(`\0[${fields.map((field) => JSON.stringify(field)).join(', ')}]`);
}

const base = ({ key, book, op }: PostingItem) => ({ key, book, op: (op as PostingItem['op'] | undefined) ?? 'ENTRY' });

const refused = (
  item: PostingItem,
  refusal: { code: ResultCode; account?: string; asset?: string; available?: bigint },
): PostingResult => ({
  ...base(item),
  outcome: 'REFUSED',
  code: refusal.code,
  ...(refusal.account === undefined ? {} : { account: refusal.account }),
  ...(refusal.asset === undefined ? {} : { asset: refusal.asset }),
  ...(refusal.available === undefined ? {} : { availableUnits: String(refusal.available) }),
  replayed: false,
});

/** Its key is another input's. */
const reused = (item: PostingItem, kept: Buffer): PostingResult => ({
  ...refused(item, { code: 'IDEMPOTENCY_KEY_REUSED' }),
  path: differingPath(kept, item),
});

const makesSomething = new Set<PostingItem['op']>(['ENTRY', 'REVERSAL', 'HOLD', 'CAPTURE']);

function resultOf(item: PostingItem, id: string, decision: Decision, hash: Buffer | undefined): PostingResult {
  const { refusal, swept, excess } = decision;
  if (refusal) return refused(item, refusal);
  return {
    ...base(item),
    outcome: 'POSTED',
    ...(makesSomething.has(item.op) && swept !== 0n ? { id } : {}),
    ...(swept === undefined ? {} : { units: String(swept) }),
    ...(hash === undefined ? {} : { hash: hash.toString('hex') }),
    ...(excess.length === 0 ? {} : { excess: excess.map((one) => ({ ...one, units: String(one.units) })) }),
    replayed: false,
  };
}

/** The answer of an earlier call, when it was the same. */
function keptResult(item: PostingItem, fingerprint: Buffer, kept: KeptKey): PostingResult {
  if (!isSameInput(kept.requestHash, item, fingerprint)) return reused(item, kept.requestHash);
  if (kept.code !== null) {
    const { code, account, asset, availableUnits } = kept;
    return {
      ...refused(item, { code, account: account ?? undefined, asset: asset ?? undefined }),
      ...(availableUnits === null ? {} : { availableUnits }),
      replayed: true,
    };
  }
  const swept = kept.movedUnits === null ? undefined : BigInt(kept.movedUnits);
  return { ...resultOf(item, idOf(item), { swept, excess: [], lines: [] }, undefined), replayed: true };
}

function sweepOf(item: PostingItem, { swept, refusal }: Decision) {
  if (swept === undefined || refusal !== undefined) return [];
  const asked =
    item.op === 'HOLD' ? item.hold.units : (item as Extract<PostingItem, { op: 'ENTRY' }>).postings[0]?.units;
  const id = swept === 0n ? undefined : idOf(item);
  return [
    {
      book: item.book,
      key: item.key,
      asked: asked ?? '',
      moved: String(swept),
      ...(item.op === 'HOLD' ? { hold: id } : { entry: id }),
    },
  ];
}

/** What is remembered of a refusal: the same request is refused again, whatever has come in since. */
const refusalOf = ({ outcome, book, key, code, account, asset, availableUnits }: PostingResult) =>
  outcome === 'REFUSED' && code !== undefined ? [{ book, key, code, account, asset, available: availableUnits }] : [];
