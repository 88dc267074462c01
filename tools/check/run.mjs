// Everything that needs no database: all steps run, two at a time; each prints one line with its seconds, then its
// faults if it has any. The exit code is 1 when one step failed. Plain JavaScript: it runs before anything is built.
//   node tools/check/run.mjs [step …]     only the steps named
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');
const module = (...path) => join(root, 'node_modules', ...path);
const cache = (name) => module('.cache', 'northgate-check', name);
const sources = ['apps', 'libs', 'tools', 'test', 'bench', 'conformance'].filter((name) =>
  existsSync(join(root, name)),
);

const dependencyCruiser = [
  module('dependency-cruiser', 'bin', 'dependency-cruise.mjs'),
  '--config',
  '.dependency-cruiser.cjs',
  '--output-type',
  'err',
  ...sources,
];

const steps = [
  // The longest first: two lanes end at about the same time.
  {
    name: 'lint',
    parameters: [
      '--max-old-space-size=6144',
      module('eslint', 'bin', 'eslint.js'),
      '--cache',
      '--cache-strategy',
      'content',
      '--cache-location',
      `${cache('eslint')}/`,
      '.',
    ],
    // One program for the whole run, instead of a language service that waits for edits.
    environment: { TSESTREE_SINGLE_RUN: 'true' },
  },
  {
    name: 'types',
    parameters: [module('typescript', 'bin', 'tsc'), '--noEmit', '--pretty', 'false', '-p', 'tsconfig.json'],
  },
  { name: 'build', parameters: [join(root, 'tools', 'bootstrap.mjs'), 'build'] },
  { name: 'supergraph', parameters: [join(root, 'dist', 'apps', 'gateway', 'compose.js'), '--check'], after: 'build' },
  { name: 'reference', parameters: [join(root, 'dist', 'tools', 'reference', 'main.js'), '--check'], after: 'build' },
  {
    name: 'format',
    parameters: [
      module('prettier', 'bin', 'prettier.cjs'),
      '--check',
      '--log-level',
      'warn',
      '--cache',
      '--cache-strategy',
      'content',
      '--cache-location',
      cache('prettier'),
      ...sources.map((folder) => `${folder}/**/*.{ts,mjs,json}`),
      '*.{mjs,cjs,json}',
      '--no-error-on-unmatched-pattern',
    ],
  },
  { name: 'boundaries', parameters: dependencyCruiser },
  { name: 'licences', parameters: [join(root, 'tools', 'check', 'licences.mjs')] },
  {
    name: 'lock file',
    program: process.platform === 'win32' ? 'npm.cmd' : 'npm',
    parameters: ['ci', '--dry-run', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'],
    isQuiet: true,
  },
];

function run({ program = process.execPath, parameters, environment = {} }) {
  return new Promise((resolve) => {
    const began = performance.now();
    const said = [];
    const child = spawn(program, parameters, {
      cwd: root,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32' && program.endsWith('.cmd'),
    });
    child.stdout.on('data', (piece) => said.push(piece));
    child.stderr.on('data', (piece) => said.push(piece));
    child.once('error', (error) => resolve({ ok: false, seconds: 0, output: error.message }));
    child.once('close', (code, signal) => {
      const output = Buffer.concat(said).toString('utf8').trim();
      const ended = signal === null ? '' : `\nended by ${signal}`;
      resolve({ ok: code === 0, seconds: (performance.now() - began) / 1000, output: output + ended });
    });
  });
}

const wanted = process.argv.slice(2).filter((word) => !word.startsWith('-'));
const unknown = wanted.filter((name) => !steps.some((step) => step.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `There is no step ${unknown.join(', ')}; there are ${steps.map(({ name }) => name).join(', ')}.\n`,
  );
  process.exit(2);
}
const isWanted = ({ name }) => wanted.length === 0 || wanted.includes(name);
// A step that needs the build brings it along.
const chosen = steps.filter(
  (step) => isWanted(step) || steps.some((other) => isWanted(other) && other.after === step.name),
);

const ended = new Map();
const print = (name, mark, text, output = '') => {
  process.stdout.write(`${mark} ${name.padEnd(11)} ${text}\n`);
  if (output !== '') process.stdout.write(`${output.replace(/^/gm, '    ')}\n`);
};

const waiting = [...chosen];
async function lane() {
  for (;;) {
    const at = waiting.findIndex(({ after }) => after === undefined || ended.has(after));
    if (at < 0) {
      if (waiting.length === 0) return;
      await Promise.race([...running.values()]);
      continue;
    }
    const [step] = waiting.splice(at, 1);
    if (step.after !== undefined && !ended.get(step.after)) {
      ended.set(step.name, false);
      print(step.name, '-', `not run: ${step.after} failed`);
      continue;
    }
    const work = run(step);
    running.set(step.name, work);
    const { ok, seconds, output } = await work;
    running.delete(step.name);
    ended.set(step.name, ok);
    const isWarned = /\bwarn(ing)?\b/i.test(output) && !step.isQuiet;
    print(step.name, ok ? '✓' : '✗', `${seconds.toFixed(1)} s`, ok && !isWarned ? '' : output);
  }
}
const running = new Map();
const began = performance.now();
await Promise.all([lane(), lane()]);

const failed = [...ended].filter(([, ok]) => !ok).map(([name]) => name);
const total = `${((performance.now() - began) / 1000).toFixed(0)} s`;
if (failed.length > 0) {
  process.stdout.write(`Failed after ${total}: ${failed.join(', ')}\n`);
  process.exit(1);
}
process.stdout.write(`All checks passed in ${total}.\n`);
