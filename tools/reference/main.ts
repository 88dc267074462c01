import 'reflect-metadata';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { environmentPage } from './environment.js';
import { messagesPage } from './messages.js';
import { page, table } from './markdown.js';
import { problemsPage } from './problems.js';
import { productSources } from './sources.js';

// The reference under docs/reference, made from the code that it describes.
//   node dist/tools/reference/main.js            writes the pages
//   node dist/tools/reference/main.js --check    says which pages are not what the code says; exit code 1 when one is

/** The folder of the build that this file belongs to, and the repository around it. */
const built = join(import.meta.dirname, '..', '..');
const root = existsSync(join(built, 'package.json')) ? built : dirname(built);

async function invariantsPage(): Promise<string> {
  const { invariants } = await import('#tools/verify/verify.js');
  return page(
    'Invariants',
    'What must always hold. `npm run verify` proves each on the running database, read-only and in one snapshot, and names ' +
      'where one is broken.',
    table(
      ['number', 'what holds'],
      invariants().map(({ number, name }) => [String(number), name]),
    ),
  );
}

/** What a client sees: the supergraph without the notes that tell the gateway who answers what. */
async function schemaPage(): Promise<string | undefined> {
  const supergraph = join(root, 'apps', 'gateway', 'supergraph.graphql');
  if (!existsSync(supergraph)) return undefined;
  const { transformSupergraphToPublicSchema } = await import('@theguild/federation-composition');
  const { parse, print } = await import('graphql');
  const text = print(transformSupergraphToPublicSchema(parse(readFileSync(supergraph, 'utf8'))));
  return `# Generated from apps/gateway/supergraph.graphql: npm run build, then node dist/tools/reference/main.js. Do not edit.\n\n${text}\n`;
}

async function pages(): Promise<[name: string, text: string][]> {
  const sources = productSources(root);
  const schema = await schemaPage();
  return [
    ...(schema === undefined ? [] : ([['schema.graphql', schema]] as [string, string][])),
    ['messages.md', messagesPage()],
    ['environment.md', await environmentPage(built, sources)],
    ['problems.md', problemsPage(sources)],
    ['invariants.md', await invariantsPage()],
  ];
}

async function main(): Promise<number> {
  const folder = join(root, 'docs', 'reference');
  const isCheck = process.argv.includes('--check');
  mkdirSync(folder, { recursive: true });
  const stale: string[] = [];
  for (const [name, text] of await pages()) {
    const path = join(folder, name);
    const isCurrent = existsSync(path) && readFileSync(path, 'utf8') === text;
    if (isCurrent) continue;
    stale.push(`docs/reference/${name}`);
    if (!isCheck) writeFileSync(path, text);
  }
  if (!isCheck) {
    console.log(stale.length === 0 ? 'The reference is current.' : `Written: ${stale.join(', ')}`);
    return 0;
  }
  if (stale.length === 0) return 0;
  console.error(
    `Not what the code says: ${stale.join(', ')}. Build, run node dist/tools/reference/main.js and commit the files.`,
  );
  return 1;
}

process.exit(await main());
