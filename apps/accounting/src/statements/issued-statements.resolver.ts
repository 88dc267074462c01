import { Args, Int, Mutation, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { type Tx } from '#libs/database/index.js';
import { ConnectionArgs, keyset, keysetPage, ReadTx, RequiresScopes } from '#libs/graphql/index.js';
import { problem, sha256Hex } from '#libs/kernel/index.js';
import { formatDecimal } from '#libs/money/index.js';
import { towardsNormalSide } from '../accounts/accounts.js';
import { Mutations } from '../mutations.js';
import { usualFrequency } from './issued-statement.js';
import {
  IssuedStatementConnection,
  IssuedStatementFilter,
  IssuedStatementType,
  IssueStatementInput,
  IssueStatementPayload,
  IssueStatementsInput,
  IssueStatementsPayload,
  SetStatementFrequencyInput,
  StatementSettingPayload,
  StatementSettingType,
} from './issued-statements.graphql.js';
import { type IssuedStatementRow, IssuedStatementsRepository } from './issued-statements.repository.js';
import { IssuedStatements } from './issued-statements.service.js';
import { toStatementEntry } from './statement-types.js';
import { StatementEntryType } from './statements.graphql.js';

export function toIssuedStatement(row: IssuedStatementRow): IssuedStatementType & { row: IssuedStatementRow } {
  const text = (units: string) => formatDecimal(BigInt(units), row.scale);
  const balance = (units: string) => formatDecimal(towardsNormalSide(BigInt(units), row.normalSide), row.scale);
  return {
    ...row,
    id: `${row.book}/${row.account}/${row.asset}/${row.number}/${row.version}`,
    opening: balance(row.opening),
    closing: balance(row.closing),
    debits: text(row.debits),
    credits: text(row.credits),
    row,
  };
}
type Shown = ReturnType<typeof toIssuedStatement>;

@Resolver(() => IssuedStatementType)
export class IssuedStatementsResolver {
  constructor(
    private readonly statements: IssuedStatements,
    private readonly repository: IssuedStatementsRepository,
    private readonly mutations: Mutations,
  ) {}

  @Query(() => IssuedStatementConnection, { description: 'The newest first, in their newest versions.' })
  @RequiresScopes('ledger:read')
  async issuedStatements(
    @Args() page: ConnectionArgs,
    @Args('filter', { type: () => IssuedStatementFilter }) filter: IssuedStatementFilter,
    @ReadTx() tx: Tx,
  ): Promise<IssuedStatementConnection> {
    const cursor = keyset<IssuedStatementRow>({ list: 'issuedStatements', filter }, (row) => [
      row.to,
      row.ledgerAccountId,
      String(row.number),
      String(row.version),
    ]);
    const rows = await this.repository.page(tx, filter, cursor.after(page.after), page.first + 1);
    return keysetPage(rows, page.first, cursor.cursorOf, toIssuedStatement);
  }

  @Query(() => IssuedStatementType, { nullable: true })
  @RequiresScopes('ledger:read')
  async issuedStatement(
    @Args('book', { type: () => String }) book: string,
    @Args('account', { type: () => String }) account: string,
    @Args('asset', { type: () => String }) asset: string,
    @Args('number', { type: () => Int }) number: number,
    @Args('version', { type: () => Int, nullable: true, description: 'The newest unless given.' })
    version: number | null,
    @ReadTx() tx: Tx,
  ): Promise<IssuedStatementType | null> {
    const row = await this.repository.find(tx, { book, account, asset, number, version });
    return row ? toIssuedStatement(row) : null;
  }

  @Query(() => StatementSettingType, { nullable: true })
  @RequiresScopes('ledger:read')
  async statementSetting(
    @Args('book', { type: () => String }) book: string,
    @Args('account', { type: () => String }) account: string,
    @ReadTx() tx: Tx,
  ): Promise<StatementSettingType | null> {
    const set = await this.repository.setting(tx, book, account);
    if (set) return set;
    const kind = await this.repository.kindOf(tx, book, account);
    return kind === undefined
      ? null
      : { book, account, version: 0, frequency: usualFrequency(kind), reason: null, setBy: null, setAt: null };
  }

  @ResolveField(() => [StatementEntryType])
  async entries(@Parent() { row }: Shown, @ReadTx() tx: Tx): Promise<StatementEntryType[]> {
    return (await this.statements.linesOf(tx, row)).map((line) =>
      toStatementEntry(
        {
          ...line,
          sequence: String(line.sequence),
          units: String(line.units),
          balanceAfter: String(line.balanceAfter),
        },
        row,
      ),
    );
  }

  @ResolveField(() => String, {
    description: 'Canonical JSON, made again from the ledger: the same bytes as when it was issued.',
  })
  content(@Parent() { row }: Shown, @ReadTx() tx: Tx): Promise<string> {
    return this.statements.content(tx, row);
  }

  @ResolveField(() => Boolean, { description: 'Made again from the ledger it has the hash it was issued with.' })
  async isReproduced(@Parent() { row }: Shown, @ReadTx() tx: Tx): Promise<boolean> {
    return sha256Hex(await this.statements.content(tx, row)) === row.contentHash;
  }

  @Mutation(() => IssueStatementPayload, { description: 'The next statement of one account.' })
  @RequiresScopes('ledger:post')
  issueStatement(
    @Args('input', { type: () => IssueStatementInput }) input: IssueStatementInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'issueStatement',
      IssueStatementInput,
      input,
      principal,
      async (tx): Promise<IssueStatementPayload> => {
        if (!this.mutations.seesBook(principal, input.book)) return this.mutations.faulty([noAccount(input.account)]);
        const { statement, problems } = await this.statements.issueOne(tx, input, principal.subject);
        if (!statement) return this.mutations.faulty(problems);
        return { statement: toIssuedStatement(statement), problems: [], replayed: false };
      },
    );
  }

  @Mutation(() => IssueStatementsPayload, {
    description: 'A job issues the statements of all accounts of a rhythm; those that have theirs keep it.',
  })
  @RequiresScopes('ledger:post')
  issueStatements(
    @Args('input', { type: () => IssueStatementsInput }) input: IssueStatementsInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'issueStatements',
      IssueStatementsInput,
      input,
      principal,
      async (tx): Promise<IssueStatementsPayload> => {
        const { book, frequency, to } = input;
        if (!this.mutations.seesBook(principal, book))
          return this.mutations.faulty([problem('NOT_FOUND', `There is no book ${book}`, ['book'])]);
        const { jobRunId, problems } = await this.statements.request(tx, {
          book,
          frequency,
          to,
          requestedBy: principal.subject,
        });
        if (problems.length > 0) return this.mutations.faulty(problems);
        return { jobRunId: jobRunId ?? null, problems: [], replayed: false };
      },
    );
  }

  @Mutation(() => StatementSettingPayload, { description: 'How often an account gets its statement from now on.' })
  @RequiresScopes('ledger:post')
  setStatementFrequency(
    @Args('input', { type: () => SetStatementFrequencyInput }) input: SetStatementFrequencyInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'setStatementFrequency',
      SetStatementFrequencyInput,
      input,
      principal,
      async (tx): Promise<StatementSettingPayload> => {
        if (!this.mutations.seesBook(principal, input.book)) return this.mutations.faulty([noAccount(input.account)]);
        const { book, account, frequency, reason } = input;
        const { setting, problems } = await this.statements.setFrequency(
          tx,
          { book, account, frequency, reason },
          principal.subject,
        );
        if (!setting) return this.mutations.faulty(problems);
        return { setting, problems: [], replayed: false };
      },
    );
  }
}

const noAccount = (account: string) => problem('ACCOUNT_NOT_FOUND', `There is no ${account}`, ['account']);
