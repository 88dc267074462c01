import { z } from 'zod';
import {
  entryKinds,
  type FactShape,
  type FactType,
  isChoice,
  isFactList,
  type PostingEventKind,
  postingEventKinds,
  postingEvents,
} from '#libs/contracts/index.js';
import { accepted, type Decision, type Problem, problem, refused } from '#libs/kernel/index.js';
import { readAmount } from './amount-expression.js';
import {
  applies,
  type Condition,
  type PostingRule,
  type RulePosting,
  type RuleSet,
  splitFact,
} from './posting-rules.js';

type Path = readonly (string | number)[];
/** The value that a condition tells apart. */
const valueOf = (when: Condition): string => (when.is === undefined ? when.isNot : when.is);
type Shapes = Readonly<Record<string, FactShape>>;
const assetTypes: readonly FactType[] = ['currency', 'instrument', 'asset'];
/** More ways a rule can go than a person could look through. */
const casesMax = 256;

const postingShape = z.strictObject({
  side: z.enum(['DEBIT', 'CREDIT']),
  account: z.union([z.string(), z.strictObject({ number: z.string().min(1).max(64) })]),
  asset: z.string(),
  amount: z.string().max(200),
  each: z.string().optional(),
  when: z
    .union([
      z.strictObject({ fact: z.string(), is: z.string() }),
      z.strictObject({ fact: z.string(), isNot: z.string() }),
    ])
    .optional(),
});
const ruleShape = z.strictObject({
  event: z.enum(postingEventKinds as readonly [PostingEventKind, ...PostingEventKind[]]),
  // Only what an institution brings along is an opening balance.
  entryKind: z.enum(entryKinds).exclude(['OPENING_BALANCE', 'OPENING_REVERSED']),
  description: z.string().min(1).max(140),
  postings: z.array(postingShape).min(2).max(40),
});

/**
 * Rules as they were given, or every fault in them. Each kind of event has one rule; a rule names only facts its event
 * has, and balances in each asset whatever their values: what it debits is, fact by fact, what it credits.
 */
export function readRuleSet(given: unknown): Decision<RuleSet> {
  if (!Array.isArray(given))
    return refused(problem('NOT_RULES', 'Rules are a list, one for each kind of event', ['rules']));
  const problems: Problem[] = [];
  const rules: PostingRule[] = [];
  const seen = new Set<string>();
  given.forEach((one: unknown, n) => {
    const read = ruleShape.safeParse(one);
    if (!read.success) {
      for (const issue of read.error.issues)
        problems.push(problem('MALFORMED_RULE', issue.message, ['rules', n, ...(issue.path as (string | number)[])]));
      const kind: unknown = (one as { event?: unknown } | null)?.event;
      if (typeof kind === 'string') seen.add(kind);
      return;
    }
    const rule = read.data as PostingRule;
    if (seen.has(rule.event))
      problems.push(problem('RULE_TWICE', `There is a rule for ${rule.event} already`, ['rules', n, 'event']));
    seen.add(rule.event);
    problems.push(...ruleFaults(rule, ['rules', n]));
    rules.push(rule);
  });
  for (const kind of postingEventKinds)
    if (!seen.has(kind)) problems.push(problem('RULE_MISSING', `There is no rule for ${kind}`, ['rules']));
  return problems.length > 0 ? refused(problems) : accepted(rules);
}

function ruleFaults(rule: PostingRule, path: Path): Problem[] {
  const shapes: Shapes = postingEvents[rule.event];
  const problems = descriptionFaults(rule, shapes, path);
  rule.postings.forEach((posting, n) => {
    problems.push(...postingFaults(posting, rule.event, shapes, [...path, 'postings', n]));
  });
  // What cannot be read says nothing of the sums.
  return problems.length > 0 ? problems : balanceFaults(rule, shapes, path);
}

function descriptionFaults({ description, event }: PostingRule, shapes: Shapes, path: Path): Problem[] {
  const at = [...path, 'description'];
  const named = [...description.matchAll(/\{([^{}]*)\}/g)].map(([, fact = '']) => fact);
  if (/[{}]/.test(description.replace(/\{[^{}]*\}/g, '')))
    return [problem('MALFORMED_DESCRIPTION', 'A brace has no other', at)];
  return named
    .filter((fact) => !Object.hasOwn(shapes, fact) || isFactList(shapes[fact] as FactShape))
    .map((fact) => problem('UNKNOWN_FACT', `${event} has no fact ${fact} to be told`, at));
}

function postingFaults(posting: RulePosting, event: string, shapes: Shapes, path: Path): Problem[] {
  const problems: Problem[] = [];
  const { account, asset, amount, each, when } = posting;
  const fault = (code: string, message: string, field: string) =>
    problems.push(problem(code, message, [...path, field]));
  const listOf = (name: string): Readonly<Record<string, FactType>> | undefined => {
    const shape = Object.hasOwn(shapes, name) ? shapes[name] : undefined;
    return shape !== undefined && isFactList(shape) ? shape : undefined;
  };
  if (each !== undefined && !listOf(each)) fault('UNKNOWN_FACT', `${event} has no list ${each}`, 'each');
  /** A list's fact belongs to a posting of each member; elsewhere only its sum has a meaning. */
  const expect = (fact: string, types: readonly FactType[], field: string, isSum: boolean): void => {
    const { list, name } = splitFact(fact);
    const known = list === undefined ? (Object.hasOwn(shapes, name) ? shapes[name] : undefined) : listOf(list)?.[name];
    if (known === undefined) fault('UNKNOWN_FACT', `${event} has no fact ${fact}`, field);
    else if (typeof known !== 'string' || !types.includes(known))
      fault('WRONG_FACT', `${fact} is no ${types.join(' or ')}`, field);
    else if (list !== undefined && each !== list && !(isSum && each === undefined))
      fault('LIST_NOT_NAMED', `${fact} is told of each of ${list}: the posting says "each": "${list}"`, field);
    else if (isSum && list === undefined && each !== undefined)
      fault('COUNTED_TWICE', `${fact} is told once and would be booked for each of ${each}`, field);
  };
  if (typeof account === 'string') expect(account, ['account'], 'account', false);
  expect(asset, assetTypes, 'asset', false);
  const terms = readAmount(amount);
  if (!terms) fault('MALFORMED_AMOUNT', 'An amount is facts with + and - between them', 'amount');
  for (const { fact } of terms ?? []) expect(fact, ['amount'], 'amount', true);
  if (when !== undefined) {
    const shape = Object.hasOwn(shapes, when.fact) ? shapes[when.fact] : undefined;
    const value = valueOf(when);
    if (shape === undefined) fault('UNKNOWN_FACT', `${event} has no fact ${when.fact}`, 'when');
    else if (isFactList(shape) || shape === 'amount')
      fault('WRONG_FACT', `${when.fact} is no single name or text`, 'when');
    else if (isChoice(shape) && !shape.includes(value))
      fault('UNKNOWN_VALUE', `${when.fact} is ${shape.join(' or ')}`, 'when');
  }
  return problems;
}

/** Values that the rule tells apart, and one that stands for all others. */
function casesOf({ postings }: PostingRule, shapes: Shapes): Readonly<Record<string, string>>[] | undefined {
  const values = new Map<string, Set<string>>();
  for (const { when } of postings) {
    if (when === undefined) continue;
    const shape = shapes[when.fact] as FactShape;
    const told = values.get(when.fact) ?? new Set(isChoice(shape) ? shape : []);
    if (!isChoice(shape)) told.add(valueOf(when));
    values.set(when.fact, told);
  }
  for (const [fact, told] of values) {
    let other = 'any other';
    while (told.has(other)) other += ' value';
    if (!isChoice(shapes[fact] as FactShape)) told.add(other);
  }
  let cases: Readonly<Record<string, string>>[] = [{}];
  for (const [fact, told] of values) {
    if (cases.length * told.size > casesMax) return undefined;
    cases = cases.flatMap((one) => [...told].map((value) => ({ ...one, [fact]: value })));
  }
  return cases;
}

function balanceFaults(rule: PostingRule, shapes: Shapes, path: Path): Problem[] {
  const cases = casesOf(rule, shapes);
  const at = [...path, 'postings'];
  if (!cases) return [problem('TOO_MANY_CASES', `The conditions make more than ${casesMax} cases`, at)];
  const problems = new Map<string, Problem>();
  for (const one of cases) {
    const active = rule.postings.filter(({ when }) => applies(when, one));
    const where = Object.entries(one)
      .map(([fact, value]) => `${fact} ${value}`)
      .join(', ');
    const inCase = where === '' ? '' : `, with ${where}`;
    if (active.length < 2) {
      const message = `An entry has at least two postings${inCase}`;
      problems.set(message, problem('TOO_FEW_POSTINGS', message, at));
    }
    for (const [asset, facts] of sumsOf(active)) {
      const left = [...facts].filter(([, times]) => times !== 0n).map(([fact, times]) => `${times} × ${fact}`);
      if (left.length === 0) continue;
      const message = `In ${asset} debits less credits are ${left.join(' and ')}${inCase}`;
      problems.set(message, problem('NOT_BALANCED', message, at));
    }
  }
  return [...problems.values()];
}

/**
 * How often each fact is debited less how often it is credited, in each asset. A fact of a list is one symbol: its sum
 * over the list, or the same sum made of postings for each member.
 */
function sumsOf(postings: readonly RulePosting[]): Map<string, Map<string, bigint>> {
  const sums = new Map<string, Map<string, bigint>>();
  for (const { asset, side, amount } of postings) {
    const ofAsset = sums.get(asset) ?? new Map<string, bigint>();
    sums.set(asset, ofAsset);
    for (const { fact, sign } of readAmount(amount) ?? [])
      ofAsset.set(fact, (ofAsset.get(fact) ?? 0n) + (side === 'DEBIT' ? sign : -sign));
  }
  return sums;
}
