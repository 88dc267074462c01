import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { type Transactions } from '#libs/database/index.js';
import {
  readExchange,
  readSettlementInstruction,
  type SettlementInstruction,
  type StatusAdvice,
  writeSettlementConfirmation,
  writeStatusAdvice,
} from '#libs/iso20022/index.js';
import { type TestDatabase } from '#libs/testing/index.js';
import { type settlementForTests } from '../settlement-for-tests.js';
import { tradeIdOf } from '../trades/capture.js';
import { goodLine } from '../trades/for-tests.js';
import { type RawTradeLine } from '../trades/trade-line.js';
import { instructionIdOf } from './instruction.js';

// What the tests of instructions say and read as the place of settlement.

export const idOf = (executionId: string) => instructionIdOf(tradeIdOf('OMS-EU', executionId));

/** The messages that lie in the folder of a channel, in order. */
export function sentTo(root: string, channel: string) {
  return readdirSync(join(root, channel, 'to'))
    .filter((name) => name.endsWith('.xml'))
    .sort()
    .flatMap((name) => {
      const read = readExchange(readFileSync(join(root, channel, 'to', name)), name);
      if (!read.ok) throw new Error(JSON.stringify(read.problems));
      return read.value;
    });
}

export function instructionsSentTo(root: string, channel: string): SettlementInstruction[] {
  return sentTo(root, channel)
    .filter(({ type }) => type.startsWith('sese.023'))
    .map(({ document }) => {
      const read = readSettlementInstruction(document);
      if (!read.ok) throw new Error(JSON.stringify(read.problems));
      return read.value;
    });
}

export const advice = (id: string, given: StatusAdvice) => ({
  id,
  type: 'sese.024.001.12',
  document: writeStatusAdvice(given),
});

export const confirms = (
  id: string,
  executionId: string,
  quantity: string,
  amountMinor: bigint,
  change: object = {},
) => ({
  id,
  type: 'sese.025.001.11',
  document: writeSettlementConfirmation({
    transactionId: idOf(executionId),
    direction: 'RECE',
    payment: 'APMT',
    effectiveDate: '2026-11-25',
    isin: 'DE0007164600',
    settledQuantity: { kind: 'UNIT', text: quantity },
    settledAmount: { currency: 'EUR', amountMinor },
    ...change,
  }),
});

/** Affirmed trades, as an import or a confirmation would leave them. */
export async function affirmTrades(
  database: TestDatabase,
  transactions: Transactions,
  trades: ReturnType<typeof settlementForTests>['trades'],
  lines: readonly Partial<RawTradeLine>[],
): Promise<void> {
  const outcomes = await transactions.run((tx) =>
    trades.capture(
      tx,
      lines.map((line) => goodLine({ settlementDate: '2026-11-27', ...line })),
      { fileId: null, capturedBy: 'tester' },
    ),
  );
  expect(outcomes.map(({ outcome, problems }) => [outcome, problems])).toEqual(lines.map(() => ['CAPTURED', []]));
  await database
    .pool('owner')
    .query(`UPDATE settlement.trade SET state = 'AFFIRMED', is_confirmed = true WHERE state <> 'AFFIRMED'`);
}

/** Processing, matching and settlement status with reason, and what has settled. */
export async function statusOf(
  database: TestDatabase,
  executionId: string,
): Promise<Record<string, unknown> | undefined> {
  const { rows } = await database.pool('owner').query<Record<string, unknown>>(
    `SELECT processing_status AS p, matching_status AS m, settlement_status AS s, reason_code AS r, settled_quantity_units AS q, settled_amount_minor AS a
       FROM settlement.instruction WHERE execution_id = $1`,
    [executionId],
  );
  return rows[0];
}
