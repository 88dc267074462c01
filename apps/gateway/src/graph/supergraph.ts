import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildASTSchema, type GraphQLSchema, parse } from 'graphql';

/** The composed schema is committed beside its maker; the build leaves it where it is. */
export function supergraphFile(given?: string): string {
  if (given) return given;
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const candidate = join(folder, 'apps/gateway/supergraph.graphql');
    if (existsSync(candidate)) return candidate;
    if (folder === dirname(folder)) throw new Error('apps/gateway/supergraph.graphql is missing: run the composition');
  }
}

/** The supergraph with the addresses of this installation. */
export function readSupergraph(path: string, urls: Readonly<Record<string, string>>): string {
  return placeUrls(readFileSync(path, 'utf8'), urls);
}

export function placeUrls(sdl: string, urls: Readonly<Record<string, string>>): string {
  return sdl.replace(/http:\/\/([a-z]+)\.invalid\/graphql/g, (whole, name: string) => {
    const url = urls[name];
    return url === undefined ? whole : `${url}/graphql`;
  });
}

/** The supergraph with its directives, for the permission walker. */
export function schemaWithDirectives(supergraphSdl: string): GraphQLSchema {
  return buildASTSchema(parse(supergraphSdl), { assumeValidSDL: true });
}
