import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const demoRoles = [
  'front-office',
  'operations',
  'operations-approver',
  'compliance',
  'compliance-approver',
  'controller',
  'partner',
  'auditor',
  'admin',
] as const;
export type DemoRole = (typeof demoRoles)[number];

/** The secrets of this installation; made once, kept in a file that only its owner reads. */
export interface Access {
  keys: Record<DemoRole, string>;
  internalTokenSecret: string;
  messageSealKey: string;
}

const file = (dataDirectory: string) => join(dataDirectory, 'access.json');

export function readOrMakeAccess(dataDirectory: string): Access {
  const path = file(dataDirectory);
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as Access;
  const access: Access = {
    keys: Object.fromEntries(
      demoRoles.map((role) => [role, `ngb_${role}_${randomBytes(24).toString('base64url')}`]),
    ) as Record<DemoRole, string>,
    internalTokenSecret: randomBytes(32).toString('base64'),
    messageSealKey: randomBytes(32).toString('base64'),
  };
  mkdirSync(dataDirectory, { recursive: true });
  writeFileSync(path, `${JSON.stringify(access, null, 2)}\n`, { mode: 0o600 });
  chmodSync(path, 0o600);
  return access;
}

export const hashOfKey = (key: string): string => createHash('sha256').update(key).digest('hex');
