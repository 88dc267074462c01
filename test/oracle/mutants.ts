/** A fault planted in the compiled product: one piece of text replaced in one file. */
export interface Mutant {
  readonly name: string;
  /** Relative to `dist`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/**
 * Faults that cost real money somewhere. Each must turn a row of day 1 red, break an invariant, or stop the day; one
 * that passes shows that nothing looks there. (`A break closed` joins them once breaks are built.)
 */
export const mutants: readonly Mutant[] = [
  {
    name: 'a posting doubled',
    file: 'apps/accounting/src/journal/posting.processor.js',
    find: 'items: command.items.map(asEntry),',
    replace:
      'items: command.items.map(asEntry).flatMap((one, n) => (n === 0 ? [one, { ...one, key: `${one.key}:again` }] : [one])),',
  },
  {
    name: 'a hold ignored',
    file: 'apps/settlement/src/instructions/instructions.service.js',
    find: "holds.get(trade.clientPartyId ?? '') ?? holds.get(trade.counterpartyPartyId ?? '') ?? null",
    replace: 'null',
  },
  {
    name: 'one cent off',
    file: 'apps/settlement/src/instructions/instruction.js',
    find: "instruction.payment === 'APMT' ? piece.amountMinor : 0n",
    replace: "instruction.payment === 'APMT' ? piece.amountMinor + 1n : 0n",
  },
  {
    name: 'a line lost',
    file: 'apps/settlement/src/trades/capture.js',
    find: 'export function planCapture(raws, context) {',
    replace: 'export function planCapture(raws, context) {\n    raws = raws.slice(1);',
  },
  {
    name: 'a status swapped',
    file: 'libs/iso20022/settlement-messages.js',
    find: "const reason = reader.optional('Rsn/Cd/Cd') ?? reader.optional('Rsn/Cd/Prtry/Id');",
    replace:
      "const told = reader.optional('Rsn/Cd/Cd') ?? reader.optional('Rsn/Cd/Prtry/Id');\n    const reason = told === 'LACK' ? 'CLAC' : told;",
  },
  {
    name: 'a duplicate accepted',
    file: 'apps/settlement/src/trades/capture.js',
    find: 'const earlier = seen.get(key);',
    replace: 'const earlier = undefined;',
  },
  {
    name: 'a holiday ignored',
    file: 'apps/settlement/src/trades/validation.js',
    find: '!facts.settlesOn(placeId, cash, stated)',
    replace: 'false',
  },
  {
    name: 'an approval by its maker',
    file: 'apps/compliance/src/approvals/approvals.js',
    find: 'approval.requestedBy === given.decidedBy || approval.changedBy.includes(given.decidedBy)',
    replace: 'false',
  },
  {
    name: 'a statement accepted out of order',
    file: 'apps/settlement/src/statements/statement-continuity.js',
    find: 'opening.signedMinor !== last.closingMinor',
    replace: 'false',
  },
];
