/** What a caller may do. Every root field and every entity of every subgraph names one (libs/graphql). */
export const scopes = [
  'trades:read',
  'trades:write',
  'payments:read',
  'payments:write',
  'files:write',
  'static:read',
  'static:write',
  'ledger:read',
  'ledger:post',
  'accounts:write',
  'parties:read',
  'parties:write',
  'screening:read',
  'lists:write',
  'alerts:read',
  'alerts:decide',
  'approvals:read',
  'approvals:decide',
  'jobs:read',
  'jobs:operate',
  'days:read',
  'days:operate',
  'work:read',
  'work:operate',
  'cutover:operate',
  'cutover:sign',
  'audit:read',
  'clients:manage',
  'schema:introspect',
  // No role has it: only our own processes ask whose key a hash is.
  'clients:identify',
] as const;
export type Scope = (typeof scopes)[number];

/** Reading the audit log is a right of its own; every other read belongs to whoever works here. */
const allReads = scopes.filter((scope) => scope.endsWith(':read') && scope !== 'audit:read');

const scopesOfRole = {
  'front-office': [
    'trades:read',
    'trades:write',
    'payments:read',
    'payments:write',
    'ledger:read',
    'static:read',
    'files:write',
    'parties:read',
  ],
  operations: [
    ...allReads,
    'trades:write',
    'static:write',
    'files:write',
    'days:operate',
    'jobs:operate',
    'work:operate',
    'cutover:operate',
    'cutover:sign',
  ],
  'operations-approver': [...allReads, 'approvals:decide', 'cutover:sign', 'jobs:operate', 'work:operate'],
  compliance: [...allReads, 'lists:write', 'alerts:decide', 'parties:write', 'work:operate'],
  'compliance-approver': [...allReads, 'alerts:decide', 'approvals:decide'],
  controller: [...allReads, 'ledger:post', 'accounts:write', 'approvals:decide', 'cutover:sign'],
  partner: ['trades:read', 'payments:read', 'files:write'],
  auditor: [...allReads, 'audit:read'],
  admin: [...allReads, 'clients:manage', 'jobs:operate', 'schema:introspect'],
} as const satisfies Record<string, readonly Scope[]>;

export type Role = keyof typeof scopesOfRole;
export const roles = Object.keys(scopesOfRole) as Role[];

export function isRole(text: string): text is Role {
  return Object.hasOwn(scopesOfRole, text);
}

export function isScope(text: string): text is Scope {
  return (scopes as readonly string[]).includes(text);
}

/** The union of what the roles may do, sorted, without doubles. */
export function rolesToScopes(held: readonly Role[]): Scope[] {
  return [...new Set(held.flatMap((role): readonly Scope[] => scopesOfRole[role]))].sort();
}
