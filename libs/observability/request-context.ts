import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes, randomUUID } from 'node:crypto';

/** What ties every line of log together: from the caller through GraphQL, the outbox and the job. */
export interface RequestContext {
  requestId: string;
  /** W3C trace context: version-trace-parent-flags. */
  traceparent: string;
  subject?: string;
}

const storage = new AsyncLocalStorage<RequestContext>();
const traceparentFormat = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const requestIdFormat = /^[\w.:-]{1,64}$/;

export function currentContext(): RequestContext | undefined {
  return storage.getStore();
}

export function runInContext<T>(context: RequestContext, work: () => T): T {
  return storage.run(context, work);
}

/** A hop of the same trace: the trace id stays, the parent id is new. A malformed one starts a new trace. */
export function nextTraceparent(parent?: string): string {
  const match = traceparentFormat.exec(parent ?? '');
  const trace = match?.[1] ?? randomBytes(16).toString('hex');
  return `00-${trace}-${randomBytes(8).toString('hex')}-${match?.[3] ?? '01'}`;
}

/** The context of an incoming call or message. Ids from outside are taken only when harmless in a log. */
export function contextFrom(headers: {
  requestId?: string | undefined;
  traceparent?: string | undefined;
  subject?: string | undefined;
}): RequestContext {
  const requestId = requestIdFormat.test(headers.requestId ?? '') ? (headers.requestId as string) : randomUUID();
  return {
    requestId,
    traceparent: nextTraceparent(headers.traceparent),
    ...(headers.subject === undefined ? {} : { subject: headers.subject }),
  };
}

/** What an outgoing call or an outbox message carries so that the other side continues the trace. */
export function contextHeaders(): { requestId: string; traceparent: string } {
  const context = currentContext();
  return { requestId: context?.requestId ?? randomUUID(), traceparent: nextTraceparent(context?.traceparent) };
}
