import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { z } from 'zod';
import { type EnvironmentVariable, environmentReference, furtherReferences, referenceOf } from '#libs/config/index.js';
import { byText, code, page, table } from './markdown.js';
import { type Source, walk } from './sources.js';

const columns = ['variable', 'what it is', 'required', 'default', 'secret'];
const rowOf = (variable: EnvironmentVariable) => [
  code(variable.name),
  variable.description,
  variable.isRequired ? 'yes' : '',
  code(variable.default ?? ''),
  variable.isSecret ? 'yes' : '',
];

/** Each service's own schema: what `apps/<name>/src/<name>.config` exports under a name that ends in Environment. */
async function ofServices(built: string): Promise<[string, EnvironmentVariable[]][]> {
  const found: [string, EnvironmentVariable[]][] = [];
  for (const name of readdirSync(join(built, 'apps')).sort(byText)) {
    const file = join(built, 'apps', name, 'src', `${name}.config.js`);
    if (!existsSync(file)) continue;
    const exported = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
    for (const [key, schema] of Object.entries(exported))
      if (key.endsWith('Environment') && schema instanceof z.ZodObject) found.push([name, referenceOf(schema)]);
  }
  return found;
}

/** `process.env.NAME`, `environment.NAME` and `whole('NAME', …)`: what is read outside a schema. */
function readDirectly(sources: readonly Source[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  const add = (name: string, path: string) => {
    if (/^[A-Z][A-Z0-9_]{3,}$/.test(name)) found.set(name, (found.get(name) ?? new Set()).add(path));
  };
  for (const { path, tree } of sources) {
    walk(tree, (node) => {
      if (ts.isPropertyAccessExpression(node) && /^(process\.env|environment|env)$/.test(node.expression.getText()))
        add(node.name.text, path);
      if (ts.isCallExpression(node) && node.expression.getText() === 'whole') {
        const [first] = node.arguments;
        if (first && ts.isStringLiteralLike(first)) add(first.text, path);
      }
    });
  }
  return found;
}

export async function environmentPage(built: string, sources: readonly Source[]): Promise<string> {
  const shared = environmentReference();
  const sharedRows = new Map(shared.map((variable) => [variable.name, rowOf(variable).join('|')]));
  const parts = [`## Every service\n\n${table(columns, shared.map(rowOf))}`];
  const known = new Set(shared.map(({ name }) => name));
  for (const [name, variables] of [...furtherReferences(), ...(await ofServices(built))]) {
    for (const variable of variables) known.add(variable.name);
    const own = variables.map(rowOf).filter((row, at) => sharedRows.get(variables[at]?.name ?? '') !== row.join('|'));
    if (own.length > 0) parts.push(`## ${name}\n\n${table(columns, own)}`);
  }
  const others = [...readDirectly(sources)].filter(([name]) => !known.has(name)).sort(([a], [b]) => byText(a, b));
  if (others.length > 0)
    parts.push(
      `## Read elsewhere\n\n${table(
        ['variable', 'read in'],
        others.map(([name, paths]) => [code(name), [...paths].sort(byText).join(', ')]),
      )}`,
    );
  return page(
    'Environment',
    'What the processes read from their environment. An empty variable counts as absent. A process whose configuration is ' +
      'not complete says everything that is wrong at once, and does not start.',
    ...parts,
  );
}
