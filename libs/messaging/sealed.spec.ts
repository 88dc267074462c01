import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { sealText, unsealText } from './sealed.js';

describe('sealed text', () => {
  const before = process.env.MESSAGE_SEAL_KEY;
  beforeEach(() => {
    process.env.MESSAGE_SEAL_KEY = randomBytes(32).toString('base64');
  });
  afterEach(() => {
    if (before === undefined) delete process.env.MESSAGE_SEAL_KEY;
    else process.env.MESSAGE_SEAL_KEY = before;
  });

  it.each(['', 'Jörg Müller', 'a'.repeat(5_000), '田中 太郎'])('opens to what was sealed: %#', (text) => {
    const sealed = sealText(text);
    expect(sealed.startsWith('sealed:')).toBe(true);
    if (text !== '') expect(sealed).not.toContain(text);
    expect(unsealText(sealed)).toBe(text);
  });

  it('never seals the same text to the same letters', () => {
    expect(sealText('Müller')).not.toBe(sealText('Müller'));
  });

  it('refuses a changed text, another key, a cut text and plain text', () => {
    const sealed = sealText('Müller');
    const bytes = Buffer.from(sealed.slice(7), 'base64');
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    expect(() => unsealText(`sealed:${bytes.toString('base64')}`)).toThrow();
    expect(() => unsealText('sealed:AAAA')).toThrow('cut short');
    expect(() => unsealText('Müller')).toThrow('not a sealed text');
    process.env.MESSAGE_SEAL_KEY = randomBytes(32).toString('base64');
    expect(() => unsealText(sealed)).toThrow();
  });

  it('says what is wrong with the key', () => {
    process.env.MESSAGE_SEAL_KEY = 'c2hvcnQ=';
    expect(() => sealText('x')).toThrow('shorter than 32');
    delete process.env.MESSAGE_SEAL_KEY;
    expect(() => sealText('x')).toThrow('MESSAGE_SEAL_KEY is not set');
  });

  it('takes any long secret', () => {
    process.env.MESSAGE_SEAL_KEY = 'correct horse battery staple correct horse';
    expect(unsealText(sealText('Müller'))).toBe('Müller');
  });
});
