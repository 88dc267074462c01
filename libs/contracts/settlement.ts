import { z } from 'zod';
import { command, event, itemsPerCommandMax, type Service } from './catalogue.js';
import { asset, book, currency, id, instant, plainDate, reference, sealed, signedDecimal } from './fields.js';

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

/** Units at the asset's own scale with their sign: positive is what is held for us. */
const signedUnits = z.string().regex(/^(0|-?[1-9]\d{0,38})$/);
const decimal = z.string().regex(/^\d{1,20}(\.\d{1,18})?$/);

/**
 * What an agent or a place states that it holds for us at the end of a day, once the statement was accepted, with what
 * its pieces are worth by then. In parts, when there is much of it; the balances come with the first.
 */
export const accountStated = z.object({
  statementId: id,
  account: reference,
  book,
  kind: z.enum(['MONEY', 'CUSTODY']),
  /** Counted per account without a gap. */
  number: z.number().int().min(1),
  statementDate: plainDate,
  part: z.number().int().min(1),
  parts: z.number().int().min(1),
  /** The closing balance of a money account; of a depot everything in it that we know as an instrument. */
  balances: z
    .array(
      z.object({
        asset,
        units: signedUnits,
        /** The last good price: its product with the factor is what one piece is worth. */
        price: z.object({ amount: decimal, factor: decimal, currency: asset, date: plainDate }).optional(),
      }),
    )
    .max(itemsPerCommandMax),
  /** What moved the balance of a money account since its last statement. */
  entries: z
    .array(
      z.object({
        n: z.number().int().min(1),
        asset,
        units: signedUnits,
        /** The instruction or payment of ours that it belongs to, as far as the agent says. */
        reference: reference.optional(),
        /** Domain, family and sub-family of the agent's transaction code. */
        code: z.string().max(64).optional(),
      }),
    )
    .max(itemsPerCommandMax),
  rates: z.array(z.object({ base: asset, quote: asset, rate: decimal, date: plainDate })).max(itemsPerCommandMax),
});
export type AccountStated = z.infer<typeof accountStated>;

/** One version of what the market says: a unit of `base` is worth `value` of `quote`. A later version of the same has a higher number. */
const marketFigure = {
  version: z.string().regex(/^[1-9]\d{0,17}$/),
  date: plainDate,
  /** As it was taken in: whether it can be used, who values with it decides. */
  value: signedDecimal,
  source: z.string().min(1).max(64),
  recordedAt: instant,
  /** Withdrawn: what it came with was taken back. */
  state: z.enum(['KNOWN', 'WITHDRAWN']),
};
export const exchangeRateVersion = z.object({ base: currency, quote: currency, ...marketFigure });
export const priceVersion = z.object({ isin: asset, currency, ...marketFigure });
export type ExchangeRateVersion = z.infer<typeof exchangeRateVersion>;
export type PriceVersion = z.infer<typeof priceVersion>;

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
  'settlement.account-stated.v1': event('settlement', ['accounting'], accountStated, {
    lane: 'bulk',
    orderedBy: (payload) => `stated:${payload.account}`,
  }),
  /** Rates and prices have new versions, or old ones were withdrawn. In order, as each is compared with the last good one. */
  'settlement.rates-versioned.v1': event(
    'settlement',
    ['accounting'],
    z.object({ items: z.array(exchangeRateVersion).min(1).max(itemsPerCommandMax) }),
    { lane: 'bulk', orderedBy: () => 'rates' },
  ),
  'settlement.prices-versioned.v1': event(
    'settlement',
    ['accounting'],
    z.object({ items: z.array(priceVersion).min(1).max(itemsPerCommandMax) }),
    { lane: 'bulk', orderedBy: () => 'prices' },
  ),
  /** Signed by two people: business days may open. */
  'settlement.cut-over-signed.v1': event(
    'settlement',
    ['accounting', 'compliance'],
    z.object({ importId: id, books: z.array(book), signedBy: z.array(z.string()).length(2) }),
  ),
} as const;
