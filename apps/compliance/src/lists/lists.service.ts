import { Injectable } from '@nestjs/common';
import { type Actor, AuditTrail, subjectOf } from '#libs/audit/index.js';
import { type Tx } from '#libs/database/index.js';
import { chunk, idFrom, type Problem, problem, sha256Hex } from '#libs/kernel/index.js';
import { type LongJob, Outbox } from '#libs/messaging/index.js';
import { type ListEntry, readOfacSdn, UnreadableList } from '#libs/sanctions-list/index.js';
import { present } from '../present.js';
import { Alerts } from '../alerts/alerts.service.js';
import { PartyRegister } from '../parties/party-register.service.js';
import { ListIndexes } from '../screening/list-indexes.service.js';
import { Screening } from '../screening/screening.service.js';
import { ListsRepository, type ListPart, type ListVersionRow } from './lists.repository.js';

export interface ListFiles {
  readonly name: string;
  readonly source: string;
  readonly content: string;
  readonly altContent?: string | null;
  readonly addContent?: string | null;
}

export interface ReceivedList {
  readonly listVersion?: ListVersionRow;
  readonly problems: readonly Problem[];
}

const entriesPerStep = 2_000;
const partiesPerStep = 500;

type Checkpoint = { inForce: boolean; afterParty: string; partiesDone: number; hits: number };
const start: Checkpoint = { inForce: false, afterParty: '', partiesDone: 0, hits: 0 };

function readFiles(files: ListFiles): { entries: ListEntry[] } | { problems: Problem[] } {
  const parts = [files.content, files.altContent ?? '', files.addContent ?? ''];
  if (parts.some((part) => part.includes('\0'))) {
    return { problems: [problem('NUL_BYTE', 'The list holds NUL bytes: it was damaged on its way', ['content'])] };
  }
  try {
    return {
      entries: readOfacSdn(files.content, { aliases: files.altContent ?? '', addresses: files.addContent ?? '' }),
    };
  } catch (error) {
    if (error instanceof UnreadableList) return { problems: [error.problem] };
    throw error;
  }
}

/** Sanctions lists: what was published is kept as it is, and one version of each source is in force. */
@Injectable()
export class Lists {
  constructor(
    private readonly repository: ListsRepository,
    private readonly indexes: ListIndexes,
    private readonly screening: Screening,
    private readonly parties: PartyRegister,
    private readonly alerts: Alerts,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
  ) {}

  /** A faulty list is refused whole and the version before stays in force; the same list again is the same version. */
  async receive(tx: Tx, files: ListFiles, by: Actor): Promise<ReceivedList> {
    const read = readFiles(files);
    if ('problems' in read) return { problems: read.problems };
    await this.repository.lockSource(tx, files.source);
    const parts: { part: ListPart; content: string }[] = [
      { part: 'NAMES', content: files.content },
      { part: 'ALIASES', content: files.altContent ?? '' },
      { part: 'ADDRESSES', content: files.addContent ?? '' },
    ];
    const contentHash = sha256Hex(parts.map(({ part, content }) => `${part} ${sha256Hex(content)}`).join('\n'));
    const latest = await this.repository.latestOf(tx, files.source);
    if (latest?.contentHash === contentHash) {
      await this.announceUnchanged(tx, latest);
      return { listVersion: latest, problems: [] };
    }

    const listVersionId = idFrom('lst', files.source, contentHash, latest?.listVersionId ?? '');
    const { entries } = read;
    await this.repository.insert(
      tx,
      {
        listVersionId,
        source: files.source,
        name: files.name,
        contentHash,
        previousVersionId: latest?.listVersionId ?? null,
        entryCount: entries.length,
        aliasCount: entries.reduce((sum, entry) => sum + entry.aliases.length, 0),
        addressCount: entries.reduce((sum, entry) => sum + entry.addresses.length, 0),
        receivedBy: subjectOf(by),
      },
      parts,
    );
    const { jobRunId } = await this.outbox.add(
      tx,
      'compliance.activate-list.v1',
      { listVersionId },
      { businessKey: files.source, requestedBy: subjectOf(by) },
    );
    await this.repository.setJobRun(tx, listVersionId, jobRunId ?? null);
    await this.audit.append(tx, {
      action: 'list.received',
      objectKind: 'ListVersion',
      objectId: listVersionId,
      principal: by,
      after: { source: files.source, contentHash, entries: entries.length },
    });
    return { listVersion: await this.repository.find(tx, listVersionId), problems: [] };
  }

  /**
   * Stores the entries, puts the version in force and screens every party against what it brought. Each step
   * can be done again: entries and screenings are keyed by what they are about.
   */
  async activate(listVersionId: string, job: LongJob): Promise<void> {
    const saved = (job.saved as Checkpoint | undefined) ?? start;
    const progress: Checkpoint = { ...saved };
    const version = await job.step((tx) => this.repository.find(tx, listVersionId));
    if (!version) throw new Error(`There is no list version ${listVersionId}`);
    const partyCount = await job.step((tx) => this.parties.count(tx));
    const total = version.entryCount + partyCount;

    if (!progress.inForce) {
      await this.storeEntries(version, job, total);
      const isInForce = await job.step(async (tx) => {
        progress.inForce = await this.putInForce(tx, version);
        job.checkpoint({ ...progress });
        return progress.inForce;
      });
      if (!isInForce) {
        await job.finish(() => {
          job.progress(total, total, { entries: version.entryCount, parties: 0, hits: 0 });
          return Promise.resolve();
        });
        return;
      }
    }

    const index = await job.step((tx) => this.indexes.ofNewEntries(tx, listVersionId));
    for (;;) {
      const count = await job.step(async (tx) => {
        await this.repository.lockForScreening(tx);
        const parties = await this.parties.toRescreen(tx, listVersionId, progress.afterParty, partiesPerStep);
        if (parties.length === 0) return 0;
        const screened = await this.screening.rescreenParties(tx, parties, listVersionId, index);
        progress.hits += await this.alerts.openForParties(tx, screened);
        progress.afterParty = present(parties.at(-1)).partyId;
        progress.partiesDone += parties.length;
        job.progress(version.entryCount + progress.partiesDone, total, {
          entries: version.entryCount,
          parties: progress.partiesDone,
          hits: progress.hits,
        });
        job.checkpoint({ ...progress });
        return parties.length;
      });
      if (count < partiesPerStep) break;
    }
    await job.finish((tx) => {
      job.progress(total, total, { entries: version.entryCount, parties: progress.partiesDone, hits: progress.hits });
      return this.repository.finishRescreening(tx, listVersionId, progress.hits);
    });
  }

  private async storeEntries(version: ListVersionRow, job: LongJob, total: number): Promise<void> {
    const content = await job.step((tx) => this.repository.content(tx, version.listVersionId));
    const read = readFiles({
      ...version,
      content: content.get('NAMES') ?? '',
      altContent: content.get('ALIASES') ?? '',
      addContent: content.get('ADDRESSES') ?? '',
    });
    if ('problems' in read)
      throw new Error(`${version.listVersionId} was readable when it was received: ${read.problems[0]?.message ?? ''}`);
    let done = 0;
    for (const entries of chunk(read.entries, entriesPerStep)) {
      await job.step(async (tx) => {
        await this.repository.storeEntries(tx, version, entries);
        done += entries.length;
        job.progress(done, total, { entries: done, parties: 0, hits: 0 });
      });
    }
  }

  /** False when a newer version came into force first: an older list never replaces it. */
  private async putInForce(tx: Tx, version: ListVersionRow): Promise<boolean> {
    await this.repository.lockForActivation(tx);
    const state = (await this.repository.find(tx, version.listVersionId))?.state;
    if (state !== 'RECEIVED') return state === 'ACTIVE';
    if (await this.repository.isNewerInForce(tx, version)) {
      await this.repository.supersede(tx, version.listVersionId);
      await this.audit.append(tx, {
        action: 'list.superseded',
        objectKind: 'ListVersion',
        objectId: version.listVersionId,
        principal: 'service:compliance',
        after: { source: version.source, contentHash: version.contentHash },
      });
      return false;
    }
    const stored = await this.repository.storedCount(tx, version.listVersionId);
    if (stored !== version.entryCount)
      throw new Error(`${version.listVersionId} has ${stored} entries, not ${version.entryCount}`);
    const comparedWith = await this.repository.lastScreenedBefore(tx, version);
    const delta = await this.repository.delta(tx, version.listVersionId, comparedWith);
    const activatedAt = await this.repository.putInForce(tx, version, comparedWith, delta);
    await this.alerts.markDelisted(tx, version.source, version.listVersionId);
    await this.audit.append(tx, {
      action: 'list.activated',
      objectKind: 'ListVersion',
      objectId: version.listVersionId,
      principal: 'service:compliance',
      after: { source: version.source, contentHash: version.contentHash, ...delta },
    });
    await this.announce(tx, version, activatedAt);
    return true;
  }

  /** A list that came without a change has come all the same: whoever waits for today's list must hear of it. */
  private async announceUnchanged(tx: Tx, version: ListVersionRow): Promise<void> {
    // While it is still being activated, the end of that announces it.
    if (version.state !== 'ACTIVE' || version.rescreenedAt === null) return;
    const clock = await tx.row<{ now: Date }>('SELECT kernel.now() AS now');
    await this.announce(tx, version, clock?.now ?? new Date());
  }

  private async announce(
    tx: Tx,
    version: Pick<ListVersionRow, 'listVersionId' | 'source' | 'entryCount'>,
    activatedAt: Date,
  ): Promise<void> {
    await this.outbox.add(tx, 'compliance.list-activated.v1', {
      listVersionId: version.listVersionId,
      source: version.source,
      entryCount: version.entryCount,
      activatedAt: activatedAt.toISOString(),
    });
  }
}
