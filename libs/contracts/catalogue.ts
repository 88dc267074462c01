import { type z } from 'zod';

/** The services that own data. The gateway owns none, so it neither sends nor receives messages. */
export const services = ['settlement', 'accounting', 'compliance'] as const;
export type Service = (typeof services)[number];

/**
 * One kind of message. A command asks its single consumer to act; an event tells what happened.
 * `lane` chooses the queue: `fast` for short answers, `bulk` for work over many items, so that a
 * bulk import never delays an answer somebody waits for. A `longRunning` message is worked in many
 * transactions under a lease and has a durable job run with progress.
 */
export interface MessageDefinition<Payload = unknown> {
  readonly kind: 'command' | 'event';
  readonly producers: readonly Service[];
  readonly consumers: readonly Service[];
  readonly lane: 'fast' | 'bulk';
  readonly longRunning: boolean;
  readonly payload: z.ZodType<Payload>;
  /** Messages with the same key are handled in the order they were added. */
  readonly orderedBy?: (payload: Payload) => string;
}

type Options<Payload> = Partial<Pick<MessageDefinition<Payload>, 'lane' | 'longRunning' | 'orderedBy'>>;

/** A command to one service. */
export function command<Payload>(
  producers: readonly Service[],
  consumer: Service,
  payload: z.ZodType<Payload>,
  options: Options<Payload> = {},
): MessageDefinition<Payload> {
  return { kind: 'command', producers, consumers: [consumer], lane: 'fast', longRunning: false, payload, ...options };
}

/** An event, told to every consumer that acts on it. */
export function event<Payload>(
  producer: Service,
  consumers: readonly Service[],
  payload: z.ZodType<Payload>,
  options: Options<Payload> = {},
): MessageDefinition<Payload> {
  return { kind: 'event', producers: [producer], consumers, lane: 'fast', longRunning: false, payload, ...options };
}

/** Items in one command: enough to make a set-based statement worth it, few enough to retry cheaply. */
export const itemsPerCommandMax = 500;
