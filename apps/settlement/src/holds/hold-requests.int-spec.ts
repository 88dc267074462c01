import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Transactions } from '#libs/database/index.js';
import { readCancellationRequest, readHoldRequest, writeExchange } from '#libs/iso20022/index.js';
import { itBySchemas } from '#libs/iso20022/testing.js';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { advice, idOf, sentTo } from '../instructions/for-tests.js';
import { plainJob, settlementForTests } from '../settlement-for-tests.js';
import { goodLine, seedStaticData } from '../trades/for-tests.js';

/** Two instructions that left, a hit on their counterparty after that; one is released, the other hit confirmed. */
describe('what a place is asked when compliance stops what it has', () => {
  let database: TestDatabase;
  let transactions: Transactions;
  let settlement: ReturnType<typeof settlementForTests>;
  const decided = (executionId: string, decision: 'RELEASED' | 'CONFIRMED') =>
    transactions.run((tx) =>
      settlement.answers.decided(tx, {
        alertId: 'alr_1',
        objectKind: 'INSTRUCTION',
        objectId: idOf(executionId),
        decision,
        decidedBy: 'ann',
      }),
    );
  const statusOf = async (executionId: string) =>
    (
      await database
        .pool('owner')
        .query<{ processing: string; cancellation: string }>(
          `SELECT processing_status AS processing, cancellation_status AS cancellation FROM settlement.instruction WHERE execution_id = $1`,
          [executionId],
        )
    ).rows[0];

  beforeAll(async () => {
    database = await createTestDatabase({ startsAt: '2026-11-25T10:00:00Z' });
    transactions = database.transactions('settlement');
    await seedStaticData(transactions);
    settlement = settlementForTests(transactions);
    await settlement.folders.prepare();
    const lines = ['E-1', 'E-2'].map((executionId) => goodLine({ executionId, counterparty: 'NGCP24' }));
    await transactions.run((tx) => settlement.trades.capture(tx, lines, { fileId: null, capturedBy: 'tester' }));
    await database.pool('owner').query(`UPDATE settlement.trade SET state = 'AFFIRMED', is_confirmed = true`);
    await settlement.day.runPhase(
      {
        phaseRunId: 'run_1',
        book: 'NGEU',
        businessDate: '2026-11-25',
        barrierSequence: '1',
        phase: 'INSTRUCT',
        cycle: 1,
      },
      plainJob(transactions).job,
    );
    await transactions.run((tx) =>
      settlement.answers.partyHeld(tx, { partyId: 'PNGCP24', alertId: 'alr_1', listVersionId: 'lst_1' }),
    );
    await decided('E-1', 'RELEASED');
    await decided('E-2', 'CONFIRMED');
    await settlement.writer.writeAll();
  });
  afterAll(() => database.drop());

  it('to hold both, to let the released one go on, to cancel the other', async () => {
    const messages = sentTo(settlement.root, 'T2S');
    const holds = messages
      .filter(({ type }) => type.startsWith('sese.030'))
      .map(({ document }) => readHoldRequest(document));
    expect(holds.map((one) => one.ok && [...one.value.transactionIds, one.value.isHeld]).sort()).toEqual(
      [
        [idOf('E-1'), true],
        [idOf('E-2'), true],
        [idOf('E-1'), false],
      ].sort(),
    );
    const cancels = messages.filter(({ type }) => type.startsWith('sese.020'));
    expect(cancels.map(({ document }) => readCancellationRequest(document))).toEqual([
      { ok: true, value: { transactionId: idOf('E-2'), direction: 'RECE', payment: 'APMT' } },
    ]);
    expect(await statusOf('E-2')).toMatchObject({ cancellation: 'REQUESTED' });
  });

  itBySchemas('in files that are valid by the published schemas', (schemas) => {
    const { valid, faults } = schemas.judgeFolder(join(settlement.root, 'T2S'));
    expect(faults).toEqual([]);
    expect(Object.fromEntries(valid.get('to') ?? [])).toEqual({
      'sese.020.001.07': 1,
      'sese.023.001.11': 2,
      'sese.030.001.09': 3,
    });
  });

  it('and its word that it is cancelled ends it', async () => {
    writeFileSync(
      join(settlement.root, 'T2S', 'from', 'in-1.xml'),
      writeExchange(
        [advice('a1', { transactionId: idOf('E-2'), processing: { status: 'CANCELLED', reason: 'CANI' } })].map(
          ({ id, type, document }) => ({ messageId: id, type, document }),
        ),
      ),
    );
    await settlement.reader.drain();
    expect(await statusOf('E-2')).toMatchObject({ processing: 'CANCELLED' });
    expect(await statusOf('E-1')).toMatchObject({ processing: 'SENT' });
  });
});
