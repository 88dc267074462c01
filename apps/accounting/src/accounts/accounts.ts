/** What an account is, by its kind: how it stands in the statement, on which side it grows, how it is kept. */
export const accountKinds = [
  'CLIENT_CASH',
  'CLIENT_CUSTODY',
  'NOSTRO',
  'DEPOT',
  'SUSPENSE',
  'MIGRATION',
  'INCOME',
  'EXPENSE',
  'EQUITY',
  'ASSET',
  'LIABILITY',
  'OWN_CUSTODY',
  'DUE_FROM_BOOK',
  'DUE_TO_BOOK',
] as const;
export type AccountKind = (typeof accountKinds)[number];
export type NormalSide = 'DEBIT' | 'CREDIT';
export type StatementClass = 'OWN' | 'CLIENT_MONEY' | 'CLIENT_CUSTODY' | 'MEMORANDUM';
/** STRICT: locked and its limit enforced on every posting. ROLLUP: no limit; posted to by many at once, folded a moment later. */
export type AccountMode = 'STRICT' | 'ROLLUP';
/** What somebody may want an account to be; what it is, its blocks say beside (`blocks/blocks.ts`). */
export const wantedStates = ['OPEN', 'BLOCKED', 'CLOSED'] as const;
export type WantedState = (typeof wantedStates)[number];

export interface AccountTerms {
  readonly statementClass: StatementClass;
  readonly normalSide: NormalSide;
  readonly mode: AccountMode;
}

const terms: Readonly<Record<AccountKind, AccountTerms>> = {
  CLIENT_CASH: { statementClass: 'CLIENT_MONEY', normalSide: 'CREDIT', mode: 'STRICT' },
  CLIENT_CUSTODY: { statementClass: 'CLIENT_CUSTODY', normalSide: 'CREDIT', mode: 'STRICT' },
  NOSTRO: { statementClass: 'OWN', normalSide: 'DEBIT', mode: 'ROLLUP' },
  DEPOT: { statementClass: 'CLIENT_CUSTODY', normalSide: 'DEBIT', mode: 'ROLLUP' },
  SUSPENSE: { statementClass: 'OWN', normalSide: 'DEBIT', mode: 'ROLLUP' },
  MIGRATION: { statementClass: 'MEMORANDUM', normalSide: 'DEBIT', mode: 'ROLLUP' },
  INCOME: { statementClass: 'OWN', normalSide: 'CREDIT', mode: 'ROLLUP' },
  EXPENSE: { statementClass: 'OWN', normalSide: 'DEBIT', mode: 'ROLLUP' },
  EQUITY: { statementClass: 'OWN', normalSide: 'CREDIT', mode: 'ROLLUP' },
  ASSET: { statementClass: 'OWN', normalSide: 'DEBIT', mode: 'ROLLUP' },
  LIABILITY: { statementClass: 'OWN', normalSide: 'CREDIT', mode: 'ROLLUP' },
  OWN_CUSTODY: { statementClass: 'OWN', normalSide: 'CREDIT', mode: 'STRICT' },
  DUE_FROM_BOOK: { statementClass: 'OWN', normalSide: 'DEBIT', mode: 'ROLLUP' },
  DUE_TO_BOOK: { statementClass: 'OWN', normalSide: 'CREDIT', mode: 'ROLLUP' },
};

export const termsOf = (kind: AccountKind): AccountTerms => terms[kind];

/** The fee account is the firm's income. */
export function accountKindOf(text: string): AccountKind | undefined {
  if (text === 'FEES') return 'INCOME';
  return accountKinds.find((kind) => kind === text);
}

/** Signed as people read it: positive on the account's own side. */
export const towardsNormalSide = (debitPositiveUnits: bigint, side: NormalSide): bigint =>
  side === 'DEBIT' ? debitPositiveUnits : -debitPositiveUnits;

export const accountIdOf = (book: string, number: string): string => `${book}/${number}`;

export function accountKeyOf(id: string): { book: string; number: string } | undefined {
  const cut = id.indexOf('/');
  return cut < 1 || cut === id.length - 1 ? undefined : { book: id.slice(0, cut), number: id.slice(cut + 1) };
}
