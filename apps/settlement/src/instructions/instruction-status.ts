/**
 * The status of an instruction is a vector: each process has its own status and its own declared
 * transitions, as the places report them (ISO 20022 sese.024). What is not declared does not happen:
 * the rules below decide, and a trigger holds the same table against any writer.
 */
export const processes = ['PROCESSING', 'MATCHING', 'SETTLEMENT', 'CANCELLATION'] as const;
export type Process = (typeof processes)[number];

export const processingStatuses = ['CREATED', 'SENT', 'ACCEPTED', 'REJECTED', 'CANCELLED'] as const;
export const matchingStatuses = ['NONE', 'UNMATCHED', 'MATCHED'] as const;
export const settlementStatuses = ['PENDING', 'FAILING', 'PARTIAL', 'SETTLED'] as const;
export const cancellationStatuses = ['NONE', 'REQUESTED', 'CANCELLED', 'DENIED'] as const;

export type ProcessingStatus = (typeof processingStatuses)[number];
export type MatchingStatus = (typeof matchingStatuses)[number];
export type SettlementStatus = (typeof settlementStatuses)[number];
export type CancellationStatus = (typeof cancellationStatuses)[number];

export interface InstructionStatus {
  readonly processing: ProcessingStatus;
  readonly matching: MatchingStatus;
  readonly settlement: SettlementStatus;
  readonly cancellation: CancellationStatus;
}

/** From '' is how an instruction begins. */
export const declaredTransitions: Readonly<Record<Process, readonly (readonly [from: string, to: string])[]>> = {
  PROCESSING: [
    ['', 'CREATED'],
    ['CREATED', 'SENT'],
    // An internal place has no messages: its instruction is accepted by being created.
    ['CREATED', 'ACCEPTED'],
    ['CREATED', 'CANCELLED'],
    ['SENT', 'ACCEPTED'],
    ['SENT', 'REJECTED'],
    ['SENT', 'CANCELLED'],
    ['ACCEPTED', 'CANCELLED'],
  ],
  MATCHING: [
    ['', 'NONE'],
    ['NONE', 'UNMATCHED'],
    ['NONE', 'MATCHED'],
    ['UNMATCHED', 'MATCHED'],
  ],
  SETTLEMENT: [
    ['', 'PENDING'],
    ['PENDING', 'FAILING'],
    ['PENDING', 'PARTIAL'],
    ['PENDING', 'SETTLED'],
    ['FAILING', 'PARTIAL'],
    ['FAILING', 'SETTLED'],
    ['PARTIAL', 'SETTLED'],
  ],
  CANCELLATION: [
    ['', 'NONE'],
    ['NONE', 'REQUESTED'],
    ['NONE', 'CANCELLED'],
    ['REQUESTED', 'CANCELLED'],
    ['REQUESTED', 'DENIED'],
    ['DENIED', 'REQUESTED'],
  ],
};

const declared = new Set(
  processes.flatMap((process) => declaredTransitions[process].map(([from, to]) => `${process}:${from}>${to}`)),
);

export const isDeclared = (process: Process, from: string, to: string): boolean =>
  from === to || declared.has(`${process}:${from}>${to}`);

export const openingStatus: InstructionStatus = {
  processing: 'CREATED',
  matching: 'NONE',
  settlement: 'PENDING',
  cancellation: 'NONE',
};

/** Nothing happens any more to what is settled, rejected or cancelled. */
export const isEnded = (status: InstructionStatus): boolean =>
  status.settlement === 'SETTLED' || status.processing === 'REJECTED' || status.processing === 'CANCELLED';

/** Why a place has not settled, as ISO codes; whose side it is on decides who must act. */
export const pendingReasons = {
  LACK: 'we lack the securities',
  CLAC: 'the counterparty lacks the securities',
  MONY: 'we lack the cash',
  CMON: 'the counterparty lacks the cash',
  PRCY: 'the counterparty holds its instruction',
  PREA: 'we hold our instruction',
  BOTH: 'both sides hold their instruction',
  SBLO: 'the instrument is suspended',
  FUTU: 'its date is not reached',
} as const;

/** What a place or a person can tell about an instruction. */
export type StatusEvent =
  | { readonly kind: 'SENT' }
  | { readonly kind: 'ACCEPTED' }
  | { readonly kind: 'REJECTED'; readonly reason: string }
  | { readonly kind: 'CANCELLED'; readonly reason: string }
  | { readonly kind: 'CANCELLATION_REQUESTED' }
  | { readonly kind: 'CANCELLATION_DENIED'; readonly reason: string }
  | { readonly kind: 'MATCHED' }
  | { readonly kind: 'UNMATCHED'; readonly reason: string }
  | { readonly kind: 'PENDING'; readonly reason: string }
  | { readonly kind: 'FAILING'; readonly reason: string }
  | { readonly kind: 'SETTLED_IN_PART' }
  | { readonly kind: 'SETTLED' };

export interface Statused {
  readonly status: InstructionStatus;
  readonly reason: string | null;
}

/**
 * What an event makes of an instruction, or undefined when it says nothing that may still happen: a
 * late status of something settled, a match that is already known. Reports overtake each other, so
 * an event brings with it what must have come before: a match implies acceptance, a settlement both.
 */
export function afterEvent(now: Statused, event: StatusEvent): Statused | undefined {
  const { status } = now;
  if (isEnded(status)) return undefined;
  const changed = changedBy(status, event);
  if (changed === undefined) return undefined;
  const next = { ...status, ...changed };
  const isAllowed =
    isDeclared('PROCESSING', status.processing, next.processing) &&
    isDeclared('MATCHING', status.matching, next.matching) &&
    isDeclared('SETTLEMENT', status.settlement, next.settlement) &&
    isDeclared('CANCELLATION', status.cancellation, next.cancellation);
  if (!isAllowed) return undefined;
  const reason = reasonAfter(now, event, next);
  const isSame =
    reason === now.reason &&
    next.processing === status.processing &&
    next.matching === status.matching &&
    next.settlement === status.settlement &&
    next.cancellation === status.cancellation;
  return isSame ? undefined : { status: next, reason };
}

/**
 * What the ledger booked has settled, whatever the place said in the meantime: a cancellation that crossed
 * the confirmation does not undo the fact.
 */
export function afterBooking(now: Statused, isDone: boolean): Statused {
  const next = afterEvent(now, { kind: isDone ? 'SETTLED' : 'SETTLED_IN_PART' });
  if (next !== undefined || !isEnded(now.status) || now.status.settlement === 'SETTLED') return next ?? now;
  return { ...now, status: { ...now.status, settlement: isDone ? 'SETTLED' : 'PARTIAL' } };
}

function changedBy(status: InstructionStatus, event: StatusEvent): Partial<InstructionStatus> | undefined {
  const known = status.processing === 'SENT' || status.processing === 'ACCEPTED';
  const accepted = { processing: 'ACCEPTED' } as const;
  switch (event.kind) {
    case 'SENT':
      return status.processing === 'CREATED' ? { processing: 'SENT' } : undefined;
    case 'ACCEPTED':
      return accepted;
    case 'REJECTED':
      return status.processing === 'SENT' ? { processing: 'REJECTED' } : undefined;
    case 'CANCELLED':
      return { processing: 'CANCELLED', cancellation: 'CANCELLED' };
    case 'CANCELLATION_REQUESTED':
      return known ? { cancellation: 'REQUESTED' } : undefined;
    case 'CANCELLATION_DENIED':
      return status.cancellation === 'REQUESTED' ? { cancellation: 'DENIED' } : undefined;
    case 'MATCHED':
      return { ...accepted, matching: 'MATCHED' };
    case 'UNMATCHED':
      return status.matching === 'MATCHED' ? undefined : { ...accepted, matching: 'UNMATCHED' };
    case 'PENDING':
      return {};
    case 'FAILING':
      return { settlement: status.settlement === 'PARTIAL' ? 'PARTIAL' : 'FAILING' };
    case 'SETTLED_IN_PART':
      return { ...accepted, matching: 'MATCHED', settlement: 'PARTIAL' };
    case 'SETTLED':
      return { ...accepted, matching: 'MATCHED', settlement: 'SETTLED' };
  }
}

function reasonAfter(now: Statused, event: StatusEvent, next: InstructionStatus): string | null {
  switch (event.kind) {
    case 'REJECTED':
    case 'CANCELLED':
    case 'UNMATCHED':
    case 'PENDING':
    case 'FAILING':
    case 'CANCELLATION_DENIED':
      return event.reason;
    case 'MATCHED':
      return now.status.matching === 'MATCHED' ? now.reason : null;
    case 'SETTLED_IN_PART':
      // The place may have said why the rest waits before the part was booked.
      return now.reason;
    case 'SETTLED':
      return null;
    default:
      return next.processing === now.status.processing ? now.reason : null;
  }
}

export const holdFlags = ['PARTY', 'CSD', 'VALIDATION', 'CONDITIONAL', 'COMPLIANCE'] as const;
export type HoldFlag = (typeof holdFlags)[number];
