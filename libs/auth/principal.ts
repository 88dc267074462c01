import { isRole, type Role, rolesToScopes, type Scope } from './scopes.js';

/** Who asks. `books` limits what is visible; `['*']` is every book. */
export interface Principal {
  subject: string;
  kind: 'PERSON' | 'MACHINE' | 'SERVICE';
  roles: Role[];
  scopes: Scope[];
  books: string[];
}

export const everyBook = '*';

/** The books as `Transactions.run` takes them. */
export function booksOf(principal: Principal): string[] | 'all' {
  return principal.books.includes(everyBook) ? 'all' : principal.books;
}

/** A principal by its roles; names that are no role are dropped, so an old name gives nothing. */
export function principalOf(
  subject: string,
  kind: Principal['kind'],
  roleNames: readonly string[],
  books: string[],
): Principal {
  const roles = roleNames.filter(isRole);
  return { subject, kind, roles, scopes: rolesToScopes(roles), books };
}

/** One of our own processes acting for itself, with exactly the scopes its call needs. */
export function servicePrincipal(service: string, scopes: Scope[], books: string[] = [everyBook]): Principal {
  return { subject: `service:${service}`, kind: 'SERVICE', roles: [], scopes, books };
}

export function hasScope(principal: Principal, scope: Scope): boolean {
  return principal.scopes.includes(scope);
}
