import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const root = join(import.meta.dirname, '..', '..');
const rules = (
  createRequire(import.meta.url)(join(root, '.dependency-cruiser.cjs')) as { forbidden: { name: string }[] }
).forbidden.map(({ name }) => name);

interface Breach {
  rule: { name: string };
  from: string;
  to: string;
}

/** Cruises a tree in a process of its own, as the check does: the configuration sees exactly what it sees there. */
async function breachesIn(folder: string, parts: readonly string[]): Promise<Breach[]> {
  const child = spawn(
    process.execPath,
    [
      join(root, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs'),
      '--config',
      '.dependency-cruiser.cjs',
      '--output-type',
      'json',
      ...parts,
    ],
    { cwd: folder, env: { ...process.env, NODE_OPTIONS: '' }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const pieces: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
  await new Promise((resolve) => child.once('close', resolve));
  const { summary } = JSON.parse(Buffer.concat(pieces).toString('utf8')) as { summary: { violations: Breach[] } };
  return summary.violations;
}

const lineOf = ({ rule, from, to }: Breach) => `${rule.name}: ${from} -> ${to}`;

/**
 * A repository in small. Each line that breaks a rule carries the name of the rule; lines without one are the nearest
 * thing that is allowed, so that a rule that reports too much fails as well.
 */
const planted: Record<string, [code: string, breaks?: string, target?: string][]> = {
  'libs/kernel/index.ts': [
    ['export const one = 1;'],
    [
      `import { messages } from '#libs/contracts/index.js';`,
      'pure-libs-import-no-contracts',
      'libs/contracts/index.ts',
    ],
    [
      `import { Transactions } from '#libs/database/index.js';`,
      'pure-libs-import-no-platform',
      'libs/database/index.ts',
    ],
    [
      `import { Injectable } from '@nestjs/common';`,
      'pure-libs-import-no-framework',
      'node_modules/@nestjs/common/index.js',
    ],
  ],
  'libs/kernel/cycle-of-values.ts': [
    [`import { there } from './cycle-there.js';`, 'no-cycles', 'libs/kernel/cycle-there.ts'],
    ['export const back = there;'],
  ],
  'libs/kernel/cycle-there.ts': [
    // A cycle is reported once, where it is entered first.
    [`import { back } from './cycle-of-values.js';`],
    ['export const there = () => back;'],
  ],
  'libs/kernel/cycle-of-types.ts': [
    [`import { type There } from './type-there.js';`],
    ['export interface Back { there: There }'],
  ],
  'libs/kernel/type-there.ts': [
    [`import type { Back } from './cycle-of-types.js';`],
    ['export interface There { back: Back }'],
  ],
  'libs/kernel/inner.ts': [['export const inner = 1;']],
  'libs/kernel/lost.ts': [[`import { nothing } from './nowhere.js';`, 'everything-resolves', './nowhere.js']],
  'libs/money/index.ts': [[`import { one } from '#libs/kernel/index.js';`], ['export const money = one;']],
  'libs/contracts/index.ts': [['export const messages = {};']],
  'libs/contracts/wrong.ts': [
    [`import { outbox } from '#libs/messaging/index.js';`, 'pure-libs-import-no-platform', 'libs/messaging/index.ts'],
  ],
  'libs/database/index.ts': [[`import pg from 'pg';`], ['export const Transactions = pg;']],
  'libs/database/wrong.ts': [
    [`import { inner } from '#libs/kernel/inner.js';`, 'libs-are-entered-through-their-index', 'libs/kernel/inner.ts'],
    [
      `import { Trades } from '../../apps/settlement/src/trades/trades.service.js';`,
      'libs-never-import-apps',
      'apps/settlement/src/trades/trades.service.ts',
    ],
    [`import { helper } from '#libs/testing/index.js';`, 'test-support-only-in-tests', 'libs/testing/index.ts'],
  ],
  'libs/database/right.int-spec.ts': [[`import { helper } from '#libs/testing/index.js';`]],
  'libs/messaging/index.ts': [[`import { Queue } from 'bullmq';`], ['export const outbox = Queue;']],
  'libs/audit/index.ts': [
    [`import { Queue } from 'bullmq';`, 'queue-only-in-messaging', 'node_modules/bullmq/index.js'],
  ],
  'libs/testing/index.ts': [[`import { start } from '#tools/postgres/embedded.js';`], ['export const helper = start;']],
  'libs/graphql/testing.ts': [[`import { Test } from '@nestjs/testing';`], ['export const print = Test;']],
  'tools/postgres/embedded.ts': [['export const start = 1;']],
  'tools/launcher/main.ts': [
    [`import { Trades } from '../../apps/settlement/src/trades/trades.service.js';`],
    [`import { Account } from '../../apps/accounting/src/accounts/accounts.service.js';`],
  ],
  'tools/market-simulator/market.ts': [
    [`import { money } from '#libs/money/index.js';`],
    [
      `import { Transactions } from '#libs/database/index.js';`,
      'oracle-and-market-are-independent',
      'libs/database/index.ts',
    ],
  ],
  'test/oracle/oracle.ts': [
    [
      `import { trade } from '../../apps/settlement/src/trades/trade.js';`,
      'oracle-and-market-are-independent',
      'apps/settlement/src/trades/trade.ts',
    ],
  ],
  'apps/accounting/src/accounts/accounts.service.ts': [
    [
      `import { trade } from '../../../settlement/src/trades/trade.js';`,
      'apps-are-islands',
      'apps/settlement/src/trades/trade.ts',
    ],
    [`import { start } from '#tools/postgres/embedded.js';`, 'product-imports-no-tools', 'tools/postgres/embedded.ts'],
    ['export const Account = 1;'],
  ],
  'apps/gateway/src/main.ts': [
    [`import { Queue } from 'bullmq';`],
    [
      `import { Test } from '@nestjs/testing';`,
      'no-development-dependency-at-run-time',
      'node_modules/@nestjs/testing/index.js',
    ],
  ],
  'apps/gateway/compose.ts': [[`import { print } from '#libs/graphql/testing.js';`]],
  'apps/settlement/src/trades/trade.ts': [
    [`import { money } from '#libs/money/index.js';`],
    [`import { type DataSource } from 'typeorm';`],
    [`import { Injectable } from '@nestjs/common';`, 'rules-are-pure', 'node_modules/@nestjs/common/index.js'],
    ['export const trade = 1;'],
  ],
  'apps/settlement/src/trades/trades.repository.ts': [['export class TradesRepository {}']],
  'apps/settlement/src/trades/trades.service.ts': [
    [`import { Injectable } from '@nestjs/common';`],
    [`import { TradesRepository } from './trades.repository.js';`],
    ['export const Trades = 1;'],
  ],
  'apps/settlement/src/payments/payments.service.ts': [
    [`import { Trades } from '../trades/trades.service.js';`],
    [
      `import { TradesRepository } from '../trades/trades.repository.js';`,
      'repositories-stay-in-their-feature',
      'apps/settlement/src/trades/trades.repository.ts',
    ],
  ],
  'apps/settlement/src/payments/payments.resolver.ts': [
    [`import { type TradesRepository } from '../trades/trades.repository.js';`],
  ],
};

const packages: Record<string, 'dependencies' | 'devDependencies'> = {
  '@nestjs/common': 'dependencies',
  '@nestjs/testing': 'devDependencies',
  bullmq: 'dependencies',
  pg: 'dependencies',
  typeorm: 'dependencies',
};

describe('the directions of the architecture', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'northgate-boundaries-'));
    const put = (path: string, text: string) => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    };
    for (const file of ['.dependency-cruiser.cjs', 'tsconfig.json']) cpSync(join(root, file), join(folder, file));
    const { imports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { imports: unknown };
    const dependencies: Record<string, Record<string, string>> = { dependencies: {}, devDependencies: {} };
    for (const [name, kind] of Object.entries(packages)) {
      (dependencies[kind] ??= {})[name] = '1.0.0';
      put(`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'index.js' }));
      put(`node_modules/${name}/index.js`, 'module.exports = {};\n');
    }
    put('package.json', JSON.stringify({ name: 'planted', type: 'module', imports, ...dependencies }));
    for (const [path, lines] of Object.entries(planted)) put(path, lines.map(([code]) => `${code}\n`).join(''));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const wanted = Object.entries(planted).flatMap(([from, lines]) =>
    lines.flatMap(([, rule, to]) => (rule && to ? [lineOf({ rule: { name: rule }, from, to })] : [])),
  );

  it('have a planted breach for every rule', () => {
    expect(new Set(wanted.map((line) => line.split(':')[0]))).toEqual(new Set(rules));
  });

  it('report each planted breach and nothing beside', async () => {
    const found = await breachesIn(folder, ['apps', 'libs', 'tools', 'test']);
    expect(found.map(lineOf).sort()).toEqual([...wanted].sort());
  }, 60_000);

  it('are kept by the real tree', async () => {
    const found = await breachesIn(root, ['apps', 'libs', 'tools', 'test', 'bench', 'conformance']);
    expect(found.map(lineOf)).toEqual([]);
  }, 120_000);
});
