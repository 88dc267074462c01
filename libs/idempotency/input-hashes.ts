import { createHmac } from 'node:crypto';

/** One keyed hash per place of the input: two inputs can be compared, and none can be read back or guessed. */
export type InputHashes = Record<string, string>;

/** The key itself is not part of what it protects. */
const keyField = 'idempotencyKey';
const hashLength = 22;

function leavesOf(value: unknown, path: string, leaves: [string, string][]): void {
  if (value === undefined || value === null) return;
  if (value instanceof Date) {
    leaves.push([path, `instant:${value.toISOString()}`]);
  } else if (Array.isArray(value)) {
    // The length is a leaf, so that an empty list differs from a missing one.
    leaves.push([path, `list:${value.length}`]);
    value.forEach((item, index) => {
      leavesOf(item, path ? `${path}.${index}` : String(index), leaves);
    });
  } else if (typeof value === 'object') {
    for (const [name, part] of Object.entries(value)) {
      if (path === '' && name === keyField) continue;
      leavesOf(part, path ? `${path}.${name}` : name, leaves);
    }
  } else {
    leaves.push([path, `${typeof value}:${(value as string | number | bigint | boolean).toString()}`]);
  }
}

export function hashInput(input: unknown, secret: string): InputHashes {
  const leaves: [string, string][] = [];
  leavesOf(input, '', leaves);
  return Object.fromEntries(
    leaves.map(([path, text]) => [
      path,
      createHmac('sha256', secret).update(path).update('\0').update(text).digest('base64url').slice(0, hashLength),
    ]),
  );
}

/** The first place, in the order of the names, where the inputs differ. */
export function differingPath(before: InputHashes, now: InputHashes): string | undefined {
  const paths = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
  return paths.find((path) => before[path] !== now[path]);
}
