import { type Tx } from '#libs/database/index.js';

/** A message given up after all its attempts. */
export interface DeadLetter {
  readonly messageId: string;
  readonly sequence: string;
  readonly name: string;
  readonly producer: string;
  readonly consumer: string;
  readonly jobRunId: string;
  readonly businessKey: string | null;
  readonly attempts: number;
  readonly error: { readonly code: string; readonly message: string; readonly fingerprint: string };
}

/** A person had the job of a dead letter tried again, or gave it up for good. */
export interface DeadLetterEnd {
  readonly messageId: string;
  readonly how: 'RETRIED' | 'DISCARDED';
  readonly reason: string;
  readonly by: string;
}

export const messageIdOf = (sequence: string): string => `msg_${sequence}`;

/**
 * Who looks after dead letters: provide a class that extends this one, e.g. to open a work item, in the same
 * transaction. Without it, or when `record` answers false, a barrier waits for the message until a person retries or discards it.
 */
export abstract class DeadLetterSink {
  /** True when somebody owns it from now on. */
  abstract record(tx: Tx, letter: DeadLetter): Promise<boolean>;
  /** Told of every job that a person retries or discards, whether its message was dead or not. */
  abstract ended(tx: Tx, end: DeadLetterEnd): Promise<void>;
}

/** Thrown by a handler that knows that another attempt would fail as well. */
export class UnprocessableMessage extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
