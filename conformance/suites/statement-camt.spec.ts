import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { statementCamt } from './statement-camt.js';

const corpora = process.env['CORPORA_DIRECTORY'] ?? '../shared/corpora';
const withCorpora = existsSync(join(corpora, statementCamt.folder)) ? describe : describe.skip;

withCorpora('statements made by others', () => {
  it('are all read as expected', async () => {
    const result = await statementCamt.run(corpora);
    expect(result.failures).toEqual([]);
    expect(result.passed).toBeGreaterThan(0);
  });
});
