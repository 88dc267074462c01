import { existsSync, statfsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { embeddedDataDirectory, postgresFolder } from '#tools/postgres/embedded.js';
import { PreflightError } from './preflight.js';

const megabyte = 1024 * 1024;

/** A first day takes about 400 MB, and Postgres keeps some of its log besides. */
const neededToStartMb = { embedded: 1024, external: 256 };
/** Below this a running back office stops while everything that it acknowledged can still be written. */
const neededToRunMb = 128;

/** Refuses a start that would run out of space half-way. */
export function diskHasRoom(dataDirectory: string, usesEmbedded: boolean): void {
  const neededMb = usesEmbedded ? neededToStartMb.embedded : neededToStartMb.external;
  const short = shortOf(dataDirectory, neededMb);
  if (short)
    throw new PreflightError(
      `The disk that holds ${short.folder} has ${short.freeMb} MB free; ${neededMb} MB are needed. Free some, or use a folder on another disk: --data FOLDER.`,
    );
}

/** What to say when the disk is about to be full; nothing while there is room. */
export function diskRunsFull(dataDirectory: string): string | undefined {
  const short = shortOf(dataDirectory, neededToRunMb);
  return (
    short &&
    `The disk that holds ${short.folder} is nearly full (${short.freeMb} MB free), so the back office stops before anything is lost. Free some, then start again: it goes on where it stopped.`
  );
}

function shortOf(dataDirectory: string, neededMb: number): { folder: string; freeMb: number } | undefined {
  // Root's Postgres may keep its data elsewhere.
  for (const folder of new Set([dataDirectory, embeddedDataDirectory(postgresFolder(dataDirectory))])) {
    const { bavail, bsize } = statfsSync(nearestOf(folder));
    const freeMb = Math.floor((bavail * bsize) / megabyte);
    if (freeMb < neededMb) return { folder, freeMb };
  }
  return undefined;
}

/** The folder, or the one in which it would be made. */
function nearestOf(folder: string): string {
  const path = resolve(folder);
  return existsSync(path) || path === dirname(path) ? path : nearestOf(dirname(path));
}
