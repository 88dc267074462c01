import { Directive } from '@nestjs/graphql';
import { type Scope } from '#libs/auth/index.js';

/**
 * The scopes a type or field needs, all of them. On a type: every selection that leads to the type,
 * `_entities` included. It becomes the federation directive, so it survives composition and the
 * gateway enforces it too.
 */
export function RequiresScopes(...needed: [Scope, ...Scope[]]): ClassDecorator & MethodDecorator & PropertyDecorator {
  return Directive(`@requiresScopes(scopes: [[${quoted(needed)}]])`);
}

/** Any one of the scopes is enough. */
export function RequiresAnyScope(...needed: [Scope, ...Scope[]]): ClassDecorator & MethodDecorator & PropertyDecorator {
  return Directive(`@requiresScopes(scopes: [${needed.map((scope) => `["${scope}"]`).join(', ')}])`);
}

const quoted = (scopes: readonly Scope[]) => scopes.map((scope) => `"${scope}"`).join(', ');
