import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import suite from './list-deltas.js';

const line = (id: number, name: string) => `${id},"${name}",${Array(10).fill('-0- ').join(',')}\r\n`;
const header = 'from_file,to_file,entities_from,entities_to,added_ids,deleted_ids,modified_ids\n';

describe('the suite of list deltas', () => {
  let root: string;
  const write = async (path: string, content: string | Buffer) => {
    await writeFile(join(root, suite.folder, path), content);
  };

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'list-deltas-'));
    await mkdir(join(root, suite.folder, 'versions'), { recursive: true });
    await write('versions/a.csv.gz', gzipSync(line(1, 'ONE') + line(2, 'TWO')));
    await write('versions/b.csv', `${line(2, 'TWO LTD')}${line(3, 'THREE')}\u001a`);
  });
  afterEach(async () => {
    await rm(root, { recursive: true });
  });

  it('passes when every id is as expected, compressed or not', async () => {
    await write('steps.csv', `${header}a.csv.gz,b.csv,2,2,3,1,2\n`);
    expect(await suite.run(root)).toMatchObject({
      passed: 5,
      failed: 0,
      figures: { steps: 1, added: 1, deleted: 1, modified: 1 },
    });
  });

  it('fails on a wrong id and on a version that is not there', async () => {
    await write('steps.csv', `${header}a.csv.gz,b.csv,2,2,3 4,1,2\nb.csv,c.csv,2,2,,,\n`);
    const { failed, failures } = await suite.run(root);
    expect(failed).toBe(2);
    expect(failures[0]).toContain('added: expected ["3","4"], got ["3"]');
    expect(failures[1]).toContain('there is no version c.csv');
  });
});
