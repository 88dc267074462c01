import { Args, Int, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { type Tx } from '#libs/database/index.js';
import { ConnectionArgs, keyset, keysetPage, ReadTx, RequiresScopes } from '#libs/graphql/index.js';
import { ReportFileChunkType, ReportFileConnection, ReportFileFilter, ReportFileType } from './report-files.graphql.js';
import { type ReportFileRow } from './report-files.repository.js';
import { ReportFiles } from './report-files.service.js';

export const toReportFile = (row: ReportFileRow): ReportFileType => ({
  ...row,
  sizeBytes: row.sizeBytes === null ? null : Number(row.sizeBytes),
});

@Resolver(() => ReportFileType)
export class ReportFilesResolver {
  constructor(private readonly files: ReportFiles) {}

  @Query(() => ReportFileType, { nullable: true })
  @RequiresScopes('ledger:read')
  async reportFile(@Args('id', { type: () => String }) id: string, @ReadTx() tx: Tx): Promise<ReportFileType | null> {
    const row = await this.files.find(tx, id);
    return row ? toReportFile(row) : null;
  }

  @Query(() => ReportFileConnection, { description: 'Newest first.' })
  @RequiresScopes('ledger:read')
  async reportFiles(
    @Args() page: ConnectionArgs,
    @Args('filter', { type: () => ReportFileFilter, nullable: true }) filter: ReportFileFilter | null,
    @ReadTx() tx: Tx,
  ): Promise<ReportFileConnection> {
    const cursor = keyset<ReportFileRow>({ list: 'reportFiles', filter }, (row) => [row.requestedAtExact, row.id]);
    const rows = await this.files.page(tx, filter ?? {}, cursor.after(page.after), page.first + 1);
    return keysetPage(rows, page.first, cursor.cursorOf, toReportFile);
  }

  @ResolveField(() => ReportFileChunkType, {
    nullable: true,
    description: 'Ask for 1 to `chunkCount`, each in an operation of its own; null while the file is made.',
  })
  async chunk(
    @Parent() file: ReportFileType,
    @Args('n', { type: () => Int }) n: number,
    @ReadTx() tx: Tx,
  ): Promise<ReportFileChunkType | null> {
    const content = await this.files.chunk(tx, file.id, n);
    return content ? { n, base64: content.toString('base64'), isLast: n === file.chunkCount } : null;
  }
}
