import { Args, Mutation, Resolver } from '@nestjs/graphql';
import { AuditTrail } from '#libs/audit/index.js';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { type Tx } from '#libs/database/index.js';
import { RequiresScopes } from '#libs/graphql/index.js';
import { type Problem, problem } from '#libs/kernel/index.js';
import { toAccount, toBalance } from '../accounts/account-types.js';
import { AccountPayload } from '../accounts/accounts.graphql.js';
import { type AccountRow } from '../accounts/accounts.repository.js';
import { Accounts } from '../accounts/accounts.service.js';
import { Assets } from '../assets/assets.service.js';
import { BusinessDays } from '../business-days/business-days.service.js';
import { toEntry } from '../journal/journal-types.js';
import { Journal } from '../journal/journal.service.js';
import { messageOf, refusalText, retryableCodes } from '../journal/posting.js';
import { PostingService } from '../journal/posting.service.js';
import { Mutations } from '../mutations.js';
import { itemsOf, refusalOf, targetFaults } from './closings.js';
import { CloseAccountInput, CloseAccountPayload, ReopenAccountInput } from './closings.graphql.js';

/** Accounts closed and opened again by the ledger itself, each with its key. */
@Resolver()
export class ClosingsResolver {
  constructor(
    private readonly accounts: Accounts,
    private readonly assets: Assets,
    private readonly days: BusinessDays,
    private readonly journal: Journal,
    private readonly posting: PostingService,
    private readonly mutations: Mutations,
    private readonly audit: AuditTrail,
  ) {}

  @Mutation(() => CloseAccountPayload, {
    description:
      'Moves what is there to the accounts named and closes the account, all of it or nothing. Nothing may be left or pending.',
  })
  @RequiresScopes('accounts:write')
  closeAccount(
    @Args('input', { type: () => CloseAccountInput }) input: CloseAccountInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'closeAccount',
      CloseAccountInput,
      input,
      principal,
      async (tx): Promise<CloseAccountPayload> => {
        const { book, account: number, reason } = input;
        const sweepTo = input.sweepTo ?? [];
        const before = await this.find(tx, book, number);
        const assets = await this.assets.find(
          tx,
          sweepTo.map(({ asset }) => asset),
        );
        const problems = [
          ...(before ? [] : [notFound()]),
          ...targetFaults(number, sweepTo, (asset) => assets.has(asset)),
        ];
        const day = sweepTo.length === 0 ? undefined : await this.days.worked(tx, book);
        if (before && sweepTo.length > 0 && !day)
          problems.push(problem('PERIOD_NOT_OPEN', 'The book has no open business day', ['book'], true));
        if (!before || problems.length > 0) return this.mutations.faulty(problems);
        const results = await this.posting.post(tx, {
          requestedBy: principal.subject,
          items: itemsOf({
            book,
            account: number,
            normalSide: before.normalSide,
            sweepTo,
            reason,
            key: `${principal.subject}:${input.idempotencyKey}`,
            subjectId: `${book}/${number}`.slice(0, 64),
            businessDate: day?.businessDate ?? '',
          }),
        });
        const refusal = refusalOf(results, { account: number, sweepTo });
        if (refusal) {
          const { result, path } = refusal;
          const code = result.code ?? 'LEDGER_CHECK_FAILED';
          const left = code === 'ACCOUNT_NOT_EMPTY' ? await this.left(tx, before) : null;
          const why = problem(code, refusalText(result), path, retryableCodes.has(code));
          return { account: toAccount(before), entries: null, left, problems: [why], replayed: false };
        }
        await this.record(tx, before, 'CLOSED', reason, principal);
        const rows = await this.journal.entries(
          tx,
          results.flatMap(({ op, id }) => (op === 'ENTRY' && id !== undefined ? [id] : [])),
        );
        const entries = results.flatMap(({ id }) => rows.filter(({ entryId }) => entryId === id).map(toEntry));
        return {
          account: toAccount({ ...before, state: 'CLOSED' }),
          entries,
          left: null,
          problems: [],
          replayed: false,
        };
      },
    );
  }

  @Mutation(() => AccountPayload, { description: 'Opens a closed account again; the blocks that stand stay.' })
  @RequiresScopes('accounts:write')
  reopenAccount(
    @Args('input', { type: () => ReopenAccountInput }) input: ReopenAccountInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'reopenAccount',
      ReopenAccountInput,
      input,
      principal,
      async (tx): Promise<AccountPayload> => {
        const { book, account, reason } = input;
        const before = await this.find(tx, book, account);
        if (!before) return this.mutations.faulty([notFound()]);
        if (before.state !== 'CLOSED') {
          const why = problem('ACCOUNT_NOT_CLOSED', 'The account is not closed', ['account']);
          return { account: toAccount(before), problems: [why], replayed: false };
        }
        const [result] = await this.posting.post(tx, {
          requestedBy: principal.subject,
          items: [{ op: 'REOPEN', key: `${principal.subject}:${input.idempotencyKey}`, book, close: { account } }],
        });
        if (result?.code !== undefined) {
          const path = result.code === 'IDEMPOTENCY_KEY_REUSED' ? ['idempotencyKey'] : ['account'];
          return {
            account: toAccount(before),
            problems: [problem(result.code, refusalText(result), path)],
            replayed: false,
          };
        }
        const after = (await this.find(tx, book, account)) ?? before;
        await this.record(tx, before, after.state, reason, principal);
        return { account: toAccount(after), problems: [], replayed: false };
      },
    );
  }

  private async find(tx: Tx, book: string, number: string): Promise<AccountRow | undefined> {
    const [row] = await this.accounts.byNumber(tx, [{ book, number }]);
    return row;
  }

  private async left(tx: Tx, account: AccountRow) {
    const balances = await this.accounts.balancesOf(tx, [account]);
    return balances
      .filter((one) => one.postedDebit !== one.postedCredit || one.pendingDebit !== '0' || one.pendingCredit !== '0')
      .map(toBalance);
  }

  private async record(
    tx: Tx,
    before: AccountRow,
    state: AccountRow['state'],
    reason: string,
    principal: Principal,
  ): Promise<void> {
    const { book, number } = before;
    await this.audit.append(tx, {
      action: 'ACCOUNT_STATE_CHANGED',
      objectKind: 'ACCOUNT',
      objectId: `${book}/${number}`,
      bookId: book,
      principal: principal.subject,
      reason,
      before: { state: before.state },
      after: { state },
    });
  }
}

const notFound = (): Problem => problem('ACCOUNT_NOT_FOUND', messageOf('ACCOUNT_NOT_FOUND'), ['account']);
