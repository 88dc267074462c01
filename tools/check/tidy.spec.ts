import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { banned, linesMax, untidyIn } from './tidy.js';

const root = join(import.meta.dirname, '..', '..');
/** These two files name what is banned. */
const own = ['tools/check/tidy.ts', 'tools/check/tidy.spec.ts'];

function sources(): string[] {
  return ['apps', 'libs', 'tools', 'test', 'bench', 'conformance']
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name) && !entry.parentPath.includes('node_modules'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((path) => !own.includes(path));
}

const namesIn = (path: string, text: string) => untidyIn(path, text).map(({ name }) => name);

describe('tidy', () => {
  it.each([
    ['parseFloat', 'libs/money/x.ts', 'const a = parseFloat(text);'],
    ['a test that runs alone', 'libs/money/x.spec.ts', `  it.only('is', () => undefined);`],
    ['a test that runs alone', 'libs/money/x.int-spec.ts', `describe.only('is', () => undefined);`],
    ['a sleep in a test', 'apps/a/x.int-spec.ts', 'await new Promise((resolve) => setTimeout(resolve, 50));'],
    ['a sleep in a test', 'apps/a/x.spec.ts', `import { setTimeout } from 'node:timers/promises';`],
    ['an enqueue past the outbox', 'apps/a/x.ts', 'await this.queue.add(name, data);'],
    ['an enqueue past the outbox', 'libs/audit/x.ts', 'await paymentsQueue.addBulk(jobs);'],
    ['console.log', 'apps/a/src/x.service.ts', 'console.log(1);'],
    ['a note to oneself', 'tools/x.mjs', '// TODO: later'],
    ['a path of one machine', 'tools/x.ts', `const a = '/home/somebody/data';`],
  ])('names %s', (name, path, line) => {
    expect(namesIn(path, `${line}\n`)).toEqual([name]);
    expect(banned.map((one) => one.name)).toContain(name);
  });

  it.each([
    ['libs/messaging/queues.ts', 'await this.queue(name).add(a, b); await queue.add(a);'],
    ['apps/a/src/main.ts', 'console.log(address);'],
    ['apps/a/src/x.ts', 'const timer = new Promise((resolve) => setTimeout(resolve, 50));'],
    ['apps/a/src/x.ts', `throw new Error('a todo list, a fixme and /homepage/x');`],
    ['libs/a/x.spec.ts', `it('is the only()', () => undefined);`],
  ])('lets %s say %s', (path, line) => {
    expect(namesIn(path, `${line}\n`)).toEqual([]);
  });

  it('names a long file', () => {
    expect(namesIn('libs/a/x.ts', 'a\n'.repeat(linesMax))).toEqual([]);
    expect(namesIn('libs/a/x.ts', 'a\n'.repeat(linesMax + 1))).toEqual([`more than ${linesMax} lines`]);
  });

  it('is what every source is', () => {
    const findings = sources().flatMap((path) => untidyIn(path, readFileSync(join(root, path), 'utf8')));
    expect(findings.map(({ path, line, name, cure }) => `${path}:${line}: ${name}. Instead: ${cure}`)).toEqual([]);
  });
});
