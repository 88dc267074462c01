import { canonicalJson, sha256Hex } from '#libs/kernel/index.js';

export type ListEntryKind = 'INDIVIDUAL' | 'ENTITY' | 'VESSEL' | 'AIRCRAFT';

/** Also known as, formerly known as, now known as. A weak alias is one the list itself calls too common to match alone. */
export type AliasKind = 'AKA' | 'FKA' | 'NKA';

export interface ListAlias {
  readonly aliasId: string;
  readonly kind: AliasKind;
  readonly name: string;
  readonly remarks: string | null;
}

export interface ListAddress {
  readonly addressId: string;
  readonly street: string | null;
  /** City, state, postal code in one text, as published. */
  readonly place: string | null;
  readonly country: string | null;
  readonly remarks: string | null;
}

export interface VesselDetails {
  readonly callSign: string | null;
  readonly vesselType: string | null;
  readonly tonnage: string | null;
  readonly grossRegisteredTonnage: string | null;
  readonly flag: string | null;
  readonly owner: string | null;
}

/** One entry of a sanctions list as published. The publisher's `entryId` stays the same over versions of the list. */
export interface ListEntry {
  readonly entryId: string;
  readonly kind: ListEntryKind;
  readonly name: string;
  readonly programs: readonly string[];
  readonly title: string | null;
  readonly vessel: VesselDetails | null;
  readonly remarks: string | null;
  /** Ordered by their ids, so that a reordered file is no change. */
  readonly aliases: readonly ListAlias[];
  readonly addresses: readonly ListAddress[];
}

/** Hash of all that an entry says. Two entries with the same hash screen alike. */
export const entryContentHash = (entry: ListEntry): string => sha256Hex(canonicalJson(entry));
