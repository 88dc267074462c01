import { Args, Mutation, Query, ResolveField, Resolver, Parent } from '@nestjs/graphql';
import { booksOf, CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { Transactions, type Tx } from '#libs/database/index.js';
import {
  ConnectionArgs,
  DateScalar,
  keyset,
  keysetPage,
  ReadTx,
  RequiresAnyScope,
  RequiresScopes,
  validateInput,
} from '#libs/graphql/index.js';
import { faultOfInput, Idempotency } from '#libs/idempotency/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { ExpectedFilesService } from './expected-files.service.js';
import {
  ExpectedFileType,
  FileConnection,
  FileFilter,
  FileLineConnection,
  FileType,
  ReceiveFileInput,
  ReceiveFilePayload,
} from './files.graphql.js';
import { type FileLineRow, type FileRow, FilesRepository } from './files.repository.js';
import { FilesService } from './files.service.js';

interface Kept {
  fileId: string | null;
  isAlreadyReceived: boolean;
  problems: Problem[];
}

const toType = (row: FileRow): FileType => ({ ...row, id: row.fileId, book: row.bookId === '*' ? null : row.bookId });

@Resolver(() => FileType)
export class FilesResolver {
  constructor(
    private readonly files: FilesService,
    private readonly repository: FilesRepository,
    private readonly expected: ExpectedFilesService,
    private readonly idempotency: Idempotency,
    private readonly transactions: Transactions,
  ) {}

  @Mutation(() => ReceiveFilePayload, { description: 'The bytes are stored before the answer; a job reads them.' })
  @RequiresScopes('files:write')
  async receiveFile(
    @Args('input', { type: () => ReceiveFileInput }) input: ReceiveFileInput,
    @CurrentPrincipal() principal: Principal,
  ): Promise<ReceiveFilePayload> {
    const faults = validateInput(ReceiveFileInput, input);
    if (faults.length > 0) return { file: null, isAlreadyReceived: false, problems: faults, replayed: false };
    return this.transactions.run(
      async (tx) => {
        const call = { client: principal.subject, key: input.idempotencyKey, operation: 'receiveFile', input };
        const answer = await this.idempotency.run<Kept>(tx, call, async () => {
          const { file, isAlreadyReceived, problems } = await this.files.receive(
            tx,
            input,
            principal.subject,
            booksOf(principal),
          );
          const payload = { fileId: file?.fileId ?? null, isAlreadyReceived, problems: [...problems] };
          return problems.length > 0 ? faultOfInput(payload) : payload;
        });
        const row = answer.fileId ? await this.repository.find(tx, answer.fileId) : null;
        return {
          file: row ? toType(row) : null,
          isAlreadyReceived: isTrue(answer.isAlreadyReceived),
          problems: answer.problems,
          replayed: answer.replayed,
        };
      },
      { books: booksOf(principal) },
    );
  }

  @Query(() => FileType, { nullable: true })
  @RequiresAnyScope('trades:read', 'files:write')
  async file(@Args('id') id: string, @ReadTx() tx: Tx): Promise<FileType | null> {
    const row = await this.repository.find(tx, id);
    return row ? toType(row) : null;
  }

  @Query(() => FileConnection, { name: 'files', description: 'Newest first.' })
  @RequiresAnyScope('trades:read', 'files:write')
  async list(
    @Args() page: ConnectionArgs,
    @Args('filter', { type: () => FileFilter, nullable: true }) filter: FileFilter | null,
    @ReadTx() tx: Tx,
  ): Promise<FileConnection> {
    const cursor = keyset<FileRow>({ list: 'files', filter }, (row) => [row.receivedAtExact, row.fileId]);
    const rows = await this.repository.page(tx, filter ?? {}, cursor.after(page.after), page.first + 1);
    return keysetPage(rows, page.first, cursor.cursorOf, toType);
  }

  @ResolveField(() => FileLineConnection, { description: 'The outcome of every line: the result file.' })
  async lines(
    @Parent() file: FileType,
    @Args() page: ConnectionArgs,
    @Args('outcome', { type: () => String, nullable: true }) outcome: string | null,
    @ReadTx() tx: Tx,
  ): Promise<FileLineConnection> {
    const cursor = keyset<FileLineRow>({ list: 'fileLines', file: file.id, outcome }, (row) => [String(row.line)]);
    const rows = await this.repository.lines(
      tx,
      file.id,
      outcome,
      Number(cursor.after(page.after)?.[0] ?? 0),
      page.first + 1,
    );
    return keysetPage(rows, page.first, cursor.cursorOf);
  }

  @Query(() => [ExpectedFileType])
  @RequiresScopes('days:read')
  expectedFiles(
    @Args('businessDate', { type: () => DateScalar }) businessDate: string,
    @ReadTx() tx: Tx,
  ): Promise<ExpectedFileType[]> {
    return this.expected.ofDay(tx, businessDate);
  }
}

/** Absent in the answer to a key that was used for another input. */
const isTrue = (value: boolean | undefined) => value === true;
