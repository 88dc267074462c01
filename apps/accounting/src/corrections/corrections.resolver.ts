import { Args, Int, Mutation, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { type Tx } from '#libs/database/index.js';
import { ConnectionArgs, keyset, keysetPage, ReadTx, RequiresScopes } from '#libs/graphql/index.js';
import { problem } from '#libs/kernel/index.js';
import { formatDecimal } from '#libs/money/index.js';
import { Mutations } from '../mutations.js';
import {
  CorrectionConnection,
  CorrectionCountsType,
  CorrectionEffectType,
  CorrectionEntryType,
  CorrectionPayload,
  CorrectionTotalType,
  CorrectionType,
  PreviewCorrectionInput,
  ProposeCorrectionInput,
} from './corrections.graphql.js';
import { type Selection, type Transformation } from './corrections.js';
import { type CorrectionRow, CorrectionsRepository } from './corrections.repository.js';
import { Corrections } from './corrections.service.js';

const toCorrection = (row: CorrectionRow): CorrectionType => ({ ...row, id: row.correctionId });
const linesMax = 500;

@Resolver(() => CorrectionType)
export class CorrectionsResolver {
  constructor(
    private readonly corrections: Corrections,
    private readonly repository: CorrectionsRepository,
    private readonly mutations: Mutations,
  ) {}

  @Query(() => CorrectionType, { nullable: true })
  @RequiresScopes('ledger:read')
  async correction(@Args('id', { type: () => String }) id: string, @ReadTx() tx: Tx): Promise<CorrectionType | null> {
    const row = await this.repository.find(tx, id);
    return row ? toCorrection(row) : null;
  }

  @Query(() => CorrectionConnection, { name: 'corrections', description: 'Of a book, the newest first.' })
  @RequiresScopes('ledger:read')
  async list(
    @Args() page: ConnectionArgs,
    @Args('book', { type: () => String }) book: string,
    @ReadTx() tx: Tx,
  ): Promise<CorrectionConnection> {
    const cursor = keyset<CorrectionRow>({ list: 'corrections', filter: { book } }, (row) => [
      row.requestedAtExact,
      row.correctionId,
    ]);
    const rows = await this.repository.page(tx, book, cursor.after(page.after), page.first + 1);
    return keysetPage(rows, page.first, cursor.cursorOf, toCorrection);
  }

  @ResolveField(() => CorrectionCountsType)
  async counts(@Parent() { id }: CorrectionType, @ReadTx() tx: Tx): Promise<CorrectionCountsType> {
    const { LEFT_OUT, WAITING, DONE, REFUSED } = await this.repository.counts(tx, id);
    return { leftOut: LEFT_OUT, waiting: WAITING, done: DONE, refused: REFUSED };
  }

  @ResolveField(() => [CorrectionEffectType], { description: 'Account by account.' })
  async effects(@Parent() { id }: CorrectionType, @ReadTx() tx: Tx): Promise<CorrectionEffectType[]> {
    return (await this.repository.effects(tx, id)).map(({ account, asset, scale, before, reversal, rebooking }) => {
      const text = (units: bigint) => formatDecimal(units, scale);
      const [was, back, anew] = [BigInt(before), BigInt(reversal), BigInt(rebooking)];
      return {
        account,
        asset,
        before: text(was),
        reversal: text(back),
        rebooking: text(anew),
        after: text(was + back + anew),
      };
    });
  }

  @ResolveField(() => [CorrectionTotalType])
  async totals(@Parent() { id }: CorrectionType, @ReadTx() tx: Tx): Promise<CorrectionTotalType[]> {
    const totals = new Map<string, { scale: number; reversal: bigint; rebooking: bigint; accounts: number }>();
    for (const { asset, scale, reversal, rebooking } of await this.repository.effects(tx, id)) {
      const sum = totals.get(asset) ?? { scale, reversal: 0n, rebooking: 0n, accounts: 0 };
      totals.set(asset, {
        scale,
        reversal: sum.reversal + BigInt(reversal),
        rebooking: sum.rebooking + BigInt(rebooking),
        accounts: sum.accounts + 1,
      });
    }
    return [...totals].map(([asset, { scale, reversal, rebooking, accounts }]) => ({
      asset,
      reversal: formatDecimal(reversal, scale),
      rebooking: formatDecimal(rebooking, scale),
      accounts,
    }));
  }

  @ResolveField(() => [CorrectionEntryType], { description: 'In their order, behind a line.' })
  entries(
    @Parent() { id }: CorrectionType,
    @Args('state', { type: () => String, nullable: true }) state: string | null,
    @Args('after', { type: () => Int, defaultValue: 0 }) after: number,
    @Args('first', { type: () => Int, defaultValue: 100, description: '500 at most.' }) first: number,
    @ReadTx() tx: Tx,
  ): Promise<CorrectionEntryType[]> {
    return this.repository.lines(tx, id, state, after, Math.max(0, Math.min(first, linesMax)));
  }

  @Mutation(() => CorrectionPayload, { description: 'A job looks at what a correction would do. Nothing is booked.' })
  @RequiresScopes('ledger:post')
  previewCorrection(
    @Args('input', { type: () => PreviewCorrectionInput }) input: PreviewCorrectionInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'previewCorrection',
      PreviewCorrectionInput,
      input,
      principal,
      async (tx): Promise<CorrectionPayload> => {
        if (!this.mutations.seesBook(principal, input.book))
          return this.mutations.faulty([problem('NOT_FOUND', `There is no book ${input.book}`, ['book'])]);
        const { book, reason } = input;
        const asked = {
          book,
          selection: selectionOf(input),
          transformation: transformationOf(input),
          reason,
          forced: input.forced === true,
        };
        const { correction, problems } = await this.corrections.request(tx, asked, principal.subject);
        if (!correction) return this.mutations.faulty(problems);
        return { correction: toCorrection(correction), problems: [], replayed: false };
      },
    );
  }

  @Mutation(() => CorrectionPayload, { description: 'Asks a second person to agree to exactly what the preview said.' })
  @RequiresScopes('ledger:post')
  proposeCorrection(
    @Args('input', { type: () => ProposeCorrectionInput }) input: ProposeCorrectionInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'proposeCorrection',
      ProposeCorrectionInput,
      input,
      principal,
      async (tx): Promise<CorrectionPayload> => {
        const { correction, problems } = await this.corrections.propose(tx, input, principal.subject);
        if (!correction) return this.mutations.faulty(problems);
        return { correction: toCorrection(correction), problems: [], replayed: false };
      },
    );
  }
}

/** Without what was not given, so that the same selection always reads the same. */
function selectionOf({ selection }: PreviewCorrectionInput): Selection {
  const { facts, ...rest } = selection;
  const given = Object.fromEntries(
    Object.entries(rest).filter(([, value]: [string, unknown]) => value !== null && value !== undefined),
  );
  return facts && facts.length > 0
    ? { ...given, facts: Object.fromEntries(facts.map(({ name, value }) => [name, value])) }
    : given;
}

function transformationOf({ transformation }: PreviewCorrectionInput): Transformation {
  const { kind, from, to, numerator, denominator, facts } = transformation;
  if (kind === 'FACTOR')
    return {
      kind,
      numerator: numerator ?? '',
      denominator: denominator ?? '',
      facts: facts && facts.length > 0 ? facts : ['amount'],
    };
  return kind === 'ACCOUNT' || kind === 'PRICE' ? { kind, from: from ?? '', to: to ?? '' } : { kind };
}
