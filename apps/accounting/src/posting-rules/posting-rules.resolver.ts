import { Args, Int, Mutation, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { postingEventKinds, postingEvents } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { GraphqlContext, Operation, ReadTx, RequiresScopes } from '#libs/graphql/index.js';
import { formatDecimal } from '#libs/money/index.js';
import { Assets } from '../assets/assets.service.js';
import { entryLoader } from '../journal/journal-types.js';
import { JournalEntryType } from '../journal/journal.graphql.js';
import { Journal } from '../journal/journal.service.js';
import { Mutations } from '../mutations.js';
import { type Candidate } from './dry-run.js';
import { type DryRunRow, DryRuns } from './dry-runs.service.js';
import {
  DryRunDifferenceType,
  DryRunPayload,
  DryRunPostingRulesInput,
  DryRunSumType,
  DryRunType,
  PostingEventKindType,
  PostingEventType,
  PostingRuleChangePayload,
  PostingRuleChangeType,
  PostingRuleVersionType,
  ProposePostingRulesInput,
} from './posting-rules.graphql.js';
import { type RuleSet } from './posting-rules.js';
import { PostingRulesRepository, type VersionRow } from './posting-rules.repository.js';
import { textOf } from './rule-changes.js';
import { type RuleChangeRow, RuleChanges } from './rule-changes.service.js';

const readable = (rules: RuleSet) => rules.map((rule) => ({ ...rule, postings: rule.postings.map(textOf) }));
const toVersion = (row: VersionRow): PostingRuleVersionType => ({
  ...row,
  rules: readable(row.rules),
  source: row.rules,
});
const toChange = (row: RuleChangeRow): PostingRuleChangeType => ({
  ...row,
  id: row.approvalId,
  rules: readable(row.rules),
  source: row.rules,
});
const toDryRun = (row: DryRunRow): DryRunType => ({
  ...row,
  id: row.dryRunId,
  entries: Number(row.entries),
  withoutEvent: Number(row.withoutEvent),
  differing: Number(row.differing),
  notBooked: Number(row.notBooked),
});

const eventLoader = (operation: GraphqlContext, rules: PostingRulesRepository) =>
  operation.loader<string, PostingEventType>('posting-event', async (ids, tx: Tx) => {
    const rows = await rules.events(tx, ids);
    return new Map(rows.map(({ entryId, ruleVersion, ...row }) => [entryId, { ...row, version: ruleVersion }]));
  });

const versionLoader = (operation: GraphqlContext, rules: PostingRulesRepository) =>
  operation.loader<string, PostingRuleVersionType>('posting-rule-version', async (names, tx: Tx) => {
    const wanted = names.map((name) => {
      const [book = '', version] = name.split('/');
      return { book, version: Number(version) };
    });
    return new Map((await rules.versions(tx, wanted)).map((row) => [`${row.book}/${row.version}`, toVersion(row)]));
  });

@Resolver(() => PostingRuleVersionType)
export class PostingRulesResolver {
  constructor(
    private readonly rules: PostingRulesRepository,
    private readonly changes: RuleChanges,
    private readonly dryRuns: DryRuns,
    private readonly mutations: Mutations,
  ) {}

  @Query(() => [PostingEventKindType], { description: 'What rules can be written for, and from which facts.' })
  @RequiresScopes('ledger:read')
  postingEventKinds(): PostingEventKindType[] {
    return postingEventKinds.map((kind) => ({ kind, facts: postingEvents[kind] }));
  }

  @Query(() => [PostingRuleVersionType], { description: 'The newest first; none before the book has booked an event.' })
  @RequiresScopes('ledger:read')
  async postingRuleVersions(
    @Args('book', { type: () => String }) book: string,
    @ReadTx() tx: Tx,
  ): Promise<PostingRuleVersionType[]> {
    return (await this.rules.list(tx, book)).map(toVersion);
  }

  @Query(() => PostingRuleVersionType, { nullable: true })
  @RequiresScopes('ledger:read')
  async postingRuleVersion(
    @Args('book', { type: () => String }) book: string,
    @Args('version', { type: () => Int }) version: number,
    @ReadTx() tx: Tx,
  ): Promise<PostingRuleVersionType | null> {
    const [row] = await this.rules.versions(tx, [{ book, version }]);
    return row ? toVersion(row) : null;
  }

  @Query(() => PostingRuleChangeType, { nullable: true })
  @RequiresScopes('ledger:read')
  async postingRuleChange(
    @Args('id', { type: () => String }) id: string,
    @ReadTx() tx: Tx,
  ): Promise<PostingRuleChangeType | null> {
    const row = await this.changes.find(tx, id);
    return row ? toChange(row) : null;
  }

  @Query(() => DryRunType, { nullable: true })
  @RequiresScopes('ledger:read')
  async postingRuleDryRun(
    @Args('id', { type: () => String }) id: string,
    @ReadTx() tx: Tx,
  ): Promise<DryRunType | null> {
    const row = await this.dryRuns.find(tx, id);
    return row ? toDryRun(row) : null;
  }

  @Mutation(() => PostingRuleChangePayload, {
    description: 'Asks a second person to agree to other rules; they are the next version when that person has.',
  })
  @RequiresScopes('ledger:post')
  proposePostingRules(
    @Args('input', { type: () => ProposePostingRulesInput }) input: ProposePostingRulesInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'proposePostingRules',
      ProposePostingRulesInput,
      input,
      principal,
      async (tx): Promise<PostingRuleChangePayload> => {
        const { change, problems } = await this.changes.propose(tx, input, principal.subject);
        if (!change) return this.mutations.faulty(problems);
        return { change: toChange(change), problems, replayed: false };
      },
    );
  }

  @Mutation(() => DryRunPayload, {
    description:
      'Replays the entries of a period through other rules, as a job: what would be booked, and where it differs.',
  })
  @RequiresScopes('ledger:post')
  dryRunPostingRules(
    @Args('input', { type: () => DryRunPostingRulesInput }) input: DryRunPostingRulesInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'dryRunPostingRules',
      DryRunPostingRulesInput,
      input,
      principal,
      async (tx): Promise<DryRunPayload> => {
        const { dryRun, problems } = await this.dryRuns.start(tx, input, principal.subject);
        if (!dryRun) return this.mutations.faulty(problems);
        return { dryRun: toDryRun(dryRun), problems, replayed: false };
      },
    );
  }
}

/** What the rules add to an entry. */
@Resolver(() => JournalEntryType)
export class EntryEventResolver {
  constructor(private readonly rules: PostingRulesRepository) {}

  @ResolveField('event', () => PostingEventType, {
    nullable: true,
    description: 'What it came of, when it was booked by posting rules.',
  })
  async eventOf(
    @Parent() entry: JournalEntryType,
    @Operation() operation: GraphqlContext,
  ): Promise<PostingEventType | null> {
    return eventLoader(operation, this.rules).load(entry.id);
  }
}

@Resolver(() => PostingEventType)
export class PostingEventResolver {
  constructor(private readonly rules: PostingRulesRepository) {}

  @ResolveField(() => PostingRuleVersionType, { nullable: true, description: 'The rules that booked it.' })
  async ruleVersion(
    @Parent() { book, version }: PostingEventType,
    @Operation() operation: GraphqlContext,
  ): Promise<PostingRuleVersionType | null> {
    return versionLoader(operation, this.rules).load(`${book}/${version}`);
  }
}

@Resolver(() => DryRunType)
export class DryRunResolver {
  constructor(
    private readonly dryRuns: DryRuns,
    private readonly assets: Assets,
    private readonly journal: Journal,
  ) {}

  @ResolveField(() => [DryRunSumType], { description: 'By account and asset; both sides are zero in each asset.' })
  async sums(
    @Parent() { id }: DryRunType,
    @Args('onlyDiffering', { type: () => Boolean, defaultValue: true }) onlyDiffering: boolean,
    @ReadTx() tx: Tx,
  ): Promise<DryRunSumType[]> {
    return (await this.dryRuns.sums(tx, id, onlyDiffering)).map(({ account, scale, now, then, ...row }) => ({
      ...row,
      accountNumber: account,
      now: formatDecimal(BigInt(now), scale),
      then: formatDecimal(BigInt(then), scale),
    }));
  }

  @ResolveField(() => [DryRunDifferenceType], { description: 'The first of the entries that would differ.' })
  async differences(
    @Parent() { id }: DryRunType,
    @Operation() operation: GraphqlContext,
    @ReadTx() tx: Tx,
  ): Promise<DryRunDifferenceType[]> {
    const rows = await this.dryRuns.differences(tx, id);
    const linesOf = (candidate: Candidate) => ('postings' in candidate ? candidate.postings : []);
    const assets = await this.assets.find(tx, [
      ...new Set(rows.flatMap(({ candidate }) => linesOf(candidate).map(({ asset }) => asset))),
    ]);
    return Promise.all(
      rows.map(async ({ n, entryId, candidate }) => ({
        n,
        entry: await entryLoader(operation, this.journal).load(entryId),
        kind: 'postings' in candidate ? candidate.kind : null,
        description: 'postings' in candidate ? candidate.description : null,
        postings: linesOf(candidate).map(({ account, asset, side, units }) => ({
          accountNumber: account,
          asset,
          side,
          amount: formatDecimal(BigInt(units), assets.get(asset)?.scale ?? 0),
        })),
        problems: 'problems' in candidate ? [...candidate.problems] : [],
      })),
    );
  }
}
