import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The folder whose `dist/` the tests start: this checkout, or the one that TEST_ROOT names. */
export const root = resolve(process.env.TEST_ROOT ?? join(import.meta.dirname, '..', '..'));

export function built(path: string): string {
  const file = join(root, 'dist', path);
  if (!existsSync(file)) throw new Error(`There is no ${file}: run "npm run build" before the e2e tests`);
  return file;
}
