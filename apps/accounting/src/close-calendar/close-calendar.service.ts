import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { addBusinessDays } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { type Problem, problem } from '#libs/kernel/index.js';
import { WorkItems, workItemIdOf } from '#libs/work-items/index.js';
import { calendarOfBook, cutOffOfBook } from '../business-days/books.js';
import { BusinessDays } from '../business-days/business-days.service.js';
import { DayCalendarsService } from '../business-days/day-calendars.service.js';
import { type PeriodRow } from '../periods/periods.js';
import { noPeriod, Periods } from '../periods/periods.service.js';
import { type CloseCheck, checkTask, checkTemplate, openMandatory, type TemplateTask } from './close-calendar.js';
import { CloseCalendarRepository, type CloseTaskRow, type Evidence } from './close-calendar.repository.js';

const machine = 'service:accounting';

/** Whether a check holds for a period, with what it looked at. */
type Check = (tx: Tx, period: PeriodRow) => Promise<{ holds: boolean; found: string }>;

/** The tasks of a close, from the soft close of a period to its hard close. */
@Injectable()
export class CloseCalendar implements OnModuleInit {
  private readonly checks = new Map<CloseCheck, Check>();

  constructor(
    private readonly repository: CloseCalendarRepository,
    private readonly periods: Periods,
    private readonly calendars: DayCalendarsService,
    private readonly days: BusinessDays,
    private readonly workItems: WorkItems,
    private readonly audit: AuditTrail,
  ) {}

  onModuleInit(): void {
    this.withCheck('DAYS_CLOSED', async (tx, { book, period, kind }) => {
      const open = await this.repository.daysOpen(tx, book, period, kind);
      return { holds: open === 0, found: `${open} business dates are open` };
    });
    this.withCheck('CONTROL_TOTALS', async (tx, { book }) => {
      const { compared, differences } = await this.days.controlTotals(tx, book);
      return { holds: differences.length === 0, found: `${compared} totals, ${differences.length} differences` };
    });
    this.periods.whenChanged((tx, period, by) => this.periodChanged(tx, period, by));
    this.periods.withHardClose({
      check: async (tx, period) => {
        await this.runChecks(tx, period);
        const tasks = await this.repository.tasks(tx, period.book, period.period);
        return [...openMandatory(tasks), ...(await this.brokenSince(tx, period, tasks))];
      },
    });
  }

  withCheck(name: CloseCheck, check: Check): void {
    this.checks.set(name, check);
  }

  async storeTemplate(
    tx: Tx,
    asked: { book: string; tasks: readonly TemplateTask[]; reason: string },
    by: string,
  ): Promise<{ version?: number; problems: Problem[] }> {
    const { book, tasks, reason } = asked;
    const problems = checkTemplate(tasks);
    if (problems.length > 0) return { problems };
    const version = await this.repository.store(tx, book, tasks, reason, by);
    await this.audit.append(tx, {
      action: 'CLOSE_TEMPLATE_STORED',
      objectKind: 'CLOSE_TEMPLATE',
      objectId: `${book}/close-template`,
      bookId: book,
      principal: by,
      reason,
      after: { version, tasks: tasks.map(({ code }) => code) },
    });
    return { version, problems };
  }

  /** One step of a task by a person; every fault at once. */
  async step(
    tx: Tx,
    asked: { book: string; period: string; task: string; evidence: readonly Evidence[] },
    step: 'PREPARE' | 'SIGN_OFF',
    by: string,
  ): Promise<{ task?: CloseTaskRow; problems: Problem[] }> {
    const { book, evidence } = asked;
    const period = await this.periods.find(tx, book, asked.period);
    if (!period) return { problems: [noPeriod(book, asked.period)] };
    // Whoever hard closes it waits for us, or we for them.
    if ((await this.periods.take(tx, book, asked.period)) === 'HARD_CLOSED')
      return { problems: [problem('PERIOD_CLOSED', `${asked.period} is hard closed: its tasks stay`, ['period'])] };
    await this.runChecks(tx, period);
    const tasks = await this.repository.tasks(tx, book, asked.period);
    const task = tasks.find(({ code }) => code === asked.task);
    if (!task)
      return { problems: [problem('CLOSE_TASK_NOT_FOUND', `${asked.period} has no task ${asked.task}`, ['task'])] };
    // What was shown when it was prepared stays with it.
    const shown = step === 'SIGN_OFF' ? [...task.evidence, ...evidence] : evidence;
    const problems = checkTask(task, tasks, step, { by, evidence: shown.length });
    if (problems.length > 0) return { problems };
    if (step === 'PREPARE') await this.repository.prepare(tx, task, shown, by);
    else await this.repository.sign(tx, task, shown, by);
    await this.audit.append(tx, {
      action: step === 'PREPARE' ? 'CLOSE_TASK_PREPARED' : 'CLOSE_TASK_SIGNED_OFF',
      objectKind: 'CLOSE_TASK',
      objectId: idOf(task),
      bookId: book,
      principal: by,
      after: { evidence: shown },
    });
    if (step === 'SIGN_OFF') await this.runChecks(tx, period);
    await this.seeToWork(tx, period, by);
    return {
      task: (await this.repository.tasks(tx, book, asked.period)).find(({ code }) => code === asked.task),
      problems,
    };
  }

  /** Tasks of checks are done as soon as those hold and all before them is done. */
  async runChecks(tx: Tx, period: PeriodRow): Promise<void> {
    for (let isMoving = true; isMoving;) {
      isMoving = false;
      const tasks = await this.repository.tasks(tx, period.book, period.period);
      for (const task of tasks) {
        if (task.check === null || task.state === 'DONE' || waitsFor(task, tasks).length > 0) continue;
        const check = this.checks.get(task.check);
        if (!check) continue;
        const { holds, found } = await check(tx, period);
        if (!holds) continue;
        await this.repository.sign(tx, task, [{ kind: 'TEXT', value: found }], machine);
        isMoving = true;
        break;
      }
    }
    await this.seeToWork(tx, period, machine);
  }

  /** A check that held when its task was done holds at the end too. */
  private async brokenSince(tx: Tx, period: PeriodRow, tasks: readonly CloseTaskRow[]): Promise<Problem[]> {
    const problems: Problem[] = [];
    for (const { code, check: name, state, isMandatory } of tasks) {
      const check = name === null || state !== 'DONE' || !isMandatory ? undefined : this.checks.get(name);
      const result = await check?.(tx, period);
      if (result && !result.holds)
        problems.push(problem('CLOSE_TASKS_OPEN', `${code} does not hold any more: ${result.found}`, ['period'], true));
    }
    return problems;
  }

  private async periodChanged(tx: Tx, period: PeriodRow, by: string): Promise<void> {
    if (period.state === 'HARD_CLOSED' || period.state === 'OPEN') return this.seeToWork(tx, period, by);
    // Hard closed before: its tasks are done again. Soft closed for the first time: they begin.
    if ((await this.repository.tasks(tx, period.book, period.period)).length > 0)
      await this.repository.openAgain(tx, period.book, period.period);
    else await this.begin(tx, period);
    await this.runChecks(tx, period);
  }

  private async begin(tx: Tx, { book, period, kind, lastDate }: PeriodRow): Promise<void> {
    const template = await this.repository.template(tx, book);
    if (!template) return;
    const calendars = await this.calendars.current(tx);
    const tasks = template.tasks.filter(({ appliesTo }) => appliesTo === 'ALL' || appliesTo === kind);
    const due = tasks.map(({ code, dueDay }) => {
      const date = addBusinessDays(calendarOfBook(book, calendars), lastDate, dueDay);
      return { code, dueAt: cutOffOfBook(book, date, calendars).plannedAt };
    });
    await this.repository.begin(tx, book, period, template.version, due);
  }

  /** A task that can be worked is somebody's work; one that is done, or whose period is open, is not. */
  private async seeToWork(tx: Tx, period: PeriodRow, by: string): Promise<void> {
    const tasks = await this.repository.tasks(tx, period.book, period.period);
    const isUnderWay = period.state !== 'OPEN';
    const workable = tasks.filter((task) => isUnderWay && task.state !== 'DONE' && waitsFor(task, tasks).length === 0);
    await this.workItems.openAgain(
      tx,
      workable.map((task) => ({
        key: workKeyOf(task),
        kind: 'CLOSE_TASK',
        category: 'OTHER' as const,
        objectKind: 'CLOSE_TASK',
        objectId: idOf(task),
        reference: `${task.period} ${task.code}`,
        reasonCode: task.check ?? 'CLOSE_TASK_OPEN',
        bookId: task.book,
        ownerTeam: task.ownerTeam,
        dueAt: task.dueAt,
        nextAction: `${task.state === 'PREPARED' ? 'Review and sign off' : task.check === null ? 'Do and sign off' : 'Put right what the check finds'}: ${task.name}`,
      })),
      by,
    );
    for (const task of workable) if (task.owner !== null) await this.assignOnce(tx, task, task.owner);
    await this.workItems.closeMany(
      tx,
      tasks.filter((task) => !workable.includes(task)).map(workKeyOf),
      isUnderWay ? 'the task is done' : 'the period is open',
      by,
    );
  }

  private async assignOnce(tx: Tx, task: CloseTaskRow, owner: string): Promise<void> {
    const id = workItemIdOf(workKeyOf(task));
    const item = await this.workItems.find(tx, id);
    if (item && item.assignee === null) await this.workItems.assign(tx, id, owner, 'the owner of the task', machine);
  }
}

const idOf = ({ book, period, code }: CloseTaskRow): string => `${book}/${period}/${code}`;
const workKeyOf = (task: CloseTaskRow): string => `close-task:${idOf(task)}`;
const waitsFor = (task: CloseTaskRow, tasks: readonly CloseTaskRow[]): CloseTaskRow[] =>
  tasks.filter(({ code, state }) => task.dependsOn.includes(code) && state !== 'DONE');
