/** What `node(id)` finds. Its fields stay with the service that has it; the gateway only tells from the id what it is. */
export interface NodeType {
  name: string;
  /** The scope that reading it takes; here so that who may read none of them may not ask. */
  scope: string;
  readonly matches: (id: string) => boolean;
}

const withPrefix = (prefix: string) => (id: string) => id.startsWith(`${prefix}_`);

/** The first that matches is it. A party's id is the institution's own, so whatever is nothing else is asked for as one. */
export const nodeTypes: readonly NodeType[] = [
  { name: 'Trade', scope: 'trades:read', matches: withPrefix('trd') },
  { name: 'Instruction', scope: 'trades:read', matches: withPrefix('ins') },
  { name: 'Payment', scope: 'payments:read', matches: withPrefix('pay') },
  { name: 'JournalEntry', scope: 'ledger:read', matches: withPrefix('ent') },
  { name: 'Screening', scope: 'screening:read', matches: withPrefix('scr') },
  { name: 'Alert', scope: 'alerts:read', matches: withPrefix('alt') },
  // Book and number, "NGEU/C000123-CASH".
  { name: 'Account', scope: 'ledger:read', matches: (id) => id.includes('/') },
  { name: 'Party', scope: 'parties:read', matches: () => true },
];

/** Stands for the object until its service is asked for more than the id. */
export class NodeStub {
  readonly __typename: string;

  constructor(readonly id: string) {
    this.__typename = nodeTypes.find(({ matches }) => matches(id))?.name ?? '';
  }
}
