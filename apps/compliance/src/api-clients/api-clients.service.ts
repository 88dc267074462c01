import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { z } from 'zod';
import { type Actor, AuditTrail, subjectOf } from '#libs/audit/index.js';
import { type ApiSecret, hashApiKey, isRole, newApiKey, rolesToScopes, rotateSecret } from '#libs/auth/index.js';
import { Transactions, type Tx } from '#libs/database/index.js';
import { type Problem, problem } from '#libs/kernel/index.js';
import { ComplianceConfig } from '../compliance.config.js';
import { type ApiClientRow, ApiClientsRepository } from './api-clients.repository.js';

const seed = z.array(
  z.object({
    subject: z.string(),
    kind: z.enum(['PERSON', 'MACHINE']).default('PERSON'),
    roles: z.array(z.string()).min(1),
    books: z.array(z.string()).min(1),
    keyHash: z.string().regex(/^[0-9a-f]{64}$/),
  }),
);

export interface NewApiClient {
  readonly subject: string;
  readonly kind: 'PERSON' | 'MACHINE';
  readonly roles: readonly string[];
  readonly books: readonly string[];
}

export interface ApiClientAnswer {
  readonly client?: ApiClientRow;
  /** Shown once, never stored. */
  readonly key?: string;
  readonly problems: readonly Problem[];
}

/** Who may call with a key, and as whom. Of a key only its hash is stored. */
@Injectable()
export class ApiClients implements OnApplicationBootstrap {
  constructor(
    private readonly repository: ApiClientsRepository,
    private readonly transactions: Transactions,
    private readonly audit: AuditTrail,
    private readonly config: ComplianceConfig,
  ) {}

  /** The demo clients of a sample installation; never where real money moves. */
  async onApplicationBootstrap(): Promise<void> {
    if (this.config.apiClientsSeed === undefined) return;
    if (!this.config.isSampleInstallation)
      throw new Error('API_CLIENTS_SEED is for sample installations only (CLOCK=database-row)');
    await this.seed(this.config.apiClientsSeed);
  }

  async seed(json: string): Promise<void> {
    const clients = seed.parse(JSON.parse(json));
    await this.transactions.run(async (tx) => {
      for (const { keyHash, ...client } of clients) {
        const isNew = await this.repository.insert(tx, { ...client, createdBy: 'seed' });
        if (isNew) await this.repository.addSecret(tx, client.subject, keyHash);
        else await this.repository.replaceSecrets(tx, client.subject, [{ keyHash }]);
      }
    });
  }

  async create(tx: Tx, client: NewApiClient, by: Actor, reason?: string): Promise<ApiClientAnswer> {
    const unknown = client.roles.filter((role) => !isRole(role));
    if (unknown.length > 0)
      return { problems: [problem('UNKNOWN_ROLE', `There is no role ${unknown.join(', ')}`, ['roles'])] };
    const row = { ...client, roles: [...client.roles], books: [...client.books], createdBy: subjectOf(by) };
    if (!(await this.repository.insert(tx, row))) {
      return { problems: [problem('SUBJECT_TAKEN', `${client.subject} exists`, ['subject'])] };
    }
    const key = newApiKey(client.roles[0] ?? 'partner');
    await this.repository.addSecret(tx, client.subject, hashApiKey(key));
    const { kind, roles, books } = client;
    await this.record(tx, 'api-client.created', client.subject, by, { kind, roles, books }, reason);
    return { client: await this.repository.find(tx, client.subject), key, problems: [] };
  }

  /**
   * The client of whoever owns the database, where the API has nobody yet who could make one. When somebody can,
   * it is refused: those are asked. `isRecovery` is for keys that are lost; the reason is kept either way.
   */
  async createAsOwner(
    tx: Tx,
    client: NewApiClient,
    { by, reason, isRecovery }: { by: Actor; reason: string; isRecovery: boolean },
  ): Promise<ApiClientAnswer> {
    await this.repository.lockFirst(tx);
    const managers = (await this.repository.live(tx)).filter(({ roles }) =>
      rolesToScopes(roles.filter(isRole)).includes('clients:manage'),
    );
    if (managers.length > 0 && !isRecovery) {
      const names = managers.map(({ subject }) => subject).join(', ');
      return {
        problems: [problem('ADMINISTRATOR_EXISTS', `${names} can make API clients with the mutation createApiClient`)],
      };
    }
    return this.create(tx, client, by, reason);
  }

  /** A new secret beside the old one, which lives on until `overlapHours` are over. */
  async rotate(tx: Tx, subject: string, overlapHours: number, by: Actor): Promise<ApiClientAnswer> {
    const client = await this.repository.lock(tx, subject);
    if (!client) return { problems: [problem('NOT_FOUND', 'There is no such client', ['subject'])] };
    if (client.revokedAt)
      return { client, problems: [problem('CLIENT_REVOKED', 'The client was revoked', ['subject'])] };
    // Secrets age in real time: a stopped sample clock must not keep one alive.
    const now = new Date();
    const stored = await this.repository.secrets(tx, subject);
    const secrets = stored.map(({ keyHash, expiresAt }): ApiSecret =>
      expiresAt === null ? { keyHash } : { keyHash, expiresAt },
    );
    const key = newApiKey(client.roles.find(isRole) ?? 'partner');
    const rotated = rotateSecret(secrets, hashApiKey(key), now, new Date(now.getTime() + overlapHours * 3_600_000));
    await this.repository.replaceSecrets(tx, subject, rotated);
    await this.record(tx, 'api-client.secret-rotated', subject, by, { overlapHours });
    return { client, key, problems: [] };
  }

  async revoke(tx: Tx, subject: string, reason: string, by: Actor): Promise<ApiClientAnswer> {
    const client = await this.repository.lock(tx, subject);
    if (!client) return { problems: [problem('NOT_FOUND', 'There is no such client', ['subject'])] };
    if (!client.revokedAt) {
      await this.repository.revoke(tx, subject);
      await this.record(tx, 'api-client.revoked', subject, by, { reason }, reason);
    }
    return { client: await this.repository.find(tx, subject), problems: [] };
  }

  /** Whose key it is; being asked counts as use. */
  async identify(keyHash: string): Promise<ApiClientRow | undefined> {
    return this.transactions.run(async (tx) => {
      const client = await this.repository.ofKey(tx, keyHash);
      if (client) await this.repository.touch(tx, client.subject);
      return client;
    });
  }

  private async record(
    tx: Tx,
    action: string,
    subject: string,
    by: Actor,
    after: unknown,
    reason?: string,
  ): Promise<void> {
    await this.audit.append(tx, { action, objectKind: 'ApiClient', objectId: subject, principal: by, after, reason });
  }
}
