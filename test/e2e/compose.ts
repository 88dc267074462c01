import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** What the tests need of a service in docker-compose.yml, its variables filled in. */
export interface ComposeService {
  image?: string;
  build?: string;
  command?: string;
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  secrets?: string[];
  stop_grace_period?: string;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[]; interval: string; timeout: string; retries: number };
  deploy?: { resources?: { limits?: { cpus?: string; memory?: string } } };
}

export interface Compose {
  services: Record<string, ComposeService>;
  secrets: Record<string, { environment: string }>;
  volumes: Record<string, object>;
}

/** Reads the file as `docker compose` does: anchors and merges, then `${NAME}`, `${NAME:-default}` and `${NAME:?message}`. */
export function readCompose(root: string, variables: Readonly<Record<string, string>>): Compose {
  const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
  return filledIn(parse(text, { merge: true }), variables) as Compose;
}

function filledIn(value: unknown, variables: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string') return interpolated(value, variables);
  if (Array.isArray(value)) return value.map((one: unknown) => filledIn(one, variables));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => {
      const filled = filledIn(one, variables);
      // The environment of a process is text, also where YAML reads a number.
      return [name, typeof filled === 'number' && /^[A-Z_]+$/.test(name) ? String(filled) : filled];
    }),
  );
}

function interpolated(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(
    /\$\{([A-Z_]+)(?::(-|\?)([^}]*))?\}/g,
    (_, name: string, how: string | undefined, word: string) => {
      const value = variables[name] ?? '';
      if (value !== '') return value;
      if (how === '-') return word;
      throw new Error(`docker-compose.yml needs ${name}${word ? `: ${word}` : ''}`);
    },
  );
}

/** The variables that the file asks for. */
export function variablesOf(root: string): string[] {
  const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
  const { secrets } = parse(text) as Compose;
  const ofSecrets = Object.values(secrets).map(({ environment }) => environment);
  return [...new Set([...text.matchAll(/\$\{([A-Z_]+)/g)].map(([, name = '']) => name).concat(ofSecrets))].sort();
}

/** `768M`, `2G` → bytes. */
export function bytesOf(text: string): number {
  const [, number = '0', unit = ''] = /^(\d+)([MG])$/.exec(text) ?? [];
  return Number(number) * (unit === 'G' ? 1024 ** 3 : 1024 ** 2);
}

/** The order in which `depends_on` lets the services start: each group after the one before. */
export function startGroups(services: Readonly<Record<string, ComposeService>>): string[][] {
  const groups: string[][] = [];
  const started = new Set<string>();
  while (started.size < Object.keys(services).length) {
    const group = Object.keys(services).filter(
      (name) =>
        !started.has(name) && Object.keys(services[name]?.depends_on ?? {}).every((needed) => started.has(needed)),
    );
    if (group.length === 0) throw new Error('docker-compose.yml: depends_on goes in a circle');
    for (const name of group) started.add(name);
    groups.push(group);
  }
  return groups;
}
