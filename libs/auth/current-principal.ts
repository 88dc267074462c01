import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type Principal } from './principal.js';

/** Where the context of a GraphQL operation and an HTTP request carry who asks. */
export const principalKey = Symbol.for('northgate.principal');

export interface CarriesPrincipal {
  [principalKey]: Principal;
}

export function carriesPrincipal(value: unknown): value is CarriesPrincipal {
  return typeof value === 'object' && value !== null && principalKey in value;
}

export function principalIn(context: ExecutionContext): Principal {
  // Reference resolvers have their context in another place than field resolvers, so it is looked for.
  const carrier = context.getArgs<unknown[]>().find(carriesPrincipal);
  if (!carrier) throw new Error('no principal here: the route is not behind authentication');
  return carrier[principalKey];
}

/** `@CurrentPrincipal() principal: Principal` in resolvers (reference resolvers too) and controllers. */
export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext): Principal =>
  principalIn(context),
);
