import 'reflect-metadata';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Type } from '@nestjs/common';
import { printSubgraphSchema } from '#libs/graphql/testing.js';
import { composeSupergraph } from './composition/compose-supergraph.js';
import { services } from './src/graph/merged-lists.js';

// A tool of the build: makes apps/gateway/supergraph.graphql from the modules of the services.
//   node dist/apps/gateway/compose.js            writes the file
//   node dist/apps/gateway/compose.js --check    fails when the file is not what the services say
//   node dist/apps/gateway/compose.js --print settlement

const here = fileURLToPath(import.meta.url);

function repositoryRoot(): string {
  let folder = dirname(here);
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

/** Decorators may read the environment while a module is loaded; nothing is connected to. */
const environment = {
  ...process.env,
  INTERNAL_TOKEN_SECRET: 'only-for-composing-and-never-used-to-sign',
  MESSAGE_SEAL_KEY: 'only-for-composing-and-never-used-to-seal',
};

async function print(service: string): Promise<string> {
  const name = `${service.charAt(0).toUpperCase()}${service.slice(1)}Module`;
  const file = join(dirname(here), `../${service}/src/${service}.module${extname(here)}`);
  const loaded = (await import(file)) as Record<string, unknown>;
  const module = loaded[name];
  if (typeof module !== 'function') throw new Error(`${file} exports no ${name}`);
  return printSubgraphSchema(service, module as Type);
}

/** Each in a process of its own: Nest knows one class per GraphQL name, and the services share names. */
async function printApart(service: string): Promise<{ name: string; sdl: string }> {
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, here, '--print', service], {
    env: environment,
    maxBuffer: 64 * 1024 * 1024,
  });
  return { name: service, sdl: stdout };
}

async function main(): Promise<void> {
  const [option, value] = process.argv.slice(2);
  if (option === '--print' && value) {
    const sdl = await print(value);
    process.stdout.write(sdl, () => process.exit(0));
    return;
  }
  const supergraph = composeSupergraph(await Promise.all(services.map(printApart)));
  const target = join(repositoryRoot(), 'apps/gateway/supergraph.graphql');
  if (option === '--check') {
    if (existsSync(target) && readFileSync(target, 'utf8') === supergraph) return;
    throw new Error(
      'apps/gateway/supergraph.graphql is not what the services say: build, run node dist/apps/gateway/compose.js and commit the file',
    );
  }
  writeFileSync(target, supergraph);
}

try {
  await main();
} catch (error) {
  process.stderr.write(
    `${error instanceof Error ? ((error as { stderr?: string }).stderr ?? error.message) : String(error)}\n`,
  );
  process.exit(1);
}
