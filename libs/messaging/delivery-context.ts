import { contextFrom, type RequestContext } from '#libs/observability/index.js';

/** What a message carries of the request that caused it. */
export interface MessageHeaders {
  readonly requestId?: string;
  readonly traceparent?: string;
  readonly requestedBy?: string;
}

export function contextOf(headers: MessageHeaders): RequestContext {
  return contextFrom({ requestId: headers.requestId, traceparent: headers.traceparent, subject: headers.requestedBy });
}
