import { Args, Mutation, Resolver } from '@nestjs/graphql';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { RequiresScopes } from '#libs/graphql/index.js';
import { type TableFormat } from '#libs/tabular/index.js';
import { Mutations } from '../mutations.js';
import { toReportFile } from '../report-files/report-files.resolver.js';
import { type IssuedKind, IssuedReports } from './issued-reports.service.js';
import { IssueReportInput, IssueReportPayload, ReproduceReportInput } from './reports.graphql.js';

@Resolver()
export class IssuedReportsResolver {
  constructor(
    private readonly reports: IssuedReports,
    private readonly mutations: Mutations,
  ) {}

  @Mutation(() => IssueReportPayload, {
    description: 'Makes a file of a report, by a job. It can be made again as it was known then.',
  })
  @RequiresScopes('ledger:read')
  issueReport(
    @Args('input', { type: () => IssueReportInput }) input: IssueReportInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'issueReport',
      IssueReportInput,
      input,
      principal,
      async (tx): Promise<IssueReportPayload> => {
        const {
          report,
          format,
          books,
          to,
          from = null,
          comparedFrom = null,
          comparedTo = null,
          knownOn = null,
          currency = null,
        } = input;
        const asked = { books, from, to, comparedFrom, comparedTo, knownOn, currency };
        const { file, problems } = await this.reports.issue(
          tx,
          { ...asked, report: report as IssuedKind, format: format as TableFormat },
          principal.subject,
        );
        if (problems.length > 0) return this.mutations.faulty(problems);
        return { file: file ? toReportFile(file) : null, problems, replayed: false };
      },
    );
  }

  @Mutation(() => IssueReportPayload, {
    description:
      'Makes an issued report again as it was known then. Should the bytes differ, the file is refused and says so.',
  })
  @RequiresScopes('ledger:read')
  reproduceReport(
    @Args('input', { type: () => ReproduceReportInput }) input: ReproduceReportInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'reproduceReport',
      ReproduceReportInput,
      input,
      principal,
      async (tx): Promise<IssueReportPayload> => {
        const { file, problems } = await this.reports.reproduce(tx, input.fileId, principal.subject);
        if (problems.length > 0) return this.mutations.faulty(problems);
        return { file: file ? toReportFile(file) : null, problems, replayed: false };
      },
    );
  }
}
