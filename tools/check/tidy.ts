/** A construct that is not wanted, and what to write instead. */
export interface Banned {
  name: string;
  pattern: RegExp;
  /** Paths from the root, with slashes. */
  where: (path: string) => boolean;
  cure: string;
}

export const linesMax = 600;

const isTest = (path: string) => /[.-]spec\.ts$/.test(path);
const isProduct = (path: string) => /^(apps|libs)\//.test(path);
/** Command-line tools speak to people on the console; so do entry points before their logger is there. */
const isProgram = (path: string) => /(^|\/)(main|worker|compose)\.ts$/.test(path) || path.endsWith('.mjs');
const anywhere = () => true;

export const banned: readonly Banned[] = [
  {
    name: 'parseFloat',
    pattern: /\bparseFloat\s*\(/,
    where: anywhere,
    cure: 'parseDecimal or Decimal of #libs/money: no float touches an amount, a price or a rate',
  },
  {
    name: 'a test that runs alone',
    pattern: /\b(it|test|describe)(\.\w+)*\.only\s*\(|\bf(it|describe)\s*\(/,
    where: isTest,
    cure: 'take .only away: the other tests of the file do not run',
  },
  {
    name: 'a sleep in a test',
    pattern: /new Promise(<\w*>)?\(\s*\(?\w*\)?\s*=>\s*\{?\s*setTimeout\s*\(|timers\/promises/,
    where: isTest,
    cure: 'waitFor(condition) of #libs/testing: a sleep is too long and too short',
  },
  {
    name: 'an enqueue past the outbox',
    pattern: /\w*queue\w*\.add(Bulk)?\s*\(/i,
    where: (path) => isProduct(path) && !isTest(path) && !path.startsWith('libs/messaging/'),
    cure: 'outbox.add(tx, …) in the transaction of the fact',
  },
  {
    name: 'console.log',
    pattern: /\bconsole\.(log|info|debug)\s*\(/,
    where: (path) => isProduct(path) && !isProgram(path) && !isTest(path),
    cure: 'the Logger, which redacts and carries the ids of the request',
  },
  {
    name: 'a note to oneself',
    pattern: /(\/\/|\*|#)\s*(TODO|FIXME|XXX|HACK)\b/,
    where: anywhere,
    cure: 'do it, or open an issue; the code says what is',
  },
  {
    name: 'a path of one machine',
    pattern: /['"`(\s](\/(home|Users|root|work|mnt|opt)\/\w{2,}|[A-Z]:\\\\)/,
    where: anywhere,
    cure: 'a path from import.meta.dirname, os.tmpdir() or the configuration',
  },
];

export interface Finding {
  path: string;
  line: number;
  name: string;
  cure: string;
}

export function untidyIn(path: string, text: string): Finding[] {
  const lines = text.split('\n');
  const findings = banned
    .filter(({ where }) => where(path))
    .flatMap(({ name, pattern, cure }) =>
      lines.flatMap((line, at) => (pattern.test(line) ? [{ path, line: at + 1, name, cure }] : [])),
    );
  const length = text.endsWith('\n') ? lines.length - 1 : lines.length;
  if (length > linesMax)
    findings.push({
      path,
      line: length,
      name: `more than ${linesMax} lines`,
      cure: 'split it by what it is about, never by layer',
    });
  return findings;
}
