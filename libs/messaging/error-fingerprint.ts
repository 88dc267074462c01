import { createHash } from 'node:crypto';

export interface DescribedError {
  readonly code: string;
  readonly message: string;
  readonly fingerprint: string;
}

/** The same fault with other ids, amounts or times is the same fault. */
export function normalisedMessage(message: string): string {
  return message
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '…')
    .replace(/"[^"]*"|'[^']*'/g, '…')
    .replace(/\b[a-z]+_[0-9A-Za-z]+\b(?=.*)/g, (word) => (/\d/.test(word) ? '…' : word))
    .replace(/\d[\d.,:TZ-]*/g, '…')
    .slice(0, 500);
}

/** The first frame of our own code, without line numbers, which move with every release. */
export function topFrame(stack: string | undefined): string {
  const frames = (stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const own = frames.find((line) => !line.includes('node_modules') && !line.includes('node:')) ?? frames[0] ?? '';
  return own
    .trim()
    .replace(/:\d+:\d+\)?$/, '')
    .replace(/\(?(?:file:\/\/)?\/.*\/((?:libs|apps|tools|test)\/)/, '$1')
    .replace(/^(.*\/)?dist\//, '');
}

/** Code, message and a fingerprint that groups equal failures. */
export function describeError(thrown: unknown): DescribedError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const given = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const code = given ?? (error.name === 'ZodError' ? 'INVALID_PAYLOAD' : error.name);
  const text = [code, normalisedMessage(error.message), topFrame(error.stack)].join('\n');
  return { code, message: error.message, fingerprint: createHash('sha256').update(text).digest('hex').slice(0, 16) };
}
