import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstDay, makeSample } from '#tools/sample/sample.js';
import { ArgumentError, readArguments } from './arguments.js';
import { type OwnFileKind, readOwnFiles } from './own-files.js';

const kinds: OwnFileKind[] = ['trades', 'statement', 'sanctions'];

describe("the caller's own files", () => {
  const folder = mkdtempSync(join(tmpdir(), 'northgate-own-'));
  const put = (name: string, content: string | Buffer) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const good = {} as Record<OwnFileKind, string>;

  beforeAll(() => {
    const sample = new Map(makeSample({ days: 1, scale: 1, volume: 'small' }));
    const compact = firstDay.replaceAll('-', '');
    good.trades = put('My trades (1).csv', sample.get(`days/${firstDay}/trades-a-${compact}.csv`) ?? '');
    good.sanctions = put('sdn.csv', sample.get(`days/${firstDay}/sanctions-${compact}.csv`) ?? '');
    good.statement = put('statement.xml', statement);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const fault = (work: () => unknown): string => {
    try {
      work();
    } catch (error) {
      if (error instanceof ArgumentError) return error.message;
      throw error;
    }
    return '';
  };

  it('are read once, each under a name that services take and a key of its content', () => {
    const read = readOwnFiles(good);
    expect(kinds.map((kind) => read[kind]?.name)).toEqual([
      'own-trades-My_trades_1_.csv',
      'own-statement-statement.xml',
      'own-sanctions-sdn.csv',
    ]);
    const changed = readOwnFiles({ sanctions: put('sdn.csv', `${read.sanctions?.content ?? ''}\n`) });
    expect(changed.sanctions?.hash).not.toBe(read.sanctions?.hash);
    expect(readOwnFiles({})).toEqual({});
  });

  it.each(kinds)('--%s: a missing file, a folder and an empty file are refused with the command line', (kind) => {
    const empty = put('empty', '');
    mkdirSync(join(folder, 'inner'), { recursive: true });
    const read = (path: string) => fault(() => readArguments([`--${kind}`, path]));
    expect(read(join(folder, 'nowhere.csv'))).toContain(`--${kind}: there is no file ${join(folder, 'nowhere.csv')}.`);
    expect(read(join(folder, 'inner'))).toMatch(/ is a folder\. Name the file in it/);
    expect(read(empty)).toMatch(/ is empty\. Name a file with something in it/);
    expect(read('/dev/null')).toMatch(/ is no ordinary file/);
  });

  it.each(kinds)('--%s: another format is refused with what is wrong and what is needed', (kind) => {
    for (const [name, content] of [
      ['text.txt', 'Dear Sirs,\nplease find our list attached.\n'],
      ['picture.png', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff, 0xfe, 0x00, 0x01])],
      ['blank.csv', '\n\n   \n'],
      ...kinds.filter((one) => one !== kind).map((one) => [good[one], null] as const),
    ] as const) {
      const path = content === null ? name : put(name, content);
      const text = fault(() => readOwnFiles({ [kind]: path }));
      expect(text).toMatch(new RegExp(`^--${kind}: .* cannot be used: .+\\.\\n {2}Needed is `));
      expect(text).toMatch(/\nNothing was started\.$/);
    }
  });

  it('all faults of all files are told at once', () => {
    const text = fault(() =>
      readOwnFiles({ trades: good.statement, statement: good.sanctions, sanctions: good.trades }),
    );
    for (const kind of kinds) expect(text).toContain(`--${kind}: `);
  });

  it('a header without a trade, missing columns and a message of another kind are named', () => {
    expect(fault(() => readOwnFiles({ trades: put('a.csv', 'source,executionId\nOMS,X1\n') }))).toMatch(
      /these columns are missing: version, action/,
    );
    expect(
      fault(() => readOwnFiles({ statement: put('b.xml', statement.replaceAll('camt.053', 'camt.054')) })),
    ).toMatch(/cannot be used: /);
  });
});

const statement = `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.12"><BkToCstmrStmt>
<GrpHdr><MsgId>OWN-1</MsgId><CreDtTm>2026-11-25T18:00:00Z</CreDtTm></GrpHdr>
<Stmt><Id>OWN-1</Id><ElctrncSeqNb>1</ElctrncSeqNb><CreDtTm>2026-11-25T18:00:00Z</CreDtTm>
<Acct><Id><Othr><Id>NOSTRO-JPY</Id></Othr></Id><Ccy>JPY</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="JPY">0</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-25</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="JPY">0</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-25</Dt></Dt></Bal>
</Stmt></BkToCstmrStmt></Document>
`;
