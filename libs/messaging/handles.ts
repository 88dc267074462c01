import 'reflect-metadata';
import { type MessageName, type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { type LongJob } from './long-job.js';

/** What a handler may know about the message beside its payload. */
export interface DeliveryContext {
  readonly messageId: string;
  readonly sequence: string;
  readonly name: string;
  readonly producer: string;
  /** 1 the first time. */
  readonly attempt: number;
  readonly businessKey?: string;
  readonly requestedBy?: string;
  /** When the message was added. */
  readonly addedAt: Date;
}

export type Handler<Payload = unknown> = (tx: Tx, payload: Payload, delivery: DeliveryContext) => Promise<void>;
export type LongHandler<Payload = unknown> = (payload: Payload, job: LongJob) => Promise<void>;

export interface HandledMessage {
  readonly name: string;
  readonly isLong: boolean;
}

const metadataKey = Symbol('messaging:handles');

function mark(method: object, handled: HandledMessage): void {
  const before = handledMessages(method);
  Reflect.defineMetadata(metadataKey, [...before, handled], method);
}

export function handledMessages(method: object): readonly HandledMessage[] {
  return (Reflect.getMetadata(metadataKey, method) as HandledMessage[] | undefined) ?? [];
}

/** The method handles the message: its effect and the acknowledgement are one transaction. */
export function Handles<Name extends MessageName>(name: Name) {
  return <T extends Handler<PayloadOf<Name>>>(
    _target: object,
    _key: string | symbol,
    descriptor: TypedPropertyDescriptor<T>,
  ): void => {
    if (descriptor.value) mark(descriptor.value, { name, isLong: false });
  };
}

/** The method works a long-running message in many transactions, under a lease (see LongJob). */
export function HandlesLong<Name extends MessageName>(name: Name) {
  return <T extends LongHandler<PayloadOf<Name>>>(
    _target: object,
    _key: string | symbol,
    descriptor: TypedPropertyDescriptor<T>,
  ): void => {
    if (descriptor.value) mark(descriptor.value, { name, isLong: true });
  };
}
