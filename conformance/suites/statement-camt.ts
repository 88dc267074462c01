import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Result, type Suite } from '../suite.js';
import { currencyExponent } from '#libs/money/index.js';
import {
  integrityProblems,
  readStatementMessage,
  type EntryDetail,
  type Statement,
  type StatementEntry,
  type StatementMessage,
} from '#libs/iso20022/index.js';

type Json = Record<string, unknown>;

const at = (node: unknown, ...path: string[]): unknown =>
  path.reduce<unknown>(
    (here, name) => (typeof here === 'object' && here !== null ? (here as Json)[name] : undefined),
    node,
  );
const textAt = (node: unknown, ...path: string[]): string | null => {
  const value = at(node, ...path);
  return typeof value === 'string' && value !== '' ? value : null;
};
const moneyAt = (node: unknown, ...path: string[]): string | null => {
  const amount = textAt(node, ...path, 'getAmount');
  const currency = textAt(node, ...path, 'getCurrency', 'getCode');
  return amount === null || currency === null ? null : `${currency} ${amount}`;
};
const dayAt = (node: unknown, ...path: string[]): string | null => textAt(node, ...path, '0')?.slice(0, 10) ?? null;

/** What both sides say about an entry, in one form. */
interface Comparable {
  amount: string | null;
  indicator: string | null;
  isReversal: boolean;
  status: string | null;
  bookingDate: string | null;
  valueDate: string | null;
  reference: string | null;
  servicerReference: string | null;
  batch: string | null;
  information: string | null;
  code: string | null;
  details: {
    endToEndId: string | null;
    instructionId: string | null;
    batch: string | null;
    uetr: string | null;
    amount: string | null;
    parties: string[];
  }[];
}

function expectedDetail(detail: unknown): Comparable['details'][number] {
  const parties = at(detail, 'getRelatedParties');
  return {
    endToEndId: textAt(detail, 'getReference', 'getEndToEndId'),
    instructionId: textAt(detail, 'getReference', 'getInstructionId'),
    batch: textAt(detail, 'getReference', 'getPaymentInformationId'),
    uetr: textAt(detail, 'getReference', 'getUuidEndToEndReference'),
    amount:
      moneyAt(detail, 'getAmount')?.replace('-', '') ?? moneyAt(detail, 'getAmountDetails')?.replace('-', '') ?? null,
    parties: (Array.isArray(parties) ? parties : [])
      .map((party) => textAt(party, 'getRelatedPartyType', 'getName'))
      .filter((name) => name !== null)
      .sort(),
  };
}

function expectedEntry(entry: unknown): Comparable {
  const first = at(entry, 'getTransactionDetail');
  const all = at(entry, 'getTransactionDetails');
  // A repeated object is not written out again: the first transaction stands in `getTransactionDetail`.
  const details = ((Array.isArray(all) ? all : []) as unknown[]).map((detail) =>
    detail === '__RECURSIVITY__' ? first : detail,
  );
  const code = at(entry, 'getBankTransactionCode');
  return {
    amount: moneyAt(entry, 'getAmount'),
    indicator: textAt(entry, 'getCreditDebitIndicator'),
    isReversal: at(entry, 'getReversalIndicator') === true,
    status: textAt(entry, 'getStatus'),
    bookingDate: dayAt(entry, 'getBookingDate'),
    valueDate: dayAt(entry, 'getValueDate'),
    reference: textAt(entry, 'getReference'),
    servicerReference: textAt(entry, 'getAccountServicerReference'),
    batch: textAt(entry, 'getBatchPaymentId'),
    information: textAt(entry, 'getAdditionalInfo'),
    code:
      at(code, 'getDomain') === null || at(code, 'getDomain') === undefined
        ? textAt(code, 'getProprietary', 'getCode')
        : [
            textAt(code, 'getDomain', 'getCode'),
            textAt(code, 'getDomain', 'getFamily', 'getCode'),
            textAt(code, 'getDomain', 'getFamily', 'getSubFamilyCode'),
          ]
            .filter(Boolean)
            .join('/'),
    details: details.map(expectedDetail),
  };
}

const ourDetail = (detail: EntryDetail): Comparable['details'][number] => ({
  endToEndId: detail.endToEndId ?? null,
  instructionId: detail.instructionId ?? null,
  batch: detail.paymentBatchId ?? null,
  uetr: detail.uetr ?? null,
  amount: detail.amount ? `${detail.amount.currency} ${detail.amount.amountMinor}` : null,
  parties: [...detail.partyNames].sort(),
});

const ourEntry = (entry: StatementEntry): Comparable => ({
  amount: `${entry.currency} ${entry.signedMinor}`,
  indicator: entry.indicator,
  isReversal: entry.isReversal,
  status: entry.status,
  bookingDate: entry.bookingDate ?? null,
  valueDate: entry.valueDate ?? null,
  reference: entry.reference ?? null,
  servicerReference: entry.accountServicerReference ?? null,
  batch: entry.batchId ?? null,
  information: entry.information ?? null,
  code: entry.transactionCode ?? null,
  details: entry.details.map(ourDetail),
});

function ourRecord(statement: Statement): Json {
  return {
    id: statement.id,
    account: statement.account,
    sequence: statement.electronicSequence ?? null,
    balances: statement.balances.map(({ currency, signedMinor, date }) => `${currency} ${signedMinor} ${date}`),
  };
}

function expectedRecord(record: unknown): Json {
  const balances = at(record, 'getBalances');
  return {
    id: textAt(record, 'getId'),
    account: textAt(record, 'getAccount', 'getIdentification'),
    sequence: textAt(record, 'getElectronicSequenceNumber'),
    balances: (Array.isArray(balances) ? balances : []).map(
      (balance) => `${moneyAt(balance, 'getAmount')} ${dayAt(balance, 'getDate')}`,
    ),
  };
}

/** Every difference between what we read and what is expected; the date of a balance or entry is compared as a day. */
export function differences(message: StatementMessage, expected: unknown): string[] {
  const found: string[] = [];
  const compare = (path: string, ours: unknown, theirs: unknown) => {
    if (JSON.stringify(ours) !== JSON.stringify(theirs))
      found.push(`${path}: ${JSON.stringify(ours)}, expected ${JSON.stringify(theirs)}`);
  };
  compare('messageId', message.messageId, textAt(expected, 'getGroupHeader', 'getMessageId'));
  const entries = (Array.isArray(at(expected, 'getEntries')) ? at(expected, 'getEntries') : []) as unknown[];
  const ours = message.statements.flatMap((statement) => statement.entries.map((entry) => ({ statement, entry })));
  compare('entries', ours.length, entries.length);
  for (const [index, { statement, entry }] of ours.entries()) {
    const theirs = entries[index];
    if (theirs === undefined) continue;
    const wanted = expectedEntry(theirs);
    const read = ourEntry(entry);
    for (const field of Object.keys(wanted) as (keyof Comparable)[])
      compare(`entries[${index}].${field}`, read[field], wanted[field]);
    const record = at(theirs, 'getRecord');
    if (typeof record === 'object') compare(`entries[${index}].record`, ourRecord(statement), expectedRecord(record));
  }
  return found;
}

interface Counts {
  passed: number;
  failed: number;
  refusedForIntegrity: number;
  failures: string[];
}

const folders = ['ledger/statements-camt', 'settlement/iso20022-samples/genkgo-camt'];

/**
 * A statement is right when it is read as expected, or when it is refused for a reason that its own
 * figures prove: opening + booked entries ≠ closing, several currencies, or no statement at all.
 */
export const statementCamt: Suite = {
  name: 'statement-camt',
  folder: 'ledger/statements-camt',
  folders,
  run(root: string): Result {
    const result: Counts = { passed: 0, failed: 0, refusedForIntegrity: 0, failures: [] };
    for (const folder of folders) {
      const path = join(root, folder);
      if (!existsSync(path)) continue;
      for (const name of readdirSync(path)
        .filter((file) => file.toLowerCase().endsWith('.xml'))
        .sort()) {
        const problems = check(join(path, name), result);
        if (problems.length === 0) result.passed += 1;
        else {
          result.failed += 1;
          result.failures.push(...problems.map((problem) => `${folder}/${name}: ${problem}`));
        }
      }
    }
    const { refusedForIntegrity, ...counts } = result;
    return { ...counts, skipped: 0, figures: { refusedForIntegrity } };
  },
};
export default statementCamt;

function check(path: string, result: Counts): string[] {
  const read = readStatementMessage(readFileSync(path));
  const expectedPath = path.replace(/\.xml$/i, '.json');
  const expected = existsSync(expectedPath) ? (JSON.parse(readFileSync(expectedPath, 'utf8')) as unknown) : undefined;
  if (!read.ok) {
    // A message without a single record carries nothing that could be booked; anything else must be readable.
    if (expected === undefined && read.problems.every(({ code }) => code === 'MISSING_ELEMENT')) return [];
    return read.problems.map(({ code, message, path: where }) => `${code} ${message} (${where.join('/')})`);
  }
  const found = expected === undefined ? [] : differences(read.value, expected);
  for (const statement of read.value.statements) {
    const problems = integrityProblems(statement);
    if (problems.length > 0) result.refusedForIntegrity += 1;
    const independent = addsUp(statement);
    if (independent !== undefined && independent !== (problems.length === 0))
      found.push(`${statement.id}: the integrity rule and the sum disagree`);
  }
  return found;
}

/** The same rule a second way, in decimals of the balances alone; undefined when it cannot be told. */
function addsUp(statement: Statement): boolean | undefined {
  const opening =
    statement.balances.find(({ type }) => type === 'OPBD') ?? statement.balances.find(({ type }) => type === 'PRCD');
  const closing = statement.balances.find(({ type }) => type === 'CLBD');
  if (!opening || !closing) return undefined;
  const scaled = (minor: bigint, currency: string) => minor * 10n ** BigInt(6 - currencyExponent(currency));
  const sums = new Map<string, bigint>();
  const add = (currency: string, minor: bigint) =>
    sums.set(currency, (sums.get(currency) ?? 0n) + scaled(minor, currency));
  add(opening.currency, opening.signedMinor);
  for (const entry of statement.entries.filter(({ status }) => status === 'BOOK'))
    add(entry.currency, entry.signedMinor);
  add(closing.currency, -closing.signedMinor);
  return [...sums.values()].every((sum) => sum === 0n) && sums.size === 1;
}
