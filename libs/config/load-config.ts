import { z } from 'zod';

/** All that is wrong with the environment, at once, each with what to do. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';

  constructor(readonly faults: readonly { variable: string; fault: string; remedy: string }[]) {
    super(
      [
        'The configuration is not complete:',
        ...faults.map(({ variable, fault, remedy }) => `  ${variable}: ${fault}. ${remedy}`),
      ].join('\n'),
    );
  }
}

export type ConfigSchema = z.ZodObject;

const fieldsOf = (schema: ConfigSchema) => schema.shape as Readonly<Record<string, z.core.$ZodType>>;

/** Reads the environment once. An empty variable counts as absent, as in a compose file that passes all of them on. */
export function loadConfig<S extends ConfigSchema>(
  schema: S,
  environment: NodeJS.ProcessEnv = process.env,
): Readonly<z.output<S>> {
  const given: Record<string, string> = {};
  const fields = fieldsOf(schema);
  for (const name of Object.keys(fields)) {
    const value = environment[name];
    if (value !== undefined && value !== '') given[name] = value;
  }
  const parsed = schema.safeParse(given);
  if (parsed.success) return Object.freeze(parsed.data);
  throw new ConfigurationError(
    parsed.error.issues.map((issue) => {
      const variable = String(issue.path[0] ?? '(environment)');
      const field = fields[variable];
      const what = field === undefined ? undefined : descriptionOf(field);
      const isMissing = !(variable in given);
      return {
        variable,
        fault: isMissing ? 'is not set' : issue.message,
        remedy: what ? `Set it to ${what}` : 'See docs/operating',
      };
    }),
  );
}

export interface EnvironmentVariable {
  name: string;
  description: string;
  isRequired: boolean;
  default: string | undefined;
  isSecret: boolean;
}

/** For the generated documentation. */
export function referenceOf(schema: ConfigSchema): EnvironmentVariable[] {
  return Object.entries(fieldsOf(schema)).map(([name, field]) => {
    const empty = z.safeParse(field, undefined);
    const byDefault =
      empty.success && empty.data !== undefined ? JSON.stringify(empty.data).replaceAll('"', '') : undefined;
    return {
      name,
      description: descriptionOf(field) ?? '',
      isRequired: !empty.success,
      default: byDefault,
      isSecret: isSecret(name),
    };
  });
}

/** Fit to be logged: secrets and the passwords in addresses are masked. */
export function redacted(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => {
      if (value === undefined || value === null) return [name, value];
      if (isSecret(name) && !name.endsWith('_URL')) return [name, '***'];
      return [name, typeof value === 'string' ? value.replace(/^([a-z+]+:\/\/[^/?#]*:)[^/?#]*(@)/i, '$1***$2') : value];
    }),
  );
}

function isSecret(name: string): boolean {
  return /SECRET|PASSWORD|TOKEN|PEPPER|(?:^|_)KEY$|DATABASE_URL|QUEUE_URL|SEED$/.test(name);
}

function descriptionOf(field: z.core.$ZodType): string | undefined {
  const own = z.globalRegistry.get(field)?.description;
  if (own !== undefined) return own;
  const inner = (field as z.ZodOptional)._zod.def.innerType as z.core.$ZodType | undefined;
  return inner === undefined ? undefined : descriptionOf(inner);
}
