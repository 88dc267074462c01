import { loadConfig } from '#libs/config/index.js';
import { bootService } from '#libs/service/index.js';
import { settlementEnvironment } from './settlement.config.js';
import { SettlementModule } from './settlement.module.js';

// The same service, working its queues; its port serves health and metrics.
process.env.WORKER = 'only';
try {
  const { PORT } = loadConfig(settlementEnvironment);
  await bootService({ module: SettlementModule, config: { service: 'settlement', port: PORT } });
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
}
