import { type AccountType, nameable } from '#libs/plain-text-journal/index.js';
import { type GlRole, type GlType } from '../chart/chart.js';

/** The first word of an account's name says its type to hledger; what is off the balance sheet stands under a word it does not know. */
const roots: Readonly<Record<GlType, string>> = {
  ASSET: 'assets',
  LIABILITY: 'liabilities',
  EQUITY: 'equity',
  INCOME: 'revenues',
  EXPENSE: 'expenses',
  MEMORANDUM: 'memorandum',
};

const letters: Readonly<Record<GlType, AccountType | undefined>> = {
  ASSET: 'A',
  LIABILITY: 'L',
  EQUITY: 'E',
  INCOME: 'R',
  EXPENSE: 'X',
  MEMORANDUM: undefined,
};

export const rootTypes: readonly (readonly [root: string, letter: AccountType | undefined])[] = (
  Object.keys(roots) as GlType[]
).map((type) => [roots[type], letters[type]]);

export interface NamedCode {
  readonly code: string;
  readonly name: string;
  readonly type: GlType;
  readonly role: GlRole;
}

const plainNumber = /^[\p{L}\p{N}._/+-]+( [\p{L}\p{N}._/+-]+)*$/u;

/** `assets:1210 Accounts with agents:NOSTRO-EUR`; the one account of a direct code is the code: `expenses:5300 Staff`. */
export function journalAccountName({ code, name, type, role }: NamedCode, number: string): string {
  const ofCode = `${roots[type]}:${code} ${nameable(name)}`;
  if (role === 'DIRECT') return ofCode;
  return `${ofCode}:${plainNumber.test(number) ? number : encodeURIComponent(number)}`;
}

/**
 * What an account may be called in a journal written by hand: the last part of its name is the number or the code, or begins with
 * it. In the order they are tried.
 */
export function numbersIn(name: string): string[] {
  const last = name.split(':').at(-1) ?? '';
  const first = last.split(' ')[0] ?? '';
  return [...new Set([last, decoded(last), first])];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The type that the first word of a name claims; undefined when it claims none. */
export function claimedType(name: string): GlType | undefined {
  const first = (name.split(':')[0] ?? '').toLowerCase();
  if (!name.includes(':')) return undefined;
  if (/^assets?$/.test(first)) return 'ASSET';
  if (/^(debts?|liabilit(y|ies))$/.test(first)) return 'LIABILITY';
  if (first === 'equity') return 'EQUITY';
  if (/^(income|revenues?)$/.test(first)) return 'INCOME';
  if (/^expenses?$/.test(first)) return 'EXPENSE';
  return first === 'memorandum' ? 'MEMORANDUM' : undefined;
}
