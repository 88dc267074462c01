import { loadConfig } from '#libs/config/index.js';
import { bootService } from '#libs/service/index.js';
import { complianceEnvironment } from './compliance.config.js';
import { ComplianceModule } from './compliance.module.js';

try {
  const { PORT } = loadConfig(complianceEnvironment);
  await bootService({ module: ComplianceModule, config: { service: 'compliance', port: PORT } });
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
}
