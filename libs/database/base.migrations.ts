import { Kernel20261101000100 } from './migrations/20261101000100-kernel.js';

/** Run first, as the owner of the database. */
export const baseMigrations = [Kernel20261101000100];
