import { type services } from './merged-lists.js';

/** What `node(id)` finds. Its fields stay with the service that has it; the gateway only tells from the id what it is. */
export interface NodeType {
  name: string;
  /** Who has it, and so knows whether there is such a one. */
  service: (typeof services)[number];
  /** The scope that reading it takes; here so that who may read none of them may not ask. */
  scope: string;
  readonly matches: (id: string) => boolean;
}

const withPrefix = (prefix: string) => (id: string) => id.startsWith(`${prefix}_`);

/** The first that matches is it. A party's id is the institution's own, so whatever is nothing else is asked for as one. */
export const nodeTypes: readonly NodeType[] = [
  { name: 'Trade', service: 'settlement', scope: 'trades:read', matches: withPrefix('trd') },
  { name: 'Instruction', service: 'settlement', scope: 'trades:read', matches: withPrefix('ins') },
  { name: 'Payment', service: 'settlement', scope: 'payments:read', matches: withPrefix('pay') },
  { name: 'JournalEntry', service: 'accounting', scope: 'ledger:read', matches: withPrefix('ent') },
  { name: 'Screening', service: 'compliance', scope: 'screening:read', matches: withPrefix('scr') },
  { name: 'Alert', service: 'compliance', scope: 'alerts:read', matches: withPrefix('alt') },
  // Book and number, "NGEU/C000123-CASH".
  { name: 'Account', service: 'accounting', scope: 'ledger:read', matches: (id) => id.includes('/') },
  { name: 'Party', service: 'compliance', scope: 'parties:read', matches: () => true },
];

export const nodeTypeOf = (id: string): NodeType | undefined => nodeTypes.find(({ matches }) => matches(id));

/** Stands for an object that there is, until its service is asked for more than the id. */
export class NodeStub {
  constructor(
    readonly id: string,
    readonly __typename: string,
  ) {}
}
