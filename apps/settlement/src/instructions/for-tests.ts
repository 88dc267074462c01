import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  readExchange,
  readSettlementInstruction,
  type SettlementInstruction,
  type StatusAdvice,
  writeSettlementConfirmation,
  writeStatusAdvice,
} from '#libs/iso20022/index.js';
import { tradeIdOf } from '../trades/capture.js';
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
