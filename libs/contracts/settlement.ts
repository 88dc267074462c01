import { z } from 'zod';
import { command, event, itemsPerCommandMax, type Service } from './catalogue.js';
import { book, id, plainDate, sealed } from './fields.js';

/** The kinds of file an institution moves in with, in the order they are applied. */
export const cutOverKinds = [
  'parties',
  'places',
  'instruments',
  'counterparties',
  'ssis',
  'prices',
  'rates',
  'accounts',
  'nostros',
  'balances',
  'holdings',
  'holds',
  'trades',
  'breaks',
  'standing-orders',
  'accrued-interest',
] as const;
export type CutOverKind = (typeof cutOverKinds)[number];

/** Up to 500 validated rows of one kind; `sealedRows` instead of `rows` when they hold personal data (a JSON array, sealed). */
const cutOverChunk = z.object({
  importId: id,
  kind: z.enum(cutOverKinds),
  chunk: z.number().int().min(0),
  rows: z.array(z.record(z.string(), z.string())).max(itemsPerCommandMax).optional(),
  sealedRows: sealed.optional(),
});
export type CutOverChunk = z.infer<typeof cutOverChunk>;

const cutOverChunkApplied = z.object({
  importId: id,
  kind: z.enum(cutOverKinds),
  chunk: z.number().int().min(0),
  applied: z.number().int(),
  refused: z.array(z.object({ row: z.number().int(), code: z.string(), message: z.string() })),
});

const applyTo = (consumer: Service) =>
  command(['settlement'], consumer, cutOverChunk, {
    lane: 'bulk',
    orderedBy: (payload) => `cut-over:${payload.importId}`,
  });
const appliedBy = (producer: Service) => event(producer, ['settlement'], cutOverChunkApplied);
const importOnly = z.object({ importId: id });

/** One version of a calendar, whole, so that versions may be heard in any order: which days are closed, which close early. */
export const calendarVersioned = z.object({
  calendar: z.string().min(1).max(32),
  version: z.number().int().min(1),
  contentHash: z.string().length(64),
  closedDays: z.array(plainDate),
  earlyCloses: z.array(z.object({ day: plainDate, localTime: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/) })),
  /** Of the local times. */
  zone: z.string().nullable(),
});
export type CalendarVersioned = z.infer<typeof calendarVersioned>;

export const settlementMessages = {
  /** Settlement's own long work: a stored file is read, line by line, into trades, payments or entries. */
  'settlement.import-file.v1': command(['settlement'], 'settlement', z.object({ fileId: id, book: book.optional() }), {
    lane: 'bulk',
    longRunning: true,
  }),
  'settlement.run-cut-over.v1': command(['settlement'], 'settlement', importOnly, { lane: 'bulk', longRunning: true }),
  'accounting.apply-cut-over.v1': applyTo('accounting'),
  'compliance.apply-cut-over.v1': applyTo('compliance'),
  'accounting.cut-over-applied.v1': appliedBy('accounting'),
  'compliance.cut-over-applied.v1': appliedBy('compliance'),
  /** Undo an unsigned import: linked reversals in accounting, parties withdrawn in compliance. */
  'accounting.roll-back-cut-over.v1': command(['settlement'], 'accounting', importOnly, { lane: 'bulk' }),
  'compliance.roll-back-cut-over.v1': command(['settlement'], 'compliance', importOnly, { lane: 'bulk' }),
  'accounting.cut-over-rolled-back.v1': event('accounting', ['settlement'], importOnly),
  'compliance.cut-over-rolled-back.v1': event('compliance', ['settlement'], importOnly),
  /** A calendar has a new version: what opens from here on is opened by it. */
  'settlement.calendar-versioned.v1': event('settlement', ['accounting'], calendarVersioned, {
    orderedBy: (payload) => `calendar:${payload.calendar}`,
  }),
  /** Signed by two people: business days may open. */
  'settlement.cut-over-signed.v1': event(
    'settlement',
    ['accounting', 'compliance'],
    z.object({ importId: id, books: z.array(book), signedBy: z.array(z.string()).length(2) }),
  ),
} as const;
