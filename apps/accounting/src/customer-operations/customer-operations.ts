import { type PostingEvent } from '#libs/contracts/index.js';
import { type Problem, problem } from '#libs/kernel/index.js';
import { faultsOf, messageOf, type PostingLine, type PostingResult, type SweepSide } from '../journal/posting.js';

export type InputPath = readonly (string | number)[];

/** One side of an operation as it was given, with the places in the input that its account, asset and amount come from. */
export interface Line {
  /** Absent: the book's nostro in the asset. */
  readonly account?: string;
  readonly asset: string;
  readonly side: 'DEBIT' | 'CREDIT';
  readonly amount: string;
  readonly at: { readonly account: InputPath; readonly asset: InputPath; readonly amount: InputPath };
}

export interface Operation {
  /** Of the mutation: a key is used up by it. */
  readonly name: string;
  /** What the key stands for. */
  readonly input: object;
  readonly idempotencyKey: string;
  readonly book: string;
  readonly kind: string;
  readonly valueDate?: string | null;
  readonly description: string;
  readonly lines: readonly Line[];
  readonly validateOnly?: boolean | null;
  /** The operations of one call that have the same are booked all or none. */
  readonly group?: string | null;
  /** Makes a transfer a sweep. */
  readonly upTo?: SweepSide | null;
}

/** Amounts in units, with every fault of the input at once, each told once: both sides of a transfer have one amount. */
export function linesOf(
  given: readonly Line[],
  unitsOf: (asset: string, amount: string) => bigint | Problem,
  nostroOf: (currency: string) => string | undefined,
): { lines: PostingLine[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const lines: PostingLine[] = [];
  for (const line of given) {
    const { asset, side, amount, at } = line;
    const account = line.account ?? nostroOf(asset);
    const units = unitsOf(asset, amount);
    if (account === undefined)
      problems.push(problem('NOSTRO_NOT_FOUND', `The book has no nostro in ${asset}`, at.asset));
    else if (typeof units === 'bigint') lines.push({ account, asset, side, units: units.toString() });
    if (typeof units !== 'bigint')
      problems.push({ ...units, path: units.code === 'ASSET_NOT_FOUND' ? at.asset : at.amount });
  }
  // A sum over lines of which some cannot be read says nothing.
  if (lines.length === given.length) {
    for (const fault of faultsOf(lines, [])) {
      const [n] = fault.path;
      problems.push({ ...fault, path: (typeof n === 'number' && given[n]?.at.amount) || ['postings'] });
    }
  }
  return { lines, problems: distinct(problems) };
}

/** The operations that are events: what is posted for them is said by the posting rules of the book. */
const events: ReadonlyMap<string, (debit: PostingLine, credit: PostingLine, description: string) => PostingEvent> =
  new Map([
    ['postDeposit', (debit, credit, description) => counter('DEPOSIT', credit.account, debit, description)],
    ['postWithdrawal', (debit, credit, description) => counter('WITHDRAWAL', debit.account, credit, description)],
    [
      'postTransfer',
      ({ account: debtor, asset, units: amount }, { account: creditor }, description) => ({
        kind: 'TRANSFER' as const,
        facts: { debtor, creditor, asset, amount, description },
      }),
    ],
  ]);

const counter = (
  kind: 'DEPOSIT' | 'WITHDRAWAL',
  client: string,
  { account: nostro, asset: currency, units: amount }: PostingLine,
  description: string,
): PostingEvent => ({ kind, facts: { client, nostro, currency, amount, description } });

/** A sweep is none: it goes from one account to the other, whatever the rules say of transfers. */
export const isEvent = ({ name, upTo }: Operation): boolean => !upTo && events.has(name);

/** An entry that was given with its postings is no event. */
export function eventOf(operation: Operation, lines: readonly PostingLine[]): PostingEvent | undefined {
  const [debit, credit] = lines;
  if (!debit || !credit || !isEvent(operation)) return undefined;
  return events.get(operation.name)?.(debit, credit, operation.description);
}

/** What the rules have against an event whose input was read without a fault: it is the amount. */
export const problemsOfEvent = ({ lines }: Operation, problems: readonly Problem[]): Problem[] =>
  distinct(
    problems.map(({ code, message }) =>
      code === 'AMOUNT_BELOW_ZERO'
        ? problem('AMOUNT_NOT_POSITIVE', message, lines[0]?.at.amount)
        : problem('AMOUNT_TOO_LARGE', messageOf('AMOUNT_TOO_LARGE'), lines[0]?.at.amount),
    ),
  );

/** What a refusal is about, in the words of the input. */
export function pathOfRefusal(
  result: PostingResult,
  given: readonly Line[],
  nostroOf: (currency: string) => string | undefined,
): InputPath {
  const { code, account, asset } = result;
  const line = given.find(
    (one) => (one.account ?? nostroOf(one.asset)) === account && (asset === undefined || one.asset === asset),
  );
  switch (code) {
    case 'IDEMPOTENCY_KEY_REUSED':
      return ['idempotencyKey'];
    case 'PERIOD_NOT_OPEN':
    case 'PERIOD_CLOSED':
      return ['book'];
    case 'ACCOUNT_NOT_FOUND':
    case 'ACCOUNT_CLOSED':
    case 'ACCOUNT_BLOCKED':
    case 'ASSET_MISMATCH':
      return line?.at.account ?? [];
    case 'ASSET_NOT_FOUND':
      return line?.at.asset ?? [];
    default:
      return line?.at.amount ?? [];
  }
}

export const linkedToRefused = (): Problem => problem('LINKED_ITEM_REFUSED', messageOf('LINKED_ITEM_REFUSED'));

interface Member {
  /** The call and the group in it; absent when it stands alone. */
  readonly group?: string;
  readonly key: string;
  readonly validateOnly: boolean;
  readonly problems: readonly Problem[];
}

/**
 * What the members of groups cannot be booked for before the ledger is asked: a group is validated or booked as one; with
 * a fault in one of them none is booked; and of a group that was answered before, no more is booked now.
 */
export function groupFaults(
  members: readonly Member[],
  answered: readonly Pick<Member, 'group' | 'key'>[],
): Problem[][] {
  const groups = new Map<string, Member[]>();
  for (const member of members) {
    if (member.group === undefined) continue;
    groups.set(member.group, [...(groups.get(member.group) ?? []), member]);
  }
  const isStale = ({ group, key }: Pick<Member, 'group' | 'key'>) =>
    group !== undefined && groups.get(group)?.every((one) => one.key !== key) === true;
  const stale = new Set(answered.filter(isStale).map(({ group }) => group));
  return members.map(({ group, validateOnly, problems }) => {
    const ofGroup = group === undefined ? undefined : groups.get(group);
    if (!ofGroup) return [...problems];
    if (ofGroup.some((one) => one.validateOnly !== validateOnly))
      return [
        ...problems,
        problem('GROUP_DIFFERS', 'The entries of a group are all validated or all booked', ['validateOnly']),
      ];
    if (problems.length > 0) return [...problems];
    return stale.has(group) || ofGroup.some((one) => one.problems.length > 0) ? [linkedToRefused()] : [];
  });
}

function distinct(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((one) => [`${one.code} ${one.path.join('.')}`, one])).values()];
}

/** What moves both ways between two accounts, named by two fields of the input. */
export function bothSides(
  debit: { account?: string; field: string },
  credit: { account?: string; field: string },
  asset: string,
  amount: string,
  fields: { amount: InputPath; asset: InputPath },
): Line[] {
  const line = ({ account, field }: { account?: string; field: string }, side: Line['side']): Line => ({
    account,
    asset,
    side,
    amount,
    at: { account: [field], ...fields },
  });
  return [line(debit, 'DEBIT'), line(credit, 'CREDIT')];
}
