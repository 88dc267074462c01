/* eslint-disable @typescript-eslint/no-explicit-any, @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-return -- what comes over the wire has no types here */
import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import {
  contextFrom,
  contextHeaders,
  currentContext,
  HealthCheck,
  type HealthState,
  Logger,
  nextTraceparent,
  reportHealth,
  runInContext,
} from './index.js';

function logged(write: (logger: Logger) => void): any[] {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(...chunk.toString().split('\n').filter(Boolean));
      done();
    },
  });
  write(new Logger({ service: 'settlement', level: 'trace', destination }));
  return lines.map((line) => JSON.parse(line));
}

describe('the log', () => {
  it('is one JSON object a line, with service, context and ids', () => {
    const context = contextFrom({ requestId: 'req-1', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` });
    const [line] = logged((logger) => {
      runInContext({ ...context, subject: 'anna' }, () => {
        logger.log('took it', { trade: 't1' }, 'Trades');
      });
    });
    expect(line).toMatchObject({
      level: 'info',
      service: 'settlement',
      msg: 'took it',
      context: 'Trades',
      trade: 't1',
      requestId: 'req-1',
      subject: 'anna',
    });
    expect(line.traceparent).toContain('a'.repeat(32));
  });

  it('never shows a secret', () => {
    const secrets = {
      password: 'hunter2',
      nested: { token: 'hunter2', deeper: { iban: 'hunter2', list: { secret: 'hunter2' } } },
      headers: { authorization: 'Bearer hunter2', cookie: 'hunter2' },
      body: { content: 'hunter2' },
    };
    const text = JSON.stringify(
      logged((logger) => {
        logger.log('with fields', secrets, 'X');
        logger.error(new Error('connect postgres://owner:hunter2@db:5432/x failed'));
        logger.warn('key ngb_operations_hunter2hunter2hunter2hunter2hunter2 and Bearer hunter2.hunter2');
        logger.error('boom', 'Error: redis://:hunter2@cache\n at x', 'Context');
        logger.log({ err: new Error('password=x redis://u:hunter2@h') });
      }),
    );
    expect(text).not.toContain('hunter2');
    expect(text).toContain('postgres://owner:[redacted]@db');
  });
});

describe('the request context', () => {
  it('takes ids from outside only when they are harmless', () => {
    expect(contextFrom({ requestId: 'abc-1' }).requestId).toBe('abc-1');
    expect(contextFrom({ requestId: 'a\nb' }).requestId).not.toContain('\n');
    expect(nextTraceparent('nonsense')).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  it('follows asynchronous work and is handed on', async () => {
    await runInContext(contextFrom({ requestId: 'r' }), async () => {
      await Promise.resolve();
      expect(currentContext()?.requestId).toBe('r');
      expect(contextHeaders().traceparent.split('-')[1]).toBe(currentContext()?.traceparent.split('-')[1]);
    });
    expect(currentContext()).toBeUndefined();
  });
});

describe('health', () => {
  const check = (name: string, answer: () => Promise<HealthState>) =>
    new (class extends HealthCheck {
      readonly name = name;
      check() {
        return answer();
      }
    })();
  it.each([
    [['up', 'up'], 'up'],
    [['up', 'degraded'], 'degraded'],
    [['degraded', 'down'], 'down'],
  ] as const)('of %j is %s', async (states, expected) => {
    const report = await reportHealth(states.map((state, n) => check(`c${n}`, () => Promise.resolve(state))));
    expect(report.state).toBe(expected);
  });
  it('is down where a check throws', async () => {
    expect(await reportHealth([check('db', () => Promise.reject(new Error('away')))])).toEqual({
      state: 'down',
      checks: { db: 'down' },
    });
  });
});
