import { describe, expect, it } from '@jest/globals';
import { type PaymentReference } from '#libs/iso20022/index.js';
import { matchPayment } from './payment-matching.js';

const sent = [
  { paymentId: 'pay_a', endToEndId: 'SAME', batchMessageId: 'pmt_1' },
  { paymentId: 'pay_b', endToEndId: 'SAME', batchMessageId: 'pmt_2' },
  { paymentId: 'pay_c', endToEndId: 'OTHER', batchMessageId: 'pmt_2' },
];
const said = (reference: PaymentReference): string => {
  const found = matchPayment('AGENT-EUR', reference, sent);
  return found.ok ? found.value.paymentId : found.problems.map(({ code }) => code).join();
};

describe('which payment an agent speaks of', () => {
  it.each<[PaymentReference, string]>([
    [{ endToEndId: 'OTHER' }, 'pay_c'],
    [{ endToEndId: 'SAME' }, 'AMBIGUOUS_PAYMENT'],
    [{ endToEndId: 'SAME', originalMessageId: 'pmt_1' }, 'pay_a'],
    [{ endToEndId: 'SAME', instructionId: 'pay_b' }, 'pay_b'],
    [{ endToEndId: 'SAME', instructionId: 'pay_b', originalMessageId: 'pmt_2' }, 'pay_b'],
    [{ endToEndId: 'SAME', instructionId: 'pay_b', originalMessageId: 'pmt_1' }, 'UNKNOWN_PAYMENT'],
    [{ endToEndId: 'OTHER', instructionId: 'pay_b' }, 'UNKNOWN_PAYMENT'],
    [{ endToEndId: 'NEVER' }, 'UNKNOWN_PAYMENT'],
  ])('%j', (reference, expected) => {
    expect(said(reference)).toBe(expected);
  });
});
