import { Args, Mutation, Query, Resolver } from '@nestjs/graphql';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { type Tx } from '#libs/database/index.js';
import { ReadTx, RequiresScopes } from '#libs/graphql/index.js';
import { faultOfInput } from '#libs/idempotency/index.js';
import { Mutations } from '../mutations.js';
import { toReportFile } from '../report-files/report-files.resolver.js';
import { JournalExports } from './journal-exports.service.js';
import { JournalImports } from './journal-imports.service.js';
import {
  BookPlainTextJournalInput,
  ExportPlainTextJournalInput,
  ImportPlainTextJournalInput,
  PlainTextJournalImportType,
  PlainTextJournalPayload,
  ReportFilePayload,
} from './plain-text.graphql.js';

@Resolver(() => PlainTextJournalImportType)
export class PlainTextResolver {
  constructor(
    private readonly exports: JournalExports,
    private readonly imports: JournalImports,
    private readonly mutations: Mutations,
  ) {}

  @Query(() => PlainTextJournalImportType, { nullable: true })
  @RequiresScopes('ledger:read')
  async plainTextJournalImport(
    @Args('id', { type: () => String }) id: string,
    @ReadTx() tx: Tx,
  ): Promise<PlainTextJournalImportType | null> {
    return (await this.imports.find(tx, id)) ?? null;
  }

  @Mutation(() => ReportFilePayload, {
    description: "The journal of a book as hledger's plain text, made by a job: an outside tool can check the books.",
  })
  @RequiresScopes('ledger:post')
  exportPlainTextJournal(
    @Args('input', { type: () => ExportPlainTextJournalInput }) input: ExportPlainTextJournalInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'exportPlainTextJournal',
      ExportPlainTextJournalInput,
      input,
      principal,
      async (tx): Promise<ReportFilePayload> => {
        const { file, problems } = await this.exports.request(tx, input, principal.subject);
        if (!file) return this.mutations.faulty(problems);
        return { file: toReportFile(file), problems, replayed: false };
      },
    );
  }

  @Mutation(() => PlainTextJournalPayload, {
    description:
      "Checks a journal in hledger's format and keeps it for a second person; one line at fault refuses it all.",
  })
  @RequiresScopes('ledger:post')
  importPlainTextJournal(
    @Args('input', { type: () => ImportPlainTextJournalInput }) input: ImportPlainTextJournalInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'importPlainTextJournal',
      ImportPlainTextJournalInput,
      input,
      principal,
      async (tx): Promise<PlainTextJournalPayload> => {
        const { import: stored, isAlreadyReceived, problems } = await this.imports.submit(tx, input, principal.subject);
        if (!stored) return faultOfInput({ isAlreadyReceived, problems, replayed: false });
        return { import: stored, isAlreadyReceived, problems, replayed: false };
      },
    );
  }

  @Mutation(() => PlainTextJournalPayload, {
    description: 'A second person books a journal that was checked: all of its entries, or none.',
  })
  @RequiresScopes('ledger:post')
  bookPlainTextJournal(
    @Args('input', { type: () => BookPlainTextJournalInput }) input: BookPlainTextJournalInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'bookPlainTextJournal',
      BookPlainTextJournalInput,
      input,
      principal,
      async (tx): Promise<PlainTextJournalPayload> => {
        const { import: booked, problems } = await this.imports.book(tx, input, principal.subject);
        // What the ledger refuses depends on its state: another attempt comes with another key.
        return { import: booked ?? null, isAlreadyReceived: false, problems, replayed: false };
      },
    );
  }
}
