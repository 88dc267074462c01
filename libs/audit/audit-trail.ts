import { Injectable } from '@nestjs/common';
import { type Service } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { invariant } from '#libs/kernel/index.js';
import { type AuditRecord, commitmentOf, institutionWide, leafHalves, subjectOf } from './audit-leaf.js';

/** Personal data of an object that a record mentions by its commitment only. */
export interface PersonalText {
  readonly objectKind: string;
  readonly objectId: string;
  readonly text: string;
}

export interface AuditEntry {
  readonly sequence: string;
  readonly leafHash: string;
  readonly action: string;
  readonly objectKind: string;
  readonly objectId: string;
  readonly bookId: string;
  readonly principal: string;
  readonly reason: string | null;
  readonly beforeHash: string | null;
  readonly afterHash: string | null;
  readonly at: Date;
}

/** Whose log it is: the name of the service is the name of its schema. */
export class AuditOwner {
  constructor(readonly service: Service) {}
}

/** Appends to the audit log of one service, in the transaction of the change that it records. */
@Injectable()
export class AuditTrail {
  constructor(private readonly owner: AuditOwner) {}

  async append(tx: Tx, record: AuditRecord): Promise<void> {
    await this.appendMany(tx, [record]);
  }

  /** One statement for any number of records, in their order. */
  async appendMany(tx: Tx, records: readonly AuditRecord[]): Promise<void> {
    if (records.length === 0) return;
    const salts: { commitment: string; salt: string; objectKind: string; objectId: string }[] = [];
    const leaves = records.map((record, n) => {
      const halves = leafHalves(record);
      for (const hash of [halves.beforeHash, halves.afterHash]) {
        if (hash === undefined) continue;
        const { objectKind, objectId } = record;
        salts.push({ commitment: hash.commitment, salt: hash.salt.toString('hex'), objectKind, objectId });
      }
      return {
        n,
        head: halves.head,
        tail: halves.tail,
        action: record.action,
        objectKind: record.objectKind,
        objectId: record.objectId,
        bookId: record.bookId ?? institutionWide,
        principal: subjectOf(record.principal),
        reason: record.reason ?? null,
        beforeHash: halves.beforeHash?.commitment ?? null,
        afterHash: halves.afterHash?.commitment ?? null,
      };
    });
    await tx.execute(
      `WITH moment AS MATERIALIZED (SELECT kernel.now() AS at),
       salted AS (
         INSERT INTO ${this.owner.service}.audit_salt (commitment, salt, object_kind, object_id)
         SELECT "commitment", decode("salt", 'hex'), "objectKind", "objectId"
           FROM jsonb_to_recordset($2::jsonb) AS s("commitment" text, "salt" text, "objectKind" text, "objectId" text))
       INSERT INTO ${this.owner.service}.audit_leaf (leaf_hash, canonical, action, object_kind, object_id, book_id, principal, reason, before_hash, after_hash, at)
       SELECT encode(sha256('\\x00'::bytea || convert_to(leaf.canonical, 'UTF8')), 'hex'), leaf.canonical::jsonb,
              "action", "objectKind", "objectId", "bookId", "principal", "reason", "beforeHash", "afterHash", moment.at
         FROM jsonb_to_recordset($1::jsonb) AS r(n int, head text, tail text, "action" text, "objectKind" text, "objectId" text,
                "bookId" text, "principal" text, "reason" text, "beforeHash" text, "afterHash" text)
        CROSS JOIN moment
        CROSS JOIN LATERAL (SELECT r.head || to_char(moment.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || r.tail AS canonical) leaf
        ORDER BY r.n`,
      [JSON.stringify(leaves), JSON.stringify(salts)],
    );
  }

  /**
   * Commitments that may stand in a record in place of personal data, in the order given. Their salts are
   * kept apart: erasing a salt makes the commitment mute and leaves every proof intact.
   */
  async commitments(tx: Tx, texts: readonly PersonalText[]): Promise<string[]> {
    const made = texts.map((text) => ({ ...text, ...commitmentOf(text.text) }));
    await tx.execute(
      `INSERT INTO ${this.owner.service}.audit_salt (commitment, salt, object_kind, object_id)
       SELECT "commitment", decode("salt", 'hex'), "objectKind", "objectId"
         FROM jsonb_to_recordset($1::jsonb) AS s("commitment" text, "salt" text, "objectKind" text, "objectId" text)`,
      [
        JSON.stringify(
          made.map(({ commitment, salt, objectKind, objectId }) => ({
            commitment,
            salt: salt.toString('hex'),
            objectKind,
            objectId,
          })),
        ),
      ],
    );
    return made.map(({ commitment }) => commitment);
  }

  async commitment(tx: Tx, text: PersonalText): Promise<string> {
    const [commitment] = await this.commitments(tx, [text]);
    invariant(commitment !== undefined, 'one text has one commitment');
    return commitment;
  }

  /** The records of one object, newest first. */
  async entries(
    tx: Tx,
    object: { kind: string; id: string },
    limit: number,
    beforeSequence?: string,
  ): Promise<AuditEntry[]> {
    return tx.rows<AuditEntry>(
      `SELECT sequence, leaf_hash AS "leafHash", action, object_kind AS "objectKind", object_id AS "objectId", book_id AS "bookId",
              principal, reason, before_hash AS "beforeHash", after_hash AS "afterHash", at
         FROM ${this.owner.service}.audit_leaf
        WHERE object_kind = $1 AND object_id = $2 AND ($3::bigint IS NULL OR sequence < $3::bigint)
        ORDER BY sequence DESC LIMIT $4`,
      [object.kind, object.id, beforeSequence ?? null, limit],
    );
  }
}
