import { type IncomingMessage, type ServerResponse } from 'node:http';
import { bearerOf, type Principal, principalKey } from '#libs/auth/index.js';
import { currentContext } from '#libs/observability/index.js';
import { type ApiClients, ClientsUnavailable } from './api-clients.js';
import { sourceOf, TooManyFailures } from './failed-sign-ins.js';

/** Any operation. */
export const bodyBytesMax = 2 * 1024 * 1024;
/** Operations that bring a file (see file-operations below). */
export const fileBodyBytesMax = 32 * 1024 * 1024;
export const fileFields: ReadonlySet<string> = new Set(['receiveFile', 'receiveSanctionsList', 'startCutOver']);
const fileScopes = ['files:write', 'lists:write', 'cutover:operate'] as const;

export type GatewayRequest = IncomingMessage & { [principalKey]?: Principal };

export function answerError(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): void {
  const requestId = currentContext()?.requestId;
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    ...headers,
  });
  response.end(JSON.stringify({ errors: [{ message, extensions: { code, requestId } }] }));
}

/** A bearer key, or for pages a browser opens, the password of basic authentication. */
export function keyOf(request: IncomingMessage): string | undefined {
  const header = request.headers.authorization;
  const basic = /^Basic ([\w+/=]+)$/i.exec(header ?? '')?.[1];
  if (basic) return Buffer.from(basic, 'base64').toString().split(':').slice(1).join(':');
  return bearerOf(header);
}

/** Who may come in, and how many proxies of our own stand before this process. */
export interface Entrance {
  readonly clients: ApiClients;
  readonly trustedProxies: number;
}

export async function principalOfRequest(
  request: IncomingMessage,
  { clients, trustedProxies }: Entrance,
): Promise<Principal | undefined> {
  const key = keyOf(request);
  return key === undefined ? undefined : clients.identify(key, sourceOf(request, trustedProxies));
}

/** True when the error was one of asking who is there, and has been answered. */
export function answerSignInError(response: ServerResponse, error: unknown): boolean {
  if (error instanceof ClientsUnavailable)
    answerError(response, 503, 'SERVICE_UNAVAILABLE', error.message, { 'retry-after': '5' });
  else if (error instanceof TooManyFailures)
    answerError(response, 429, 'RATE_LIMITED', error.message, { 'retry-after': String(error.retryAfterSeconds) });
  else return false;
  return true;
}

/**
 * What an HTTP request must be before its GraphQL is read: POST (or the page of the explorer), JSON,
 * of a stated and bounded length, from somebody we know. A browser can send none of this across
 * origins without asking first, so there is nothing to forge.
 */
export function httpPolicy(entrance: Entrance, explorer: ((response: ServerResponse) => void) | undefined) {
  return async (request: GatewayRequest, response: ServerResponse, next: (error?: unknown) => void): Promise<void> => {
    try {
      if (request.method === 'GET' && explorer && request.headers.accept?.includes('text/html')) {
        explorer(response);
        return;
      }
      if (request.method !== 'POST') {
        answerError(response, 405, 'METHOD_NOT_ALLOWED', 'send operations by POST', { allow: 'POST' });
        return;
      }
      if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '')) {
        answerError(response, 415, 'UNSUPPORTED_MEDIA_TYPE', 'send operations as application/json');
        return;
      }
      const principal = await principalOfRequest(request, entrance);
      if (!principal) {
        answerError(response, 401, 'UNAUTHENTICATED', 'send a valid API key: authorization: Bearer ngb_…', {
          'www-authenticate': 'Bearer',
        });
        return;
      }
      const length = Number(request.headers['content-length']);
      if (!Number.isInteger(length)) {
        answerError(response, 411, 'LENGTH_REQUIRED', 'state the content-length');
        return;
      }
      const bytesMax = fileScopes.some((scope) => principal.scopes.includes(scope)) ? fileBodyBytesMax : bodyBytesMax;
      if (length > bytesMax) {
        answerError(response, 413, 'LIMIT_EXCEEDED', `the request has ${length} bytes, at most ${bytesMax} are taken`, {
          connection: 'close',
        });
        return;
      }
      request[principalKey] = principal;
      const context = currentContext();
      if (context) context.subject = principal.subject;
      next();
    } catch (error) {
      if (!answerSignInError(response, error)) next(error);
    }
  };
}
