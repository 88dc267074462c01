import { DataSource } from 'typeorm';
import { databaseEnvironment, loadConfig } from '#libs/config/index.js';
import { dataSourceOptions } from '#libs/database/index.js';

/** For TypeORM's command line; the service has its own, and migrations run in the migrate step alone. */
export default (() => {
  const { DATABASE_URL, DATABASE_POOL_SIZE } = loadConfig(databaseEnvironment);
  return new DataSource(
    dataSourceOptions({ url: DATABASE_URL, applicationName: 'settlement', poolSize: DATABASE_POOL_SIZE }),
  );
})();
