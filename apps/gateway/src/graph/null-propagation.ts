import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getNamedType,
  getNullableType,
  type GraphQLOutputType,
  type GraphQLSchema,
  isCompositeType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';

type Json = Record<string, unknown>;

/**
 * Where a service did not answer, the planner leaves null even in fields that promise a value. As the
 * specification asks, such a null rises to the nearest field that may be null.
 */
export function propagateNulls(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  data: Json | null | undefined,
): Json | null {
  if (!data) return null;
  const root = schema.getRootType(operation.operation);
  if (!root) return data;
  const fragments = new Map(
    document.definitions
      .filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION)
      .map((definition): [string, FragmentDefinitionNode] => [definition.name.value, definition]),
  );
  return complete(schema, fragments, root.name, [operation.selectionSet], data);
}

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

function complete(
  schema: GraphQLSchema,
  fragments: Fragments,
  typeName: string,
  sets: readonly SelectionSetNode[],
  value: Json,
): Json | null {
  const type = schema.getType(typeof value.__typename === 'string' ? value.__typename : typeName);
  if (!isObjectType(type)) return value;
  const fields = new Map<string, FieldNode[]>();
  for (const set of sets) collect(schema, fragments, type.name, set, fields);
  for (const [key, nodes] of fields) {
    const [node] = nodes;
    if (!node || node.name.value.startsWith('__') || isSkippable(node, key, value)) continue;
    const field = type.getFields()[node.name.value];
    if (!field) continue;
    const below = nodes.flatMap((each) => (each.selectionSet ? [each.selectionSet] : []));
    const completed = completeValue(schema, fragments, field.type, below, value[key] ?? null);
    if (completed === undefined) return null;
    value[key] = completed;
  }
  return value;
}

/** A field under @skip or @include may be absent for a good reason. */
const isSkippable = (node: FieldNode, key: string, value: Json) =>
  !(key in value) && (node.directives?.length ?? 0) > 0;

/** Undefined: there is nothing here and there must be, so the parent is null. */
function completeValue(
  schema: GraphQLSchema,
  fragments: Fragments,
  type: GraphQLOutputType,
  sets: readonly SelectionSetNode[],
  value: unknown,
): unknown {
  const inner = getNullableType(type) as GraphQLOutputType;
  let completed: unknown = value;
  if (value !== null && isListType(inner) && Array.isArray(value)) {
    const items = value.map((item: unknown) =>
      completeValue(schema, fragments, inner.ofType as GraphQLOutputType, sets, item),
    );
    completed = items.includes(undefined) ? null : items;
  } else if (value !== null && isCompositeType(getNamedType(inner)) && typeof value === 'object') {
    completed = complete(schema, fragments, getNamedType(inner).name, sets, value as Json);
  }
  return completed === null && isNonNullType(type) ? undefined : completed;
}

function collect(
  schema: GraphQLSchema,
  fragments: Fragments,
  typeName: string,
  set: SelectionSetNode,
  fields: Map<string, FieldNode[]>,
): void {
  for (const selection of set.selections) {
    if (selection.kind === Kind.FIELD) {
      const key = selection.alias?.value ?? selection.name.value;
      fields.set(key, [...(fields.get(key) ?? []), selection]);
      continue;
    }
    const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
    if (!fragment || (selection.directives?.length ?? 0) > 0) continue;
    const condition = fragment.typeCondition?.name.value;
    if (condition === undefined || applies(schema, condition, typeName))
      collect(schema, fragments, typeName, fragment.selectionSet, fields);
  }
}

function applies(schema: GraphQLSchema, condition: string, typeName: string): boolean {
  if (condition === typeName) return true;
  const abstract = schema.getType(condition);
  const type = schema.getType(typeName);
  return isCompositeType(abstract) && !isObjectType(abstract) && isObjectType(type) && schema.isSubType(abstract, type);
}
