import { z } from 'zod';
import { command, event, itemsPerCommandMax } from './catalogue.js';
import { asset, book, counts, id, instant, plainDate, units } from './fields.js';
import { postingEvent } from './posting-events.js';

/** One side of an entry: `units` is always positive, `side` says which. */
export const postingLine = z.object({
  account: z.string().min(1).max(64),
  asset,
  side: z.enum(['DEBIT', 'CREDIT']),
  units,
});

export const entryKinds = [
  'OPENING_BALANCE',
  'OPENING_REVERSED',
  'TRADE_SETTLEMENT',
  'FREE_DELIVERY',
  'PAYMENT',
  'PAYMENT_RETURN',
  'DEPOSIT',
  'WITHDRAWAL',
  'TRANSFER',
  'FEE',
  'CORRECTION',
  'SHORTFALL_COVER',
] as const;
export type EntryKind = (typeof entryKinds)[number];

const toPost = {
  /** The idempotency key: the same key is booked once, ever. */
  key: z.string().min(1).max(128),
  book,
  businessDate: plainDate,
  valueDate: plainDate,
  /** The object whose fact this books, e.g. an instruction or a payment. */
  subject: z.object({ kind: z.string().max(32), id }),
  /** Present on a confirmed fact: it is booked even when the balance does not cover it. */
  forced: z.object({ reason: z.string().max(140) }).optional(),
};

/** One journal entry to book, with its postings. */
export const entryToPost = z.object({
  ...toPost,
  kind: z.enum(entryKinds),
  description: z.string().max(140),
  postings: z.array(postingLine).min(2).max(400),
});
export type EntryToPost = z.infer<typeof entryToPost>;

/** What happened, to be booked by the rules that are in force for the book on the business date. */
export const eventToPost = z.object({ ...toPost, event: postingEvent });
export type EventToPost = z.infer<typeof eventToPost>;

export const itemToPost = z.union([eventToPost, entryToPost]);
export type ItemToPost = z.infer<typeof itemToPost>;

export const entryOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('POSTED'), key: z.string(), entryId: id, subject: entryToPost.shape.subject }),
  z.object({
    outcome: z.literal('REFUSED'),
    key: z.string(),
    subject: entryToPost.shape.subject,
    code: z.string(),
    message: z.string(),
    account: z.string().optional(),
    asset: asset.optional(),
    /** What was there, when the refusal is for want of it. */
    availableUnits: z
      .string()
      .regex(/^-?\d+$/)
      .optional(),
  }),
]);
export type EntryOutcome = z.infer<typeof entryOutcome>;

export const dayPhases = [
  'START_OF_DAY',
  'GATE',
  'AFFIRM',
  'INSTRUCT',
  'SETTLE',
  'CUT_OFF',
  'FAIL_SNAPSHOT',
  'CONTROL_TOTALS',
  'TRIAL_BALANCE',
  'SEAL',
  'ROLL',
] as const;
export type DayPhase = (typeof dayPhases)[number];

/** Which service does the work of a phase; accounting runs the day and its own phases. */
export const phaseRun = z.object({
  phaseRunId: id,
  book,
  businessDate: plainDate,
  phase: z.enum(dayPhases),
  /** Settlement runs several times a day; other phases have cycle 1 only. */
  cycle: z.number().int().min(1),
  /** Every message below this sealed sequence was consumed before the phase started. */
  barrierSequence: z.string(),
});
export type PhaseRun = z.infer<typeof phaseRun>;

export const phaseCompleted = phaseRun.extend({
  counts,
  /** What stops the day, e.g. a control total that differs. */
  problems: z.array(z.object({ code: z.string(), message: z.string() })),
});
export type PhaseCompleted = z.infer<typeof phaseCompleted>;

export const businessDayChanged = z.object({
  book,
  businessDate: plainDate,
  state: z.enum(['OPEN', 'CLOSED']),
  /** The date that intake carries once this one is cut off. */
  nextBusinessDate: plainDate,
  /** What its dates are counted on, and the zone of its clock; earlier releases did not tell. */
  calendar: z.string().min(1).max(32).optional(),
  zone: z.string().min(1).max(64).optional(),
  /** The planned cut-off of the date, when it is a half day. */
  closesEarlyAt: instant.optional(),
});
export type BusinessDayChanged = z.infer<typeof businessDayChanged>;

export const periodChanged = z.object({
  book,
  /** A month as 2026-11, or 2026-13: the adjustment period of the year. */
  period: z.string().regex(/^\d{4}-(0[1-9]|1[0-3])$/),
  lastDate: plainDate,
  state: z.enum(['OPEN', 'SOFT_CLOSED', 'HARD_CLOSED']),
  version: z.number().int().min(2),
});
export type PeriodChanged = z.infer<typeof periodChanged>;

const dayKey = (payload: { book: string }) => `business-day:${payload.book}`;

export const accountingMessages = {
  'accounting.post-entries.v1': command(
    ['settlement'],
    'accounting',
    z.object({ batchId: id, items: z.array(itemToPost).min(1).max(itemsPerCommandMax) }),
    { lane: 'bulk' },
  ),
  'accounting.entries-decided.v1': event(
    'accounting',
    ['settlement'],
    z.object({ batchId: id, items: z.array(entryOutcome).min(1).max(itemsPerCommandMax) }),
    { lane: 'bulk' },
  ),
  'accounting.register-assets.v1': command(
    ['settlement'],
    'accounting',
    z.object({
      items: z
        .array(
          z.object({
            asset,
            kind: z.enum(['CURRENCY', 'INSTRUMENT']),
            scale: z.number().int().min(0).max(12),
            name: z.string().max(140),
            /** Of an instrument: the money it is priced in, and what a price is multiplied by; earlier releases did not tell. */
            currency: asset.optional(),
            priceFactor: z
              .string()
              .regex(/^\d{1,10}(\.\d{1,12})?$/)
              .optional(),
          }),
        )
        .max(itemsPerCommandMax),
    }),
    { orderedBy: () => 'assets' },
  ),
  'accounting.business-day-changed.v1': event('accounting', ['settlement', 'compliance'], businessDayChanged, {
    orderedBy: dayKey,
  }),
  'accounting.period-changed.v1': event('accounting', ['accounting'], periodChanged, {
    orderedBy: ({ book: of }) => `period:${of}`,
  }),
  'accounting.dry-run-rules.v1': command(['accounting'], 'accounting', z.object({ dryRunId: id, book }), {
    lane: 'bulk',
    longRunning: true,
  }),
  'accounting.make-report.v1': command(['accounting'], 'accounting', z.object({ reportFileId: id, book }), {
    lane: 'bulk',
    longRunning: true,
  }),
  /** The amounts of a book in foreign currencies and its own securities are valued at a date. */
  'accounting.value-book.v1': command(['accounting'], 'accounting', z.object({ runId: id, book }), {
    lane: 'bulk',
    longRunning: true,
  }),
  'accounting.export-plain-text-journal.v1': command(['accounting'], 'accounting', z.object({ fileId: id, book }), {
    lane: 'bulk',
    longRunning: true,
  }),
  /** A file of journals that is too large to be booked while its sender waits. */
  'accounting.import-journals.v1': command(['accounting'], 'accounting', z.object({ importId: id, book }), {
    lane: 'bulk',
    longRunning: true,
  }),
  'accounting.preview-correction.v1': command(['accounting'], 'accounting', z.object({ correctionId: id, book }), {
    lane: 'bulk',
    longRunning: true,
  }),
  'accounting.run-correction.v1': command(['accounting'], 'accounting', z.object({ correctionId: id, book }), {
    lane: 'bulk',
    longRunning: true,
    orderedBy: (payload) => `corrections:${payload.book}`,
  }),
  'accounting.issue-statements.v1': command(
    ['accounting'],
    'accounting',
    z.object({
      book,
      frequency: z.enum(['DAILY', 'WEEKLY', 'MONTHLY', 'NONE']),
      /** The last date of the period. */
      to: plainDate,
      requestedBy: z.string().min(1),
    }),
    { lane: 'bulk', longRunning: true, orderedBy: (payload) => `statements:${payload.book}` },
  ),
  'accounting.run-phase.v1': command(['accounting'], 'accounting', phaseRun, { longRunning: true }),
  'settlement.run-phase.v1': command(['accounting'], 'settlement', phaseRun, { longRunning: true }),
  'settlement.phase-completed.v1': event('settlement', ['accounting'], phaseCompleted),
} as const;
