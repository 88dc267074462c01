import { type Problem, problem } from '#libs/kernel/index.js';

/** Tasks that need no person: they are done whenever their check holds. */
export const closeChecks = ['DAYS_CLOSED', 'CONTROL_TOTALS', 'SUSPENSE_EXPLAINED'] as const;
export type CloseCheck = (typeof closeChecks)[number];
export const taskPeriods = ['MONTH', 'ADJUSTMENT', 'ALL'] as const;

export interface TemplateTask {
  readonly code: string;
  readonly name: string;
  /** Absent on a task of a person. */
  readonly check: CloseCheck | null;
  readonly appliesTo: (typeof taskPeriods)[number];
  readonly ownerTeam: string;
  /** The person who signs it off; absent when anybody of the team does. */
  readonly owner: string | null;
  /** The business day after the end of the period on which it is due, counted from 1. */
  readonly dueDay: number;
  readonly dependsOn: readonly string[];
  readonly isMandatory: boolean;
  readonly needsEvidence: boolean;
  /** Prepared by one person, signed off by another. */
  readonly needsReview: boolean;
}

const codeShape = /^[A-Z][A-Z0-9_]{1,39}$/;

/** Everything that is wrong with a template. */
export function checkTemplate(tasks: readonly TemplateTask[]): Problem[] {
  const problems: Problem[] = [];
  const byCode = new Map(tasks.map((task) => [task.code, task]));
  tasks.forEach((task, n) => {
    const at = (field: string) => ['tasks', n, field];
    if (!codeShape.test(task.code))
      problems.push(problem('CODE_MALFORMED', `"${task.code}" is no code: capitals, digits and low lines`, at('code')));
    if (tasks.findIndex(({ code }) => code === task.code) < n)
      problems.push(problem('DUPLICATE_CODE', `${task.code} stands twice`, at('code')));
    if (task.check !== null && (task.needsEvidence || task.needsReview || task.owner !== null))
      problems.push(
        problem(
          'CHECK_NEEDS_NOBODY',
          `${task.code} is done by its check: it has no owner, evidence or review`,
          at('check'),
        ),
      );
    task.dependsOn.forEach((code, m) => {
      const needed = byCode.get(code);
      if (!needed) problems.push(problem('CLOSE_TASK_NOT_FOUND', `There is no task ${code}`, [...at('dependsOn'), m]));
      else if (needed.appliesTo !== 'ALL' && needed.appliesTo !== task.appliesTo)
        problems.push(
          problem('CLOSE_TASK_NOT_IN_PERIOD', `${code} is not a task of every period of ${task.code}`, [
            ...at('dependsOn'),
            m,
          ]),
        );
    });
  });
  const circle = circleOf(tasks);
  if (circle)
    problems.push(
      problem('CLOSE_TASK_CYCLE', `These tasks wait for one another: ${circle.join(' > ')}`, [
        'tasks',
        tasks.findIndex(({ code }) => code === circle[0]),
        'dependsOn',
      ]),
    );
  return problems;
}

/** A way over dependencies that ends where it began. */
export function circleOf(tasks: readonly Pick<TemplateTask, 'code' | 'dependsOn'>[]): string[] | undefined {
  const dependencies = new Map(tasks.map(({ code, dependsOn }) => [code, dependsOn]));
  const finished = new Set<string>();
  const visit = (code: string, way: readonly string[]): string[] | undefined => {
    const begun = way.indexOf(code);
    if (begun >= 0) return [...way.slice(begun), code];
    if (finished.has(code)) return undefined;
    for (const needed of dependencies.get(code) ?? []) {
      const circle = visit(needed, [...way, code]);
      if (circle) return circle;
    }
    finished.add(code);
    return undefined;
  };
  for (const { code } of tasks) {
    const circle = visit(code, []);
    if (circle) return circle;
  }
  return undefined;
}

export interface KnownTask extends TemplateTask {
  readonly state: 'OPEN' | 'PREPARED' | 'DONE';
  readonly preparedBy: string | null;
}

/** What stands against a step of a task; `others` are all tasks of the period. */
export function checkTask(
  task: KnownTask,
  others: readonly Pick<KnownTask, 'code' | 'state'>[],
  step: 'PREPARE' | 'SIGN_OFF',
  { by, evidence }: { by: string; evidence: number },
): Problem[] {
  const path = ['task'];
  if (task.state === 'DONE') return [problem('CLOSE_TASK_DONE', `${task.code} is done`, path)];
  if (task.check !== null) return [problem('CLOSE_TASK_AUTOMATIC', `${task.code} is done by its check`, path)];
  const problems = others
    .filter(({ code, state }) => task.dependsOn.includes(code) && state !== 'DONE')
    .map(({ code }) => problem('CLOSE_TASK_WAITS', `${task.code} waits for ${code}`, path, true));
  if (step === 'PREPARE') return problems;
  if (task.owner !== null && task.owner !== by)
    problems.push(problem('NOT_THE_OWNER', `${task.code} is signed off by ${task.owner}`, path));
  if (task.needsReview && task.preparedBy === null)
    problems.push(problem('CLOSE_TASK_NOT_PREPARED', `${task.code} is prepared by another person first`, path));
  if (task.needsReview && task.preparedBy === by)
    problems.push(problem('SECOND_PERSON_NEEDED', `Who prepared ${task.code} does not sign it off`, path));
  if (task.needsEvidence && evidence === 0)
    problems.push(problem('EVIDENCE_MISSING', `${task.code} is signed off with evidence`, ['evidence']));
  return problems;
}

export const openMandatory = (tasks: readonly KnownTask[]): Problem[] =>
  tasks
    .filter(({ state, isMandatory }) => isMandatory && state !== 'DONE')
    .map(({ code, name }) => problem('CLOSE_TASKS_OPEN', `${code} is not done: ${name}`, ['period'], true));
