import { Args, Mutation, Query, Resolver } from '@nestjs/graphql';
import { type Type } from '@nestjs/common';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { type Tx } from '#libs/database/index.js';
import { ConnectionArgs, keyset, keysetPage, ReadTx, RequiresScopes } from '#libs/graphql/index.js';
import { Mutations } from '../mutations.js';
import {
  ApiClientConnection,
  ApiClientIdentityType,
  ApiClientPayload,
  ApiClientType,
  CreateApiClientInput,
  RevokeApiClientInput,
  RotateApiClientSecretInput,
  toIdentity,
} from './api-clients.graphql.js';
import { type ApiClientRow, ApiClientsRepository } from './api-clients.repository.js';
import { type ApiClientAnswer, ApiClients } from './api-clients.service.js';

@Resolver(() => ApiClientType)
export class ApiClientsResolver {
  constructor(
    private readonly clients: ApiClients,
    private readonly repository: ApiClientsRepository,
    private readonly mutations: Mutations,
  ) {}

  @Query(() => ApiClientIdentityType, {
    nullable: true,
    description: 'For the gateway alone: whose key has this hash.',
  })
  @RequiresScopes('clients:identify')
  async apiClientByKeyHash(@Args('hash', { type: () => String }) hash: string): Promise<ApiClientIdentityType | null> {
    const client = await this.clients.identify(hash);
    return client ? toIdentity(client) : null;
  }

  @Query(() => ApiClientConnection)
  @RequiresScopes('clients:manage')
  async apiClients(@Args() page: ConnectionArgs, @ReadTx() tx: Tx): Promise<ApiClientConnection> {
    const cursor = keyset<ApiClientRow>({ list: 'apiClients' }, (row) => [row.subject]);
    const rows = await this.repository.list(tx, page.first + 1, cursor.after(page.after)?.[0] ?? undefined);
    return keysetPage(rows, page.first, cursor.cursorOf);
  }

  @Mutation(() => ApiClientPayload)
  @RequiresScopes('clients:manage')
  async createApiClient(
    @Args('input', { type: () => CreateApiClientInput }) input: CreateApiClientInput,
    @CurrentPrincipal() principal: Principal,
  ): Promise<ApiClientPayload> {
    return this.change('createApiClient', CreateApiClientInput, input, principal, (tx) =>
      this.clients.create(tx, input, principal),
    );
  }

  @Mutation(() => ApiClientPayload, { description: 'A new secret; the old one lives on for the overlap.' })
  @RequiresScopes('clients:manage')
  async rotateApiClientSecret(
    @Args('input', { type: () => RotateApiClientSecretInput }) input: RotateApiClientSecretInput,
    @CurrentPrincipal() principal: Principal,
  ): Promise<ApiClientPayload> {
    return this.change('rotateApiClientSecret', RotateApiClientSecretInput, input, principal, (tx) =>
      this.clients.rotate(tx, input.subject, input.overlapHours, principal),
    );
  }

  @Mutation(() => ApiClientPayload)
  @RequiresScopes('clients:manage')
  async revokeApiClient(
    @Args('input', { type: () => RevokeApiClientInput }) input: RevokeApiClientInput,
    @CurrentPrincipal() principal: Principal,
  ): Promise<ApiClientPayload> {
    return this.change('revokeApiClient', RevokeApiClientInput, input, principal, (tx) =>
      this.clients.revoke(tx, input.subject, input.reason, principal),
    );
  }

  private async change<Input extends { subject: string; idempotencyKey: string }>(
    operation: string,
    type: Type<Input>,
    input: Input,
    principal: Principal,
    work: (tx: Tx) => Promise<ApiClientAnswer>,
  ): Promise<ApiClientPayload> {
    // The key is in no stored answer: it lives from here to the response.
    const made: { key?: string } = {};
    const { object, problems, replayed } = await this.mutations.run({
      operation,
      type,
      input,
      principal,
      work: async (tx) => {
        const answer = await work(tx);
        made.key = answer.key;
        return { id: answer.client?.subject, problems: answer.problems, isForgotten: answer.problems.length > 0 };
      },
      read: async (tx, { id }) => (id === null ? null : ((await this.repository.find(tx, id)) ?? null)),
      otherwise: null,
    });
    return { client: object, key: made.key ?? null, problems, replayed };
  }
}
