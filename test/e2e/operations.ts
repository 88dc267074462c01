/** What operators look at: the health and the metrics of a process, over HTTP. */

export interface Health {
  status: number;
  state: string;
  checks: Record<string, string>;
}

export async function readiness(port: string): Promise<Health> {
  const response = await fetch(`http://127.0.0.1:${port}/health/ready`);
  return { status: response.status, ...((await response.json()) as { state: string; checks: Record<string, string> }) };
}

export const isAlive = async (port: string): Promise<boolean> =>
  (await fetch(`http://127.0.0.1:${port}/health/live`)).status === 200;

export interface Sample {
  name: string;
  labels: string;
  value: number;
}

export async function scrape(port: string): Promise<Sample[]> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  return (await response.text()).split('\n').flatMap((line) => {
    const [, name = '', labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    return value === undefined ? [] : [{ name, labels, value: Number(value) }];
  });
}

/** The sum over the series with all of these labels; undefined when there is none. */
export function figure(samples: readonly Sample[], name: string, ...labels: string[]): number | undefined {
  const found = samples.filter((one) => one.name === name && labels.every((label) => one.labels.includes(label)));
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
}
