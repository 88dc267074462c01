import { type ModuleRef } from '@nestjs/core';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import DataLoader from 'dataloader';
import { booksOf, type CarriesPrincipal, carriesPrincipal, type Principal, principalKey } from '#libs/auth/index.js';
import { type Tx } from '#libs/database/index.js';

/** How a context opens its transaction: the database in a service, nothing where there is none. */
export type OpenTransaction = (
  work: (tx: Tx) => Promise<void>,
  options: { books: string[] | 'all'; readOnly: true },
) => Promise<unknown>;

export function transactionsOf(moduleRef: ModuleRef): OpenTransaction {
  return async (work, options) => {
    // Loaded with the first read: printing a schema needs no database.
    const { Transactions } = await import('#libs/database/index.js');
    return moduleRef.get(Transactions, { strict: false }).run(work, options);
  };
}

const loaderBatchMax = 500;

interface OpenRead {
  tx: Promise<Tx>;
  finished: Promise<unknown>;
  release: () => void;
}

/**
 * One per GraphQL operation: who asks, the one read-only transaction with his books that all
 * resolvers and loaders share, and the loaders. The transaction opens with the first read and ends
 * with the operation (with each event of a subscription).
 */
export class GraphqlContext implements CarriesPrincipal {
  readonly [principalKey]: Principal;
  /** In an object of its own, because Apollo copies the context for each operation. */
  private readonly state: { open?: OpenRead | undefined; queue: Promise<unknown> } = { queue: Promise.resolve() };
  private readonly loaders = new Map<string, DataLoader<unknown, unknown>>();
  private readonly shared: Tx;

  constructor(
    principal: Principal,
    readonly requestId: string,
    private readonly openTransaction: OpenTransaction,
    readonly req?: unknown,
  ) {
    this[principalKey] = principal;
    this.shared = this.lazyTx();
  }

  get principal(): Principal {
    return this[principalKey];
  }

  /** Reads of this operation. Statements run one after the other on one connection. */
  readTx(): Tx {
    return this.shared;
  }

  /** One loader per name and operation: all keys asked for in a tick become one call of `batch`. */
  loader<K, V>(
    name: string,
    batch: (keys: readonly K[], tx: Tx) => Promise<ReadonlyMap<K, V>>,
  ): DataLoader<K, V | null> {
    const known = this.loaders.get(name);
    if (known) return known as DataLoader<K, V | null>;
    const loader = new DataLoader<K, V | null>(
      async (keys) => {
        const found = await batch(keys, this.shared);
        return keys.map((key) => found.get(key) ?? null);
      },
      { maxBatchSize: loaderBatchMax },
    );
    this.loaders.set(name, loader);
    return loader;
  }

  /** The end of the operation or of one event: the transaction closes, what was loaded is forgotten. */
  async end(): Promise<void> {
    const { open } = this.state;
    this.state.open = undefined;
    this.loaders.clear();
    if (!open) return;
    open.release();
    await open.finished.catch(() => undefined);
  }

  private begin(): Promise<Tx> {
    if (this.state.open) return this.state.open.tx;
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let give: (tx: Tx) => void;
    let fail: (reason: unknown) => void;
    const tx = new Promise<Tx>((resolve, reject) => {
      give = resolve;
      fail = reject;
    });
    const finished = this.openTransaction(
      async (opened) => {
        give(opened);
        await released;
      },
      { books: booksOf(this.principal), readOnly: true },
    );
    finished.catch((error: unknown) => {
      fail(error);
    });
    this.state.open = { tx, finished, release };
    return tx;
  }

  /** A connection takes one statement at a time; resolvers ask at once. */
  private lazyTx(): Tx {
    const inTurn = (work: (tx: Tx) => Promise<unknown>) => {
      const turn = this.state.queue.then(async () => work(await this.begin()));
      this.state.queue = turn.catch(() => undefined);
      return turn;
    };
    const members: Record<string, unknown> = {
      rows: (sql: string, params?: unknown[]) => inTurn((tx) => tx.rows(sql, params)),
      row: (sql: string, params?: unknown[]) => inTurn((tx) => tx.row(sql, params)),
      execute: () => Promise.reject(new Error('the transaction of a query only reads')),
      afterCommit: () => {
        throw new Error('the transaction of a query only reads');
      },
    };
    return new Proxy(members, {
      get: (target, name) => {
        if (name === 'then') return undefined;
        if (name in target) return target[name as string];
        throw new Error(`the shared read transaction has no ${String(name)}: use rows or row`);
      },
    }) as unknown as Tx;
  }
}

function contextOf(context: ExecutionContext): GraphqlContext {
  const found = context
    .getArgs<unknown[]>()
    .find((argument) => carriesPrincipal(argument) && argument instanceof GraphqlContext);
  if (!(found instanceof GraphqlContext)) throw new Error('not inside a GraphQL operation');
  return found;
}

/** `@ReadTx() tx: Tx` in a resolver: the operation's read-only transaction, limited to the caller's books. */
export const ReadTx = createParamDecorator((_: unknown, context: ExecutionContext): Tx => contextOf(context).readTx());

/** `@Operation() operation: GraphqlContext`, e.g. for `operation.loader(…)`. Works in reference resolvers too. */
export const Operation = createParamDecorator((_: unknown, context: ExecutionContext): GraphqlContext =>
  contextOf(context),
);

/** The contract's spelling of `context.loader(name, batch)`. */
export function loader<K, V>(
  context: GraphqlContext,
  name: string,
  batch: (keys: readonly K[], tx: Tx) => Promise<ReadonlyMap<K, V>>,
): DataLoader<K, V | null> {
  return context.loader(name, batch);
}
