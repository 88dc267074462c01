import { describe, expect, it } from '@jest/globals';
import { canonicalJson } from '#libs/kernel/index.js';
import { commitmentOf, leafHalves, leafHash, opensCommitment } from './audit-leaf.js';

describe('audit leaf', () => {
  it.each([
    ['', '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
    ['L123456', '395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56'],
  ])('%j hashes as in RFC 6962', (text, hash) => {
    expect(leafHash(text)).toBe(hash);
  });

  it('is canonical JSON (RFC 8785) with the time between its halves', () => {
    const record = {
      action: 'a.b',
      objectKind: 'K',
      objectId: 'i "1"',
      principal: { subject: 'né' },
      reason: 'x\ny',
      after: { b: 1, a: 2 },
    };
    const { head, tail, afterHash } = leafHalves(record);
    const text = `${head}2026-11-25T08:00:00.000000Z${tail}`;
    expect(canonicalJson(JSON.parse(text))).toBe(text);
    expect(JSON.parse(text)).toMatchObject({
      afterHash: afterHash!.commitment,
      beforeHash: null,
      bookId: '*',
      principal: 'né',
    });
    expect(opensCommitment(canonicalJson(record.after), afterHash!)).toBe(true);
  });
});

it('a commitment opens with its salt alone, and two of one name differ', () => {
  const made = commitmentOf('Anna Becker');
  expect(opensCommitment('Anna Becker', made)).toBe(true);
  expect(opensCommitment('Anna Bekker', made)).toBe(false);
  expect(opensCommitment('Anna Becker', { ...made, salt: Buffer.alloc(16) })).toBe(false);
  expect(commitmentOf('Anna Becker').commitment).not.toBe(made.commitment);
});
