import { composeServices } from '@theguild/federation-composition';
import { type DefinitionNode, type FieldDefinitionNode, Kind, parse, print, type TypeNode, visit } from 'graphql';
import { deskName, mergedLists } from '../src/graph/merged-lists.js';
import { type NodeType, nodeTypes } from '../src/graph/nodes.js';

// Used by the build and by tests; the running gateway only reads the file this makes.

export interface SubgraphSdl {
  name: string;
  sdl: string;
}

/** Subgraphs' addresses are set when the gateway starts; the file holds places for them. */
export const placeholderUrl = (name: string) => `http://${name}.invalid/graphql`;

const namedTypeOf = (type: TypeNode): string =>
  type.kind === Kind.NAMED_TYPE ? type.name.value : namedTypeOf(type.type);

/** Everything the named types are made of. */
function closureOf(definitions: ReadonlyMap<string, DefinitionNode>, roots: readonly string[]): DefinitionNode[] {
  const found = new Map<string, DefinitionNode>();
  const queue = [...roots];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const definition = definitions.get(name);
    if (!definition || found.has(name)) continue;
    found.set(name, definition);
    visit(definition, { NamedType: (node) => void queue.push(node.name.value) });
  }
  return [...found.values()].sort((a, b) => nameOf(a).localeCompare(nameOf(b)));
}

const nameOf = (node: DefinitionNode) => ('name' in node && node.name ? node.name.value : '');

/** Query may be written in several parts. */
function queryFieldOf(definitions: readonly DefinitionNode[], field: string): FieldDefinitionNode | undefined {
  return definitions
    .filter((node) => node.kind === Kind.OBJECT_TYPE_DEFINITION || node.kind === Kind.OBJECT_TYPE_EXTENSION)
    .filter((node) => node.name.value === 'Query')
    .flatMap((node) => node.fields ?? [])
    .find((candidate) => candidate.name.value === field);
}

/** Has the subgraph the type, and answers for it by its id? */
function isEntity(sdl: string, name: string): boolean {
  return parse(sdl).definitions.some(
    (node) =>
      node.kind === Kind.OBJECT_TYPE_DEFINITION &&
      node.name.value === name &&
      (node.directives ?? []).some(
        (directive) =>
          directive.name.value === 'key' &&
          !(directive.arguments ?? []).some((argument) => argument.name.value === 'resolvable'),
      ),
  );
}

function nodeField(nodes: readonly NodeType[]): string {
  const alternatives = [...new Set(nodes.map(({ scope }) => scope))].map((scope) => `["${scope}"]`).join(', ');
  return `"""
Whatever has this id, read from a log or another answer. Null when its service has no such object, once a field
other than the id is asked for.
"""
node(id: ID!): Node @requiresScopes(scopes: [${alternatives}])`;
}

function nodeStubs(nodes: readonly NodeType[]): string[] {
  return [
    '"""An object that has an id of its own in all services together."""\ninterface Node { id: ID! }',
    ...nodes.map(({ name }) => `type ${name} implements Node @key(fields: "id", resolvable: false) { id: ID! }`),
  ];
}

/**
 * The gateway's own small subgraph: each list that every service keeps for itself, merged, and `node(id)`. The types
 * of the lists are the services' own, copied from the first that has the list; those of the nodes are stubs.
 */
export function deskSdl(subgraphs: readonly SubgraphSdl[]): string | undefined {
  const parts: string[] = [];
  const roots: string[] = [];
  const copied = new Map<string, DefinitionNode>();
  for (const list of mergedLists) {
    for (const { name, sdl } of subgraphs) {
      const all = parse(sdl).definitions;
      const definitions = new Map(all.map((definition) => [nameOf(definition), definition]));
      const field = queryFieldOf(all, list.fieldOf(name));
      if (!field) continue;
      const types = [namedTypeOf(field.type), ...(field.arguments ?? []).map((argument) => namedTypeOf(argument.type))];
      for (const definition of closureOf(definitions, types)) copied.set(nameOf(definition), definition);
      roots.push(
        print({
          ...field,
          name: { ...field.name, value: list.name },
          description: { kind: Kind.STRING, value: list.description },
        }),
      );
      break;
    }
  }
  const nodes = nodeTypes.filter(({ name }) => subgraphs.some(({ sdl }) => isEntity(sdl, name)));
  if (nodes.length > 0) roots.push(nodeField(nodes));
  if (roots.length === 0) return undefined;
  parts.push(
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@requiresScopes", "@tag", "@inaccessible"])',
  );
  parts.push(`type Query {\n${roots.join('\n')}\n}`);
  parts.push(...[...copied.values()].map((definition) => print(definition)));
  if (nodes.length > 0) parts.push(...nodeStubs(nodes));
  return parts.join('\n\n');
}

/** The supergraph of the services and the desk. Throws with every reason when they do not fit together. */
export function composeSupergraph(subgraphs: readonly SubgraphSdl[]): string {
  const desk = deskSdl(subgraphs);
  const all = [...subgraphs, ...(desk ? [{ name: deskName, sdl: desk }] : [])];
  const composed = composeServices(
    all.map(({ name, sdl }) => ({ name, url: placeholderUrl(name), typeDefs: parse(sdl) })),
  );
  if (!composed.supergraphSdl) {
    throw new Error(
      `the subgraphs do not compose:\n  ${(composed.errors ?? []).map((error) => error.message).join('\n  ')}`,
    );
  }
  return `${print(nodeByOwnScopes(nullableRootFields(parse(composed.supergraphSdl))))}\n`;
}

/**
 * A service may be away, so no field of Query promises a value: its part of the answer is null with an
 * error, and the parts of the others stay.
 */
function nullableRootFields(document: ReturnType<typeof parse>): ReturnType<typeof parse> {
  return visit(document, {
    ObjectTypeDefinition: (node) =>
      node.name.value === 'Query'
        ? {
            ...node,
            fields: (node.fields ?? []).map((field) => ({
              ...field,
              type: field.type.kind === Kind.NON_NULL_TYPE ? field.type.type : field.type,
            })),
          }
        : undefined,
  });
}

/**
 * Composition asks for the scopes of all nodes together wherever an unknown one comes back, which most callers never
 * have. The edge judges each `... on Type` by that type's own, and the bare `id` is what the caller said himself.
 */
function nodeByOwnScopes(document: ReturnType<typeof parse>): ReturnType<typeof parse> {
  return visit(document, {
    InterfaceTypeDefinition: (node) =>
      node.name.value === 'Node'
        ? { ...node, directives: (node.directives ?? []).filter(({ name }) => !name.value.endsWith('requiresScopes')) }
        : undefined,
  });
}
