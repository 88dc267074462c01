import { loadConfig } from '#libs/config/index.js';
import { bootService } from '#libs/service/index.js';
import { accountingEnvironment } from './accounting.config.js';
import { AccountingModule } from './accounting.module.js';

// The same service, working its queues; its port serves health and metrics.
process.env.WORKER = 'only';
try {
  const { PORT } = loadConfig(accountingEnvironment);
  await bootService({ module: AccountingModule, config: { service: 'accounting', port: PORT } });
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
}
