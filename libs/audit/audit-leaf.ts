import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { canonicalJson } from '#libs/kernel/index.js';

/** Who acted: a signed-in principal, or the name of a service acting on its own (`service:settlement`). */
export type Actor = string | { readonly subject: string };

/** One state change to put on record. `before` and `after` are the states themselves; only salted hashes of them are kept. */
export interface AuditRecord {
  readonly action: string;
  readonly objectKind: string;
  readonly objectId: string;
  /** Absent for what belongs to the whole institution. */
  readonly bookId?: string;
  readonly principal: Actor;
  readonly reason?: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** A commitment and the salt that opens it. Without the salt (erased) the commitment tells nothing, and every proof still holds. */
export interface Commitment {
  readonly commitment: string;
  readonly salt: Buffer;
}

export const institutionWide = '*';

export function subjectOf(actor: Actor): string {
  return typeof actor === 'string' ? actor : actor.subject;
}

/** SHA-256(salt ‖ text), so that a guess at a name cannot be checked by whoever lacks the salt. */
export function commitmentOf(text: string, salt: Buffer = randomBytes(16)): Commitment {
  return { commitment: createHash('sha256').update(salt).update(text, 'utf8').digest('hex'), salt };
}

/** Does this text open that commitment? */
export function opensCommitment(text: string, { commitment, salt }: Commitment): boolean {
  return timingSafeEqual(Buffer.from(commitmentOf(text, salt).commitment, 'hex'), Buffer.from(commitment, 'hex'));
}

/** RFC 6962, section 2.1: the hash of a leaf is SHA-256(0x00 ‖ leaf). */
export function leafHash(leaf: string | Uint8Array): string {
  return createHash('sha256').update(Uint8Array.of(0)).update(leaf).digest('hex');
}

/**
 * The canonical text of a leaf (RFC 8785: keys sorted) in two halves. The time between them is the
 * database's business time, so the insert itself joins the halves and hashes: one round trip.
 */
export interface LeafHalves {
  readonly head: string;
  readonly tail: string;
  readonly beforeHash: Commitment | undefined;
  readonly afterHash: Commitment | undefined;
}

export function leafHalves(record: AuditRecord): LeafHalves {
  const beforeHash = record.before === undefined ? undefined : commitmentOf(canonicalJson(record.before));
  const afterHash = record.after === undefined ? undefined : commitmentOf(canonicalJson(record.after));
  const quoted = (text: string | undefined) => JSON.stringify(text ?? null);
  const head = `{"action":${quoted(record.action)},"afterHash":${quoted(afterHash?.commitment)},"at":"`;
  const tail =
    `","beforeHash":${quoted(beforeHash?.commitment)},"bookId":${quoted(record.bookId ?? institutionWide)}` +
    `,"objectId":${quoted(record.objectId)},"objectKind":${quoted(record.objectKind)}` +
    `,"principal":${quoted(subjectOf(record.principal))},"reason":${quoted(record.reason)}}`;
  return { head, tail, beforeHash, afterHash };
}
