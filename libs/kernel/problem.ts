/** An expected refusal, in a form that a client's program can act on. */
export interface Problem {
  /** Stable, published code, e.g. `INVALID_ISIN`. */
  readonly code: string;
  /** For a person: what is wrong and what to do. */
  readonly message: string;
  /** Where in the input: field names and indexes from the root. */
  readonly path: readonly (string | number)[];
  /** True when the same request may succeed later, unchanged. */
  readonly retryable: boolean;
}

export const problem = (
  code: string,
  message: string,
  path: readonly (string | number)[] = [],
  retryable = false,
): Problem => ({ code, message, path, retryable });

export interface Accepted<T> {
  readonly ok: true;
  readonly value: T;
}

export interface Refused {
  readonly ok: false;
  readonly problems: readonly Problem[];
}

/** What a rule decides: a value, or every reason against it. */
export type Decision<T> = Accepted<T> | Refused;

export const accepted = <T>(value: T): Accepted<T> => ({ ok: true, value });

export const refused = (problems: Problem | readonly Problem[]): Refused => ({
  ok: false,
  problems: 'code' in problems ? [problems] : problems,
});

export const isRefused = <T>(decision: Decision<T>): decision is Refused => !decision.ok;
