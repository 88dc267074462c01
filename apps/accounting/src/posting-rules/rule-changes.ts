import { canonicalJson, type Problem, problem, sha256Hex } from '#libs/kernel/index.js';
import { type RulePosting, type RuleSet } from './posting-rules.js';

/** What a second person approves: exactly this, so its hash is what the approval binds to. */
export interface RuleChange {
  readonly book: string;
  readonly rules: RuleSet;
  readonly validFrom: string;
  readonly reason: string;
}

export const hashOfChange = ({ book, rules, validFrom, reason }: RuleChange): string =>
  sha256Hex(canonicalJson({ book, rules, validFrom, reason }));

/** The kinds of event whose rule is another one. */
export const changedKinds = (before: RuleSet, after: RuleSet): string[] =>
  after
    .filter((rule) => canonicalJson(rule) !== canonicalJson(before.find(({ event }) => event === rule.event)))
    .map(({ event }) => event);

export const summaryOf = ({ book, validFrom, reason }: RuleChange, kinds: readonly string[]): string =>
  `Posting rules of ${book} from ${validFrom}, other for ${kinds.join(', ') || 'nothing'}: ${reason}`.slice(0, 280);

/** Accounts that rules name by number and that the book has not. */
export function unknownAccounts(rules: RuleSet, known: ReadonlySet<string>): Problem[] {
  return rules.flatMap(({ postings }, n) =>
    postings.flatMap(({ account }, m) =>
      typeof account === 'string' || known.has(account.number)
        ? []
        : [
            problem('ACCOUNT_NOT_FOUND', `The book has no account ${account.number}`, [
              'rules',
              n,
              'postings',
              m,
              'account',
            ]),
          ],
    ),
  );
}

export const fixedAccounts = (rules: RuleSet): string[] => [
  ...new Set(
    rules.flatMap(({ postings }) =>
      postings.flatMap(({ account }) => (typeof account === 'string' ? [] : [account.number])),
    ),
  ),
];

/** A posting as a person reads it. */
export function textOf({ side, account, asset, amount, each, when }: RulePosting): string {
  const whose = typeof account === 'string' ? account : `account ${account.number}`;
  const often = each === undefined ? '' : `, for each of ${each}`;
  const condition =
    when === undefined ? '' : `, when ${when.fact} is ${when.is === undefined ? `not ${when.isNot}` : when.is}`;
  return `${side.toLowerCase()} ${whose}: ${amount} in ${asset}${often}${condition}`;
}
