import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { corporaDirectory } from '#libs/testing/index.js';
import { complianceUnderTest, type ComplianceUnderTest } from '../testing/compliance-under-test.js';

const directory = join(corporaDirectory(), 'compliance', 'ofac-sdn');
const isPresent = existsSync(directory);
const read = (name: string) => readFileSync(join(directory, name), 'utf8');
if (!isPresent) console.log(`skipped: no published OFAC list in ${directory} (set CORPORA_DIRECTORY)`);

(isPresent ? describe : describe.skip)('the published OFAC list', () => {
  let compliance: ComplianceUnderTest;
  beforeAll(async () => {
    compliance = await complianceUnderTest();
    await compliance.load({
      content: '1,"VOLKONIN, Arkady",individual,"SAMPLE",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ',
    });
    await compliance.registerParties([
      { partyId: 'C-1', name: 'Anna Becker' },
      { partyId: 'C-2', name: 'Bank Melli Iran' },
    ]);
  });
  afterAll(() => compliance.database.drop());

  it('comes into force beside another list within seconds and screens every party', async () => {
    const started = Date.now();
    const id = await compliance.load({
      name: 'SDN of 2023-12-28',
      source: 'OFAC-SDN',
      content: read('sdn_2023-12-28.csv'),
      altContent: read('alt_2023-12_2024-01.csv'),
      addContent: read('add_2023-12_2024-01.csv'),
    });
    // Ten times as long under Jest as in a service: words are compared in its sandbox.
    expect(Date.now() - started).toBeLessThan(60_000);
    const version = await compliance.run((tx) => compliance.listsRepository.find(tx, id));
    expect(version).toMatchObject({
      state: 'ACTIVE',
      entryCount: 13_821,
      aliasCount: 17_091,
      addressCount: 18_990,
      partyHitCount: 1,
    });
    const held = await compliance.run((tx) => compliance.partiesRepository.list(tx, { isHeld: true }, 10));
    expect(held.map(({ partyId }) => partyId)).toEqual(['C-2']);
    expect(await compliance.run((tx) => compliance.listsRepository.active(tx))).toHaveLength(2);
  }, 120_000);

  it('holds who is on either list and nobody else', async () => {
    await compliance.screenNames('both-lists', {
      pay1: 'Arkady Volkonin',
      pay2: 'Aerocaribbean Airlines',
      pay3: 'Ingeborg Abrahamsen',
      pay4: 'Kathryn Barr',
    });
    const answer = (await compliance.sent('compliance.screening-completed.v1')).at(-1)!;
    expect(answer.items.map(({ outcome }) => outcome)).toEqual(['HIT', 'HIT', 'CLEAR', 'CLEAR']);
  }, 60_000);
});
