import { setTimeout as pause } from 'node:timers/promises';
import { type DemoRole } from './access.js';

interface GraphqlError {
  message: string;
  path?: (string | number)[];
  extensions?: { code?: string };
}

/** A refusal or fault that stops the day: it names the operation and says what came back. */
export class ApiError extends Error {
  /** A service is away for the moment; the same request may be sent again. */
  readonly isUnavailable: boolean;

  constructor(
    readonly operation: string,
    readonly errors: readonly GraphqlError[],
  ) {
    super(
      `${operation}: ${errors.map((one) => `${one.extensions?.code ?? ''} ${one.message} ${one.path ? `at ${one.path.join('.')}` : ''}`.trim()).join('; ')}`,
    );
    this.isUnavailable = errors.some((one) =>
      ['SERVICE_UNAVAILABLE', 'DOWNSTREAM_SERVICE_ERROR'].includes(one.extensions?.code ?? ''),
    );
  }
}

interface ProblemLike {
  code: string;
  message: string;
  /** Dotted, e.g. `items.3.amount`. */
  path?: string | null;
}

/** Talks to the gateway as one of the demo people, over HTTP, like any client would. */
export class Api {
  constructor(
    private readonly url: string,
    private readonly keys: Readonly<Record<DemoRole, string>>,
    /** How often something unavailable is asked again; the pauses grow to two seconds. */
    private readonly attemptsMax = 8,
  ) {}

  /** One GraphQL operation; transport failures and retryable errors are tried again, everything is idempotent by key. */
  async send<Data>(role: DemoRole, document: string, variables: Record<string, unknown> = {}): Promise<Data> {
    const operation = /(?:query|mutation)\s+(\w+)/.exec(document)?.[1] ?? 'operation';
    return patiently(async () => {
      const response = await fetch(this.url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          authorization: `Bearer ${this.keys[role]}`,
        },
        body: JSON.stringify({ query: document, variables }),
      });
      const body = (await response.json()) as { data?: Data; errors?: GraphqlError[] };
      if (!body.errors?.length && body.data) return body.data;
      throw new ApiError(operation, body.errors ?? [{ message: `HTTP ${response.status}` }]);
    }, this.attemptsMax);
  }

  /** A mutation with one root field; its problems become an error unless they are expected. */
  async mutate<Payload extends { problems: ProblemLike[] }>(
    role: DemoRole,
    name: string,
    input: Record<string, unknown>,
    selection: string,
    inputType: string,
  ): Promise<Payload> {
    const payload = await this.tryMutate<Payload>(role, name, input, selection, inputType);
    if (payload.problems.length > 0) {
      throw new ApiError(
        name,
        payload.problems.map((one) => ({
          message: one.message,
          path: one.path?.split('.'),
          extensions: { code: one.code },
        })),
      );
    }
    return payload;
  }

  async tryMutate<Payload>(
    role: DemoRole,
    name: string,
    input: Record<string, unknown>,
    selection: string,
    inputType: string,
  ): Promise<Payload> {
    const data = await this.send<Record<string, Payload>>(
      role,
      `mutation ${name}($input: ${inputType}!) { ${name}(input: $input) { ${selection} problems { code message path } } }`,
      { input },
    );
    const payload = data[name];
    if (!payload) throw new ApiError(name, [{ message: 'no payload came back' }]);
    return payload;
  }
}

/** Tries again what failed on its way, or found a service away; a refusal is final. */
export async function patiently<Value>(action: () => Promise<Value>, attemptsMax = 8): Promise<Value> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await action();
    } catch (error) {
      if (attempt >= attemptsMax || (error instanceof ApiError && !error.isUnavailable)) throw error;
    }
    await pause(Math.min(100 * 2 ** attempt, 2_000));
  }
}

/** Waits until the condition gives a value; the interval grows, the deadline is firm. */
export async function until<Value>(
  what: string,
  condition: () => Promise<Value | undefined>,
  timeoutMs = 600_000,
): Promise<Value> {
  const deadline = Date.now() + timeoutMs;
  for (let waitMs = 20; ; waitMs = Math.min(waitMs * 1.5, 250)) {
    const value = await condition();
    if (value !== undefined) return value;
    if (Date.now() > deadline) throw new Error(`Waited ${timeoutMs / 1000} s for ${what}, in vain`);
    await pause(waitMs);
  }
}
