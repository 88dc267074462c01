import { Injectable } from '@nestjs/common';
import { booksOf, type Principal } from '#libs/auth/index.js';
import { together, Transactions, type Tx } from '#libs/database/index.js';
import { type Answer, faultOfInput, Idempotency } from '#libs/idempotency/index.js';
import { Batching, isRefused, type Problem, problem, QueueFull } from '#libs/kernel/index.js';
import { formatDecimal, parseDecimal } from '#libs/money/index.js';
import { type NostroOf } from '../accounts/accounts.repository.js';
import { Accounts } from '../accounts/accounts.service.js';
import { type Asset } from '../assets/assets.repository.js';
import { Assets } from '../assets/assets.service.js';
import { BusinessDays } from '../business-days/business-days.service.js';
import { toEntry } from '../journal/journal-types.js';
import { type EntryPayload } from '../journal/journal.graphql.js';
import { Journal } from '../journal/journal.service.js';
import { toPreview } from '../journal/previews.js';
import { postingLaneSettings } from '../journal/posting-lane.service.js';
import {
  type EntryItem,
  messageOf,
  type PostingItem,
  type PostingResult,
  refusalText,
  retryableCodes,
} from '../journal/posting.js';
import { PostingService } from '../journal/posting.service.js';
import { postingsOf } from '../posting-rules/posting-rules.js';
import { entryBy, PostingRules, type RulesOf } from '../posting-rules/posting-rules.service.js';
import {
  eventOf,
  groupFaults,
  isEvent,
  linesOf,
  type Operation,
  pathOfRefusal,
  problemsOfEvent,
} from './customer-operations.js';

/** What one caller asks for at once. */
export interface OperationsCall {
  readonly operations: readonly Operation[];
  readonly principal: Principal;
}

/** An operation with the call it came in. */
interface Given {
  readonly operation: Operation;
  readonly call: number;
  readonly by: string;
}

/** What operations are read by. */
interface Looked {
  readonly assets: ReadonlyMap<string, Asset>;
  readonly nostroOf: NostroOf;
  readonly businessDateOf: (book: string) => string | undefined;
  readonly rulesOf: RulesOf;
}

interface Prepared extends Given {
  readonly item?: PostingItem;
  readonly problems: readonly Problem[];
}

/**
 * What people book through the API: parsed at the scale of each asset, dated by the open day, decided by the ledger.
 * Callers of the same moment who see the same books share one transaction; each is answered after its commit.
 */
@Injectable()
export class CustomerOperations {
  private readonly batching: Batching<OperationsCall, Answer<EntryPayload>[]>;

  constructor(
    private readonly transactions: Transactions,
    private readonly idempotency: Idempotency,
    private readonly assets: Assets,
    private readonly accounts: Accounts,
    private readonly days: BusinessDays,
    private readonly journal: Journal,
    private readonly posting: PostingService,
    private readonly rules: PostingRules,
  ) {
    this.batching = new Batching({
      ...postingLaneSettings,
      sizeOf: ({ operations }) => operations.length,
      kindOf: ({ principal }) => JSON.stringify(booksOf(principal)),
      run: (calls) => this.bookTogether(calls),
    });
  }

  /** One answer per operation, in their order; what is wrong with one does not stop the others. */
  async book(call: OperationsCall): Promise<Answer<EntryPayload>[]> {
    try {
      return await this.batching.submit(call);
    } catch (fault) {
      if (!(fault instanceof QueueFull)) throw fault;
      const problems = [problem('QUEUE_FULL', 'Too much waits to be booked; ask again in a moment', [], true)];
      return call.operations.map(() => ({ entry: null, problems, replayed: false }));
    }
  }

  private async bookTogether(calls: readonly OperationsCall[]): Promise<Answer<EntryPayload>[][]> {
    const given = calls.flatMap(({ operations, principal: { subject } }, call) =>
      operations.map((operation): Given => ({ operation, call, by: subject })),
    );
    const answers = await this.transactions.run(
      async (tx) => {
        const keys = given.map(({ operation: { name, input, idempotencyKey }, by }) => ({
          client: by,
          operation: name,
          key: idempotencyKey,
          input,
        }));
        // The keys are sent first; what the operations are read by travels with them.
        const booked = this.idempotency.runEach<EntryPayload>(tx, keys, async (fresh) => {
          const isFresh = new Set(fresh);
          return this.decide(
            tx,
            fresh.map((n) => given[n] as Given),
            given.filter((_, n) => !isFresh.has(n)),
            await looking,
          );
        });
        const looking = this.look(
          tx,
          given.map(({ operation }) => operation),
        );
        const [answered] = await together([booked, looking]);
        return answered;
      },
      { books: booksOf((calls[0] as OperationsCall).principal) },
    );
    return calls.map((_, call) => answers.filter((__, n) => given[n]?.call === call));
  }

  private async look(tx: Tx, operations: readonly Operation[]): Promise<Looked> {
    const lines = operations.flatMap(({ book, lines: of }) => of.map((line) => ({ book, ...line })));
    const books = [...new Set(operations.map(({ book }) => book))];
    const throughNostro = lines.filter(({ account }) => account === undefined);
    const [assets, nostroOf, days, rulesOf] = await together([
      this.assets.find(tx, [...new Set(lines.map(({ asset }) => asset))]),
      throughNostro.length === 0
        ? Promise.resolve<NostroOf>(() => undefined)
        : this.accounts.nostrosOf(
            tx,
            throughNostro.map(({ book, asset }) => ({ book, currency: asset })),
          ),
      Promise.all(books.map((book) => this.days.worked(tx, book))),
      this.rules.inForce(
        tx,
        operations.filter(isEvent).map(({ book }) => book),
      ),
    ]);
    const dates = new Map(books.map((book, n) => [book, days[n]?.businessDate]));
    return { assets, nostroOf, businessDateOf: (book) => dates.get(book), rulesOf };
  }

  private async decide(
    tx: Tx,
    given: readonly Given[],
    answered: readonly Given[],
    looked: Looked,
  ): Promise<EntryPayload[]> {
    const prepared = withGroups(
      given.map((one) => prepare(one, looked)),
      answered,
    );
    const answers = prepared.map(({ problems }): EntryPayload | undefined =>
      problems.length > 0 ? faulty(problems) : undefined,
    );
    for (const validateOnly of [true, false]) {
      const chosen = prepared.flatMap((one, at) =>
        one.item && (one.operation.validateOnly ?? false) === validateOnly ? [{ ...one, item: one.item, at }] : [],
      );
      if (chosen.length === 0) continue;
      const results = await this.post(tx, chosen, validateOnly);
      const booked = validateOnly ? [] : results.flatMap(({ outcome, id }) => (outcome === 'POSTED' && id ? [id] : []));
      const entries = new Map((await this.journal.entries(tx, booked)).map((row) => [row.entryId, toEntry(row)]));
      const scaleOf = await this.scalesIn(tx, results, looked);
      results.forEach((result, n) => {
        const { operation, at } = chosen[n] as (typeof chosen)[number];
        answers[at] = answerOf(result, operation, looked, scaleOf, entries.get(result.id ?? '') ?? null);
      });
    }
    return answers.map((answer) => {
      if (!answer) throw new Error('an operation has no answer');
      return answer;
    });
  }

  /** Of the assets that were named, and of those that the rules brought into a preview. */
  private async scalesIn(
    tx: Tx,
    results: readonly PostingResult[],
    { assets }: Looked,
  ): Promise<(asset: string) => number> {
    const others = results.flatMap(({ preview }) => preview?.balances.map(({ asset }) => asset) ?? []);
    const unknown = [...new Set(others)].filter((asset) => !assets.has(asset));
    const found = unknown.length === 0 ? assets : await this.assets.find(tx, unknown);
    return (asset) => {
      const known = assets.get(asset) ?? found.get(asset);
      if (!known) throw new Error(`${asset} is booked and not registered`);
      return known.scale;
    };
  }

  /** Each caller's items are a call of their own, with its own leaf in the log. */
  private async post(
    tx: Tx,
    chosen: readonly { item: PostingItem; call: number; by: string }[],
    validateOnly: boolean,
  ): Promise<PostingResult[]> {
    const calls = new Map<number, { requestedBy: string; validateOnly: boolean; items: PostingItem[] }>();
    for (const { item, call, by } of chosen) {
      const known = calls.get(call);
      if (known) known.items.push(item);
      else calls.set(call, { requestedBy: by, validateOnly, items: [item] });
    }
    return (await this.posting.postTogether(tx, [...calls.values()])).flat();
  }
}

/** A fault of the input is not remembered: the corrected input may come with the same key. */
const faulty = (problems: readonly Problem[], told: Pick<EntryPayload, 'moved' | 'preview'> = {}): EntryPayload =>
  faultOfInput({ entry: null, ...told, problems: [...problems], replayed: false });

function prepare(given: Given, { assets, nostroOf, businessDateOf, rulesOf }: Looked): Prepared {
  const { operation, by } = given;
  const { book } = operation;
  const { lines, problems } = linesOf(
    operation.lines,
    (asset, amount) => {
      const { scale } = assets.get(asset) ?? {};
      if (scale === undefined) return problem('ASSET_NOT_FOUND', `${messageOf('ASSET_NOT_FOUND')} (${asset})`);
      const parsed = parseDecimal(amount, scale);
      return isRefused(parsed) ? (parsed.problems[0] as Problem) : parsed.value;
    },
    (currency) => nostroOf(book, currency),
  );
  const businessDate = businessDateOf(book);
  if (businessDate === undefined) {
    const isClosed = problem('PERIOD_NOT_OPEN', 'The book has no open business day', ['book'], true);
    return { ...given, problems: [...problems, isClosed] };
  }
  if (problems.length > 0) return { ...given, problems };
  const event = eventOf(operation, lines);
  if (!event)
    return { ...given, problems, item: itemOf(operation, { ...operation, postings: lines }, businessDate, by) };
  const { rules, version } = rulesOf(book, businessDate);
  const entry = postingsOf(rules, event);
  if (isRefused(entry)) return { ...given, problems: problemsOfEvent(operation, entry.problems) };
  return { ...given, problems, item: itemOf(operation, entryBy(entry.value, event, version), businessDate, by) };
}

/** The same operations; those that their groups keep from being booked are without an item. */
function withGroups(prepared: readonly Prepared[], answered: readonly Given[]): Prepared[] {
  if (prepared.every(({ operation }) => !operation.group)) return [...prepared];
  const memberOf = ({ operation: { group, idempotencyKey }, call, by }: Given) => ({
    ...(group ? { group: `${call}\u001f${group}` } : {}),
    key: `${by}\u001f${idempotencyKey}`,
  });
  const members = prepared.map((one) => ({
    ...memberOf(one),
    validateOnly: one.operation.validateOnly ?? false,
    problems: one.problems,
  }));
  const faults = groupFaults(members, answered.map(memberOf));
  return prepared.map(({ item, ...one }, n) => {
    const problems = faults[n] ?? [];
    return { ...one, problems, ...(item && problems.length === 0 ? { item } : {}) };
  });
}

function answerOf(
  result: PostingResult,
  { book, lines, validateOnly }: Operation,
  { nostroOf }: Looked,
  scaleOf: (asset: string) => number,
  entry: EntryPayload['entry'],
): EntryPayload {
  if (result.outcome === 'POSTED') {
    const [line] = lines;
    const moved =
      result.units === undefined || !line ? {} : { moved: formatDecimal(BigInt(result.units), scaleOf(line.asset)) };
    // A validation leaves nothing, not even its key: the same key books it next.
    return validateOnly
      ? faulty([], { ...moved, preview: toPreview(result, [], scaleOf) })
      : { entry, ...moved, problems: [], replayed: false };
  }
  const code = result.code ?? 'LEDGER_CHECK_FAILED';
  const path = pathOfRefusal(result, lines, (currency) => nostroOf(book, currency));
  const problems = [problem(code, refusalText(result), path, retryableCodes.has(code))];
  return validateOnly
    ? faulty(problems, { preview: toPreview(result, path, scaleOf) })
    : { entry: null, problems, replayed: false };
}

const itemOf = (
  { book, valueDate, idempotencyKey, group, upTo }: Operation,
  { kind, description, postings, event }: Pick<EntryItem, 'kind' | 'description' | 'postings' | 'event'>,
  businessDate: string,
  by: string,
): PostingItem => ({
  op: 'ENTRY',
  key: `${by}:${idempotencyKey}`,
  book,
  kind,
  businessDate,
  valueDate: valueDate ?? businessDate,
  description,
  subject: { kind: 'API', id: `api:${idempotencyKey}`.slice(0, 64) },
  postings,
  ...(event ? { event } : {}),
  ...(group ? { group } : {}),
  ...(upTo ? { upTo } : {}),
});
