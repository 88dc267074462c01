import { type PostingEvent, type PostingEventKind, postingEvents } from '#libs/contracts/index.js';
import {
  accepted,
  canonicalJson,
  type Decision,
  isRefused,
  type Problem,
  problem,
  refused,
  sha256Hex,
} from '#libs/kernel/index.js';
import { Decimal } from '#libs/money/index.js';
import { type PostingItem, type PostingLine } from '../journal/posting.js';
import { postingsOf, type RuleSet } from '../posting-rules/posting-rules.js';

/** Which entries are corrected: all that is given must hold. Reversals are no originals and are never among them. */
export interface Selection {
  readonly entryIds?: readonly string[] | null;
  readonly kinds?: readonly string[] | null;
  readonly subjectKind?: string | null;
  readonly subjectIds?: readonly string[] | null;
  /** Of the key an entry was booked under, which names the file, batch or order that asked for it. */
  readonly keyPrefix?: string | null;
  readonly requestedBy?: string | null;
  readonly ruleVersion?: number | null;
  readonly eventKind?: string | null;
  /** Facts of the event that led to the entry, by name. */
  readonly facts?: Readonly<Record<string, string>> | null;
  readonly account?: string | null;
  /** Business dates, both included. */
  readonly from?: string | null;
  readonly to?: string | null;
}

/** What is booked instead of what is reversed. */
export type Transformation =
  | { readonly kind: 'REVERSE' }
  | { readonly kind: 'NEWEST_RULES' }
  | { readonly kind: 'ACCOUNT'; readonly from: string; readonly to: string }
  /** Of an event the named facts are multiplied, of an entry without one every posting. */
  | {
      readonly kind: 'FACTOR';
      readonly numerator: string;
      readonly denominator: string;
      readonly facts: readonly string[];
    }
  /** The amount of a delivery is its quantity at the one price, and becomes its quantity at the other. */
  | { readonly kind: 'PRICE'; readonly from: string; readonly to: string };

export interface Original {
  readonly entryId: string;
  readonly kind: string;
  readonly description: string;
  readonly valueDate: string;
  readonly subject: { readonly kind: string; readonly id: string };
  /** Debit positive, credit negative. */
  readonly postings: readonly { readonly account: string; readonly asset: string; readonly units: string }[];
  readonly event: PostingEvent | null;
  readonly isReversed: boolean;
  readonly isReversedInPart: boolean;
}

export interface Rebooking {
  readonly kind: string;
  readonly description: string;
  readonly postings: readonly PostingLine[];
  readonly event?: { readonly kind: string; readonly facts: object; readonly ruleVersion: number };
}

/** An original with what becomes of it: reversed and booked anew, only reversed, or why neither. */
export interface Corrected {
  readonly original: Original;
  readonly rebooking: Rebooking | null;
  readonly refusal?: string;
}

export interface RulesNow {
  readonly version: number;
  readonly rules: RuleSet;
  readonly scaleOf: (asset: string) => number | undefined;
}

const narrowing = [
  'entryIds',
  'kinds',
  'subjectIds',
  'keyPrefix',
  'requestedBy',
  'ruleVersion',
  'eventKind',
  'facts',
  'account',
] as const;
const wholeNumber = /^[1-9]\d{0,17}$/;
const price = /^\d{1,15}(\.\d{1,12})?$/;

/** Everything that is wrong with what was asked for, at once. */
export function faultsOf(selection: Selection, transformation: Transformation): Problem[] {
  const problems: Problem[] = [];
  if (!narrowing.some((name) => isGiven(selection[name])))
    problems.push(
      problem('SELECTION_TOO_WIDE', `A selection names at least one of ${narrowing.join(', ')}`, ['selection']),
    );
  if (selection.from && selection.to && selection.to < selection.from)
    problems.push(problem('PERIOD_ENDS_BEFORE_IT_BEGINS', 'The period ends before it begins', ['selection', 'to']));
  const at = (field: string) => ['transformation', field];
  if (transformation.kind === 'FACTOR') {
    for (const field of ['numerator', 'denominator'] as const)
      if (!wholeNumber.test(transformation[field]))
        problems.push(problem('FACTOR_NOT_POSITIVE', 'A factor is a fraction of positive whole numbers', at(field)));
  }
  if (transformation.kind === 'PRICE') {
    for (const field of ['from', 'to'] as const)
      if (!price.test(transformation[field]) || new Decimal(transformation[field]).isZero())
        problems.push(problem('PRICE_NOT_POSITIVE', 'A price is a positive decimal', at(field)));
  }
  if (
    (transformation.kind === 'PRICE' || transformation.kind === 'ACCOUNT') &&
    transformation.from === transformation.to
  )
    problems.push(problem('NOTHING_CHANGES', 'It would be replaced by itself', at('to')));
  return problems;
}

const isGiven = (value: unknown): boolean =>
  value !== undefined && value !== null && value !== '' && (typeof value !== 'object' || Object.keys(value).length > 0);

/** What becomes of one entry. What would be booked anew as it stands is not touched. */
export function correct(original: Original, transformation: Transformation, now: RulesNow): Corrected {
  const refusal = refusalOf(original);
  if (refusal !== undefined) return { original, rebooking: null, refusal };
  if (transformation.kind === 'REVERSE') return { original, rebooking: null };
  const made = original.event ? byRules(original.event, transformation, now) : byHand(original, transformation);
  if (isRefused(made)) return { original, rebooking: null, refusal: made.problems[0]?.code ?? 'NOT_CORRECTABLE' };
  if (isSame(original, made.value)) return { original, rebooking: null, refusal: 'NOTHING_CHANGES' };
  return { original, rebooking: made.value };
}

function refusalOf({ kind, isReversed, isReversedInPart }: Original): string | undefined {
  if (isReversed) return 'ALREADY_REVERSED';
  if (isReversedInPart) return 'REVERSED_IN_PART';
  // What was moved in is corrected where it came from.
  return kind.startsWith('OPENING_') ? 'NOT_CORRECTABLE' : undefined;
}

function byRules(event: PostingEvent, transformation: Transformation, now: RulesNow): Decision<Rebooking> {
  const changed = changedEvent(event, transformation, now);
  if (isRefused(changed)) return changed;
  const entry = postingsOf(now.rules, changed.value);
  if (isRefused(entry)) return entry;
  return balanced({ ...entry.value, event: { ...changed.value, ruleVersion: now.version } });
}

/** An entry that came of no event has its postings only. */
function byHand(original: Original, transformation: Transformation): Decision<Rebooking> {
  const { kind, description } = original;
  if (transformation.kind !== 'ACCOUNT' && transformation.kind !== 'FACTOR')
    return refused(problem('NO_EVENT', 'It came of no event, so no rules and no price apply to it'));
  const postings = original.postings.map(({ account, asset, units }): PostingLine => {
    const amount = BigInt(units);
    const size = amount < 0n ? -amount : amount;
    return {
      account: transformation.kind === 'ACCOUNT' && account === transformation.from ? transformation.to : account,
      asset,
      side: amount > 0n ? 'DEBIT' : 'CREDIT',
      units: (transformation.kind === 'FACTOR' ? multiplied(size, transformation) : size).toString(),
    };
  });
  return balanced({ kind, description, postings: postings.filter(({ units }) => units !== '0') });
}

/** Parts that were rounded each by itself may not add up: then nobody guesses which of them takes the difference. */
function balanced(entry: Rebooking): Decision<Rebooking> {
  const sums = new Map<string, bigint>();
  for (const { asset, side, units } of entry.postings)
    sums.set(asset, (sums.get(asset) ?? 0n) + (side === 'DEBIT' ? BigInt(units) : -BigInt(units)));
  const wrong = [...sums].find(([, sum]) => sum !== 0n);
  if (wrong) return refused(problem('NOT_BALANCED', `Debits and credits of ${wrong[0]} would differ by ${wrong[1]}`));
  return entry.postings.length < 2
    ? refused(problem('TOO_FEW_POSTINGS', 'Nothing would be left of it'))
    : accepted(entry);
}

type Facts = Record<string, string | Record<string, string>[]>;

function changedEvent(event: PostingEvent, transformation: Transformation, now: RulesNow): Decision<PostingEvent> {
  const facts = structuredClone(event.facts) as unknown as Facts;
  const changed = accepted({ kind: event.kind, facts } as unknown as PostingEvent);
  switch (transformation.kind) {
    case 'ACCOUNT':
      eachFact(event.kind, facts, 'account', (value) => (value === transformation.from ? transformation.to : value));
      return changed;
    case 'FACTOR':
      eachFact(event.kind, facts, 'amount', (value, name) =>
        transformation.facts.includes(name) ? multiplied(BigInt(value), transformation).toString() : value,
      );
      addUp(event.kind, facts);
      return changed;
    case 'PRICE':
      return atAnotherPrice(event, facts, transformation, now) ?? changed;
    default:
      return changed;
  }
}

/** Facts of one type, also those of the members of lists. */
function eachFact(
  kind: PostingEventKind,
  facts: Facts,
  type: string,
  change: (value: string, name: string) => string,
): void {
  const shapes: Readonly<Record<string, unknown>> = postingEvents[kind];
  for (const [name, shape] of Object.entries(shapes)) {
    const value = facts[name];
    if (shape === type && typeof value === 'string') facts[name] = change(value, name);
    if (typeof shape !== 'object' || shape === null || !Array.isArray(value)) continue;
    for (const [inner, innerShape] of Object.entries(shape))
      if (innerShape === type)
        for (const member of value) if (member[inner] !== undefined) member[inner] = change(member[inner], inner);
  }
}

/** What stands beside a list under the name of a fact of its members is their total. */
function addUp(kind: PostingEventKind, facts: Facts): void {
  const shapes: Readonly<Record<string, unknown>> = postingEvents[kind];
  for (const [list, members] of Object.entries(shapes)) {
    const value = facts[list];
    if (!Array.isArray(value) || typeof members !== 'object' || members === null) continue;
    for (const name of Object.keys(members))
      if (shapes[name] === 'amount')
        facts[name] = value.reduce((sum, member) => sum + BigInt(member[name] ?? '0'), 0n).toString();
  }
}

function atAnotherPrice(
  event: PostingEvent,
  facts: Facts,
  { from, to }: { from: string; to: string },
  now: RulesNow,
): Decision<never> | undefined {
  const { currency, instrument, quantity, amount } = facts;
  const scaleOf = (asset: Facts[string] | undefined) => (typeof asset === 'string' ? now.scaleOf(asset) : undefined);
  const [money, pieces] = [scaleOf(currency), scaleOf(instrument)];
  if (money === undefined || pieces === undefined || quantity === undefined || amount === undefined)
    return refused(problem('NO_PRICE', 'It is no delivery against payment'));
  const worth = (units: string, at: string) =>
    new Decimal(units)
      .times(at)
      .times(new Decimal(10).pow(money - pieces))
      .toDecimalPlaces(0, Decimal.ROUND_HALF_EVEN)
      .toFixed(0);
  const lists = Object.values(facts).filter((value) => Array.isArray(value));
  const priced = lists.length > 0 ? lists.flat() : [facts as Record<string, string>];
  for (const part of priced) {
    if (part.quantity === undefined || part.amount !== worth(part.quantity, from))
      return refused(problem('PRICE_NOT_OF_ENTRY', `Its amount is not its quantity at ${from}`));
    part.amount = worth(part.quantity, to);
  }
  addUp(event.kind, facts);
  return undefined;
}

/** Exact, then to the nearest unit, a half to the even one. */
function multiplied(units: bigint, { numerator, denominator }: { numerator: string; denominator: string }): bigint {
  const [product, by] = [units * BigInt(numerator), BigInt(denominator)];
  const [whole, twice] = [product / by, (product % by) * 2n];
  return twice > by || (twice === by && whole % 2n === 1n) ? whole + 1n : whole;
}

const signed = ({ side, units }: PostingLine): bigint => (side === 'DEBIT' ? BigInt(units) : -BigInt(units));

function isSame(original: Original, made: Rebooking): boolean {
  const before = original.postings.map(({ account, asset, units }) => JSON.stringify([account, asset, units])).sort();
  const after = made.postings.map((line) => JSON.stringify([line.account, line.asset, signed(line).toString()])).sort();
  return original.kind === made.kind && before.length === after.length && before.every((one, n) => one === after[n]);
}

/** What a correction does to an account, debits less credits. Both sums are zero over all accounts, asset by asset. */
export interface Effect {
  readonly account: string;
  readonly asset: string;
  reversal: bigint;
  rebooking: bigint;
}

export function effectsOf(corrected: readonly Corrected[]): Effect[] {
  const effects = new Map<string, Effect>();
  const add = (account: string, asset: string, side: 'reversal' | 'rebooking', units: bigint) => {
    const name = JSON.stringify([account, asset]);
    const effect = effects.get(name) ?? { account, asset, reversal: 0n, rebooking: 0n };
    effect[side] += units;
    effects.set(name, effect);
  };
  for (const { original, rebooking, refusal } of corrected) {
    if (refusal !== undefined) continue;
    for (const { account, asset, units } of original.postings) add(account, asset, 'reversal', -BigInt(units));
    for (const line of rebooking?.postings ?? []) add(line.account, line.asset, 'rebooking', signed(line));
  }
  return [...effects.values()];
}

/** Of one line of the preview; the preview's own hash is over that of its head and those of all its lines, in order. */
export const lineHash = ({ original, rebooking, refusal }: Corrected): string =>
  sha256Hex(canonicalJson({ entryId: original.entryId, rebooking, refusal: refusal ?? null }));

export const headHash = (head: {
  book: string;
  selection: Selection;
  transformation: Transformation;
  reason: string;
  forced: boolean;
}): string => sha256Hex(canonicalJson(head));

/** The ways to book an original's correction: as long as money is missing the next one is tried. */
export const attempts = ['REVERSAL_FIRST', 'REBOOKING_FIRST', 'FORCED'] as const;
export type Attempt = (typeof attempts)[number];

/** Reversal and rebooking of one original, all or none: in whichever order the accounts can bear it. */
export function itemsOf(
  correction: { correctionId: string; book: string; reason: string },
  { original, rebooking }: Corrected,
  businessDate: string,
  attempt: Attempt,
): PostingItem[] {
  const { correctionId, book, reason } = correction;
  const key = `correction:${correctionId}:${original.entryId}`;
  const suffix = attempt === 'REVERSAL_FIRST' ? '' : `:${attempts.indexOf(attempt) + 1}`;
  const common = {
    book,
    group: key,
    businessDate,
    // The value date of what never should have been, or should have been otherwise, is kept.
    valueDate: original.valueDate,
    ...(attempt === 'FORCED' ? { forced: { reason: `correction: ${reason}`.slice(0, 140) } } : {}),
  };
  const reversal: PostingItem = {
    op: 'REVERSAL',
    ...common,
    key: `${key}:R${suffix}`,
    kind: 'CORRECTION',
    description: reason.slice(0, 140),
    subject: { kind: 'JOURNAL_ENTRY', id: original.entryId },
    reverses: original.entryId,
  };
  if (rebooking === null) return [reversal];
  const entry: PostingItem = {
    op: 'ENTRY',
    ...common,
    key: `${key}:B${suffix}`,
    kind: rebooking.kind,
    description: rebooking.description,
    subject: original.subject,
    postings: rebooking.postings,
    ...(rebooking.event ? { event: rebooking.event } : {}),
  };
  return attempt === 'REBOOKING_FIRST' ? [entry, reversal] : [reversal, entry];
}
