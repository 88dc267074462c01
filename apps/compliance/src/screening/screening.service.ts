import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { canonicalJson, newId } from '#libs/kernel/index.js';
import { sealText, unsealText } from '#libs/messaging/index.js';
import { ListVersions } from '../lists/list-versions.service.js';
import { type PartyRow } from '../parties/parties.repository.js';
import { PartyRegister } from '../parties/party-register.service.js';
import { present } from '../present.js';
import { ListIndexes } from './list-indexes.service.js';
import { type NameIndex } from './name-index.js';
import { configurationHash } from './name-matching.js';
import {
  type ExplainedHit,
  type ScreenedKind,
  type ScreenedName,
  screenNames,
  type ScreeningResult,
} from './screening.js';
import { type NewScreening, ScreeningRepository, type ScreeningRow } from './screening.repository.js';

/** Thrown when nothing could be screened: the message is tried again, and nobody is let through meanwhile. */
export class NoListInForce extends Error {
  constructor() {
    super('No sanctions list is in force: send one (receiveSanctionsList) before anything is screened');
  }
}

export interface NameToScreen {
  readonly role: string;
  /** A registered party, screened by its own name. */
  readonly partyId?: string | undefined;
  readonly name?: string | undefined;
}

export interface ObjectToScreen {
  readonly objectKind: ScreenedKind;
  readonly objectId: string;
  readonly reference: string;
  readonly book: string;
  readonly names: readonly NameToScreen[];
}

export type HitReason = 'NAME_MATCH' | 'PARTY_HELD' | 'PARTY_UNKNOWN';

export interface ScreenedObject {
  readonly object: Omit<ObjectToScreen, 'names'>;
  readonly screeningId: string;
  readonly outcome: 'CLEAR' | 'HIT';
  readonly score: number;
  /** Why it is held; absent when it is clear. */
  readonly reason?: HitReason;
  readonly decisive?: ExplainedHit;
  readonly partyId?: string;
  readonly partyVersion?: number;
  readonly listVersionId: string;
}

interface Lists {
  readonly scope: 'ALL' | 'NEW_ENTRIES';
  readonly versions: readonly { readonly listVersionId: string; readonly index: NameIndex }[];
}

interface SealedName {
  role: string;
  name: string;
  partyId?: string;
  partyVersion?: number;
  clearedEntries: string[];
}

@Injectable()
export class Screening {
  constructor(
    private readonly repository: ScreeningRepository,
    private readonly parties: PartyRegister,
    private readonly lists: ListVersions,
    private readonly indexes: ListIndexes,
  ) {}

  find(tx: Tx, ids: readonly string[]): Promise<ScreeningRow[]> {
    return this.repository.find(tx, ids);
  }

  /** Newest first. */
  ofObjects(tx: Tx, objectKind: ScreenedKind, objectIds: readonly string[]): Promise<ScreeningRow[]> {
    return this.repository.ofObjects(tx, objectKind, objectIds);
  }

  /** Everything in one pass: two reads, one insert, whatever the number of objects. */
  async screenObjects(tx: Tx, objects: readonly ObjectToScreen[], batchId: string): Promise<ScreenedObject[]> {
    await this.lists.hold(tx);
    const versions = await this.indexes.inForce(tx);
    if (versions.length === 0) throw new NoListInForce();
    const ids = [
      ...new Set(
        objects.flatMap(({ names }) => names.flatMap(({ partyId }) => (partyId === undefined ? [] : [partyId]))),
      ),
    ];
    const known = new Map((await this.parties.findForScreening(tx, ids)).map((party) => [party.partyId, party]));
    const cleared = await this.repository.clearedMatches(tx, ids);
    const screened = objects.map((object) => {
      const names = object.names.flatMap((name) => screenedName(name, known, cleared));
      const party = firstParty(object.names, known);
      const isUnknown = object.names.some(
        (name) => name.name === undefined && (name.partyId === undefined || !known.has(name.partyId)),
      );
      return this.screen(object, names, { scope: 'ALL', versions }, batchId, party, isUnknown || names.length === 0);
    });
    await this.repository.insert(
      tx,
      screened.map(({ row }) => row),
    );
    return screened.map(({ result }) => result);
  }

  /** New and changed parties, against all lists in force. Without a list nothing is screened: the first list screens everyone. */
  async screenParties(tx: Tx, parties: readonly PartyRow[], batchId: string): Promise<ScreenedObject[]> {
    await this.lists.hold(tx);
    const versions = await this.indexes.inForce(tx);
    return versions.length === 0 ? [] : this.screenPartiesAgainst(tx, parties, { scope: 'ALL', versions }, batchId);
  }

  /** Every party once against what a list version brought. */
  async rescreenParties(
    tx: Tx,
    parties: readonly PartyRow[],
    listVersionId: string,
    index: NameIndex,
  ): Promise<ScreenedObject[]> {
    return this.screenPartiesAgainst(
      tx,
      parties,
      { scope: 'NEW_ENTRIES', versions: [{ listVersionId, index }] },
      listVersionId,
    );
  }

  /** Computes a stored screening again from what it kept; true when score and explanation are the same. */
  async replay(tx: Tx, screening: ScreeningRow): Promise<{ score: number; isSame: boolean }> {
    if (screening.configurationHash !== configurationHash) {
      throw new Error(
        `${screening.screeningId} was made with another matching configuration (${screening.configurationHash})`,
      );
    }
    const versions = [];
    for (const listVersionId of screening.listVersionIds) {
      const isDelta = screening.explanation.scope === 'NEW_ENTRIES';
      versions.push({
        listVersionId,
        index: await (isDelta ? this.indexes.ofNewEntries(tx, listVersionId) : this.indexes.of(tx, listVersionId)),
      });
    }
    const sealed = JSON.parse(unsealText(screening.sealedNames)) as SealedName[];
    const result = screenNames(
      sealed.map((name) => ({ ...name, clearedEntries: new Set(name.clearedEntries) })),
      versions,
    );
    const isSame =
      canonicalJson(result.names) === canonicalJson(screening.explanation.names) && result.score === screening.score;
    return { score: result.score, isSame };
  }

  private async screenPartiesAgainst(
    tx: Tx,
    parties: readonly PartyRow[],
    lists: Lists,
    batchId: string,
  ): Promise<ScreenedObject[]> {
    const cleared = await this.repository.clearedMatches(
      tx,
      parties.map(({ partyId }) => partyId),
    );
    const screened = parties.map((party) => {
      const { partyId, book } = party;
      const object: ObjectToScreen = {
        objectKind: 'PARTY',
        objectId: partyId,
        reference: partyId,
        book,
        names: [{ role: 'PARTY', partyId }],
      };
      return this.screen(
        object,
        [nameOfParty('PARTY', party, cleared)],
        lists,
        batchId,
        { ...party, isHeld: false },
        false,
      );
    });
    await this.repository.insert(
      tx,
      screened.map(({ row }) => row),
    );
    await this.repository.recordParties(
      tx,
      screened.flatMap(({ row, result }) =>
        row.listVersionIds.map((listVersionId) => ({
          listVersionId,
          partyId: result.object.objectId,
          partyVersion: present(result.partyVersion),
          screeningId: row.screeningId,
        })),
      ),
    );
    return screened.map(({ result }) => result);
  }

  private screen(
    object: ObjectToScreen,
    names: readonly ScreenedName[],
    lists: Lists,
    batchId: string,
    party: PartyRow | undefined,
    isUnknown: boolean,
  ): { row: NewScreening; result: ScreenedObject } {
    const matched = screenNames(names, lists.versions);
    const reason = hitReason(matched, party?.isHeld ?? false, isUnknown);
    const screeningId = newId('scr');
    const { objectKind, objectId, reference, book } = object;
    const sealed: SealedName[] = names.map((name) => ({
      ...name,
      clearedEntries: [...(name.clearedEntries ?? [])].sort(),
    }));
    const partyPart = party === undefined ? {} : { partyId: party.partyId, partyVersion: party.version };
    const outcome = reason === undefined ? 'CLEAR' : 'HIT';
    return {
      row: {
        screeningId,
        objectKind,
        objectId,
        reference,
        book,
        partyId: party?.partyId ?? null,
        partyVersion: party?.version ?? null,
        batchId,
        outcome,
        score: matched.score,
        listVersionIds: lists.versions.map(({ listVersionId }) => listVersionId),
        explanation: { scope: lists.scope, names: matched.names },
        sealedNames: sealText(JSON.stringify(sealed)),
      },
      result: {
        object: { objectKind, objectId, reference, book },
        screeningId,
        outcome,
        score: matched.score,
        ...(reason === undefined ? {} : { reason }),
        ...(matched.decisive === undefined ? {} : { decisive: matched.decisive }),
        ...partyPart,
        listVersionId: matched.decisive?.listVersionId ?? present(lists.versions.at(-1)).listVersionId,
      },
    };
  }
}

/** A party that is held stops everything of it, whatever its name gives today; who is not known at all cannot be cleared. */
function hitReason(matched: ScreeningResult, isHeld: boolean, isUnknown: boolean): HitReason | undefined {
  if (isHeld) return 'PARTY_HELD';
  if (matched.isHit) return 'NAME_MATCH';
  return isUnknown ? 'PARTY_UNKNOWN' : undefined;
}

function nameOfParty(role: string, party: PartyRow, cleared: ReadonlyMap<string, ReadonlySet<string>>): ScreenedName {
  const clearedEntries = cleared.get(`${party.partyId}/${party.version}`) ?? new Set<string>();
  return { role, name: party.name, partyId: party.partyId, partyVersion: party.version, clearedEntries };
}

function screenedName(
  name: NameToScreen,
  known: ReadonlyMap<string, PartyRow>,
  cleared: ReadonlyMap<string, ReadonlySet<string>>,
): ScreenedName[] {
  const party = name.partyId === undefined ? undefined : known.get(name.partyId);
  const names: ScreenedName[] = [];
  if (party) names.push(nameOfParty(name.role, party, cleared));
  // A name that came along with a registered party is screened too: it need not be the registered one.
  if (name.name !== undefined && name.name !== party?.name) names.push({ role: name.role, name: name.name });
  return names;
}

/** The party that the alert is about: a held one before others. */
function firstParty(names: readonly NameToScreen[], known: ReadonlyMap<string, PartyRow>): PartyRow | undefined {
  const parties = names.flatMap(({ partyId }) => (partyId === undefined ? [] : (known.get(partyId) ?? [])));
  return parties.find((party) => party.isHeld) ?? parties[0];
}
