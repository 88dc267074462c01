import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { processMark } from '#tools/postgres/lock-file.js';

/** Refuses a second start on the same data; a lock left by a dead process is taken over. */
export function takeLock(dataDirectory: string): () => void {
  mkdirSync(dataDirectory, { recursive: true });
  const path = join(dataDirectory, 'launcher.lock');
  // Written beside and linked: nobody ever reads a lock without its owner.
  const own = `${path}.${process.pid}`;
  writeFileSync(own, processMark(process.pid) ?? '', { mode: 0o600 });
  try {
    while (!isLinked(own, path)) {
      const holder = readIfThere(path);
      const pid = Number.parseInt(holder, 10);
      // A pid is given again after a reboot; the mark names one run of a process.
      if (pid > 0 && processMark(pid) === holder) {
        throw new Error(
          `The back office already runs on ${dataDirectory} (process ${pid}). Stop that one first, or use --data FOLDER for another.`,
        );
      }
      rmSync(path, { force: true });
    }
  } finally {
    rmSync(own, { force: true });
  }
  let isHeld = true;
  return () => {
    if (isHeld) rmSync(path, { force: true });
    isHeld = false;
  };
}

function isLinked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
