import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type DayPhase } from '#libs/contracts/index.js';
import { waitFor } from '#libs/testing/index.js';
import { CutOver } from '../cut-over/cut-over.service.js';
import { type ServiceUnderTest, startService } from '../testing/service.js';
import { BusinessDays } from './business-days.service.js';

let service: ServiceUnderTest;
const operations = { role: 'operations' as const };

const open = (book: string) =>
  service.mutate('openBusinessDay', 'OpenBusinessDayInput', { book, businessDate: '2026-11-25' }, '', operations);
const extension = (revisedCutOffAt: string, more: object = {}) => ({
  ...{ book: 'NGEU', businessDate: '2026-11-25', revisedCutOffAt, reason: 'TARGET runs late', idempotencyKey: 'k-1' },
  ...more,
});
const extend = (input: object, as: object = operations) =>
  service.mutate<{ businessDay: object | null; replayed: boolean }>(
    'extendCutOff',
    'ExtendCutOffInput',
    input,
    'replayed businessDay { plannedCutOffAt revisedCutOffAt effectiveCutOffAt cutOffRevisionReason cutOffRevisedBy }',
    as,
  );
const codesOf = async (input: object, as?: object) =>
  (await extend(input, as)).problems.map(({ code, path }) => `${code} ${path ?? ''}`);
const ask = (phase: DayPhase) =>
  service.mutate<{ phaseRun: { id: string; state: string } | null }>(
    'runBusinessDayPhase',
    'RunBusinessDayPhaseInput',
    { book: 'NGEU', phase, cycle: 1 },
    'phaseRun { id state }',
    operations,
  );
const owner = async (sql: string) => {
  const client = await service.database.pool('owner').connect();
  try {
    // What a table does in the name of its owner is done for the books that are seen.
    await client.query(`SELECT set_config('app.books', '*', false)`);
    return (await client.query(sql)).rows as Record<string, unknown>[];
  } finally {
    client.release();
  }
};
async function settlementWorks(phase: DayPhase): Promise<void> {
  const { phaseRun, problems } = await ask(phase);
  expect(problems).toEqual([]);
  await service.othersHeard();
  await waitFor(
    async () =>
      (await owner(`SELECT 1 FROM accounting.phase_run WHERE state = 'RUNNING' AND phase = '${phase}'`)).length === 1,
    { what: phase },
  );
  await service.run((tx) => service.app.get(BusinessDays, { strict: false }).complete(tx, phaseRun!.id, {}, []));
  await service.othersHeard();
}

beforeAll(async () => {
  service = await startService();
  await service.run((tx) =>
    service.app
      .get(CutOver, { strict: false })
      .sign(tx, { importId: 'imp_1', books: ['NGEU', 'NGUS'], signedBy: ['ann', 'bob'] }),
  );
  for (const book of ['NGEU', 'NGUS']) expect((await open(book)).problems).toEqual([]);
});
afterAll(() => service.stop());

describe('the cut-off of an open date', () => {
  it('is put off only: never into the past, never before the planned hour, never past the date after it', async () => {
    expect(await codesOf(extension('2026-11-25T05:59:00Z'))).toEqual([
      'NOT_AN_EXTENSION revisedCutOffAt',
      'CUT_OFF_IN_THE_PAST revisedCutOffAt',
    ]);
    const one = (at: string, more: object = {}) =>
      codesOf(extension(at, { idempotencyKey: `${at} ${JSON.stringify(more)}`, ...more }));
    expect(await one('2026-11-25T17:00:00Z')).toEqual(['NOT_AN_EXTENSION revisedCutOffAt']);
    expect(await one('2026-11-26T17:00:00Z')).toEqual(['CUT_OFF_OUT_OF_ORDER revisedCutOffAt']);
    expect(await one('2026-11-26T17:00:00Z', { businessDate: '2026-11-26' })).toEqual(['DAY_NOT_OPEN businessDate']);
    expect(await one('2026-11-25T18:00:00Z', { reason: '', book: 'X' })).toEqual([
      'INVALID_LENGTH book',
      'TOO_SHORT reason',
    ]);
    expect(
      await codesOf(extension('2026-11-25T18:00:00Z', { idempotencyKey: 'k-9' }), { ...operations, books: ['NGUS'] }),
    ).toEqual(['BOOK_NOT_FOUND book']);
    const { errors } = await service.ask(
      'mutation($input: ExtendCutOffInput!) { extendCutOff(input: $input) { problems { code } } }',
      { input: extension('2026-11-25T18:00:00Z') },
      { role: 'controller' },
    );
    expect(errors?.[0]?.extensions?.code).toBe('FORBIDDEN');
    expect(await owner('SELECT 1 FROM accounting.business_day WHERE revised_cut_off_at IS NOT NULL')).toEqual([]);
  });

  it('is put off once per key, and the log says by whom, why, and to when', async () => {
    const input = extension('2026-11-25T18:30:00Z', { idempotencyKey: 'k-2' });
    const businessDay = {
      plannedCutOffAt: '2026-11-25T17:00:00.000Z',
      revisedCutOffAt: '2026-11-25T18:30:00.000Z',
      effectiveCutOffAt: null,
      cutOffRevisionReason: 'TARGET runs late',
      cutOffRevisedBy: 'person:operations',
    };
    expect(await extend(input)).toEqual({ businessDay, problems: [], replayed: false });
    expect(await extend(input)).toEqual({ businessDay, problems: [], replayed: true });
    expect(await codesOf({ ...input, revisedCutOffAt: '2026-11-25T19:00:00Z' })).toEqual([
      'IDEMPOTENCY_KEY_REUSED revisedCutOffAt',
    ]);
    expect(
      await owner(
        `SELECT object_id AS object, principal, reason FROM accounting.audit_leaf WHERE action = 'CUT_OFF_EXTENDED'`,
      ),
    ).toEqual([{ object: 'NGEU/2026-11-25', principal: 'person:operations', reason: 'TARGET runs late' }]);
    expect(await owner(`SELECT book_id FROM accounting.business_day WHERE revised_cut_off_at IS NOT NULL`)).toEqual([
      { book_id: 'NGEU' },
    ]);
  });

  it.each([
    [`revised_cut_off_at = planned_cut_off_at`, '23514'],
    [`revised_cut_off_at = kernel.now()`, '23001'],
    [`revised_cut_off_at = NULL, cut_off_revision_reason = NULL, cut_off_revised_by = NULL`, '23001'],
    [`cut_off_revision_reason = NULL`, '23514'],
    [`cut_off_revised_by = NULL`, '23514'],
    [`effective_cut_off_at = revised_cut_off_at - interval '1 second'`, '23514'],
    [`state = 'CLOSED', closed_at = kernel.now(), revised_cut_off_at = '2026-11-25T19:00:00Z'`, '23001'],
    [`planned_cut_off_at = NULL, cut_off_zone = NULL, cut_off_local_time = NULL`, '23514'],
  ])('is kept so by the database, also from the owner of the table: %s', async (change, code) => {
    await expect(owner(`UPDATE accounting.business_day SET ${change} WHERE book_id = 'NGEU'`)).rejects.toMatchObject({
      code,
    });
  });

  it('is kept so on a closed date, and on one that is only announced', async () => {
    for (const [state, opened] of [
      ['CLOSED', 'opened_at'],
      ['NEXT', 'NULL'],
    ])
      await expect(
        owner(`DO $$ BEGIN
          UPDATE accounting.business_day SET state = '${state}', opened_at = ${opened} WHERE book_id = 'NGUS';
          UPDATE accounting.business_day SET revised_cut_off_at = '2026-11-26T00:00:00Z', cut_off_revision_reason = 'late',
            cut_off_revised_by = 'somebody' WHERE book_id = 'NGUS';
        END $$`),
      ).rejects.toThrow(/cannot be put off/);
  });

  it('makes its phase wait for the hour it was put off to, and is not put off once that was asked for', async () => {
    for (const phase of ['START_OF_DAY', 'GATE', 'AFFIRM', 'INSTRUCT', 'SETTLE'] as const) await settlementWorks(phase);
    await service.database.setClock('2026-11-25T18:29:00Z');
    expect((await ask('CUT_OFF')).problems).toEqual([{ code: 'CUT_OFF_EXTENDED', path: 'phase' }]);
    await service.database.setClock('2026-11-25T18:30:00Z');
    expect((await ask('CUT_OFF')).problems).toEqual([]);
    expect(await codesOf(extension('2026-11-25T20:00:00Z', { idempotencyKey: 'k-3' }))).toEqual([
      'CUT_OFF_REACHED businessDate',
    ]);
    await settlementWorks('CUT_OFF');
    expect(
      await owner(
        `SELECT effective_cut_off_at >= revised_cut_off_at AS waited FROM accounting.business_day WHERE book_id = 'NGEU'`,
      ),
    ).toEqual([{ waited: true }]);
    await expect(
      owner(`UPDATE accounting.business_day SET revised_cut_off_at = '2026-11-25T20:00:00Z' WHERE book_id = 'NGEU'`),
    ).rejects.toMatchObject({ code: '23001' });
  });
});
