import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { databaseEnvironment, loadConfig } from '#libs/config/index.js';
import { dataSourceOptions } from './data-source-options.js';
import { Transactions } from './transactions.js';

export interface DatabaseModuleOptions {
  /** Names the connections, and is the role and the schema. */
  service: string;
  /** Instead of DATABASE_URL and DATABASE_POOL_SIZE, e.g. in a test. */
  url?: string;
  poolSize?: number;
  /** Entity classes, where a service uses them. */
  entities?: (new () => object)[];
}

/** The DataSource and the Transactions of a service, for all of its modules. The environment is read when it starts. */
@Module({})
export class DatabaseModule {
  static forService({ service, url, poolSize, entities = [] }: DatabaseModuleOptions): DynamicModule {
    const environment = () =>
      url === undefined
        ? loadConfig(databaseEnvironment)
        : loadConfig(databaseEnvironment, {
            DATABASE_STATEMENT_TIMEOUT_MS: process.env.DATABASE_STATEMENT_TIMEOUT_MS,
            DATABASE_POOL_SIZE: process.env.DATABASE_POOL_SIZE,
            DATABASE_URL: url,
          });
    return {
      module: DatabaseModule,
      global: true,
      imports: [
        TypeOrmModule.forRootAsync({
          useFactory: () => {
            const config = environment();
            return {
              ...dataSourceOptions({
                url: config.DATABASE_URL,
                applicationName: service,
                poolSize: poolSize ?? config.DATABASE_POOL_SIZE,
              }),
              entities,
              retryAttempts: 5,
              retryDelay: 500,
            };
          },
        }),
      ],
      providers: [
        {
          provide: Transactions,
          inject: [DataSource],
          useFactory: (dataSource: DataSource) =>
            new Transactions(dataSource, { statementTimeoutMs: environment().DATABASE_STATEMENT_TIMEOUT_MS }),
        },
      ],
      exports: [TypeOrmModule, Transactions],
    };
  }
}
