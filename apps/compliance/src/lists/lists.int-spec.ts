import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { complianceUnderTest, type ComplianceUnderTest, jobIn, processOf } from '../testing/compliance-under-test.js';

const line = (id: number, name: string, kind = 'individual') =>
  `${id},"${name}",${kind},"SAMPLE",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- `;
const first = [line(1, 'VOLKONIN, Arkady'), line(2, 'ZARYA MARITIME TRADING LLC', '-0- ')].join('\r\n');
const aliases = '2,21,"aka","MORNING GLOW NAVIGATION",-0- ';

describe('sanctions lists', () => {
  let compliance: ComplianceUnderTest;
  beforeAll(async () => {
    compliance = await complianceUnderTest();
  });
  afterAll(() => compliance.database.drop());

  it('come into force as an immutable version and are announced', async () => {
    const id = await compliance.load({ content: first, altContent: aliases });
    const version = await compliance.run((tx) => compliance.listsRepository.find(tx, id));
    expect(version).toMatchObject({
      state: 'ACTIVE',
      entryCount: 2,
      aliasCount: 1,
      addedCount: 2,
      changedCount: 0,
      removedCount: 0,
      partyHitCount: 0,
    });
    expect(await compliance.sent('compliance.list-activated.v1')).toMatchObject([
      { listVersionId: id, source: 'SAMPLE', entryCount: 2 },
    ]);
    await expect(compliance.run((tx) => tx.execute(`DELETE FROM compliance.list_version_entry`))).rejects.toThrow(
      /permission denied/,
    );
    await expect(
      compliance.database.pool('owner').query(`UPDATE compliance.list_entry SET name = 'NOBODY'`),
    ).rejects.toThrow(/added to, never changed/);
  });

  it('sent again are the same version, without a new job', async () => {
    const before = await compliance.sent('compliance.activate-list.v1');
    await compliance.run(async (tx) => {
      const again = await compliance.lists.receive(
        tx,
        { name: 'other name', source: 'SAMPLE', content: first, altContent: aliases },
        'tester',
      );
      expect(again.listVersion?.state).toBe('ACTIVE');
    });
    expect(await compliance.sent('compliance.activate-list.v1')).toHaveLength(before.length);
  });

  it.each([
    ['no CSV of the published form', 'a,b\nc', 'LIST_UNREADABLE'],
    ['an entry twice', [line(1, 'A'), line(1, 'B')].join('\n'), 'LIST_UNREADABLE'],
    ['NUL bytes', line(1, 'A\0B'), 'NUL_BYTE'],
  ])('with a fault (%s) are refused whole; the version before stays', async (_, content, code) => {
    const received = await compliance.run((tx) =>
      compliance.lists.receive(tx, { name: 'bad', source: 'SAMPLE', content }, 'tester'),
    );
    expect(received.problems.map((problem) => problem.code)).toEqual([code]);
    const active = await compliance.run((tx) => compliance.listsRepository.active(tx));
    expect(active).toHaveLength(1);
  });

  it('screen every party exactly once against what changed, also when the job dies in the middle', async () => {
    await compliance.registerParties([
      { partyId: 'P-1', name: 'Anna Becker' },
      { partyId: 'P-2', name: 'Tomas Ilyushkin' },
      { partyId: 'P-3', name: 'Arkadi Volkonin' },
      { partyId: 'P-4', name: 'Milan Volkonin' },
    ]);
    const held = () => compliance.run((tx) => compliance.partiesRepository.list(tx, { isHeld: true }, 10));
    expect((await held()).map(({ partyId }) => partyId)).toEqual(['P-3']);

    const second = `${first}\r\n${line(3, 'ILYUSHKIN, Tomas')}\r\n${line(4, 'NOBODY, Known')}`;
    const received = await compliance.run((tx) =>
      compliance.lists.receive(tx, { name: 'two', source: 'SAMPLE', content: second, altContent: aliases }, 'x'),
    );
    const id = received.listVersion!.listVersionId;
    for (let steps = 1; steps < 9; steps += 1) {
      const job = jobIn(compliance.transactions, { failAfter: steps });
      await compliance.lists.activate(id, job).catch(() => undefined);
    }
    await compliance.lists.activate(id, jobIn(compliance.transactions));
    expect((await held()).map(({ partyId }) => partyId)).toEqual(['P-2', 'P-3']);
    const counts = await compliance.run((tx) =>
      tx.rows(
        `SELECT party_id, count(*)::int AS count FROM compliance.screening WHERE batch_id = $1 GROUP BY 1 ORDER BY 1`,
        [id],
      ),
    );
    expect(counts).toEqual(['P-1', 'P-2', 'P-3', 'P-4'].map((party_id) => ({ party_id, count: 1 })));
    expect((await compliance.sent('compliance.party-held.v1')).map(({ partyId }) => partyId)).toEqual(['P-3', 'P-2']);
    const version = await compliance.run((tx) => compliance.listsRepository.find(tx, id));
    expect(version).toMatchObject({ state: 'ACTIVE', addedCount: 2, removedCount: 0 });
    // The first list is announced again when it comes unchanged: whoever waits for a day's list must hear of it.
    expect(await compliance.sent('compliance.list-activated.v1')).toHaveLength(3);
  });

  it('of two sources are in force at once, and every process follows', async () => {
    const other = processOf(compliance.transactions);
    await compliance.run((tx) => other.screening.screenObjects(tx, [], 'warm'));
    await compliance.load({ name: 'ofac', source: 'OFAC-SDN', content: line(77, 'PERESVET BANK', '-0- ') });
    const screened = await compliance.run((tx) =>
      other.screening.screenObjects(
        tx,
        ['Peresvet Bank', 'Morning Glow Navigation Ltd', 'Anna Becker'].map((name, n) => ({
          objectKind: 'PAYMENT' as const,
          objectId: `two-${n}`,
          reference: `two-${n}`,
          book: 'NGEU',
          names: [{ role: 'CREDITOR', name }],
        })),
        'two-sources',
      ),
    );
    expect(screened.map(({ outcome, score }) => [outcome, score])).toEqual([
      ['HIT', 10_000],
      ['HIT', 10_000],
      ['CLEAR', 0],
    ]);
  });

  it('mark the alert of an entry that is no longer listed, and release nothing', async () => {
    await compliance.load({ name: 'three', content: `${line(3, 'ILYUSHKIN, Tomas')}\r\n${line(5, 'OTHER, One')}` });
    const alerts = await compliance.run((tx) => compliance.alertsRepository.list(tx, { objectKind: 'PARTY' }, 10));
    expect(alerts.map(({ objectId, isEntryDelisted, state }) => [objectId, isEntryDelisted, state]).sort()).toEqual([
      ['P-2', false, 'OPEN'],
      ['P-3', true, 'OPEN'],
    ]);
  });

  describe('two of one source at once', () => {
    const receive = async (name: string, content: string) => {
      const received = await compliance.run((tx) =>
        compliance.lists.receive(tx, { name, source: 'TWICE', content }, 'tester'),
      );
      return received.listVersion!.listVersionId;
    };
    const activate = (id: string) => compliance.lists.activate(id, jobIn(compliance.transactions));
    const inForce = async () =>
      (await compliance.run((tx) => compliance.listsRepository.active(tx))).find(({ source }) => source === 'TWICE')
        ?.listVersionId;
    let older: string;
    let newer: string;

    it('are two versions, the second after the first, when they arrive in the same moment', async () => {
      await compliance.registerParties([{ partyId: 'P-8', name: 'Anna Zetterlund' }], 'imp-8');
      await activate(await receive('base', line(1, 'SOMEBODY, Else')));
      const received = await Promise.all([
        receive('older', `${line(1, 'SOMEBODY, Else')}\r\n${line(8, 'ZETTERLUND, Anna')}`),
        receive('newer', `${line(8, 'ZETTERLUND, Anna')}\r\n${line(9, 'NOBODY, Else')}`),
      ]);
      const versions = await compliance.run((tx) => compliance.listsRepository.list(tx, 'TWICE', 3));
      const [second, first] = versions;
      expect(new Set([first!.listVersionId, second!.listVersionId])).toEqual(new Set(received));
      expect(second!.previousVersionId).toBe(first!.listVersionId);
      [older, newer] = [first!.listVersionId, second!.listVersionId];
    });

    it('screen everything that is new since all parties were last screened, also what the version in between brought', async () => {
      await activate(newer);
      expect(await inForce()).toBe(newer);
      const held = await compliance.run((tx) => compliance.partiesRepository.list(tx, { isHeld: true }, 10));
      expect(held.map(({ partyId }) => partyId)).toContain('P-8');
    });

    it('never put the older one in the place of the newer', async () => {
      await activate(older);
      await activate(older);
      expect(await inForce()).toBe(newer);
      expect(await compliance.run((tx) => compliance.listsRepository.find(tx, older))).toMatchObject({
        state: 'SUPERSEDED',
        activatedAt: null,
      });
    });
  });

  describe('attacked with raw SQL', () => {
    const anyOf = (state: string) =>
      `list_version_id = (SELECT max(list_version_id) FROM compliance.list_version WHERE state = '${state}')`;
    const asService = (sql: string) => compliance.run((tx) => tx.execute(sql));
    const asOwner = (sql: string) => compliance.database.pool('owner').query(sql);

    it.each([
      [
        'a superseded version in force again',
        `UPDATE compliance.list_version SET state = 'ACTIVE' WHERE ${anyOf('SUPERSEDED')}`,
        /does not go back/,
      ],
      [
        'one in force only received again',
        `UPDATE compliance.list_version SET state = 'RECEIVED' WHERE ${anyOf('ACTIVE')}`,
        /does not go back/,
      ],
      [
        'an earlier activation',
        `UPDATE compliance.list_version SET activated_at = activated_at - interval '1 day' WHERE ${anyOf('ACTIVE')}`,
        /its times once/,
      ],
      [
        'fewer hits',
        `UPDATE compliance.list_version SET party_hit_count = 0, rescreened_at = now() WHERE ${anyOf('ACTIVE')}`,
        /its times once/,
      ],
      [
        'another content hash',
        `UPDATE compliance.list_version SET content_hash = repeat('0', 64)`,
        /permission denied/,
      ],
      ['another content', `UPDATE compliance.list_content SET content = ''`, /permission denied/],
      ['a deleted version', 'DELETE FROM compliance.list_version', /permission denied/],
      ['a deleted screening', 'DELETE FROM compliance.screening', /permission denied/],
      [
        'a version born in force',
        `INSERT INTO compliance.list_version (list_version_id, source, name, content_hash, entry_count, alias_count, address_count, received_by, state)
         VALUES ('lst_x', 'X', 'x', repeat('0', 64), 0, 0, 0, 'x', 'ACTIVE')`,
        /starts as received/,
      ],
    ])('%s', async (_, sql, refusal) => {
      await expect(asService(sql)).rejects.toThrow(refusal);
    });

    it.each([
      ['another content hash', `UPDATE compliance.list_version SET content_hash = repeat('0', 64)`, /never changes/],
      ['a deleted version', 'DELETE FROM compliance.list_version', /never deleted/],
      ['another content', `UPDATE compliance.list_content SET content = ''`, /added to, never changed/],
      ['an entry less', 'DELETE FROM compliance.list_version_entry', /added to, never changed/],
    ])('%s, by the owner of the tables', async (_, sql, refusal) => {
      await expect(asOwner(sql)).rejects.toThrow(refusal);
    });
  });
});
