import { type Type } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { type ValidationError, validateSync } from 'class-validator';
import { type Problem, problem } from '#libs/kernel/index.js';

/** Constraints whose fault has a name of its own in the catalogue; the others are spelled from the constraint. */
const codes: Record<string, string> = {
  isDefined: 'REQUIRED',
  isNotEmpty: 'REQUIRED',
  arrayNotEmpty: 'REQUIRED',
  isString: 'INVALID_TEXT',
  maxLength: 'TOO_LONG',
  minLength: 'TOO_SHORT',
  isLength: 'INVALID_LENGTH',
  arrayMaxSize: 'TOO_MANY_ITEMS',
  arrayMinSize: 'TOO_FEW_ITEMS',
  isIn: 'NOT_ALLOWED',
  isEnum: 'NOT_ALLOWED',
  matches: 'INVALID_FORMAT',
  whitelistValidation: 'UNKNOWN_FIELD',
};

const spelled = (constraint: string) =>
  `INVALID_${constraint
    .replace(/^is/, '')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toUpperCase()}`;

function collect(errors: readonly ValidationError[], path: Problem['path'], problems: Problem[]): void {
  for (const error of errors) {
    const here = [...path, /^\d+$/.test(error.property) ? Number(error.property) : error.property];
    for (const [constraint, message] of Object.entries(error.constraints ?? {})) {
      const given = (error.contexts?.[constraint] as { code?: unknown } | undefined)?.code;
      const code = typeof given === 'string' ? given : (codes[constraint] ?? spelled(constraint));
      problems.push(problem(code, message, here));
    }
    collect(error.children ?? [], here, problems);
  }
}

const verbatimFields = new WeakMap<object, Set<string>>();

/** A field that takes a file as it came: it is stored as bytes, and whoever reads it judges its characters line by line. */
export function Verbatim(): PropertyDecorator {
  return (target, field) => {
    const fields = verbatimFields.get(target.constructor) ?? new Set<string>();
    verbatimFields.set(target.constructor, fields.add(String(field)));
  };
}

function withoutVerbatim(type: Type, value: unknown): unknown {
  const fields = verbatimFields.get(type);
  if (fields === undefined || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => !fields.has(name)));
}

const unstorable = /[\0\p{Surrogate}]/u;

/** What no column holds: U+0000, and halves of a surrogate pair that stand alone. */
function collectUnstorable(value: unknown, path: Problem['path'], problems: Problem[]): void {
  if (typeof value === 'string') {
    if (unstorable.test(value))
      problems.push(problem('INVALID_TEXT', 'the text has a character that is none (U+0000 or half of a pair)', path));
  } else if (Array.isArray(value)) {
    for (const [n, one] of value.entries()) collectUnstorable(one, [...path, n], problems);
  } else if (typeof value === 'object' && value !== null)
    for (const [name, one] of Object.entries(value)) collectUnstorable(one, [...path, name], problems);
}

/**
 * Every fault of the input at once. The code of a fault is the decorator's
 * `context: { code: 'INVALID_ISIN' }` when it has one.
 */
export function validateInput<T extends object>(type: Type<T>, value: unknown): Problem[] {
  const instance = plainToInstance(type, value ?? {}, { enableImplicitConversion: false });
  const problems: Problem[] = [];
  collect(
    validateSync(instance, {
      whitelist: true,
      forbidUnknownValues: false,
      stopAtFirstError: false,
      validationError: { target: false, value: false },
    }),
    [],
    problems,
  );
  collectUnstorable(withoutVerbatim(type, value), [], problems);
  return problems;
}

/** The faults of a call that carries many items and answers each. */
export interface BulkFaults {
  /** Of the call as a whole: nothing of it is done. */
  readonly problems: readonly Problem[];
  /** Of single items, by their place and with paths from the item: the others are none the worse. */
  readonly ofItems: ReadonlyMap<number, readonly Problem[]>;
}

/** As `validateInput`, for an input whose `field` has items that are answered one by one. */
export function validateItems<T extends object>(type: Type<T>, field: keyof T & string, value: unknown): BulkFaults {
  const problems: Problem[] = [];
  const ofItems = new Map<number, Problem[]>();
  for (const fault of validateInput(type, value)) {
    const [first, n, ...path] = fault.path;
    if (first !== field || typeof n !== 'number') problems.push(fault);
    else ofItems.set(n, [...(ofItems.get(n) ?? []), { ...fault, path }]);
  }
  return { problems, ofItems };
}

/** Works on the items without faults, and answers all of them in their order. */
export async function answerItems<Item, Answer>(
  items: readonly Item[],
  { ofItems }: BulkFaults,
  work: (sound: Item[]) => Promise<readonly Answer[]>,
  faulty: (problems: Problem[]) => Answer,
): Promise<Answer[]> {
  const sound = items.filter((_, n) => !ofItems.has(n));
  const answers = (sound.length === 0 ? [] : await work(sound)).values();
  return items.map((_, n) => {
    const faults = ofItems.get(n);
    if (faults !== undefined) return faulty([...faults]);
    const next = answers.next();
    if (next.done) throw new Error(`item ${n} has no answer`);
    return next.value;
  });
}

/** Each answer with the place of its item in the paths of its problems. */
export function atItems<Answer extends { readonly problems: readonly Problem[] }>(
  field: string,
  answers: readonly Answer[],
): (Omit<Answer, 'problems'> & { problems: Problem[] })[] {
  return answers.map((answer, n) => ({
    ...answer,
    problems: answer.problems.map((one) => ({ ...one, path: [field, n, ...one.path] })),
  }));
}
