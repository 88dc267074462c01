import { Args, Mutation, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { Transactions, type Tx } from '#libs/database/index.js';
import { ReadTx, RequiresAnyScope, RequiresScopes, validateInput } from '#libs/graphql/index.js';
import { faultOfInput, Idempotency } from '#libs/idempotency/index.js';
import { type Problem } from '#libs/kernel/index.js';
import {
  CutOverPayload,
  CutOverProgressType,
  CutOverSignatureType,
  CutOverType,
  ImportedReference,
  RollBackCutOverInput,
  SignCutOverInput,
  StartCutOverInput,
} from './cut-over.graphql.js';
import { type CutOverRecord, CutOverRepository } from './cut-over.repository.js';
import { type CutOverAnswer, CutOverService } from './cut-over.service.js';

interface Kept {
  importId: string | null;
  problems: Problem[];
}

const toType = (row: CutOverRecord): CutOverType => ({
  ...row,
  id: row.importId,
  rows: row.report.rows ?? {},
  problems: row.report.problems ?? [],
  migrationLeft: row.report.migration ?? [],
});

/** An import concerns the whole institution, so it is worked with all books whoever asks; the scopes say who may. */
@Resolver(() => CutOverType)
export class CutOverResolver {
  constructor(
    private readonly service: CutOverService,
    private readonly repository: CutOverRepository,
    private readonly idempotency: Idempotency,
    private readonly transactions: Transactions,
  ) {}

  @Query(() => CutOverType, { nullable: true })
  @RequiresAnyScope('cutover:operate', 'cutover:sign')
  async cutOver(@Args('id') id: string, @ReadTx() tx: Tx): Promise<CutOverType | null> {
    const row = await this.repository.find(tx, id);
    return row ? toType(row) : null;
  }

  @Query(() => CutOverType, { nullable: true, description: 'The import that is in force or under way.' })
  @RequiresAnyScope('cutover:operate', 'cutover:sign')
  async currentCutOver(@ReadTx() tx: Tx): Promise<CutOverType | null> {
    const row = await this.repository.inForce(tx);
    return row ? toType(row) : null;
  }

  @Query(() => [ImportedReference], {
    description:
      'Where an id of the system before came in: of parties, accounts, trades, breaks, standing orders and the rest.',
  })
  @RequiresScopes('static:read')
  importedReferences(@Args('oldId') oldId: string, @ReadTx() tx: Tx): Promise<ImportedReference[]> {
    return this.repository.referencesOf(tx, oldId);
  }

  @ResolveField(() => [CutOverProgressType])
  async progress(@Parent() cutOver: CutOverType, @ReadTx() tx: Tx): Promise<CutOverProgressType[]> {
    const sums = new Map<string, CutOverProgressType>();
    for (const { kind, consumer, rowCount, appliedAt } of await this.repository.chunks(tx, cutOver.id)) {
      const sum = sums.get(`${kind}|${consumer}`) ?? { kind, consumer, rows: 0, applied: 0 };
      sum.rows += rowCount;
      if (appliedAt !== null) sum.applied += rowCount;
      sums.set(`${kind}|${consumer}`, sum);
    }
    return [...sums.values()];
  }

  @ResolveField(() => [CutOverSignatureType])
  signatures(@Parent() cutOver: CutOverType, @ReadTx() tx: Tx): Promise<CutOverSignatureType[]> {
    return this.repository.signatures(tx, cutOver.id);
  }

  @Mutation(() => CutOverPayload)
  @RequiresScopes('cutover:operate')
  async startCutOver(
    @Args('input', { type: () => StartCutOverInput }) input: StartCutOverInput,
    @CurrentPrincipal() principal: Principal,
  ): Promise<CutOverPayload> {
    const faults = validateInput(StartCutOverInput, input);
    if (faults.length > 0) return { cutOver: null, problems: faults, replayed: false };
    return this.transactions.run(async (tx) => {
      const call = { client: principal.subject, key: input.idempotencyKey, operation: 'startCutOver', input };
      const answer = await this.idempotency.run<Kept>(tx, call, async () => {
        const { cutOver, problems } = await this.service.start(
          tx,
          { name: input.name, isDryRun: input.dryRun, files: input.files, controlTotals: input.controlTotals },
          principal.subject,
        );
        const payload = { importId: cutOver?.importId ?? null, problems: [...problems] };
        return problems.length > 0 ? faultOfInput(payload) : payload;
      });
      const row = answer.importId ? await this.repository.find(tx, answer.importId) : null;
      return { cutOver: row ? toType(row) : null, problems: answer.problems, replayed: answer.replayed };
    });
  }

  @Mutation(() => CutOverPayload, {
    description: 'Two different people sign; after the second nothing is rolled back.',
  })
  @RequiresScopes('cutover:sign')
  signCutOver(
    @Args('input', { type: () => SignCutOverInput }) input: SignCutOverInput,
    @CurrentPrincipal() principal: Principal,
  ): Promise<CutOverPayload> {
    return this.change('signCutOver', input, principal, (tx) =>
      this.service.sign(tx, input.importId, principal.subject),
    );
  }

  @Mutation(() => CutOverPayload)
  @RequiresScopes('cutover:operate')
  async rollBackCutOver(
    @Args('input', { type: () => RollBackCutOverInput }) input: RollBackCutOverInput,
    @CurrentPrincipal() principal: Principal,
  ): Promise<CutOverPayload> {
    const faults = validateInput(RollBackCutOverInput, input);
    if (faults.length > 0) return { cutOver: null, problems: faults, replayed: false };
    return this.change('rollBackCutOver', input, principal, (tx) =>
      this.service.rollBack(tx, input.importId, input.reason, principal.subject),
    );
  }

  /** With a key, the same request sent again (because its answer was lost) gives the same answer. */
  private async change(
    operation: string,
    input: SignCutOverInput,
    principal: Principal,
    work: (tx: Tx) => Promise<CutOverAnswer>,
  ): Promise<CutOverPayload> {
    return this.transactions.run(async (tx) => {
      const decide = async (): Promise<Kept> => ({
        importId: input.importId,
        problems: [...(await work(tx)).problems],
      });
      const call = { client: principal.subject, key: input.idempotencyKey ?? '', operation, input };
      const answer = call.key
        ? await this.idempotency.run<Kept>(tx, call, decide)
        : { ...(await decide()), replayed: false };
      const row = await this.repository.find(tx, input.importId);
      return { cutOver: row ? toType(row) : null, problems: answer.problems, replayed: answer.replayed };
    });
  }
}
