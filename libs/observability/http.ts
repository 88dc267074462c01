import { type IncomingMessage, type ServerResponse } from 'node:http';
import { metrics } from './metrics.js';
import { contextFrom, runInContext } from './request-context.js';

const one = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value);

/** First in the chain: gives every request its ids, answers with them, and measures it. */
export function observeHttp(request: IncomingMessage, response: ServerResponse, next: () => void): void {
  const context = contextFrom({
    requestId: one(request.headers['x-request-id']),
    traceparent: one(request.headers.traceparent),
  });
  response.setHeader('x-request-id', context.requestId);
  const path = (request.url ?? '/').split('?')[0] ?? '/';
  // Only known first segments become labels: a scanner must not create a series per guess.
  const route = /^\/(graphql|metrics|ops|health\/(?:live|ready))\b/.exec(path)?.[0] ?? 'other';
  const end = metrics.httpSeconds.startTimer({ method: request.method ?? '', route });
  response.once('close', () => {
    end({ status: String(response.statusCode) });
  });
  runInContext(context, next);
}
