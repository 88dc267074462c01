import {
  type EntryKind,
  factSchemas,
  type FactShape,
  isChoice,
  isFactList,
  type PostingEvent,
  type PostingEventKind,
  postingEvents,
  sharesMax,
} from '#libs/contracts/index.js';
import { accepted, type Decision, type Problem, problem, refused } from '#libs/kernel/index.js';
import { type PostingLine } from '../journal/posting.js';
import { readAmount } from './amount-expression.js';

/** Whether a fact has a value, or has another. */
export type Condition =
  | { readonly fact: string; readonly is: string; readonly isNot?: undefined }
  | { readonly fact: string; readonly isNot: string; readonly is?: undefined };

/** One posting of a rule. What is nothing in an event is left out: a posting is never of zero. */
export interface RulePosting {
  readonly side: 'DEBIT' | 'CREDIT';
  /** A fact that names an account, or an account by its number. */
  readonly account: string | { readonly number: string };
  /** A fact that names a currency or an instrument. */
  readonly asset: string;
  /** Facts, added and taken away. A fact of a list (`shares.amount`) is the sum over it, or with `each` that of one member. */
  readonly amount: string;
  /** The list of which each member has this posting. */
  readonly each?: string;
  readonly when?: Condition;
}

/** What one kind of event leads to. */
export interface PostingRule {
  readonly event: PostingEventKind;
  readonly entryKind: EntryKind;
  /** Text with facts in braces: `Payment {endToEnd}`. */
  readonly description: string;
  readonly postings: readonly RulePosting[];
}

/** One rule for each kind of event there is. */
export type RuleSet = readonly PostingRule[];

export interface EntryOfEvent {
  readonly kind: EntryKind;
  readonly description: string;
  readonly postings: readonly PostingLine[];
}

type Member = Readonly<Record<string, string>>;
type Facts = Readonly<Record<string, string | readonly Member[]>>;

const descriptionMax = 140;

/** What the rules make of an event, or everything that is wrong with it. */
export function postingsOf(rules: RuleSet, event: PostingEvent): Decision<EntryOfEvent> {
  const rule = rules.find((one) => one.event === event.kind);
  if (rule === undefined)
    return refused(problem('NO_RULE', `The rules say nothing of ${event.kind}`, ['event', 'kind']));
  const faults = factFaults(event);
  if (faults.length > 0) return refused(faults);
  const facts = event.facts as unknown as Facts;
  const problems: Problem[] = [];
  const postings: PostingLine[] = [];
  rule.postings.forEach((posting, n) => {
    if (!applies(posting.when, facts)) return;
    const members = posting.each === undefined ? [undefined] : (facts[posting.each] as readonly Member[]);
    members.forEach((member, m) => {
      const units = amountOf(posting, facts, member);
      if (units < 0n) {
        const at = posting.each === undefined ? [] : [posting.each, m];
        problems.push(
          problem('AMOUNT_BELOW_ZERO', `${posting.amount} is ${units}: posting ${n + 1} would change its side`, [
            'event',
            'facts',
            ...at,
          ]),
        );
      }
      if (units <= 0n) return;
      postings.push({
        account: typeof posting.account === 'string' ? textOf(posting.account, facts, member) : posting.account.number,
        asset: textOf(posting.asset, facts, member),
        side: posting.side,
        units: units.toString(),
      });
    });
  });
  if (problems.length > 0) return refused(problems);
  return accepted({ kind: rule.entryKind, description: descriptionOf(rule.description, facts), postings });
}

/** Without one a posting is always made. */
export const applies = (when: Condition | undefined, facts: Readonly<Record<string, unknown>>): boolean =>
  when === undefined || (when.is === undefined ? facts[when.fact] !== when.isNot : facts[when.fact] === when.is);

/** The facts of a list are named behind its name. */
export function splitFact(fact: string): { list?: string; name: string } {
  const dot = fact.indexOf('.');
  return dot < 0 ? { name: fact } : { list: fact.slice(0, dot), name: fact.slice(dot + 1) };
}

function amountOf(posting: RulePosting, facts: Facts, member: Member | undefined): bigint {
  let sum = 0n;
  for (const { fact, sign } of readAmount(posting.amount) ?? []) {
    const { list, name } = splitFact(fact);
    if (list === undefined) sum += sign * BigInt(facts[name] as string);
    else
      for (const one of member === undefined ? (facts[list] as readonly Member[]) : [member])
        sum += sign * BigInt(one[name] ?? '0');
  }
  return sum;
}

function textOf(fact: string, facts: Facts, member: Member | undefined): string {
  const { list, name } = splitFact(fact);
  return (list === undefined ? (facts[name] as string) : member?.[name]) ?? '';
}

const descriptionOf = (template: string, facts: Facts): string =>
  template.replace(/\{([^{}]*)\}/g, (_, fact: string) => facts[fact] as string).slice(0, descriptionMax);

/** Every fact is there and is what its kind says, and there is no other. */
function factFaults({ kind, facts }: PostingEvent): Problem[] {
  const problems: Problem[] = [];
  const look = (given: unknown, shapes: Readonly<Record<string, FactShape>>, path: (string | number)[]): void => {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) {
      problems.push(problem('FACT_MALFORMED', 'Facts are named values', path));
      return;
    }
    const values = given as Readonly<Record<string, unknown>>;
    for (const [fact, shape] of Object.entries(shapes)) {
      const at = [...path, fact];
      const value = values[fact];
      if (value === undefined) problems.push(problem('FACT_MISSING', `${kind} has a fact ${fact}`, at));
      else if (!isFactList(shape)) {
        if (!isOf(shape, value))
          problems.push(
            problem(
              'FACT_MALFORMED',
              `${fact} is ${isChoice(shape) ? shape.join(' or ') : `of the type ${shape}`}`,
              at,
            ),
          );
      } else if (!Array.isArray(value) || value.length === 0 || value.length > sharesMax)
        problems.push(problem('FACT_MALFORMED', `${fact} has 1 to ${sharesMax} members`, at));
      else
        value.forEach((member, n) => {
          look(member, shape, [...at, n]);
        });
    }
    for (const fact of Object.keys(values))
      if (shapes[fact] === undefined)
        problems.push(problem('FACT_UNKNOWN', `${kind} has no fact ${fact}`, [...path, fact]));
  };
  look(facts, postingEvents[kind], ['event', 'facts']);
  // What could not be read cannot be added up.
  return problems.length > 0 ? problems : totalFaults(kind, facts);
}

/** What is told client by client is what was confirmed in all: the two come from different hands. */
function totalFaults(kind: PostingEventKind, facts: Facts): Problem[] {
  const shapes: Readonly<Record<string, FactShape>> = postingEvents[kind];
  return Object.entries(shapes).flatMap(([list, members]) => {
    if (!isFactList(members)) return [];
    return Object.keys(members).flatMap((fact) => {
      if (shapes[fact] !== 'amount') return [];
      const total = (facts[list] as readonly Member[]).reduce((sum, member) => sum + BigInt(member[fact] ?? '0'), 0n);
      if (total === BigInt(facts[fact] as string)) return [];
      const message = `${list} have ${total} of ${fact} in all, ${facts[fact] as string} is told`;
      return [problem('FACT_TOTAL_DIFFERS', message, ['event', 'facts', fact])];
    });
  });
}

const isOf = (
  shape: Exclude<FactShape, Readonly<Record<string, unknown>>> | readonly string[],
  value: unknown,
): boolean => (isChoice(shape) ? shape.includes(value as string) : factSchemas[shape].safeParse(value).success);
