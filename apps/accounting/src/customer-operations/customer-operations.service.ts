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
import { messageOf, type PostingItem, type PostingLine, refusalText, retryableCodes } from '../journal/posting.js';
import { PostingService } from '../journal/posting.service.js';
import { Mutations } from '../mutations.js';
import { type Line, linesOf, pathOfRefusal } from './customer-operations.js';

export interface Operation {
  readonly book: string;
  readonly kind: string;
  readonly valueDate?: string | null;
  readonly description: string;
  readonly lines: readonly Line[];
  readonly validateOnly?: boolean | null;
  readonly idempotencyKey: string;
}

interface Prepared {
  readonly operation: Operation;
  readonly item?: PostingItem;
  readonly problems: readonly Problem[];
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
    const [payload] = await this.postMany(tx, [operation], principal);
    if (!payload) throw new Error('the operation has no answer');
    return payload;
  }

  /** One answer per operation, in their order; what is wrong with one does not stop the others. */
  async postMany(tx: Tx, operations: readonly Operation[], principal: Principal): Promise<EntryPayload[]> {
    const prepared = await this.prepare(tx, operations, principal);
    const answers: (EntryPayload | undefined)[] = prepared.map(({ problems }) =>
      problems.length > 0 ? this.mutations.faulty(problems) : undefined,
    );
    for (const validateOnly of [true, false]) {
      const chosen = prepared.flatMap(({ operation, item }, at) =>
        item && (operation.validateOnly ?? false) === validateOnly ? [{ operation, item, at }] : [],
      );
      const results = await this.posting.post(tx, {
        items: chosen.map(({ item }) => item),
        requestedBy: principal.subject,
        validateOnly,
      });
      const booked = validateOnly ? [] : results.flatMap(({ outcome, id }) => (outcome === 'POSTED' && id ? [id] : []));
      const entries = new Map((await this.journal.entries(tx, booked)).map((row) => [row.entryId, row]));
      results.forEach((result, n) => {
        const { operation, at } = chosen[n] as (typeof chosen)[number];
        if (result.outcome === 'REFUSED') {
          const code = result.code ?? 'LEDGER_CHECK_FAILED';
          const path = pathOfRefusal(result, operation.lines);
          const problems = [problem(code, refusalText(result), path, retryableCodes.has(code))];
          answers[at] = validateOnly ? this.mutations.faulty(problems) : { entry: null, problems, replayed: false };
          // A validation leaves nothing, not even its key: the same key books it next.
        } else if (validateOnly) answers[at] = this.mutations.faulty([]);
        else {
          const entry = entries.get(result.id ?? '');
          answers[at] = { entry: entry ? toEntry(entry) : null, problems: [], replayed: false };
        }
      });
    }
    return answers.map((answer) => {
      if (!answer) throw new Error('an operation has no answer');
      return answer;
    });
  }

  private async prepare(tx: Tx, operations: readonly Operation[], principal: Principal): Promise<Prepared[]> {
    const known = await this.assets.find(tx, [...new Set(operations.flatMap(({ lines }) => lines.map(assetOf)))]);
    const dayOf = new Map<string, string | undefined>();
    for (const book of new Set(operations.map((operation) => operation.book)))
      dayOf.set(book, (await this.days.worked(tx, book))?.businessDate);
    return operations.map((operation): Prepared => {
      const { book } = operation;
      const units = (asset: string, amount: string) => {
        const { scale } = known.get(asset) ?? {};
        if (scale === undefined) return problem('ASSET_NOT_FOUND', `${messageOf('ASSET_NOT_FOUND')} (${asset})`);
        const parsed = parseDecimal(amount, scale);
        return isRefused(parsed) ? (parsed.problems[0] as Problem) : parsed.value;
      };
      const { lines, problems } = linesOf(operation.lines, units);
      const businessDate = dayOf.get(book);
      if (businessDate === undefined) {
        const isClosed = problem('PERIOD_NOT_OPEN', 'The book has no open business day', ['book'], true);
        return { operation, problems: [...problems, isClosed] };
      }
      if (problems.length > 0) return { operation, problems };
      return { operation, problems, item: itemOf(operation, lines, businessDate, principal) };
    });
  }
}

const assetOf = ({ asset }: Line) => asset;

const itemOf = (
  { book, kind, valueDate, description, idempotencyKey }: Operation,
  postings: readonly PostingLine[],
  businessDate: string,
  { subject }: Principal,
): PostingItem => ({
  op: 'ENTRY',
  key: `${subject}:${idempotencyKey}`,
  book,
  kind,
  businessDate,
  valueDate: valueDate ?? businessDate,
  description,
  subject: { kind: 'API', id: `api:${idempotencyKey}`.slice(0, 64) },
  postings,
});
