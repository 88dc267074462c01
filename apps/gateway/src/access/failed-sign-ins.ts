import { type IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/** A source sent too many wrong keys: no further one of its is looked at until it has waited. */
export class TooManyFailures extends Error {
  override readonly name = 'TooManyFailures';

  constructor(readonly retryAfterSeconds: number) {
    super(`too many wrong keys came from your address; try again in ${retryAfterSeconds} s`);
  }
}

interface Bucket {
  failures: number;
  at: number;
}

/**
 * Failures of each source, which leak away evenly. Memory is bounded: the source that was quiet longest is forgotten
 * first, and it is the one whose failures have leaked most.
 */
export class FailedSignIns {
  private readonly buckets = new Map<string, Bucket>();

  constructor(private readonly options: { perMinute: number; sourcesMax?: number; now?: () => number }) {}

  get sources(): number {
    return this.buckets.size;
  }

  /** Counts before the answer is known, so that many guesses at once do not all pass; `giveBack` when it was none. */
  take(source: string): void {
    const bucket = this.bucket(source);
    const { perMinute } = this.options;
    if (bucket.failures > perMinute - 1)
      throw new TooManyFailures(Math.max(1, Math.ceil(((bucket.failures - perMinute + 1) * 60) / perMinute)));
    bucket.failures += 1;
    this.buckets.delete(source);
    this.buckets.set(source, bucket);
    const [quietest] = this.buckets.keys();
    if (this.buckets.size > (this.options.sourcesMax ?? 10_000) && quietest !== undefined)
      this.buckets.delete(quietest);
  }

  giveBack(source: string): void {
    const bucket = this.buckets.get(source);
    if (!bucket) return;
    bucket.failures -= 1;
    if (bucket.failures <= 0) this.buckets.delete(source);
  }

  private bucket(source: string): Bucket {
    const now = (this.options.now ?? Date.now)();
    const { failures, at } = this.buckets.get(source) ?? { failures: 0, at: now };
    const left = Math.max(0, failures - ((now - at) / 60_000) * this.options.perMinute);
    const bucket = { failures: left, at: now };
    if (this.buckets.has(source)) this.buckets.set(source, bucket);
    return bucket;
  }
}

/**
 * Where a request comes from. Behind `trustedProxies` of one's own, each of which appends to X-Forwarded-For, the entry
 * that the outermost one wrote; what stands left of it anybody may have written. Of IPv6 the network counts, because
 * whoever has one address of it has all.
 */
export function sourceOf(request: Pick<IncomingMessage, 'headers' | 'socket'>, trustedProxies: number): string {
  const direct = request.socket.remoteAddress ?? 'unknown';
  if (trustedProxies === 0) return networkOf(direct);
  const header = request.headers['x-forwarded-for'];
  const chain = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',').map((one) => one.trim());
  const claimed = chain.at(-trustedProxies) ?? '';
  return networkOf(isIP(claimed) === 0 ? direct : claimed);
}

function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = (address.split('%')[0] ?? '').toLowerCase().split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const gap = tail === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...Array.from({ length: Math.max(0, gap) }, () => '0'), ...after];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
