import { Args, Mutation, Query, Resolver } from '@nestjs/graphql';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { type Tx } from '#libs/database/index.js';
import { ConnectionArgs, keyset, keysetPage, ReadTx, RequiresScopes } from '#libs/graphql/index.js';
import { faultOfInput } from '#libs/idempotency/index.js';
import { isRefused, type Problem, problem } from '#libs/kernel/index.js';
import { formatDecimal, parseDecimal } from '#libs/money/index.js';
import { Assets } from '../assets/assets.service.js';
import { BusinessDays } from '../business-days/business-days.service.js';
import { toEntry } from '../journal/journal-types.js';
import { Journal } from '../journal/journal.service.js';
import { messageOf, type PostingItem, type PostingResult, refusalText, retryableCodes } from '../journal/posting.js';
import { toPreview } from '../journal/previews.js';
import { PostingService } from '../journal/posting.service.js';
import { Mutations } from '../mutations.js';
import {
  CaptureHoldInput,
  HoldConnection,
  HoldFilterInput,
  HoldPayload,
  HoldType,
  PlaceHoldInput,
  ReleaseHoldInput,
} from './holds.graphql.js';
import { type HoldRow, HoldsRepository } from './holds.repository.js';

function toHold(row: HoldRow): HoldType {
  const text = (units: string) => formatDecimal(BigInt(units), row.scale);
  return {
    ...row,
    id: row.holdId,
    amount: text(row.amountUnits),
    captured: text(row.capturedUnits),
    released: text(row.releasedUnits),
    expired: text(row.expiredUnits),
    open: text(row.openUnits),
  };
}

/** What a refusal is about, in the words of the input. */
function refusalOf(result: PostingResult, item: PostingItem): Problem {
  const code = result.code ?? 'LEDGER_CHECK_FAILED';
  const path = (): string[] => {
    if (code === 'IDEMPOTENCY_KEY_REUSED') return ['idempotencyKey'];
    if (code === 'HOLD_EXPIRED' && item.op === 'HOLD') return ['expiresAt'];
    if (code === 'HOLD_NOT_FOUND' || code === 'HOLD_EXPIRED' || code === 'HOLD_CLOSED') return ['holdId'];
    if (code.startsWith('ASSET_')) return ['asset'];
    if (item.op === 'HOLD' && code.startsWith('ACCOUNT_'))
      return [result.account === item.hold.debitAccount ? 'debitAccount' : 'creditAccount'];
    return ['amount'];
  };
  return problem(code, refusalText(result), path(), retryableCodes.has(code));
}

@Resolver(() => HoldType)
export class HoldsResolver {
  constructor(
    private readonly holds: HoldsRepository,
    private readonly assets: Assets,
    private readonly days: BusinessDays,
    private readonly journal: Journal,
    private readonly posting: PostingService,
    private readonly mutations: Mutations,
  ) {}

  @Query(() => HoldType, { nullable: true })
  @RequiresScopes('ledger:read')
  async hold(@Args('id', { type: () => String }) id: string, @ReadTx() tx: Tx): Promise<HoldType | null> {
    const row = await this.holds.find(tx, id);
    return row ? toHold(row) : null;
  }

  @Query(() => HoldConnection, { name: 'holds' })
  @RequiresScopes('ledger:read')
  async list(
    @Args() page: ConnectionArgs,
    @Args('filter', { type: () => HoldFilterInput, nullable: true }) filter: HoldFilterInput | null,
    @ReadTx() tx: Tx,
  ): Promise<HoldConnection> {
    const cursor = keyset<HoldRow>({ list: 'holds', filter }, (row) => [row.placedAtExact, row.holdId]);
    const rows = await this.holds.list(tx, filter ?? {}, page.first, cursor.after(page.after));
    return keysetPage(rows, page.first, cursor.cursorOf, toHold);
  }

  @Mutation(() => HoldPayload)
  @RequiresScopes('ledger:post')
  placeHold(
    @Args('input', { type: () => PlaceHoldInput }) input: PlaceHoldInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run('placeHold', PlaceHoldInput, input, principal, async (tx): Promise<HoldPayload> => {
      if (!this.mutations.seesBook(principal, input.book)) {
        return this.mutations.faulty([problem('ACCOUNT_NOT_FOUND', messageOf('ACCOUNT_NOT_FOUND'), ['book'])]);
      }
      const { units, scale, problems } = await this.units(tx, input.asset, input.amount);
      const { book, debitAccount, creditAccount, asset, reason, upTo } = input;
      if (upTo && debitAccount === creditAccount)
        problems.push(problem('SAME_ACCOUNT', 'A sweep goes from one account to another', ['creditAccount']));
      if (units === undefined || problems.length > 0) return this.mutations.faulty(problems);
      const item: PostingItem = {
        op: 'HOLD',
        key: `${principal.subject}:${input.idempotencyKey}`,
        book,
        hold: { debitAccount, creditAccount, asset, units, reason, expiresAt: new Date(input.expiresAt).toISOString() },
        ...(upTo ? { upTo } : {}),
      };
      return this.decide(tx, principal, item, { scale, validateOnly: input.validateOnly });
    });
  }

  @Mutation(() => HoldPayload, { description: 'Books a part of the hold, or all of it.' })
  @RequiresScopes('ledger:post')
  captureHold(
    @Args('input', { type: () => CaptureHoldInput }) input: CaptureHoldInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run('captureHold', CaptureHoldInput, input, principal, async (tx): Promise<HoldPayload> => {
      const hold = await this.holds.find(tx, input.holdId);
      if (!hold) return this.mutations.faulty([problem('HOLD_NOT_FOUND', messageOf('HOLD_NOT_FOUND'), ['holdId'])]);
      const { units, problems } = await this.units(tx, hold.asset, input.amount);
      if (units === undefined) return this.mutations.faulty(problems);
      const day = await this.days.worked(tx, hold.book);
      if (!day)
        return this.mutations.faulty([
          problem('PERIOD_NOT_OPEN', 'The book has no open business day', ['holdId'], true),
        ]);
      const item: PostingItem = {
        op: 'CAPTURE',
        key: `${principal.subject}:${input.idempotencyKey}`,
        book: hold.book,
        kind: 'WITHDRAWAL',
        businessDate: day.businessDate,
        valueDate: day.businessDate,
        description: input.description,
        subject: { kind: 'HOLD', id: hold.holdId },
        hold: { holdId: hold.holdId, units, final: input.isFinal ?? false },
      };
      return this.decide(tx, principal, item, { scale: hold.scale, validateOnly: input.validateOnly });
    });
  }

  @Mutation(() => HoldPayload)
  @RequiresScopes('ledger:post')
  releaseHold(
    @Args('input', { type: () => ReleaseHoldInput }) input: ReleaseHoldInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run('releaseHold', ReleaseHoldInput, input, principal, async (tx): Promise<HoldPayload> => {
      const hold = await this.holds.find(tx, input.holdId);
      if (!hold) return this.mutations.faulty([problem('HOLD_NOT_FOUND', messageOf('HOLD_NOT_FOUND'), ['holdId'])]);
      const given =
        input.amount === null || input.amount === undefined
          ? undefined
          : await this.units(tx, hold.asset, input.amount);
      if (given && given.units === undefined) return this.mutations.faulty(given.problems);
      const item: PostingItem = {
        op: 'RELEASE',
        key: `${principal.subject}:${input.idempotencyKey}`,
        book: hold.book,
        hold: { holdId: hold.holdId, ...(given?.units === undefined ? {} : { units: given.units }) },
      };
      return this.decide(tx, principal, item, { scale: hold.scale, validateOnly: input.validateOnly });
    });
  }

  /** All of a hold is in one asset, of that scale. */
  private async decide(
    tx: Tx,
    principal: Principal,
    item: PostingItem,
    { scale = 0, validateOnly }: { scale?: number; validateOnly?: boolean | null },
  ): Promise<HoldPayload> {
    const isDry = validateOnly === true;
    const [result] = await this.posting.post(tx, {
      items: [item],
      requestedBy: principal.subject,
      validateOnly: isDry,
    });
    if (!result) throw new Error('the item has no result');
    const moved = result.units === undefined ? null : formatDecimal(BigInt(result.units), scale);
    const problems = result.outcome === 'REFUSED' ? [refusalOf(result, item)] : [];
    if (isDry) {
      const preview = toPreview(result, problems[0]?.path ?? [], () => scale);
      return faultOfInput({ hold: null, entry: null, moved, preview, problems, replayed: false });
    }
    const holdId = item.op === 'CAPTURE' || item.op === 'RELEASE' ? item.hold.holdId : result.id;
    const hold = holdId === undefined ? undefined : await this.holds.find(tx, holdId);
    const entry =
      item.op === 'CAPTURE' && result.id !== undefined ? await this.journal.entry(tx, result.id) : undefined;
    return {
      hold: hold ? toHold(hold) : null,
      entry: entry ? toEntry(entry) : null,
      moved,
      problems,
      replayed: false,
    };
  }

  private async units(
    tx: Tx,
    asset: string,
    amount: string,
  ): Promise<{ units?: string; scale?: number; problems: Problem[] }> {
    const known = (await this.assets.find(tx, [asset])).get(asset);
    if (!known) return { problems: [problem('ASSET_NOT_FOUND', messageOf('ASSET_NOT_FOUND'), ['asset'])] };
    const parsed = parseDecimal(amount, known.scale);
    if (isRefused(parsed)) return { problems: parsed.problems.map((one) => ({ ...one, path: ['amount'] })) };
    if (parsed.value <= 0n)
      return { problems: [problem('AMOUNT_NOT_POSITIVE', messageOf('AMOUNT_NOT_POSITIVE'), ['amount'])] };
    return { units: parsed.value.toString(), scale: known.scale, problems: [] };
  }
}
