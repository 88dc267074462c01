/** What must notice a mutant: nothing else counts, a day that stops for another reason least of all. */
export type Finding =
  /** A row of the day, by name and part, that the oracle has otherwise. */
  | { oracle: string }
  /** An invariant, by number and the beginning of its name. */
  | { invariant: string }
  /** The day stops, because a refusal that it must meet did not come: the beginning or a part of what it then says. */
  | { stops: string };

/** A fault planted in the compiled product: one piece of text replaced in one file. */
export interface Mutant {
  readonly name: string;
  /** Relative to `dist`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  readonly caughtBy: Finding;
}

/**
 * Faults that cost real money somewhere. Each has the finding that must come of it on the small day; one that is found
 * otherwise, or not at all, shows that nothing looks there. (`A break closed` joins them once breaks are built.)
 */
export const mutants: readonly Mutant[] = [
  {
    name: 'a posting doubled',
    file: 'apps/accounting/src/journal/posting.processor.js',
    find: 'items: sound,',
    replace: 'items: sound.flatMap((one, n) => (n === 0 ? [one, { ...one, key: `${one.key}:again` }] : [one])),',
    caughtBy: { oracle: 'entries/' },
  },
  {
    name: 'a hold ignored',
    file: 'apps/settlement/src/instructions/instructions.service.js',
    find: "holds.get(trade.clientPartyId ?? '') ?? holds.get(trade.counterpartyPartyId ?? '') ?? null",
    replace: 'null',
    // It left its house while its party was held, so its place has to be asked for it: a cancellation too many.
    caughtBy: { oracle: 'workItems/other' },
  },
  {
    name: 'one cent off',
    file: 'apps/settlement/src/instructions/instruction.js',
    find: 'amountMinor: piece.amountMinor }',
    replace: 'amountMinor: piece.amountMinor + 1n }',
    // The ledger takes no shares that are not what was confirmed in all, so nothing that the places confirm settles.
    caughtBy: { oracle: 'dueOutcome/settled' },
  },
  {
    name: 'a line lost',
    file: 'apps/settlement/src/trades/capture.js',
    find: 'export function planCapture(raws, context) {',
    replace: 'export function planCapture(raws, context) {\n    raws = raws.slice(1);',
    caughtBy: { oracle: 'linesRead/' },
  },
  {
    name: 'a status swapped',
    file: 'libs/iso20022/settlement-messages.js',
    find: "const reason = reader.optional('Rsn/Cd/Cd') ?? reader.optional('Rsn/Cd/Prtry/Id');",
    replace:
      "const told = reader.optional('Rsn/Cd/Cd') ?? reader.optional('Rsn/Cd/Prtry/Id');\n    const reason = told === 'LACK' ? 'CLAC' : told;",
    caughtBy: { oracle: 'dueOutcome/lack' },
  },
  {
    name: 'a duplicate accepted',
    file: 'apps/settlement/src/trades/capture.js',
    find: 'const earlier = seen.get(key);',
    replace: 'const earlier = undefined;',
    // The database takes no version of a trade twice, so the file that repeats others cannot be read.
    caughtBy: { stops: 'a version was taken in by somebody else' },
  },
  {
    name: 'a holiday ignored',
    file: 'apps/settlement/src/trades/validation.js',
    find: '!facts.settlesOn(placeId, cash, stated)',
    replace: 'false',
    caughtBy: { oracle: 'rejected/' },
  },
  {
    name: 'an approval by its maker',
    file: 'apps/compliance/src/approvals/approvals.js',
    find: 'approval.requestedBy === given.decidedBy || approval.changedBy.includes(given.decidedBy)',
    replace: 'false',
    // The table takes no decision of the maker either, so the day gets an error where it must be refused.
    caughtBy: { stops: 'decideApproval: INTERNAL_SERVER_ERROR' },
  },
  {
    name: 'a statement accepted out of order',
    file: 'apps/settlement/src/statements/statement-continuity.js',
    find: 'opening.signedMinor !== last.closingMinor',
    replace: 'false',
    // The database takes none that does not continue: the message ends as somebody's work, which no such day has.
    caughtBy: { oracle: 'workItems/other' },
  },
];
