import { join } from 'node:path';

/** Where cases made by others lie, when this machine has them: beside the repository unless CORPORA_DIRECTORY says. */
export const corporaDirectory = (): string =>
  process.env.CORPORA_DIRECTORY ?? join(import.meta.dirname, '..', '..', '..', 'shared', 'corpora');
