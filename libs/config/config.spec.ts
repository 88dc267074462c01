import { describe, expect, it } from '@jest/globals';
import { ConfigurationError, environmentReference, loadConfig, redacted, serviceEnvironment } from './index.js';

const complete = {
  SERVICE_NAME: 'settlement',
  DATABASE_URL: 'postgres://settlement:p%40ss@127.0.0.1:5432/back_office',
  INTERNAL_TOKEN_SECRET: 'a'.repeat(32),
  MESSAGE_SEAL_KEY: 'b'.repeat(32),
};

const faultsOf = (environment: NodeJS.ProcessEnv) => {
  try {
    loadConfig(serviceEnvironment, environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.faults;
    throw error;
  }
};

describe('configuration', () => {
  it('reads numbers and gives defaults', () => {
    expect(loadConfig(serviceEnvironment, { ...complete, PORT: '4001', QUEUE_URL: '' })).toMatchObject({
      PORT: 4001,
      WORKER: 'inline',
      CLOCK: 'system',
      LOG_LEVEL: 'info',
      DATABASE_POOL_SIZE: 12,
    });
  });

  it('takes Redis, and Postgres on a host without dots', () => {
    const config = loadConfig(serviceEnvironment, {
      ...complete,
      DATABASE_URL: 'postgresql://a:b@postgres/x',
      QUEUE_URL: 'redis://redis:6379',
    });
    expect(config.QUEUE_URL).toBe('redis://redis:6379');
  });

  it('tells all faults at once, each with what to do', () => {
    const faults = faultsOf({
      ...complete,
      INTERNAL_TOKEN_SECRET: 'short',
      DATABASE_URL: '',
      PORT: '70000',
      WORKER: 'maybe',
      QUEUE_URL: 'http://x',
    });
    expect(faults.map(({ variable }) => variable).sort()).toEqual([
      'DATABASE_URL',
      'INTERNAL_TOKEN_SECRET',
      'PORT',
      'QUEUE_URL',
      'WORKER',
    ]);
    expect(faults.find(({ variable }) => variable === 'DATABASE_URL')?.fault).toBe('is not set');
    for (const { remedy } of faults) expect(remedy).toMatch(/^Set it to \S+/);
  });

  it('says nothing of the secrets it was given', () => {
    const text = JSON.stringify(redacted(loadConfig(serviceEnvironment, complete)));
    expect(text).not.toContain('p%40ss');
    expect(text).not.toContain('aaaa');
    expect(text).not.toContain('bbbb');
    expect(text).toContain('postgres://settlement:***@127.0.0.1:5432/back_office');
    const error = new ConfigurationError(faultsOf({ ...complete, INTERNAL_TOKEN_SECRET: 'hunter2' }));
    expect(error.message).not.toContain('hunter2');
  });

  it('lists every variable with a description', () => {
    const list = environmentReference();
    expect(list.find(({ name }) => name === 'DATABASE_URL')).toMatchObject({ isRequired: true, isSecret: true });
    expect(list.find(({ name }) => name === 'LOG_LEVEL')).toMatchObject({
      isRequired: false,
      default: 'info',
      isSecret: false,
    });
    for (const { description } of list) expect(description).not.toBe('');
  });
});
