import { z } from 'zod';
import { command, event, itemsPerCommandMax } from './catalogue.js';
import { book, id, instant, reference, sealed } from './fields.js';

export const heldObjectKinds = ['TRADE', 'PAYMENT', 'INSTRUCTION'] as const;

/** A name to screen: a registered party by id, or free text, sealed. */
export const nameToScreen = z.object({
  role: z.enum(['CLIENT', 'COUNTERPARTY', 'DEBTOR', 'CREDITOR']),
  partyId: id.optional(),
  sealedName: sealed.optional(),
  country: z.string().length(2).optional(),
});

export const objectToScreen = z.object({
  objectKind: z.enum(heldObjectKinds),
  objectId: id,
  /** The name people know it by: an execution id, an end-to-end id. */
  reference,
  book,
  names: z.array(nameToScreen).max(8),
});
export type ObjectToScreen = z.infer<typeof objectToScreen>;

export const screeningOutcome = z.object({
  objectKind: z.enum(heldObjectKinds),
  objectId: id,
  outcome: z.enum(['CLEAR', 'HIT']),
  screeningId: id,
  alertId: id.optional(),
  listVersionId: id,
});
export type ScreeningOutcome = z.infer<typeof screeningOutcome>;

export const approvalKinds = [
  'PAYMENT_RELEASE',
  'HOLD_RELEASE',
  'SSI_CHANGE',
  'PRICE_OVERRIDE',
  'LIMIT_CHANGE',
  'MANUAL_REVERSAL',
  'CALENDAR_CLOSURE',
  'POSTING_RULES',
  'PERIOD_REOPENING',
  'MANUAL_JOURNAL',
  'SHORTFALL_COVER',
  'SUPPLIER_BILL',
  'BULK_CORRECTION',
] as const;

export const complianceMessages = {
  'compliance.screen-objects.v1': command(
    ['settlement'],
    'compliance',
    z.object({ batchId: id, items: z.array(objectToScreen).min(1).max(itemsPerCommandMax) }),
    { lane: 'bulk' },
  ),
  'compliance.screening-completed.v1': event(
    'compliance',
    ['settlement'],
    z.object({ batchId: id, items: z.array(screeningOutcome).min(1).max(itemsPerCommandMax) }),
    { lane: 'bulk' },
  ),
  /** Compliance's own long work: a stored list version is indexed, put in force, and every party screened against what changed. */
  'compliance.activate-list.v1': command(['compliance'], 'compliance', z.object({ listVersionId: id }), {
    lane: 'bulk',
    longRunning: true,
    orderedBy: () => 'list',
  }),
  /** A list version is in force: everything screened from here on names it. */
  'compliance.list-activated.v1': event(
    'compliance',
    ['settlement'],
    z.object({ listVersionId: id, source: z.string(), entryCount: z.number().int(), activatedAt: instant }),
    { orderedBy: () => 'list' },
  ),
  /** A known party now matches a list entry: what is open for it must stop. */
  'compliance.party-held.v1': event(
    'compliance',
    ['settlement'],
    z.object({ partyId: id, alertId: id, listVersionId: id }),
    { orderedBy: (payload) => `party:${payload.partyId}` },
  ),
  /** What settlement stopped for a held party; compliance opens one item for each. */
  'settlement.party-hold-applied.v1': event(
    'settlement',
    ['compliance'],
    z.object({
      partyId: id,
      alertId: id,
      objects: z.array(
        z.object({
          objectKind: z.enum(heldObjectKinds),
          objectId: id,
          reference,
          book,
          /** True when it had already left us: a hold or cancellation request went to the place. */
          wasSent: z.boolean(),
        }),
      ),
    }),
  ),
  /** A person decided on a held object: RELEASED lets it go on, CONFIRMED keeps it stopped for good. */
  'compliance.hold-decided.v1': event(
    'compliance',
    ['settlement'],
    z.object({
      alertId: id,
      objectKind: z.enum(heldObjectKinds),
      objectId: id,
      /** The party's alert that stopped it, when it is decided alone and the party stays stopped. */
      partyAlertId: id.optional(),
      decision: z.enum(['RELEASED', 'CONFIRMED']),
      decidedBy: z.string(),
    }),
  ),
  /** A maker in another service asks for a second person. `payloadHash` binds the approval to the exact change. */
  'compliance.request-approval.v1': command(
    ['settlement', 'accounting'],
    'compliance',
    z.object({
      approvalId: id,
      kind: z.enum(approvalKinds),
      service: z.enum(['settlement', 'accounting']),
      objectKind: z.string().max(32),
      objectId: id,
      /** `*` when the object belongs to no single book. */
      book: z.union([book, z.literal('*')]),
      payloadHash: z.string().length(64),
      summary: z.string().max(280),
      requestedBy: z.string(),
      expiresAt: instant,
    }),
    { orderedBy: (payload) => `approval:${payload.approvalId}` },
  ),
  /** The maker changed what was asked for: an approval given for the old hash is refused. */
  'compliance.change-approval-payload.v1': command(
    ['settlement', 'accounting'],
    'compliance',
    z.object({
      approvalId: id,
      payloadHash: z.string().length(64),
      summary: z.string().max(280),
      changedBy: z.string(),
    }),
    { orderedBy: (payload) => `approval:${payload.approvalId}` },
  ),
  /** Approvals whose time has run out by the business clock are closed, also when nobody asks for them. */
  'compliance.expire-approvals.v1': command(['compliance'], 'compliance', z.object({})),
  'compliance.approval-decided.v1': event(
    'compliance',
    ['settlement', 'accounting'],
    z.object({
      approvalId: id,
      kind: z.enum(approvalKinds),
      service: z.enum(['settlement', 'accounting', 'compliance']),
      objectKind: z.string().max(32),
      objectId: id,
      payloadHash: z.string().length(64),
      outcome: z.enum(['APPROVED', 'REJECTED', 'EXPIRED', 'WITHDRAWN']),
      decidedBy: z.string(),
      reason: z.string().max(280),
    }),
    { orderedBy: (payload) => `approval:${payload.approvalId}` },
  ),
} as const;
