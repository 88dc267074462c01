import { type PlainDate } from '#libs/calendar/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { type NewWorkItem } from '#libs/work-items/index.js';
import { type DueTimes } from '../calendars/due-times.js';
import { type Instruction, type Piece } from './instruction.js';
import { isEnded } from './instruction-status.js';

const operations = 'settlement-operations';
/** By this hour of the book's next business day somebody has talked to the other side: before the place's next cycles. */
const dueHour = '10:00';

export const exceptionKeys = (instructionId: string): string[] =>
  ['fail', 'partial', 'unmatched'].map((kind) => `${kind}:${instructionId}`);

const nextActions: Readonly<Record<string, string>> = {
  LACK: 'Find the securities: borrow, buy in or recall what is lent',
  CLAC: 'Ask the counterparty when it delivers',
  MONY: 'Have the client fund the account',
  CMON: 'Ask the counterparty when it funds its account',
  PRCY: 'Ask the counterparty to release its instruction',
  SBLO: 'Follow the suspension of the instrument with the place',
  CMIS: 'Ask the counterparty to send its instruction',
  DMON: 'Agree on the amount with the counterparty, then cancel and instruct again',
  SAFE: 'Correct the account, then instruct again',
  DEPT: 'Correct the depository, then instruct again',
};

/** Who must do what about an instruction that has not settled; nothing for one that compliance holds, which has its alert. */
export function exceptionOf(
  instruction: Instruction,
  dueTimes: DueTimes,
  businessDate: PlainDate = instruction.settlementDate,
): NewWorkItem | undefined {
  const { status, reason } = instruction.statused;
  if (status.settlement === 'SETTLED' || status.processing === 'CANCELLED') return undefined;
  if (instruction.isComplianceHeld && status.processing !== 'REJECTED') return undefined;
  const category =
    status.processing === 'REJECTED' || status.matching === 'UNMATCHED'
      ? ('UNMATCHED' as const)
      : status.settlement === 'PARTIAL'
        ? ('PARTIAL' as const)
        : ('FAIL' as const);
  const reasonCode = reason ?? (status.matching === 'NONE' ? 'NORE' : 'OTHR');
  const openMinor = instruction.amountMinor - instruction.settledAmountMinor;
  return {
    key: `${category.toLowerCase()}:${instruction.instructionId}`,
    kind: `INSTRUCTION_${category}`,
    category,
    objectKind: 'INSTRUCTION',
    objectId: instruction.instructionId,
    reference: instruction.executionId,
    reasonCode,
    bookId: instruction.bookId,
    valueAtRisk: { currency: instruction.currency, amountMinor: openMinor > 0n ? openMinor : 0n },
    ownerTeam: operations,
    dueAt: dueTimes.onNextBusinessDay(
      instruction.bookId,
      businessDate > instruction.settlementDate ? businessDate : instruction.settlementDate,
      dueHour,
    ),
    nextAction: nextActions[reasonCode] ?? 'Ask the place why it has not settled',
  };
}

export function cancellationItem(instruction: Instruction, alertId: string, dueAt: Date): NewWorkItem {
  return {
    key: `cancellation:${instruction.instructionId}`,
    kind: 'INSTRUCTION_STOPPED_AFTER_SENDING',
    category: 'CANCELLATION',
    objectKind: 'INSTRUCTION',
    objectId: instruction.instructionId,
    reference: instruction.executionId,
    reasonCode: 'COMPLIANCE_HOLD',
    bookId: instruction.bookId,
    valueAtRisk: { currency: instruction.currency, amountMinor: instruction.amountMinor },
    ownerTeam: operations,
    dueAt,
    nextAction: `See that ${instruction.placeId} holds the instruction (alert ${alertId}); cancel it if the hit is confirmed`,
  };
}

export function wrongConfirmation(
  instruction: Instruction,
  key: string,
  faults: readonly Problem[],
  dueAt: Date,
): NewWorkItem {
  return {
    key,
    kind: 'CONFIRMATION_NOT_BOOKED',
    category: 'OTHER',
    objectKind: 'INSTRUCTION',
    objectId: instruction.instructionId,
    reference: instruction.executionId,
    reasonCode: faults[0]?.code ?? 'REFUSED',
    bookId: instruction.bookId,
    valueAtRisk: { currency: instruction.currency, amountMinor: instruction.amountMinor },
    ownerTeam: operations,
    dueAt,
    nextAction: 'Compare the confirmation with the place, then have the fact booked by hand',
  };
}

/** More came than was instructed; it is booked, and somebody finds out whose it is. */
export function excessItem(
  instruction: Instruction,
  excess: Piece & { readonly entryKey: string },
  dueAt: Date,
): NewWorkItem {
  return {
    key: excess.entryKey,
    kind: 'CONFIRMED_ABOVE_INSTRUCTED',
    category: 'OTHER',
    objectKind: 'INSTRUCTION',
    objectId: instruction.instructionId,
    reference: instruction.executionId,
    reasonCode: isEnded(instruction.statused.status) ? 'ALREADY_ENDED' : 'EXCEEDS_INSTRUCTION',
    bookId: instruction.bookId,
    valueAtRisk: {
      currency: instruction.currency,
      amountMinor:
        excess.amountMinor > 0n
          ? excess.amountMinor
          : (instruction.amountMinor * excess.quantityUnits) / instruction.quantityUnits,
    },
    ownerTeam: operations,
    dueAt,
    nextAction: `Find out with ${instruction.placeId} whose the excess is, then return it or book it from SUSPENSE to its owner`,
  };
}
