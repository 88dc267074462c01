import 'reflect-metadata';
import { createApiClientAsOwner } from './owner-command.js';

/** `node dist/apps/compliance/src/create-api-client.js --help` */
process.exitCode = await createApiClientAsOwner(process.argv.slice(2), process.env, {
  answer: (text) => process.stdout.write(`${text}\n`),
  say: (text) => process.stderr.write(`${text}\n`),
});
