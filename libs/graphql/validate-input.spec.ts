import { describe, expect, it } from '@jest/globals';
import { Verbatim, validateInput } from './validate-input.js';

class Input {
  name!: string;
  @Verbatim() content!: string;
}

describe('what no column holds', () => {
  it('is refused in every text but in a file as it came, whose lines are judged one by one', () => {
    const texts = { name: 'a\0b', content: 'one\nt\0wo\n', more: [{ reason: '\ud800' }] };
    expect(validateInput(Input, texts).map(({ code, path }) => `${code} ${path.join('.')}`)).toEqual([
      'INVALID_TEXT name',
      'INVALID_TEXT more.0.reason',
    ]);
    expect(validateInput(Input, { name: 'a', content: '\0' })).toEqual([]);
  });
});
