/** Asks the database, read-only, as the role that sees every book. */
export type Ask = <Row>(sql: string, parameters?: unknown[]) => Promise<Row[]>;

export interface Broken {
  readonly where: string;
  readonly detail: string;
}

export interface Invariant {
  readonly number: number;
  readonly name: string;
  readonly check: (ask: Ask) => Promise<{ checked: number; broken: Broken[] }>;
}

/**
 * One pass over all of it, that says with one row whether all is `fine`; only when it is not, the breaches are listed, which
 * takes longer.
 */
export interface Pass {
  readonly fine: string;
  readonly otherwise: readonly string[];
}

/** `counted` says how much is looked at; each of `breaches` gives a row for whatever does not hold. */
export function invariant(
  number: number,
  name: string,
  counted: string,
  breaches: readonly (string | Pass)[],
): Invariant {
  const listed = async (ask: Ask, sql: string): Promise<Broken[]> => {
    const rows = await ask<Broken>(
      `SELECT "where", detail FROM (${sql}) AS found ("where", detail) ORDER BY 1 LIMIT 100`,
    );
    return rows.map(({ where, detail }) => ({ where, detail }));
  };
  return {
    number,
    name,
    check: async (ask) => {
      const [count] = await ask<{ checked: string }>(`SELECT (${counted})::text AS checked`);
      const broken: Broken[] = [];
      for (const breach of breaches) {
        if (typeof breach === 'string') {
          broken.push(...(await listed(ask, breach)));
          continue;
        }
        const [all] = await ask<{ fine: boolean | null }>(`SELECT (${breach.fine}) AS fine`);
        if (all?.fine === true) continue;
        const found: Broken[] = [];
        for (const sql of breach.otherwise) found.push(...(await listed(ask, sql)));
        broken.push(
          ...(found.length > 0 ? found : [{ where: name, detail: 'not all of it holds, and no listing says what' }]),
        );
      }
      return { checked: Number(count?.checked ?? 0), broken };
    },
  };
}
