import { describe, expect, it } from '@jest/globals';
import { checkTask, checkTemplate, circleOf, type KnownTask, type TemplateTask } from './close-calendar.js';

const task = (code: string, dependsOn: string[] = [], more: Partial<KnownTask> = {}): KnownTask => ({
  code,
  name: `Do ${code}`,
  check: null,
  appliesTo: 'ALL',
  ownerTeam: 'finance',
  owner: null,
  dueDay: 1,
  dependsOn,
  isMandatory: true,
  needsEvidence: false,
  needsReview: false,
  state: 'OPEN',
  preparedBy: null,
  ...more,
});
const codes = (tasks: readonly TemplateTask[]) =>
  checkTemplate(tasks).map(({ code, path }) => `${code} ${path.join('.')}`);

describe('a template of the close', () => {
  it.each([
    ['one after the other', [task('A'), task('B', ['A']), task('C', ['A', 'B'])], []],
    ['a task that waits for itself', [task('A', ['A'])], ['CLOSE_TASK_CYCLE tasks.0.dependsOn']],
    [
      'three in a circle behind one',
      [task('D', ['A']), task('A', ['B']), task('B', ['C']), task('C', ['A'])],
      ['CLOSE_TASK_CYCLE tasks.1.dependsOn'],
    ],
    ['a task that is not there', [task('A', ['Z'])], ['CLOSE_TASK_NOT_FOUND tasks.0.dependsOn.0']],
    ['a code that stands twice', [task('A'), task('A')], ['DUPLICATE_CODE tasks.1.code']],
    [
      'a check that asks for a person',
      [task('A', [], { check: 'DAYS_CLOSED', needsReview: true })],
      ['CHECK_NEEDS_NOBODY tasks.0.check'],
    ],
    [
      'a task of the month that waits for one of the year',
      [task('A', [], { appliesTo: 'ADJUSTMENT' }), task('B', ['A'], { appliesTo: 'MONTH' })],
      ['CLOSE_TASK_NOT_IN_PERIOD tasks.1.dependsOn.0'],
    ],
    [
      'all at once',
      [task('a b', ['Z']), task('B', ['B'])],
      ['CODE_MALFORMED tasks.0.code', 'CLOSE_TASK_NOT_FOUND tasks.0.dependsOn.0', 'CLOSE_TASK_CYCLE tasks.1.dependsOn'],
    ],
  ])('%s', (_, tasks, expected) => {
    const shaped = tasks.map((one) => (one.code === 'A' ? { ...one, code: 'A1' } : one));
    const named = shaped.map((one) => ({
      ...one,
      code: one.code.length === 1 ? `${one.code}1` : one.code,
      dependsOn: one.dependsOn.map((code) => `${code}1`),
    }));
    expect(codes(named)).toEqual(expected);
  });

  it('tells the way of a circle', () => {
    expect(circleOf([task('D', ['A']), task('A', ['B']), task('B', ['A'])])).toEqual(['A', 'B', 'A']);
  });
});

describe('a sign-off', () => {
  const review = { needsReview: true, needsEvidence: true, owner: 'person:anna' };
  it.each([
    ['by its owner, after another prepared it', { ...review, preparedBy: 'person:ben' }, 'person:anna', 1, []],
    ['by somebody else', { ...review, preparedBy: 'person:ben' }, 'person:carl', 1, ['NOT_THE_OWNER']],
    ['by who prepared it', { ...review, preparedBy: 'person:anna' }, 'person:anna', 1, ['SECOND_PERSON_NEEDED']],
    ['of what nobody prepared', review, 'person:anna', 1, ['CLOSE_TASK_NOT_PREPARED']],
    ['without evidence', { ...review, preparedBy: 'person:ben' }, 'person:anna', 0, ['EVIDENCE_MISSING']],
    ['of what is done', { state: 'DONE' as const }, 'person:anna', 0, ['CLOSE_TASK_DONE']],
    ['of a check', { check: 'DAYS_CLOSED' as const }, 'person:anna', 0, ['CLOSE_TASK_AUTOMATIC']],
    ['before the task it waits for', { dependsOn: ['B'] }, 'person:anna', 0, ['CLOSE_TASK_WAITS']],
  ])('%s', (_, more, by, evidence, expected) => {
    const found = checkTask(task('A', [], more), [{ code: 'B', state: 'OPEN' }], 'SIGN_OFF', { by, evidence });
    expect(found.map(({ code }) => code)).toEqual(expected);
  });
});
