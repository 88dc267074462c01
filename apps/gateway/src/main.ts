import { bootGateway } from './gateway.js';
import { readGatewayConfig } from './gateway.config.js';

try {
  await bootGateway(readGatewayConfig(process.env));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
