/** Stops when something that must hold does not: a bug or damaged data, never a user's mistake. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Invariant broken: ${message}`);
}

/** Makes the compiler prove that a switch covers every case. */
export function unreachable(value: never): never {
  throw new Error(`Unreachable case: ${String(value)}`);
}
