import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import {
  hashApiKey,
  isApiKey,
  type Principal,
  principalOf,
  servicePrincipal,
  signInternalToken,
} from '#libs/auth/index.js';
import { metrics } from '#libs/observability/index.js';
import { FailedSignIns } from './failed-sign-ins.js';

const identity = z.object({
  subject: z.string().min(1),
  kind: z.enum(['PERSON', 'MACHINE', 'SERVICE']),
  roles: z.array(z.string()),
  books: z.array(z.string()),
});
type Identity = z.infer<typeof identity>;

/** With an error beside it, the absence of a client says nothing: GraphQL leaves null in the place of what failed. */
const answer = z.object({
  data: z.object({ apiClientByKeyHash: identity.nullable() }),
  errors: z.undefined({ error: 'compliance could not look it up' }).optional(),
});

/** The one question the edge asks on its own behalf, with the scope `clients:identify`. */
const question =
  'query IdentifyApiClient($hash: String!) { apiClientByKeyHash(hash: $hash) { subject kind roles books } }';

export const freshForMs = 60_000;
export const staleForMs = 10 * 60_000;
const rememberedMax = 10_000;
const strangersMax = 1_000;
const askTimeoutMs = 3_000;

/** `null`: compliance knows no such key. A throw: compliance could not be asked. */
export type AskForClient = (keyHash: string) => Promise<Identity | null>;

export function askCompliance(url: string, tokenSecret: string): AskForClient {
  return async (hash) => {
    const token = await signInternalToken(servicePrincipal('gateway', ['clients:identify']), tokenSecret);
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: question, variables: { hash } }),
      signal: AbortSignal.timeout(askTimeoutMs),
    });
    return answer.parse(await response.json()).data.apiClientByKeyHash;
  };
}

/** `{ "<key hash>": { "subject", "kind", "roles", "books" } }`, readable by its owner alone. */
export function readKeysFile(path: string): Map<string, Identity> {
  const { mode } = statSync(path);
  if ((mode & 0o077) !== 0) throw new Error(`${path} holds keys: it must be readable by its owner only (chmod 600)`);
  return new Map(
    Object.entries(
      z.record(z.string().regex(/^[0-9a-f]{64}$/), identity).parse(JSON.parse(readFileSync(path, 'utf8'))),
    ),
  );
}

interface Remembered {
  principal: Principal | undefined;
  askedAt: number;
}

/**
 * Who a key belongs to. An answer of compliance is believed for a minute, and for ten more when
 * compliance cannot be asked; then the keys file is what is left. Whoever sends wrong keys is soon
 * no longer asked about.
 */
export class ApiClients {
  private readonly remembered = new Map<string, Remembered>();
  /** Wrong keys apart, so that guessing does not push out the known. */
  private readonly strangers = new Map<string, Remembered>();
  private readonly asking = new Map<string, Promise<Principal | undefined>>();
  private readonly failures: FailedSignIns;

  constructor(
    private readonly ask: AskForClient,
    private readonly options: {
      pepper: string;
      fallback?: ReadonlyMap<string, Identity>;
      failures?: FailedSignIns;
      now?: () => number;
    },
  ) {
    this.failures = options.failures ?? new FailedSignIns({ perMinute: 30 });
  }

  /** Throws TooManyFailures when too many wrong keys came from this source. */
  async identify(key: string, source: string): Promise<Principal | undefined> {
    if (!isApiKey(key)) {
      this.failed(source);
      return undefined;
    }
    const hash = hashApiKey(key, this.options.pepper);
    const known = this.remembered.get(hash) ?? this.strangers.get(hash);
    if (known && this.now() - known.askedAt < freshForMs) {
      if (!known.principal) this.failed(source);
      return known.principal;
    }
    const asking = this.asking.get(hash) ?? this.begin(hash, known, source);
    return asking;
  }

  private begin(hash: string, known: Remembered | undefined, source: string): Promise<Principal | undefined> {
    // Who was known a moment ago is let through, whatever others behind the same address do.
    const counts = known?.principal === undefined;
    if (counts) this.count(source);
    const asking = this.lookUp(hash, known)
      .then(
        (principal) => {
          if (counts && principal) this.failures.giveBack(source);
          if (!principal) metrics.failedSignIns.inc({ outcome: 'unknown' });
          return principal;
        },
        (error: unknown) => {
          if (counts) this.failures.giveBack(source);
          throw error;
        },
      )
      .finally(() => this.asking.delete(hash));
    this.asking.set(hash, asking);
    return asking;
  }

  private failed(source: string): void {
    this.count(source);
    metrics.failedSignIns.inc({ outcome: 'unknown' });
  }

  private count(source: string): void {
    try {
      this.failures.take(source);
    } catch (error) {
      metrics.failedSignIns.inc({ outcome: 'limited' });
      throw error;
    }
  }

  private async lookUp(hash: string, known: Remembered | undefined): Promise<Principal | undefined> {
    let found: Identity | null;
    try {
      found = await this.ask(hash);
    } catch (error) {
      if (known && this.now() - known.askedAt < staleForMs) return known.principal;
      const fallback = this.options.fallback?.get(hash);
      if (fallback) return toPrincipal(fallback);
      throw new ClientsUnavailable('who the key belongs to cannot be looked up right now', { cause: error });
    }
    const principal = found ? toPrincipal(found) : undefined;
    this.remember(hash, principal);
    return principal;
  }

  /** The oldest goes first, so that neither map fills the memory. */
  private remember(hash: string, principal: Principal | undefined): void {
    this.remembered.delete(hash);
    this.strangers.delete(hash);
    const [map, most] = principal ? [this.remembered, rememberedMax] : [this.strangers, strangersMax];
    map.set(hash, { principal, askedAt: this.now() });
    const [oldest] = map.keys();
    if (map.size > most && oldest !== undefined) map.delete(oldest);
  }

  private now(): number {
    return (this.options.now ?? Date.now)();
  }
}

/** Not a refusal: the caller may be who he says, and is told to come again. */
export class ClientsUnavailable extends Error {}

const toPrincipal = (found: Identity) => principalOf(found.subject, found.kind, found.roles, found.books);
