import { readFileSync } from 'node:fs';
import { type DynamicModule, type ForwardReference, type Type } from '@nestjs/common';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import { Test } from '@nestjs/testing';
import {
  getNamedType,
  getOperationAST,
  graphql,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  isAbstractType,
  isCompositeType,
  isInputObjectType,
  isLeafType,
  isNonNullType,
  isObjectType,
  parse,
} from 'graphql';
import { type Role, roles, rolesToScopes } from '#libs/auth/index.js';
import { judgeOperation, scopeNeedOf, undeclaredFields } from './permissions.js';
import { SubgraphModule } from './subgraph.module.js';

// Tools for the build and for tests; nothing of a running service imports this file.

type ModuleEntry = Type | DynamicModule | Promise<DynamicModule> | ForwardReference;

/** Every resolver class of a module and of what it imports, without making one. */
export async function resolversOf(root: ModuleEntry): Promise<Type[]> {
  const resolvers = new Set<Type>();
  const seen = new Set<unknown>();
  const visit = async (entry: ModuleEntry): Promise<void> => {
    const found = await (typeof entry === 'object' && 'forwardRef' in entry
      ? (entry.forwardRef as () => ModuleEntry)()
      : entry);
    if (seen.has(found)) return;
    seen.add(found);
    const dynamic = typeof found === 'object' && 'module' in found ? found : undefined;
    const type = (dynamic ? dynamic.module : found) as Type;
    if (type === SubgraphModule) return;
    const declared = (key: string): unknown[] => (Reflect.getMetadata(key, type) as unknown[] | undefined) ?? [];
    for (const provider of [...declared('providers'), ...(dynamic?.providers ?? [])]) {
      const candidate =
        typeof provider === 'object' && provider !== null && 'useClass' in provider ? provider.useClass : provider;
      if (typeof candidate === 'function' && isResolver(candidate as Type)) resolvers.add(candidate as Type);
    }
    for (const imported of [...declared('imports'), ...(dynamic?.imports ?? [])]) await visit(imported as ModuleEntry);
  };
  await visit(root);
  return [...resolvers];
}

function isResolver(type: Type): boolean {
  if (Reflect.hasMetadata('graphql:resolver_type', type) || Reflect.hasMetadata('graphql:resolver_name', type))
    return true;
  const prototype = type.prototype as Record<string, unknown> | undefined;
  return Object.getOwnPropertyNames(prototype ?? {}).some((name) => {
    const method = Object.getOwnPropertyDescriptor(prototype, name)?.value as unknown;
    return typeof method === 'function' && Reflect.hasMetadata('graphql:resolver_type', method);
  });
}

/** The executable schema of a service from its module, with no database, queue or port behind it. */
export async function subgraphSchemaOf(service: string, root: ModuleEntry): Promise<GraphQLSchema> {
  const testing = await Test.createTestingModule({
    imports: [SubgraphModule.forService(service, { tokenSecret: 'only-for-printing-the-schema-of-it' })],
    providers: await resolversOf(root),
  })
    .useMocker(() => ({}))
    .compile();
  const app = testing.createNestApplication({ logger: false });
  try {
    await app.init();
    return app.get(GraphQLSchemaHost).schema;
  } finally {
    await app.close();
  }
}

/** The subgraph's SDL as the composer reads it. */
export async function printSubgraphSchema(service: string, root: ModuleEntry): Promise<string> {
  const schema = await subgraphSchemaOf(service, root);
  const { data, errors } = await graphql({ schema, source: '{ _service { sdl } }' });
  const sdl = (data?._service as { sdl?: string } | undefined)?.sdl;
  if (!sdl) throw new Error(`the schema of ${service} could not be printed: ${errors?.[0]?.message ?? 'no sdl'}`);
  return sdl;
}

export interface MatrixCell {
  /** `Query.trade`, `Trade.screenings`, … */
  field: string;
  role: Role;
  needed: string[][];
  allowed: boolean;
  /** What the walker says about a document that selects the field: must equal `allowed`. */
  decided: boolean;
}

export interface PermissionMatrix {
  /** Fields that name no scope: must be empty. */
  undeclared: string[];
  cells: MatrixCell[];
}

function argumentText(field: GraphQLField<unknown, unknown>): string {
  const needed = field.args.filter((argument) => isNonNullType(argument.type) && argument.defaultValue === undefined);
  if (needed.length === 0) return '';
  // The walker reads names, not values; a list or an object stands for whatever is asked for.
  return `(${needed.map((argument) => `${argument.name}: ${isInputObjectType(getNamedType(argument.type)) ? '{}' : '""'}`).join(', ')})`;
}

function selectionText(type: GraphQLNamedType): string {
  return isLeafType(type) ? '' : ' { __typename }';
}

function documentFor(
  schema: GraphQLSchema,
  owner: GraphQLObjectType,
  field: GraphQLField<unknown, unknown>,
): string | undefined {
  const selection = `${field.name}${argumentText(field)}${selectionText(getNamedType(field.type))}`;
  if (owner === schema.getQueryType()) return `query { ${selection} }`;
  if (owner === schema.getMutationType()) return `mutation { ${selection} }`;
  if (owner === schema.getSubscriptionType()) return `subscription { ${selection} }`;
  const entities = schema.getType('_Entity');
  if (!isAbstractType(entities) || !schema.isSubType(entities, owner)) return undefined;
  return `query ($r: [_Any!]!) { _entities(representations: $r) { ...on${owner.name} } } fragment on${owner.name} on ${owner.name} { ${selection} }`;
}

/**
 * Every root field and every entity field × every role: what the directives say, and what the
 * shipped walker decides on a document that selects just this field (entities through `_entities`
 * and a named fragment).
 */
export function permissionMatrix(schema: GraphQLSchema): PermissionMatrix {
  const cells: MatrixCell[] = [];
  for (const owner of Object.values(schema.getTypeMap()).filter(isObjectType)) {
    if (owner.name.startsWith('_')) continue;
    for (const field of Object.values(owner.getFields())) {
      const text = documentFor(schema, owner, field);
      if (text === undefined || field.name === '_entities') continue;
      const type = getNamedType(field.type);
      const needs =
        field.name === '_service'
          ? [[['schema:introspect']]]
          : [scopeNeedOf(owner), scopeNeedOf(field), isCompositeType(type) ? scopeNeedOf(type) : []].filter(
              (need) => need.length > 0,
            );
      const document = parse(text);
      const operation = getOperationAST(document);
      if (!operation) continue;
      for (const role of roles) {
        const held = rolesToScopes([role]);
        const allowed = needs.every((need) =>
          need.some((all) => all.every((scope) => (held as string[]).includes(scope))),
        );
        const { refusals } = judgeOperation({ schema, document, operation, scopes: held });
        cells.push({
          field: `${owner.name}.${field.name}`,
          role,
          needed: needs.flat(),
          allowed,
          decided: refusals.length === 0,
        });
      }
    }
  }
  return { undeclared: undeclaredFields(schema), cells };
}

/** Throws with every hole and every difference; a test of each app calls it with its own schema. */
export function assertPermissions(schema: GraphQLSchema): PermissionMatrix {
  const matrix = permissionMatrix(schema);
  const wrong = matrix.cells.filter((cell) => cell.allowed !== cell.decided);
  if (matrix.undeclared.length > 0) throw new Error(`no scope named by: ${matrix.undeclared.join(', ')}`);
  if (wrong.length > 0)
    throw new Error(
      `decided otherwise than declared: ${wrong.map((cell) => `${cell.field} for ${cell.role}`).join(', ')}`,
    );
  if (matrix.cells.length === 0) throw new Error('the schema has no field to check');
  return matrix;
}

/** Roles as they stand in a file of expected permissions. */
const listed = (held: readonly Role[]): string => (held.length === 0 ? 'nobody' : [...held].sort().join(', '));

/**
 * Who may what, whole: each root field; each entity that other services reach by its key, and those of its fields that
 * are for others than it is; and each type, with the roles that can come to one in whatever way.
 */
export function permissionRows(schema: GraphQLSchema): Record<string, string> {
  const rows = new Map<string, string>();
  const { cells } = permissionMatrix(schema);
  const fields = new Map<string, Role[]>();
  for (const { field, role, decided } of cells)
    fields.set(field, [...(fields.get(field) ?? []), ...(decided ? [role] : [])]);
  const rootTypes = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const entities = schema.getType('_Entity');
  const entityTypes = isAbstractType(entities) ? schema.getPossibleTypes(entities) : [];
  const rolesOfEntity = new Map(
    entityTypes.map((entity) => {
      const document = parse(
        `query ($r: [_Any!]!) { _entities(representations: $r) { ... on ${entity.name} { __typename } } }`,
      );
      const operation = getOperationAST(document);
      const may = (role: Role) =>
        operation !== null &&
        operation !== undefined &&
        judgeOperation({ schema, document, operation, scopes: rolesToScopes([role]) }).refusals.length === 0;
      return [entity.name, roles.filter(may)] as const;
    }),
  );
  for (const [name, held] of rolesOfEntity) rows.set(`${name} by its key`, listed(held));
  for (const [name, held] of fields) {
    const owner = name.split('.')[0] ?? '';
    const ofEntity = rolesOfEntity.get(owner);
    if (ofEntity === undefined || listed(ofEntity) !== listed(held)) rows.set(name, listed(held));
  }
  const reached = new Map(
    roles.map((role) => {
      const start = rootTypes.flatMap((root) =>
        Object.values(root?.getFields() ?? {})
          .filter((field) => root && fields.get(`${root.name}.${field.name}`)?.includes(role))
          .map((field) => getNamedType(field.type)),
      );
      const byKey = entityTypes.filter(({ name }) => rolesOfEntity.get(name)?.includes(role));
      return [role, reachableTypes(schema, role, [...start, ...byKey])] as const;
    }),
  );
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isCompositeType(type) || type.name.startsWith('_') || rootTypes.some((root) => root === type)) continue;
    rows.set(`type ${type.name}`, listed(roles.filter((role) => reached.get(role)?.has(type.name))));
  }
  return Object.fromEntries([...rows].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The types that a role comes to from the given ones, over fields that it may ask for. */
function reachableTypes(schema: GraphQLSchema, role: Role, start: readonly GraphQLNamedType[]): Set<string> {
  const held = new Set<string>(rolesToScopes([role]));
  const may = (holder: Parameters<typeof scopeNeedOf>[0]) => {
    const need = scopeNeedOf(holder);
    return need.length === 0 || need.some((all) => all.every((scope) => held.has(scope)));
  };
  const seen = new Set<string>();
  const waiting = [...start];
  for (let type = waiting.pop(); type; type = waiting.pop()) {
    if (!isCompositeType(type) || seen.has(type.name) || !may(type)) continue;
    seen.add(type.name);
    if (isAbstractType(type)) waiting.push(...schema.getPossibleTypes(type));
    if (!('getFields' in type)) continue;
    for (const field of Object.values(type.getFields())) if (may(field)) waiting.push(getNamedType(field.type));
  }
  return seen;
}

/** What a schema permits otherwise than the file says, each as the line that would have to stand in the file. */
export function permissionDifferences(schema: GraphQLSchema, expected: Readonly<Record<string, string>>): string[] {
  const found = permissionRows(schema);
  const line = (name: string, held: string) => `${JSON.stringify(name)}: ${JSON.stringify(held)},`;
  const names = [...new Set([...Object.keys(found), ...Object.keys(expected)])].sort();
  return names.flatMap((name) => {
    const [is, was] = [found[name], expected[name]];
    if (is === was) return [];
    return [
      ...(was === undefined ? [] : [`- ${line(name, was)}`]),
      ...(is === undefined ? [] : [`+ ${line(name, is)}`]),
    ];
  });
}

/** The walk of the whole schema × roles against the committed file: whoever changes what a role may, changes the file too. */
export function assertExpectedPermissions(schema: GraphQLSchema, file: string): PermissionMatrix {
  const matrix = assertPermissions(schema);
  const differences = permissionDifferences(schema, JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>);
  if (differences.length > 0)
    throw new Error(`permissions differ from ${file}; if each is meant, change the file:\n${differences.join('\n')}`);
  return matrix;
}
