import { registerEnumType } from '@nestjs/graphql';

/** A GraphQL enum of names that the rules keep as a list. */
export function enumOf(name: string, values: readonly string[]): Record<string, string> {
  const type = Object.fromEntries(values.map((value) => [value, value]));
  registerEnumType(type, { name });
  return type;
}
