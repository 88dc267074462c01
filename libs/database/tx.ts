import type pg from 'pg';
import { observeStatement } from './sql-metrics.js';
import { type DataSource, type EntityManager, type QueryRunner } from 'typeorm';

/** One open transaction. Not to be kept: after its end it refuses. */
export class Tx {
  /** Run by Transactions once the commit is certain. */
  readonly commitWork: (() => void)[] = [];
  /** Statements on their way, whose outcome the commit waits for. */
  readonly underWay: Promise<unknown>[] = [];
  private isOpen = true;
  private entityManager: EntityManager | undefined;

  constructor(
    private readonly client: pg.PoolClient,
    private readonly dataSource: DataSource,
  ) {}

  async rows<T = Record<string, unknown>>(sql: string, params?: readonly unknown[]): Promise<T[]> {
    const result = await this.query(sql, params);
    return result.rows as T[];
  }

  /** The first row. */
  async row<T = Record<string, unknown>>(sql: string, params?: readonly unknown[]): Promise<T | undefined> {
    const result = await this.query(sql, params);
    return result.rows[0] as T | undefined;
  }

  /** How many rows were changed. */
  async execute(sql: string, params?: readonly unknown[]): Promise<number> {
    const result = await this.query(sql, params);
    return result.rowCount ?? 0;
  }

  /** TypeORM's manager over this very transaction; a transaction inside it is a savepoint. */
  get manager(): EntityManager {
    this.refuseWhenEnded();
    if (!this.entityManager) {
      const runner = this.dataSource.createQueryRunner() as QueryRunner & {
        databaseConnection: unknown;
        transactionDepth: number;
      };
      runner.databaseConnection = this.client;
      (runner as { isTransactionActive: boolean }).isTransactionActive = true;
      runner.transactionDepth = 1;
      this.entityManager = this.dataSource.createEntityManager(runner);
    }
    return this.entityManager;
  }

  /** For a wake-up or a counter: nothing that must not be lost, as the process may end before it. */
  afterCommit(work: () => void): void {
    this.refuseWhenEnded();
    this.commitWork.push(work);
  }

  /**
   * A statement whose answer nobody needs before the commit: both travel in one round trip. Should it fail, nothing is
   * kept and the transaction fails with its error.
   */
  withCommit(statement: Promise<unknown>): void {
    this.refuseWhenEnded();
    statement.catch(() => undefined);
    this.underWay.push(statement);
  }

  /** Only for Transactions. */
  close(): void {
    this.isOpen = false;
  }

  private query(sql: string, params: readonly unknown[] | undefined): Promise<pg.QueryResult> {
    this.refuseWhenEnded();
    return observeStatement(sql, () => this.client.query(sql, params as unknown[] | undefined));
  }

  private refuseWhenEnded(): void {
    if (!this.isOpen) throw new Error('the transaction has ended: was an await forgotten?');
  }
}
