import { type SettlementConfirmation } from '#libs/iso20022/index.js';
import { problem, type Problem } from '#libs/kernel/index.js';
import { type Instruction, type Piece } from './instruction.js';
import { isEnded } from './instruction-status.js';

/** What makes a confirmation no fact of this instruction. A quantity above the instructed one is no fault: it happened. */
export function faultsOf(
  instruction: Instruction | undefined,
  channel: string,
  confirmation: SettlementConfirmation,
  units: bigint | undefined,
): Problem[] {
  if (instruction?.placeId !== channel) {
    return [
      problem('UNKNOWN_INSTRUCTION', `${channel} confirms ${confirmation.transactionId}, which it was never given.`),
    ];
  }
  const faults: Problem[] = [];
  if (instruction.isin !== confirmation.isin)
    faults.push(problem('OTHER_INSTRUMENT', `${confirmation.isin} was confirmed, ${instruction.isin} instructed.`));
  if (instruction.direction !== confirmation.direction)
    faults.push(problem('OTHER_DIRECTION', 'The movement confirmed is not the one instructed.'));
  if (instruction.payment !== confirmation.payment)
    faults.push(problem('OTHER_PAYMENT', 'Payment and free delivery do not agree.'));
  if (confirmation.settledAmount !== undefined && confirmation.settledAmount.currency !== instruction.currency) {
    faults.push(
      problem(
        'OTHER_CURRENCY',
        `${confirmation.settledAmount.currency} was confirmed, ${instruction.currency} instructed.`,
      ),
    );
  }
  if (units === undefined || units <= 0n)
    faults.push(
      problem('INVALID_QUANTITY', `${confirmation.settledQuantity.text} is no quantity of ${instruction.isin}.`),
    );
  return faults;
}

const lesser = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/**
 * What of a confirmation is the client's, and what exceeds the instruction. The client gets what is left
 * of the quantity, and pays or is paid no more than what is left of the amount; quantity and cash beyond
 * are the excess, so that both parts together are exactly what was confirmed. An instruction that has
 * ended has nothing left: all of it is excess. Within the quantity the amount is the place's (the
 * deliverer's settles), and there is no excess.
 */
export function splitConfirmed(
  instruction: Instruction,
  confirmed: Piece,
  already: Piece,
): { readonly piece: Piece | undefined; readonly excess: Piece | undefined } {
  const left = isEnded(instruction.statused.status) ? 0n : instruction.quantityUnits - already.quantityUnits;
  if (confirmed.quantityUnits <= left) return { piece: confirmed, excess: undefined };
  if (left <= 0n) return { piece: undefined, excess: confirmed };
  const amountLeft = instruction.amountMinor - already.amountMinor;
  const piece = {
    quantityUnits: left,
    amountMinor: lesser(confirmed.amountMinor, amountLeft > 0n ? amountLeft : 0n),
  };
  return {
    piece,
    excess: {
      quantityUnits: confirmed.quantityUnits - piece.quantityUnits,
      amountMinor: confirmed.amountMinor - piece.amountMinor,
    },
  };
}
