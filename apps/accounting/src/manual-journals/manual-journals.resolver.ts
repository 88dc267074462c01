import { Args, Mutation, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { type Tx } from '#libs/database/index.js';
import {
  ConnectionArgs,
  GraphqlContext,
  keyset,
  keysetPage,
  Operation,
  ReadTx,
  RequiresScopes,
} from '#libs/graphql/index.js';
import { problem } from '#libs/kernel/index.js';
import { currencyExponent, formatDecimal } from '#libs/money/index.js';
import { entryLoader } from '../journal/journal-types.js';
import { JournalEntryType } from '../journal/journal.graphql.js';
import { Journal } from '../journal/journal.service.js';
import { Mutations } from '../mutations.js';
import { JournalFiles } from './journal-files.service.js';
import { JournalSettings } from './journal-settings.service.js';
import {
  AllowHandPostingInput,
  HandPostingPayload,
  ImportJournalsInput,
  JournalImportPayload,
  JournalImportType,
  JournalLimitPayload,
  JournalLimitType,
  ManualJournalConnection,
  ManualJournalFilterInput,
  ManualJournalPayload,
  ManualJournalType,
  PostJournalInput,
  ProposeJournalLimitInput,
} from './manual-journals.graphql.js';
import {
  type JournalImportRow,
  type JournalLimitRow,
  type ManualJournalRow,
  ManualJournalsRepository,
} from './manual-journals.repository.js';
import { ManualJournals } from './manual-journals.service.js';

const toJournal = ({ journal, journalId, amountUnits, limitUnits, ...row }: ManualJournalRow): ManualJournalType => {
  const text = (units: string) => formatDecimal(BigInt(units), currencyExponent(row.currency));
  const { lines, ...said } = journal;
  return {
    ...row,
    ...said,
    lines: lines.map((line) => ({ ...line, dimensions: [...line.dimensions] })),
    id: journalId,
    amount: amountUnits === null ? null : text(amountUnits),
    limit: text(limitUnits),
  };
};
const toLimit = ({ limitUnits, ...row }: JournalLimitRow): JournalLimitType => ({
  ...row,
  id: row.approvalId,
  limit: formatDecimal(BigInt(limitUnits), currencyExponent(row.currency)),
});
const toImport = (row: JournalImportRow): JournalImportType => ({ ...row, id: row.importId });
const noBook = (book: string) => problem('BOOK_NOT_FOUND', `There is no book ${book}`, ['book']);

@Resolver(() => ManualJournalType)
export class ManualJournalsResolver {
  constructor(
    private readonly repository: ManualJournalsRepository,
    private readonly journals: ManualJournals,
    private readonly settings: JournalSettings,
    private readonly imports: JournalFiles,
    private readonly journal: Journal,
    private readonly mutations: Mutations,
  ) {}

  @Query(() => ManualJournalType, { nullable: true })
  @RequiresScopes('ledger:read')
  async manualJournal(
    @Args('id', { type: () => String }) id: string,
    @ReadTx() tx: Tx,
  ): Promise<ManualJournalType | null> {
    const row = await this.repository.find(tx, { journalId: id });
    return row ? toJournal(row) : null;
  }

  @Query(() => ManualJournalConnection, { description: 'The newest first.' })
  @RequiresScopes('ledger:read')
  async manualJournals(
    @Args() page: ConnectionArgs,
    @Args('filter', { type: () => ManualJournalFilterInput }) filter: ManualJournalFilterInput,
    @ReadTx() tx: Tx,
  ): Promise<ManualJournalConnection> {
    const cursor = keyset<ManualJournalRow>({ list: 'manualJournals', filter }, (row) => [row.journalId]);
    const rows = await this.repository.list(tx, filter, page.first, cursor.after(page.after));
    return keysetPage(rows, page.first, cursor.cursorOf, toJournal);
  }

  @Query(() => [JournalLimitType], {
    description: 'What one person books alone, the newest first, with what waits for a second person.',
  })
  @RequiresScopes('ledger:read')
  async journalLimits(
    @Args('book', { type: () => String }) book: string,
    @ReadTx() tx: Tx,
  ): Promise<JournalLimitType[]> {
    return (await this.repository.limits(tx, book)).map(toLimit);
  }

  @Query(() => JournalImportType, { nullable: true })
  @RequiresScopes('ledger:read')
  async journalImport(
    @Args('id', { type: () => String }) id: string,
    @ReadTx() tx: Tx,
  ): Promise<JournalImportType | null> {
    const row = await this.imports.find(tx, id);
    return row ? toImport(row) : null;
  }

  @ResolveField(() => JournalEntryType, { nullable: true })
  async entry(
    @Parent() { entryId }: ManualJournalType,
    @Operation() operation: GraphqlContext,
  ): Promise<JournalEntryType | null> {
    return entryId === null ? null : entryLoader(operation, this.journal).load(entryId);
  }

  @Mutation(() => ManualJournalPayload, {
    description: 'Books a journal by hand; above the limit of the book it waits for a second person.',
  })
  @RequiresScopes('ledger:post')
  postJournal(
    @Args('input', { type: () => PostJournalInput }) input: PostJournalInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'postJournal',
      PostJournalInput,
      input,
      principal,
      async (tx): Promise<ManualJournalPayload> => {
        if (!this.mutations.seesBook(principal, input.book)) return this.mutations.faulty([noBook(input.book)]);
        const { book, description, isYearEnd, reason, evidence, valueDate = null, accountingDate = null } = input;
        const lines = input.lines.map(({ account, side, amount, asset, dimensions }) => ({
          account,
          side,
          amount,
          asset,
          dimensions: dimensions.map(({ dimension, value }) => ({ dimension, value })),
        }));
        const asked = { book, description, lines, valueDate, accountingDate, isYearEnd, reason, evidence };
        const { journal, problems } = await this.journals.submit(tx, asked, principal.subject);
        if (!journal) return this.mutations.faulty(problems);
        return { journal: toJournal(journal), problems: [], replayed: false };
      },
    );
  }

  @Mutation(() => JournalImportPayload, {
    description:
      'Books a file of journals whole, or nothing of it; a large one as a job. Those above the limit wait for a second person.',
  })
  @RequiresScopes('ledger:post')
  importJournals(
    @Args('input', { type: () => ImportJournalsInput }) input: ImportJournalsInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'importJournals',
      ImportJournalsInput,
      input,
      principal,
      async (tx): Promise<JournalImportPayload> => {
        if (!this.mutations.seesBook(principal, input.book)) return this.mutations.faulty([noBook(input.book)]);
        const { import: begun, problems } = await this.imports.begin(tx, input, principal.subject);
        if (!begun) return this.mutations.faulty(problems);
        return { import: toImport(begun), problems: [], replayed: false };
      },
    );
  }

  @Mutation(() => JournalLimitPayload, {
    description: 'Asks a second person to agree to how much one person books alone.',
  })
  @RequiresScopes('ledger:post')
  proposeJournalLimit(
    @Args('input', { type: () => ProposeJournalLimitInput }) input: ProposeJournalLimitInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'proposeJournalLimit',
      ProposeJournalLimitInput,
      input,
      principal,
      async (tx): Promise<JournalLimitPayload> => {
        if (!this.mutations.seesBook(principal, input.book)) return this.mutations.faulty([noBook(input.book)]);
        const { limit, problems } = await this.settings.proposeLimit(tx, input, principal.subject);
        if (!limit) return this.mutations.faulty(problems);
        return { limit: toLimit(limit), problems: [], replayed: false };
      },
    );
  }

  @Mutation(() => HandPostingPayload, {
    description:
      'Whether accounts under a code of the chart take journals by hand. Sub-ledgers do not unless it is said here.',
  })
  @RequiresScopes('accounts:write')
  allowHandPosting(
    @Args('input', { type: () => AllowHandPostingInput }) input: AllowHandPostingInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'allowHandPosting',
      AllowHandPostingInput,
      input,
      principal,
      async (tx): Promise<HandPostingPayload> => {
        const { problems } = await this.settings.allowHandPosting(tx, input, principal.subject);
        return problems.length > 0 ? this.mutations.faulty(problems) : { problems, replayed: false };
      },
    );
  }
}
