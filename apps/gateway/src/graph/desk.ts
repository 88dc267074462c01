import {
  execute,
  GraphQLError,
  type ExecutionResult,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  Kind,
  print,
  type SelectionSetNode,
  type DocumentNode,
} from 'graphql';
import { mergedLists, type MergedList, mergeParts, services } from './merged-lists.js';
import { NodeStub, nodeTypeOf } from './nodes.js';

interface Edge {
  cursor: string;
  node: Record<string, unknown>;
}

interface Page {
  edges: Edge[];
  pageInfo: { hasNextPage: boolean };
}

/** Asks one service as the caller; throws when it is away. */
export type AskService = (
  service: string,
  query: string,
  variables: Record<string, unknown>,
) => Promise<ExecutionResult>;

interface DeskContext {
  ask: AskService;
  /** Told beside the answer: one service's silence must not cost the others' part of the list. */
  tell: (error: GraphQLError) => void;
}

const sortAlias = (index: number) => `_order${index}`;

/** Answers the gateway's own subgraph: asks every service for its page and merges them. */
export async function answerDesk(
  schema: GraphQLSchema,
  request: { document: DocumentNode; variables?: Record<string, unknown> | undefined },
  ask: AskService,
  tell: (error: GraphQLError) => void,
): Promise<ExecutionResult> {
  const context: DeskContext = { ask, tell };
  return execute({
    schema,
    document: request.document,
    variableValues: request.variables ?? {},
    contextValue: context,
    rootValue: {},
    fieldResolver: (source: Record<string, unknown>, args: Record<string, unknown>, _context, info): unknown => {
      if (source instanceof NodeStub) return source.id;
      const isRoot = info.parentType.name === 'Query';
      if (isRoot && info.fieldName === 'node') return findNode(String(args.id), context, String(info.path.key));
      const list = isRoot ? mergedLists.find(({ name }) => name === info.fieldName) : undefined;
      // What the services answered is already under the caller's own names.
      return list ? mergeList(schema, list, args, context, info) : source[String(info.path.key)];
    },
  });
}

/** An id that looks like one of ours is not yet an object: its service says whether the caller has such a one. */
async function findNode(id: string, context: DeskContext, key: string): Promise<NodeStub | null> {
  const type = nodeTypeOf(id);
  if (!type || id === '') return null;
  const query = `query ($of: [_Any!]!) { _entities(representations: $of) { ... on ${type.name} { id } } }`;
  const result = await answerOf(context, type.service, key, query, { of: [{ __typename: type.name, id }] });
  const found = (result?.data as { _entities?: ({ id: string } | null)[] | null } | null | undefined)?._entities?.[0];
  return found ? new NodeStub(id, type.name) : null;
}

/** Asks one service; what it refuses, and that it is away, is told beside the answer. */
async function answerOf(
  context: DeskContext,
  service: string,
  key: string,
  query: string,
  variables: Record<string, unknown>,
): Promise<ExecutionResult | undefined> {
  const tell = (message: string, extensions: Record<string, unknown>) => {
    context.tell(new GraphQLError(message, { path: [key], extensions: { ...extensions, service } }));
  };
  const result = await context.ask(service, query, variables).catch(() => undefined);
  for (const error of result?.errors ?? []) tell(error.message, { ...error.extensions });
  if (!result?.data && !result?.errors?.length)
    tell(`${service} is not available`, { code: 'SERVICE_UNAVAILABLE', retryable: true });
  return result;
}

async function mergeList(
  schema: GraphQLSchema,
  list: MergedList,
  args: Record<string, unknown>,
  context: DeskContext,
  info: GraphQLResolveInfo,
): Promise<Page> {
  const first = typeof args.first === 'number' ? args.first : 50;
  const asked = services.filter((service) => schema.getQueryType()?.getFields()[list.fieldOf(service)]);
  const before = readCursor(args.after);
  const pages = await Promise.all(
    asked.map(async (service) => {
      // A service whose list ended before is not asked again.
      if (before && !(service in before)) return { service, edges: [] as Edge[], hasNextPage: false, from: undefined };
      const from = before?.[service] ?? undefined;
      const page = await pageOf(schema, list, service, { ...args, first, after: from ?? null }, context, info);
      return { service, edges: page?.edges ?? [], hasNextPage: page?.pageInfo.hasNextPage ?? false, from };
    }),
  );
  const merged = mergeParts(
    pages.map(({ service, edges: items }) => ({ service, items })),
    list.order,
    ({ node }) => list.order.map((_, index) => String(node[sortAlias(index)])),
    first,
  );
  const reached: Record<string, string | null> = Object.fromEntries(
    pages.filter((page) => !before || page.service in before).map((page) => [page.service, page.from ?? null]),
  );
  const edges = merged.map(({ service, item: edge }) => {
    reached[service] = edge.cursor;
    return { node: edge.node, cursor: writeCursor(reached) };
  });
  const hasNextPage =
    pages.some((page) => page.hasNextPage) || pages.reduce((sum, page) => sum + page.edges.length, 0) > edges.length;
  const pageInfo = {
    hasNextPage,
    hasPreviousPage: false,
    startCursor: edges[0]?.cursor ?? null,
    endCursor: edges.at(-1)?.cursor ?? null,
  };
  return underNames({ edges, pageInfo }, info) as unknown as Page;
}

/** One service's page, or nothing and an error that names it. */
async function pageOf(
  schema: GraphQLSchema,
  list: MergedList,
  service: string,
  variables: Record<string, unknown>,
  context: DeskContext,
  info: GraphQLResolveInfo,
): Promise<Page | undefined> {
  const result = await answerOf(
    context,
    service,
    String(info.path.key),
    queryFor(schema, list, service, info),
    variables,
  );
  return (result?.data as { list?: Page } | null | undefined)?.list;
}

function queryFor(schema: GraphQLSchema, list: MergedList, service: string, info: GraphQLResolveInfo): string {
  const field = schema.getQueryType()?.getFields()[list.fieldOf(service)];
  const args = field?.args ?? [];
  const declared = args.map((argument) => `$${argument.name}: ${String(argument.type)}`).join(', ');
  const passed = args.map((argument) => `${argument.name}: $${argument.name}`).join(', ');
  const nodes = below(info.fieldNodes, 'edges', info).flatMap((edges) => below([edges], 'node', info));
  const selection = nodes
    .map((node) => (node.selectionSet ? print(node.selectionSet) : ''))
    .map((text) => `... { ${text.slice(1, -1)} }`);
  const order = list.order.map(({ field: name }, index) => `${sortAlias(index)}: ${name}`).join(' ');
  const fragments = Object.values(info.fragments).filter((fragment) =>
    selection.some((text) => text.includes(`...${fragment.name.value}`)),
  );
  return [
    `query (${declared}) { list: ${list.fieldOf(service)}(${passed}) { edges { cursor node { ${order} ${selection.join(' ')} } } pageInfo { hasNextPage } } }`,
    ...fragments.map((fragment: FragmentDefinitionNode) => print(fragment)),
  ].join('\n');
}

/** The selections of one field below others, through fragments. */
function below(nodes: readonly FieldNode[], name: string, info: GraphQLResolveInfo): FieldNode[] {
  const found: FieldNode[] = [];
  const search = (set: SelectionSetNode | undefined): void => {
    for (const selection of set?.selections ?? []) {
      if (selection.kind === Kind.FIELD) {
        if (selection.name.value === name) found.push(selection);
      } else {
        search(
          selection.kind === Kind.INLINE_FRAGMENT
            ? selection.selectionSet
            : info.fragments[selection.name.value]?.selectionSet,
        );
      }
    }
  };
  for (const node of nodes) search(node.selectionSet);
  return found;
}

/** Gives the merged page the names the caller chose for its parts. */
function underNames(
  page: { edges: Edge[]; pageInfo: Record<string, unknown> },
  info: GraphQLResolveInfo,
): Record<string, unknown> {
  const named: Record<string, unknown> = {};
  const key = (node: FieldNode) => node.alias?.value ?? node.name.value;
  for (const node of below(info.fieldNodes, 'edges', info)) {
    named[key(node)] = page.edges.map((edge) => ({
      ...Object.fromEntries(below([node], 'node', info).map((inner) => [key(inner), edge.node])),
      ...Object.fromEntries(below([node], 'cursor', info).map((inner) => [key(inner), edge.cursor])),
    }));
  }
  for (const node of below(info.fieldNodes, 'pageInfo', info)) {
    named[key(node)] = Object.fromEntries(
      Object.entries(page.pageInfo).flatMap(([name, value]) =>
        below([node], name, info).map((inner) => [key(inner), value]),
      ),
    );
  }
  return named;
}

/** Where each service's list was left; every part inside is checked by the service that made it. */
function writeCursor(reached: Readonly<Record<string, string | null>>): string {
  return Buffer.from(JSON.stringify(reached)).toString('base64url');
}

function readCursor(cursor: unknown): Record<string, string | null> | undefined {
  if (typeof cursor !== 'string') return undefined;
  const refuse = () => new GraphQLError('this cursor is not of this list', { extensions: { code: 'INVALID_CURSOR' } });
  try {
    const read: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (typeof read !== 'object' || read === null || Array.isArray(read)) throw refuse();
    const parts = Object.entries(read).filter(
      ([name, part]) => (services as readonly string[]).includes(name) && (part === null || typeof part === 'string'),
    );
    return Object.fromEntries(parts);
  } catch {
    throw refuse();
  }
}
