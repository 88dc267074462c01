import { type Type } from '@nestjs/common';
import { Args, Query, Resolver } from '@nestjs/graphql';
import { type Service } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { ConnectionArgs, keyset, keysetPage, ReadTx, RequiresScopes } from '#libs/graphql/index.js';
import { AuditEntryConnection, AuditEntryType } from './audit.graphql.js';
import { type AuditEntry, AuditTrail } from './audit-trail.js';

/** `<service>AuditEntries(objectKind, objectId)`: three subgraphs compose, each with its own log. */
export function auditResolver(service: Service): Type {
  @Resolver(() => AuditEntryType)
  class AuditResolver {
    constructor(private readonly audit: AuditTrail) {}

    @Query(() => AuditEntryConnection, {
      name: `${service}AuditEntries`,
      description: 'The records of one object, newest first.',
    })
    @RequiresScopes('audit:read')
    async entries(
      @Args() page: ConnectionArgs,
      @Args('objectKind', { type: () => String }) kind: string,
      @Args('objectId', { type: () => String }) id: string,
      @ReadTx() tx: Tx,
    ): Promise<AuditEntryConnection> {
      const cursor = keyset<AuditEntry>({ list: `${service}AuditEntries`, kind, id }, (row) => [row.sequence]);
      const rows = await this.audit.entries(
        tx,
        { kind, id },
        page.first + 1,
        cursor.after(page.after)?.[0] ?? undefined,
      );
      return keysetPage(rows, page.first, cursor.cursorOf);
    }
  }
  return AuditResolver;
}
