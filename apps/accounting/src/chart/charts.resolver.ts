import { Args, Int, Mutation, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { type Tx } from '#libs/database/index.js';
import { ReadTx, RequiresScopes } from '#libs/graphql/index.js';
import { Mutations } from '../mutations.js';
import { writeChart } from './chart-file.js';
import { type Chart } from './chart.js';
import {
  ChartFilesType,
  ChartOfAccountsType,
  ChartPayload,
  GlAccountType,
  ImportChartInput,
} from './charts.graphql.js';
import { type ChartVersionRow } from './charts.repository.js';
import { Charts } from './charts.service.js';

interface ShownChart extends Omit<ChartOfAccountsType, 'files'> {
  readonly source: Chart;
}

/** `files` is looked up from the source. */
type Shown = Omit<ChartPayload, 'chart'> & { chart?: ShownChart | null };

const toChart = ({ chart, ...row }: ChartVersionRow): ShownChart => ({
  ...row,
  source: chart,
  returns: chart.returns.map((one) => ({ ...one, lines: [...one.lines] })),
  accounts: chart.accounts.map((one): GlAccountType => ({
    ...one,
    kinds: [...one.kinds],
    lines: Object.entries(one.lines).map(([returnCode, line]) => ({ returnCode, line })),
  })),
});

/** Versions are few: more than these are asked for one by one. */
const versionsMax = 100;

@Resolver(() => ChartOfAccountsType)
export class ChartsResolver {
  constructor(
    private readonly charts: Charts,
    private readonly mutations: Mutations,
  ) {}

  @Query(() => ChartOfAccountsType, { nullable: true, description: 'The newest version, or the one that is named.' })
  @RequiresScopes('ledger:read')
  async chartOfAccounts(
    @Args('book', { type: () => String }) book: string,
    @Args('version', { type: () => Int, nullable: true }) version: number | null,
    @ReadTx() tx: Tx,
  ): Promise<ShownChart | null> {
    const row = await this.charts.find(tx, book, version);
    return row ? toChart(row) : null;
  }

  @Query(() => [ChartOfAccountsType], {
    description: 'The newest first, up to a hundred; `before` goes on from there.',
  })
  @RequiresScopes('ledger:read')
  async chartVersions(
    @Args('book', { type: () => String }) book: string,
    @Args('before', { type: () => Int, nullable: true }) before: number | null,
    @ReadTx() tx: Tx,
  ): Promise<ShownChart[]> {
    return (await this.charts.versions(tx, book, versionsMax, before ?? undefined)).map(toChart);
  }

  @ResolveField(() => ChartFilesType)
  files(@Parent() { source }: ShownChart): ChartFilesType {
    return writeChart(source);
  }

  @Mutation(() => ChartPayload, {
    description: 'Stores the chart of the files as the next version: all of it, or nothing when one line is wrong.',
  })
  @RequiresScopes('ledger:post')
  importChart(
    @Args('input', { type: () => ImportChartInput }) input: ImportChartInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run('importChart', ImportChartInput, input, principal, async (tx): Promise<Shown> => {
      const { book, accounts, returns = null, reason } = input;
      const { stored, problems } = await this.charts.import(tx, { book, accounts, returns, reason }, principal.subject);
      if (problems.length > 0) return this.mutations.faulty(problems);
      return { chart: stored ? toChart(stored) : null, problems, replayed: false };
    });
  }
}
