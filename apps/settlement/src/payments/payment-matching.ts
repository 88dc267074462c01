import { type PaymentReference } from '#libs/iso20022/index.js';
import { accepted, type Decision, problem, refused } from '#libs/kernel/index.js';

/** A payment that left through a channel, as it was named there. */
export interface SentPayment {
  readonly paymentId: string;
  readonly endToEndId: string;
  readonly batchMessageId: string | null;
}

/**
 * Which payment an agent speaks of. An end-to-end id is the customer's, and two of them may use the same one; our
 * instruction id and the message it left in are ours. Everything the agent says must agree, and it must fit one payment.
 */
export function matchPayment<Sent extends SentPayment>(
  channel: string,
  reference: PaymentReference,
  sent: readonly Sent[],
): Decision<Sent> {
  const { endToEndId, instructionId, originalMessageId } = reference;
  const [found, ...more] = sent.filter(
    (one) =>
      one.endToEndId === endToEndId &&
      (instructionId === undefined || one.paymentId === instructionId) &&
      (originalMessageId === undefined || one.batchMessageId === originalMessageId),
  );
  if (found === undefined) {
    const named = [endToEndId, instructionId, originalMessageId].filter((part) => part !== undefined).join(' / ');
    return refused([problem('UNKNOWN_PAYMENT', `${channel} speaks of ${named}, which it was never given.`)]);
  }
  if (more.length > 0)
    return refused([
      problem(
        'AMBIGUOUS_PAYMENT',
        `${channel} was given ${more.length + 1} payments that are called ${endToEndId}, and does not say which one it means.`,
      ),
    ]);
  return accepted(found);
}
