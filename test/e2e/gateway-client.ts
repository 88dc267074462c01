import { type DemoRole } from '#tools/launcher/access.js';

export interface GraphqlError {
  message: string;
  path?: (string | number)[];
  extensions?: { code?: string; service?: string };
}

export interface Answer {
  status: number;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- what comes over the wire has no types here
  data: any;
  errors: GraphqlError[];
  text: string;
}

/** One of the demo people at the door. */
export class GatewayClient {
  constructor(
    readonly base: string,
    readonly keys: Readonly<Record<DemoRole, string>>,
  ) {}

  at(base: string): GatewayClient {
    return new GatewayClient(base, this.keys);
  }

  /** A request as it stands. */
  async send(path: string, init: RequestInit, role?: DemoRole): Promise<Answer> {
    const headers = new Headers(init.headers);
    if (role) headers.set('authorization', `Bearer ${this.keys[role]}`);
    const response = await fetch(`${this.base}${path}`, { ...init, headers });
    const text = await response.text();
    const parsed = readJson(text);
    return { status: response.status, data: parsed.data, errors: parsed.errors ?? [], text };
  }

  ask(role: DemoRole | undefined, query: string, variables: Record<string, unknown> = {}): Promise<Answer> {
    return this.send(
      '/graphql',
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables }),
      },
      role,
    );
  }

  /** The events of a subscription, in the form that a browser reads (server-sent events), until it ends. */
  async *follow(role: DemoRole, query: string, variables: Record<string, unknown>): AsyncGenerator<Answer> {
    const response = await fetch(`${this.base}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        authorization: `Bearer ${this.keys[role]}`,
      },
      body: JSON.stringify({ query, variables }),
    });
    let rest = '';
    for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      rest += part;
      for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
        const event = rest.slice(0, end);
        rest = rest.slice(end + 2);
        const text = /^data: ?(.+)$/m.exec(event)?.[1];
        if (/^event: ?complete$/m.test(event)) return;
        if (text === undefined) continue;
        const { data, errors } = readJson(text);
        yield { status: response.status, data, errors: errors ?? [], text };
      }
    }
  }
}

function readJson(text: string): { data?: unknown; errors?: GraphqlError[] } {
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === 'object' && read !== null ? read : {};
  } catch {
    return {}; // a page, or figures
  }
}

/** Codes of the errors, each once. */
export const codesOf = ({ errors }: Answer): string[] => [
  ...new Set(errors.map(({ extensions }) => extensions?.code ?? 'none')),
];
