import {
  type ConstDirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getNamedType,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  isAbstractType,
  isCompositeType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  valueFromASTUntyped,
} from 'graphql';
import { isScope, type Scope } from '#libs/auth/index.js';

/**
 * The rule: every root field, and every entity (a type with `@key`), names the scopes it needs:
 * the entity on the type, or on each field that is not part of its key. Other types (Money, Problem,
 * connections, payloads) are reached only through a field that was permitted, so they need none; they
 * may name their own to be narrower. `__schema`, `__type` and `_service` need schema:introspect.
 * `__typename` and `_entities` need nothing by themselves: the entities asked for do.
 */
export interface Refusal {
  path: string[];
  needed: Scope[][];
}

/** Outer list: alternatives; inner list: all of them. Empty: nothing is needed. */
export type ScopeNeed = Scope[][];

interface Annotated {
  astNode?: { directives?: readonly ConstDirectiveNode[] } | null | undefined;
  extensionASTNodes?: readonly { directives?: readonly ConstDirectiveNode[] }[] | null | undefined;
}

const directivesOf = (holder: Annotated): readonly ConstDirectiveNode[] => [
  ...(holder.astNode?.directives ?? []),
  ...(holder.extensionASTNodes ?? []).flatMap((node) => node.directives ?? []),
];

const isNamed = (directive: ConstDirectiveNode, name: string) =>
  directive.name.value === name || directive.name.value === `federation__${name}`;

export function scopeNeedOf(holder: Annotated): ScopeNeed {
  const directive = directivesOf(holder).find((candidate) => isNamed(candidate, 'requiresScopes'));
  const argument = directive?.arguments?.find((candidate) => candidate.name.value === 'scopes');
  return argument ? (valueFromASTUntyped(argument.value) as ScopeNeed) : [];
}

const introspectionNeed: ScopeNeed = [['schema:introspect']];

function needOfField(
  parent: GraphQLNamedType,
  field: GraphQLField<unknown, unknown>,
  schema: GraphQLSchema,
): ScopeNeed[] {
  if (parent === schema.getQueryType() && field.name === '_service') return [introspectionNeed];
  const needs = [scopeNeedOf(field)];
  const type = getNamedType(field.type);
  if (isCompositeType(type)) needs.push(scopeNeedOf(type));
  return needs.filter((need) => need.length > 0);
}

/** A scope needed by any possible type is needed on the interface too: which one comes is not known yet. */
function needsOf(schema: GraphQLSchema, parent: GraphQLNamedType, fieldName: string): ScopeNeed[] {
  const owners = isInterfaceType(parent) ? [parent, ...schema.getPossibleTypes(parent)] : [parent];
  return owners.flatMap((owner) => {
    if (!('getFields' in owner)) return [];
    const field = owner.getFields()[fieldName];
    return field && 'args' in field ? needOfField(owner, field, schema) : [];
  });
}

const satisfies = (held: ReadonlySet<string>, need: ScopeNeed) =>
  need.length === 0 || need.some((all) => all.every((scope) => held.has(scope)));

export interface DocumentLimits {
  depth: number;
  /** Largest `first` or `last`. */
  page: number;
}

export const documentLimits: DocumentLimits = { depth: 14, page: 100 };

export interface LimitBreach {
  path: string[];
  message: string;
}

interface Walk {
  schema: GraphQLSchema;
  fragments: Map<string, FragmentDefinitionNode>;
  held: ReadonlySet<string>;
  variables: Readonly<Record<string, unknown>>;
  limits: DocumentLimits;
  refusals: Refusal[];
  breaches: LimitBreach[];
  /** A fragment under the same type needs one visit, however often it is spread: documents can't make the walk explode. */
  seen: Set<string>;
}

export interface DocumentVerdict {
  refusals: Refusal[];
  breaches: LimitBreach[];
}

/**
 * Walks an operation with all its fragments. `@skip` and `@include` are not believed: what a
 * caller may not see, he may not name.
 */
export function judgeOperation(input: {
  schema: GraphQLSchema;
  document: DocumentNode;
  operation: OperationDefinitionNode;
  variables?: Readonly<Record<string, unknown>>;
  scopes: readonly string[];
  limits?: DocumentLimits;
}): DocumentVerdict {
  const root = input.schema.getRootType(input.operation.operation);
  const walk: Walk = {
    schema: input.schema,
    fragments: new Map(
      input.document.definitions
        .filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION)
        .map((definition) => [definition.name.value, definition]),
    ),
    held: new Set(input.scopes),
    variables: input.variables ?? {},
    limits: input.limits ?? documentLimits,
    refusals: [],
    breaches: [],
    seen: new Set(),
  };
  if (root) visit(walk, root, input.operation.selectionSet, [], 1);
  return { refusals: walk.refusals, breaches: walk.breaches };
}

function visit(walk: Walk, parent: GraphQLNamedType, set: SelectionSetNode, path: string[], depth: number): void {
  for (const selection of set.selections) {
    if (selection.kind === Kind.FIELD) {
      visitField(walk, parent, selection, path, depth);
      continue;
    }
    const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : walk.fragments.get(selection.name.value);
    if (!fragment) continue;
    const condition = fragment.typeCondition?.name.value;
    const type = condition === undefined ? parent : walk.schema.getType(condition);
    if (!type) continue;
    // `_entities` and unions reach a type by its fragment alone.
    if (type !== parent && isAbstractType(parent))
      refuseUnless(walk, [scopeNeedOf(type)], [...path, `... on ${type.name}`]);
    if (selection.kind === Kind.FRAGMENT_SPREAD) {
      const visited = `${selection.name.value} at ${depth}`;
      if (walk.seen.has(visited)) continue;
      walk.seen.add(visited);
    }
    visit(walk, type, fragment.selectionSet, path, depth);
  }
}

function visitField(walk: Walk, parent: GraphQLNamedType, node: FieldNode, path: string[], depth: number): void {
  const name = node.name.value;
  if (name === '__typename') return;
  const here = [...path, node.alias?.value ?? name];
  if (name === '__schema' || name === '__type') {
    refuseUnless(walk, [introspectionNeed], here);
    return;
  }
  if (depth > walk.limits.depth) {
    walk.breaches.push({ path: here, message: `the query is deeper than ${walk.limits.depth} levels` });
    return;
  }
  checkPage(walk, node, here);
  refuseUnless(walk, needsOf(walk.schema, parent, name), here);
  if (!node.selectionSet || !('getFields' in parent)) return;
  const field = parent.getFields()[name];
  if (field) visit(walk, getNamedType(field.type), node.selectionSet, here, depth + 1);
}

function checkPage(walk: Walk, node: FieldNode, path: string[]): void {
  for (const argument of node.arguments ?? []) {
    if (argument.name.value !== 'first' && argument.name.value !== 'last') continue;
    const value = valueFromASTUntyped(argument.value, walk.variables);
    if (typeof value === 'number' && (value < 1 || value > walk.limits.page)) {
      walk.breaches.push({
        path,
        message: `${argument.name.value} is between 1 and ${walk.limits.page}, not ${value}`,
      });
    }
  }
}

function refuseUnless(walk: Walk, needs: ScopeNeed[], path: string[]): void {
  const missing = needs.find((need) => !satisfies(walk.held, need));
  if (missing) walk.refusals.push({ path, needed: missing });
}

const rootNames = (schema: GraphQLSchema) =>
  [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].filter(
    (type) => type !== null && type !== undefined,
  );

const keyFieldsOf = (type: GraphQLObjectType): Set<string> =>
  new Set(
    directivesOf(type)
      .filter((directive) => isNamed(directive, 'key'))
      .flatMap((directive) => directive.arguments ?? [])
      .filter((argument) => argument.name.value === 'fields')
      .flatMap((argument) => (argument.value.kind === Kind.STRING ? (argument.value.value.match(/\w+/g) ?? []) : [])),
  );

/** Root fields and entity fields that name no scope. A subgraph with one does not start. */
export function undeclaredFields(schema: GraphQLSchema): string[] {
  const undeclared: string[] = [];
  for (const root of rootNames(schema)) {
    for (const field of Object.values(root.getFields())) {
      if (field.name === '_service' || field.name === '_entities') continue;
      if (needOfField(root, field, schema).length === 0) undeclared.push(`${root.name}.${field.name}`);
    }
  }
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || isIntrospectionType(type) || rootNames(schema).includes(type)) continue;
    const keys = keyFieldsOf(type);
    if (keys.size === 0 || scopeNeedOf(type).length > 0) continue;
    for (const field of Object.values(type.getFields())) {
      if (!keys.has(field.name) && needOfField(type, field, schema).length === 0)
        undeclared.push(`${type.name}.${field.name}`);
    }
  }
  return undeclared;
}

/** Refuses to start with a hole in the deny-by-default rule, or with a scope nobody knows. */
export function assertEveryFieldDeclared(schema: GraphQLSchema, service: string): void {
  const undeclared = undeclaredFields(schema);
  if (undeclared.length > 0)
    throw new Error(`${service}: these fields name no scope (@RequiresScopes): ${undeclared.join(', ')}`);
  const unknown = allNeeds(schema)
    .flat(2)
    .filter((scope) => !isScope(scope));
  if (unknown.length > 0) throw new Error(`${service}: no such scope: ${[...new Set(unknown)].join(', ')}`);
}

function allNeeds(schema: GraphQLSchema): ScopeNeed[] {
  return Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type) || isInterfaceType(type))
    .flatMap((type) => [scopeNeedOf(type), ...Object.values(type.getFields()).map(scopeNeedOf)]);
}
