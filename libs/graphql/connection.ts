import { type Type } from '@nestjs/common';
import { ArgsType, Directive, Field, Int, ObjectType } from '@nestjs/graphql';
import { PageInfo } from './common-types.js';
import { decodeCursor, encodeCursor, type CursorValues } from './cursor.js';
import { documentLimits } from './permissions.js';

/** `first` at most 100: larger work is a file or a job. The operation plugin holds the bounds for every list. */
@ArgsType()
export class ConnectionArgs {
  @Field(() => Int, { defaultValue: 50, description: `1 to ${documentLimits.page}` })
  first!: number;

  @Field(() => String, { nullable: true, description: 'The endCursor of the page before.' })
  after?: string | null;
}

export interface EdgeOf<T> {
  node: T;
  cursor: string;
}

export interface ConnectionOf<T> {
  edges: EdgeOf<T>[];
  pageInfo: PageInfo;
}

/**
 * The base of a list type:
 * `@ObjectType() export class TradeConnection extends connection(Trade, 'Trade') {}`
 * (with `@Directive('@shareable')` when several services have the same list).
 */
export function connection<T>(node: Type<T>, name: string = node.name): abstract new () => ConnectionOf<T> {
  // Shareable, because lists that every service has (work items, job runs) have the same edges.
  @ObjectType(`${name}Edge`)
  @Directive('@shareable')
  class Edge implements EdgeOf<T> {
    @Field(() => node)
    node!: T;

    @Field(() => String)
    cursor!: string;
  }

  @ObjectType({ isAbstract: true })
  abstract class Connection implements ConnectionOf<T> {
    @Field(() => [Edge])
    edges!: Edge[];

    @Field(() => PageInfo)
    pageInfo!: PageInfo;
  }
  return Connection;
}

/** `rows` were read with LIMIT first + 1: the surplus row tells that there is more. */
export function keysetPage<Row>(rows: readonly Row[], first: number, cursorOf: (row: Row) => string): ConnectionOf<Row>;
export function keysetPage<Row, T>(
  rows: readonly Row[],
  first: number,
  cursorOf: (row: Row) => string,
  nodeOf: (row: Row) => T,
): ConnectionOf<T>;
export function keysetPage<Row, T>(
  rows: readonly Row[],
  first: number,
  cursorOf: (row: Row) => string,
  nodeOf?: (row: Row) => T,
): ConnectionOf<Row | T> {
  const edges = rows.slice(0, first).map((row) => ({ node: nodeOf ? nodeOf(row) : row, cursor: cursorOf(row) }));
  return {
    edges,
    pageInfo: {
      hasNextPage: rows.length > first,
      hasPreviousPage: false,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

/** The two halves of one list: where to continue, and the cursor of a row. `filter` includes the name of the list. */
export function keyset<Row>(filter: unknown, valuesOf: (row: Row) => CursorValues) {
  return {
    after: (cursor: string | null | undefined) => (cursor ? decodeCursor(cursor, filter) : undefined),
    cursorOf: (row: Row) => encodeCursor(valuesOf(row), filter),
  };
}
