import { type SettlementParty } from '#libs/iso20022/index.js';

/** `BOOK_BICS=NGEU=NGATDEFFXXX,NGUS=NGATUS33XXX`: under which BIC the market knows each of our books. */
function bics(): Map<string, string> {
  const pairs = (process.env['BOOK_BICS'] ?? '').split(',').map((pair) => pair.trim().split('='));
  return new Map(pairs.flatMap(([book, bic]) => (book && bic ? [[book, bic] as const] : [])));
}

/** A book without a BIC is named by its own code, as a participant of the place. */
export function partyOfBook(bookId: string): SettlementParty {
  const bic = bics().get(bookId);
  return bic === undefined ? { code: bookId } : { bic };
}
