/** Asks the database, read-only, as the role `verify`. */
export type Ask = <Row>(sql: string, parameters?: unknown[]) => Promise<Row[]>;

export interface Broken {
  /** Where it fails: an id that a person can look up. */
  readonly where: string;
  readonly detail: string;
}

export interface Invariant {
  readonly number: number;
  readonly name: string;
  readonly check: (ask: Ask) => Promise<{ checked: number; broken: { where: string; detail: string }[] }>;
}

const breachesMax = 50;

/** How many rows of a table were looked at, and every breach that the query finds among them, up to a bound. */
export function proof(looked: string, query: string): Invariant['check'] {
  return async (ask) => {
    const [row] = await ask<{ count: number }>(`SELECT count(*)::int AS count FROM settlement.${looked}`);
    const broken = await ask<Broken>(`SELECT b."where", b.detail FROM (${query}) b ORDER BY 1, 2 LIMIT ${breachesMax}`);
    return { checked: row?.count ?? 0, broken };
  };
}
