import { Injectable } from '@nestjs/common';
import { type Principal } from '#libs/auth/index.js';
import { type Tx } from '#libs/database/index.js';
import { isRefused, type Problem, problem } from '#libs/kernel/index.js';
import { parseDecimal } from '#libs/money/index.js';
import { Assets } from '../assets/assets.service.js';
import { BusinessDays } from '../business-days/business-days.service.js';
import { toEntry } from '../journal/journal-types.js';
import { type EntryPayload } from '../journal/journal.graphql.js';
import { Journal } from '../journal/journal.service.js';
import {
  faultsOf,
  type PostingItem,
  type PostingLine,
  type PostingResult,
  refusalText,
  type ResultCode,
} from '../journal/posting.js';
import { PostingService } from '../journal/posting.service.js';
import { Mutations } from '../mutations.js';

export interface Line {
  readonly account: string;
  readonly asset: string;
  readonly side: 'DEBIT' | 'CREDIT';
  readonly amount: string;
  /** Where in the input the amount stands. */
  readonly path: readonly (string | number)[];
}

export interface Operation {
  readonly book: string;
  readonly kind: string;
  readonly valueDate?: string | null;
  readonly description: string;
  readonly lines: readonly Line[];
  readonly validateOnly?: boolean | null;
  readonly idempotencyKey: string;
}

/** The same request may succeed later: money may come in, a day may open. */
const retryable: ReadonlySet<ResultCode> = new Set([
  'INSUFFICIENT_FUNDS',
  'INSUFFICIENT_SECURITIES',
  'PERIOD_NOT_OPEN',
]);

export function problemOf(result: PostingResult): Problem {
  const code = result.code ?? 'IDEMPOTENCY_KEY_REUSED';
  return problem(code, refusalText(result), [], retryable.has(code));
}

/** What people book through the API: parsed at the scale of each asset, dated by the open day, decided by the ledger. */
@Injectable()
export class CustomerOperations {
  constructor(
    private readonly assets: Assets,
    private readonly days: BusinessDays,
    private readonly journal: Journal,
    private readonly posting: PostingService,
    private readonly mutations: Mutations,
  ) {}

  async post(tx: Tx, operation: Operation, principal: Principal): Promise<EntryPayload> {
    const { lines, problems } = await this.lines(tx, operation.lines);
    if (problems.length > 0) return this.mutations.faulty(problems);
    const day = await this.days.worked(tx, operation.book);
    if (!day)
      return this.mutations.faulty([problem('PERIOD_NOT_OPEN', 'The book has no open business day', ['book'], true)]);
    const item: PostingItem = {
      op: 'ENTRY',
      key: `${principal.subject}:${operation.idempotencyKey}`,
      book: operation.book,
      kind: operation.kind,
      businessDate: day.businessDate,
      valueDate: operation.valueDate ?? day.businessDate,
      description: operation.description,
      subject: { kind: 'API', id: `api:${operation.idempotencyKey}`.slice(0, 64) },
      postings: lines,
    };
    const [result] = await this.posting.post(tx, {
      items: [item],
      requestedBy: principal.subject,
      validateOnly: operation.validateOnly ?? false,
    });
    if (!result) throw new Error('the item has no result');
    if (result.outcome === 'REFUSED') {
      const payload: EntryPayload = { entry: null, problems: [problemOf(result)], replayed: false };
      return operation.validateOnly ? this.mutations.faulty(payload.problems) : payload;
    }
    // A validation leaves nothing, not even its key: the same key books it next.
    if (operation.validateOnly) return this.mutations.faulty([]);
    const entry = await this.journal.entry(tx, result.id ?? '');
    return { entry: entry ? toEntry(entry) : null, problems: [], replayed: false };
  }

  /** Amounts in units, with every fault of the input at once. */
  async lines(tx: Tx, given: readonly Line[]): Promise<{ lines: PostingLine[]; problems: Problem[] }> {
    const assets = await this.assets.find(
      tx,
      given.map(({ asset }) => asset),
    );
    const problems: Problem[] = [];
    const lines: PostingLine[] = [];
    for (const { account, asset, side, amount, path } of given) {
      const known = assets.get(asset);
      if (!known) {
        problems.push(problem('ASSET_NOT_FOUND', `${asset} is not registered`, path));
        continue;
      }
      const units = parseDecimal(amount, known.scale);
      if (isRefused(units)) problems.push(...units.problems.map((one) => ({ ...one, path })));
      else lines.push({ account, asset, side, units: units.value.toString() });
    }
    return problems.length > 0 ? { lines: [], problems: distinct(problems) } : { lines, problems: faultsOf(lines) };
  }
}

/** Both sides of a transfer have the same amount: what is wrong with it is told once. */
function distinct(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((one) => [`${one.code} ${one.path.join('.')}`, one])).values()];
}
