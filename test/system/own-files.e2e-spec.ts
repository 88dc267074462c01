import { afterAll, describe, expect, it } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readOwnFiles } from '#tools/launcher/own-files.js';
import { type Api } from '#tools/launcher/api.js';
import { firstDay, makeSample } from '#tools/sample/sample.js';
import { playSmallDay } from '../faults/small-day.js';
import { temporaryData } from '../e2e/launcher.js';

const compact = firstDay.replaceAll('-', '');

describe("a small day on the caller's own files", () => {
  const data = temporaryData();
  afterAll(() => {
    data.remove();
  });

  it('takes the trades in place of the sample’s, the statement and the list besides', async () => {
    const sample = makeSample({ days: 1, scale: 1, volume: 'small' });
    const [header = '', ...lines] = (sample.get(`days/${firstDay}/trades-b-${compact}.csv`) ?? '').split('\n');
    const [first = '', ...others] = lines.slice(0, 12);
    const wrong = first.replace(/,([A-Z]{2}[A-Z0-9]{9}\d),/, ',XX0000000000,');
    const write = (name: string, content: string) => {
      const path = join(data.directory, name);
      writeFileSync(path, content);
      return path;
    };
    const ownFiles = readOwnFiles({
      trades: write('mine.csv', `${[header, wrong, ...others].join('\n')}\n`),
      statement: write('yen.xml', yenStatement(openingOf(sample.get('cut-over/balances.csv') ?? '', 'NOSTRO-JPY'))),
      sanctions: write('sdn.csv', '1,"SOMEBODY, Else","individual","TEST",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \n'),
    });
    let files: Received[] = [];
    let lists: { source: string; state: string; entryCount: number }[] = [];
    const day = await playSmallDay(join(data.directory, 'data'), {
      ownFiles,
      afterDay: async (api) => {
        files = await receivedFiles(api);
        lists = await listsInForce(api);
      },
    });
    const lineCount = (part: string) =>
      day.figures
        .filter((one) => one.row === 'linesRead' && one.part === part)
        .reduce((sum, one) => sum + one.count, 0);
    expect({
      captured: lineCount('captured'),
      rejected: lineCount('rejected'),
      repeated: lineCount('duplicates'),
    }).toEqual({
      captured: 11,
      rejected: 1,
      repeated: 0,
    });
    expect(files.filter(({ name }) => name.startsWith('own-'))).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'own-trades-mine.csv', state: 'IMPORTED', problems: [] }),
        expect.objectContaining({ name: 'own-statement-yen.xml', state: 'IMPORTED', problems: [] }),
      ]),
    );
    expect(lists).toContainEqual({ source: 'OWN', state: 'ACTIVE', entryCount: 1 });
    expect(day.verified.broken).toBe(0);
  }, 400_000);
});

interface Received {
  name: string;
  state: string;
  problems: { code: string }[];
}

async function receivedFiles(api: Api): Promise<Received[]> {
  const { files } = await api.send<{ files: { edges: { node: Received }[] } }>(
    'operations',
    'query Files { files(first: 50) { edges { node { name state problems { code } } } } }',
  );
  return files.edges.map(({ node }) => node);
}

async function listsInForce(api: Api): Promise<{ source: string; state: string; entryCount: number }[]> {
  const { listVersions } = await api.send<{
    listVersions: { edges: { node: { source: string; state: string; entryCount: number } }[] };
  }>('compliance', 'query Lists { listVersions(first: 20) { edges { node { source state entryCount } } } }');
  return listVersions.edges.map(({ node }) => node).filter(({ state }) => state === 'ACTIVE');
}

/** What the agent held for us when we moved in. */
function openingOf(balances: string, account: string): string {
  const [header = '', ...rows] = balances.split('\n');
  const columns = header.split(',');
  const row = rows.map((line) => line.split(',')).find((cells) => cells.includes(account));
  const amount = row?.[columns.indexOf('amount')];
  if (amount === undefined) throw new Error(`no balance of ${account} in ${header}`);
  return amount;
}

/** Two quiet balances of the same amount, the second the same as the first. */
function yenStatement(amount: string): string {
  const balance = (code: string) =>
    `<Bal><Tp><CdOrPrtry><Cd>${code}</Cd></CdOrPrtry></Tp><Amt Ccy="JPY">${amount.replace('-', '')}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>${firstDay}</Dt></Dt></Bal>`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.12"><BkToCstmrStmt>
<GrpHdr><MsgId>OWN-1</MsgId><CreDtTm>${firstDay}T18:00:00Z</CreDtTm></GrpHdr>
<Stmt><Id>OWN-1</Id><ElctrncSeqNb>1</ElctrncSeqNb><CreDtTm>${firstDay}T18:00:00Z</CreDtTm>
<Acct><Id><Othr><Id>NOSTRO-JPY</Id></Othr></Id><Ccy>JPY</Ccy></Acct>
${balance('OPBD')}${balance('CLBD')}
</Stmt></BkToCstmrStmt></Document>
`;
}
