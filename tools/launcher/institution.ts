import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cutOverKinds } from '#libs/contracts/index.js';
import { type Api, until } from './api.js';
import { type Progress } from './progress.js';

interface CutOver {
  id: string;
  state: 'VALIDATING' | 'REFUSED' | 'DRY_RUN_PASSED' | 'APPLYING' | 'AWAITING_SIGNATURES' | 'SIGNED' | 'ROLLED_BACK';
  problems: { code: string; message: string }[];
}

const importName = 'Northgate moves in';

/** Moves the sample institution in through the cut-over import, once: dry run, import, two signatures, first list. */
export async function moveIn(api: Api, sampleDirectory: string, progress: Progress): Promise<void> {
  const folder = join(sampleDirectory, 'cut-over');
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  const files = cutOverKinds.map((kind) => ({ kind, content: read(`${kind}.csv`) }));
  const controlTotals: unknown = JSON.parse(read('control-totals.json'));
  const start = async (dryRun: boolean): Promise<CutOver> => {
    const { cutOver } = await api.mutate<{ cutOver: { id: string }; problems: [] }>(
      'operations',
      'startCutOver',
      { name: importName, dryRun, files, controlTotals, idempotencyKey: `move-in-${dryRun ? 'dry-run' : 'import'}` },
      'cutOver { id }',
      'StartCutOverInput',
    );
    return until(`the cut-over ${dryRun ? 'dry run' : 'import'}`, async () => {
      const one = await readCutOver(api, cutOver.id);
      progress.note(`cut-over ${one.state.toLowerCase().replaceAll('_', ' ')}`);
      return one.state === 'VALIDATING' || one.state === 'APPLYING' ? undefined : one;
    });
  };

  const dryRun = await start(true);
  if (dryRun.state !== 'DRY_RUN_PASSED') throw refusal(dryRun);
  progress.step(`${files.length} files validated as one set, control totals agree`);
  const imported = await start(false);
  if (imported.state !== 'AWAITING_SIGNATURES' && imported.state !== 'SIGNED') throw refusal(imported);
  progress.step('imported; the migration account stands at zero');
  if (imported.state !== 'SIGNED') {
    for (const role of ['operations', 'controller'] as const) {
      await api.mutate(
        role,
        'signCutOver',
        { importId: imported.id, idempotencyKey: `sign-${imported.id}` },
        'cutOver { id state }',
        'SignCutOverInput',
      );
    }
  }
  await until('the signed cut-over', async () =>
    (await readCutOver(api, imported.id)).state === 'SIGNED' ? true : undefined,
  );
  progress.step('signed by two people');
  await receiveList(api, {
    name: 'sanctions-initial.csv',
    content: read('sanctions.csv'),
    altContent: read('sanctions-alt.csv'),
    addContent: read('sanctions-add.csv'),
    source: 'SAMPLE',
  });
  progress.step('sanctions list loaded, all parties screened');
}

async function readCutOver(api: Api, id: string): Promise<CutOver> {
  const { cutOver } = await api.send<{ cutOver: CutOver }>(
    'operations',
    'query CutOver($id: String!) { cutOver(id: $id) { id state problems { code message } } }',
    { id },
  );
  return cutOver;
}

const refusal = (cutOver: CutOver) =>
  new Error(
    `The cut-over import is ${cutOver.state}:\n${cutOver.problems
      .slice(0, 20)
      .map((one) => `  ${one.code}: ${one.message}`)
      .join('\n')}`,
  );

/** Hands in a sanctions list and waits until it is in force. */
export async function receiveList(
  api: Api,
  given: { name: string; source: string; content: string; altContent?: string; addContent?: string; key?: string },
): Promise<{ entryCount: number; partyHitCount: number | null }> {
  const { key = given.name, ...list } = given;
  const { listVersion } = await api.mutate<{ listVersion: { id: string }; problems: [] }>(
    'compliance',
    'receiveSanctionsList',
    { ...list, idempotencyKey: `list-${key}` },
    'listVersion { id }',
    'ReceiveSanctionsListInput',
  );
  return until(`the sanctions list ${list.name}`, async () => {
    const data = await api.send<{
      listVersion: { state: string; entryCount: number; partyHitCount: number | null } | null;
    }>('compliance', 'query ListVersion($id: ID!) { listVersion(id: $id) { id state entryCount partyHitCount } }', {
      id: listVersion.id,
    });
    return data.listVersion?.state === 'ACTIVE' ? data.listVersion : undefined;
  });
}
