import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';

export interface ApiClientRow {
  subject: string;
  kind: 'PERSON' | 'MACHINE';
  roles: string[];
  books: string[];
  createdBy: string;
  createdAt: Date;
  lastUsedAt: Date | null;
  revokedAt: Date | null;
}

export interface StoredSecret {
  keyHash: string;
  expiresAt: Date | null;
  createdAt: Date;
}

const columns = `subject, kind, roles, books, created_by AS "createdBy", created_at AS "createdAt", last_used_at AS "lastUsedAt",
  revoked_at AS "revokedAt"`;

@Injectable()
export class ApiClientsRepository {
  /** False when the subject exists. */
  async insert(
    tx: Tx,
    client: Pick<ApiClientRow, 'subject' | 'kind' | 'roles' | 'books' | 'createdBy'>,
  ): Promise<boolean> {
    const inserted = await tx.execute(
      `INSERT INTO compliance.api_client (subject, kind, roles, books, created_by) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (subject) DO NOTHING`,
      [client.subject, client.kind, client.roles, client.books, client.createdBy],
    );
    return inserted === 1;
  }

  async find(tx: Tx, subject: string): Promise<ApiClientRow | undefined> {
    return tx.row<ApiClientRow>(`SELECT ${columns} FROM compliance.api_client WHERE subject = $1`, [subject]);
  }

  async lock(tx: Tx, subject: string): Promise<ApiClientRow | undefined> {
    return tx.row<ApiClientRow>(`SELECT ${columns} FROM compliance.api_client WHERE subject = $1 FOR UPDATE`, [
      subject,
    ]);
  }

  async list(tx: Tx, limit: number, after?: string): Promise<ApiClientRow[]> {
    return tx.rows<ApiClientRow>(
      `SELECT ${columns} FROM compliance.api_client WHERE ($1::text IS NULL OR subject > $1) ORDER BY subject LIMIT $2`,
      [after ?? null, limit],
    );
  }

  /** Who could sign in right now. */
  async live(tx: Tx): Promise<ApiClientRow[]> {
    return tx.rows<ApiClientRow>(
      `SELECT ${columns} FROM compliance.api_client c
        WHERE revoked_at IS NULL AND EXISTS (
          SELECT FROM compliance.api_client_secret s
           WHERE s.subject = c.subject AND (s.expires_at IS NULL OR s.expires_at > clock_timestamp()))
        ORDER BY subject`,
    );
  }

  /** One at a time, so that two cannot both be the first. */
  async lockFirst(tx: Tx): Promise<void> {
    await tx.execute(`SELECT pg_advisory_xact_lock(hashtext('compliance.api_client:first'))`);
  }

  /** Newest first. */
  async secrets(tx: Tx, subject: string): Promise<StoredSecret[]> {
    return tx.rows<StoredSecret>(
      `SELECT key_hash AS "keyHash", expires_at AS "expiresAt", created_at AS "createdAt"
         FROM compliance.api_client_secret WHERE subject = $1 ORDER BY (expires_at IS NULL) DESC, created_at DESC`,
      [subject],
    );
  }

  async addSecret(tx: Tx, subject: string, keyHash: string): Promise<void> {
    await tx.execute('INSERT INTO compliance.api_client_secret (key_hash, subject) VALUES ($1, $2)', [
      keyHash,
      subject,
    ]);
  }

  async replaceSecrets(
    tx: Tx,
    subject: string,
    secrets: readonly { keyHash: string; expiresAt?: Date }[],
  ): Promise<void> {
    const kept = secrets.map(({ keyHash }) => keyHash);
    await tx.execute('DELETE FROM compliance.api_client_secret WHERE subject = $1 AND key_hash <> ALL ($2::text[])', [
      subject,
      kept,
    ]);
    // Those that end come first: only one secret of a client has no end.
    for (const { keyHash, expiresAt } of [...secrets].reverse()) {
      await tx.execute(
        `INSERT INTO compliance.api_client_secret (key_hash, subject, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT (key_hash) DO UPDATE SET expires_at = excluded.expires_at`,
        [keyHash, subject, expiresAt ?? null],
      );
    }
  }

  async ofKey(tx: Tx, keyHash: string): Promise<ApiClientRow | undefined> {
    return tx.row<ApiClientRow>(
      `SELECT ${columns} FROM compliance.api_client JOIN (
         SELECT subject AS owner FROM compliance.api_client_secret
          WHERE key_hash = $1 AND (expires_at IS NULL OR expires_at > clock_timestamp())) secret ON secret.owner = api_client.subject
        WHERE revoked_at IS NULL`,
      [keyHash],
    );
  }

  async touch(tx: Tx, subject: string): Promise<void> {
    await tx.execute(
      `UPDATE compliance.api_client SET last_used_at = kernel.now()
        WHERE subject = $1 AND (last_used_at IS NULL OR last_used_at < kernel.now() - interval '1 minute')`,
      [subject],
    );
  }

  async revoke(tx: Tx, subject: string): Promise<void> {
    await tx.execute('UPDATE compliance.api_client SET revoked_at = kernel.now() WHERE subject = $1', [subject]);
  }
}
