import { type Decision, type Problem, refused } from '#libs/kernel/index.js';
import { amountText, exponentOf } from './decimal.js';
import { messageTypeOf, MessageReader, type Amount } from './message-reader.js';
import { documentOf, messageProblem, parseXml, tag, XmlElement } from './xml.js';

/** We write camt.053 in one version and read camt.052, 053 and 054 in any. */
export const statementVersion = 'camt.053.001.12';

export type CreditDebit = 'CRDT' | 'DBIT';

export interface StatementBalance {
  /** OPBD and PRCD open, CLBD closes, others inform. */
  readonly type: string;
  readonly currency: string;
  /** Credit positive, debit negative. */
  readonly signedMinor: bigint;
  readonly date: string;
}

export interface EntryDetail {
  readonly endToEndId?: string;
  readonly instructionId?: string;
  readonly paymentBatchId?: string;
  readonly messageId?: string;
  readonly accountServicerReference?: string;
  /** What the owner of the account calls the securities instruction that this pays. */
  readonly ownerTransactionId?: string;
  readonly uetr?: string;
  readonly amount?: Amount;
  readonly remittance?: string;
  readonly partyNames: readonly string[];
}

export interface StatementEntry {
  readonly reference?: string;
  readonly signedMinor: bigint;
  readonly currency: string;
  readonly indicator: CreditDebit;
  readonly isReversal: boolean;
  readonly status: string;
  readonly bookingDate?: string;
  readonly valueDate?: string;
  readonly accountServicerReference?: string;
  readonly batchId?: string;
  readonly transactionCode?: string;
  readonly information?: string;
  readonly details: readonly EntryDetail[];
}

export interface Statement {
  readonly id: string;
  readonly electronicSequence?: string;
  readonly account: string;
  readonly accountIsIban: boolean;
  readonly currency?: string;
  readonly balances: readonly StatementBalance[];
  readonly entries: readonly StatementEntry[];
}

export interface StatementMessage {
  readonly type: string;
  readonly messageId: string;
  readonly createdAt: string;
  readonly statements: readonly Statement[];
}

const bodies = { 'camt.052': 'Rpt', 'camt.053': 'Stmt', 'camt.054': 'Ntfctn' } as const;

/** Reads a report, a statement or a notification. Integrity is a matter of `integrityProblems`, not of reading. */
export function readStatementMessage(source: string | Uint8Array | XmlElement): Decision<StatementMessage> {
  let document: XmlElement;
  if (source instanceof XmlElement) document = source;
  else {
    const parsed = parseXml(source);
    if (!parsed.ok) return parsed;
    document = parsed.value;
  }
  const type = messageTypeOf(document);
  const recordName = bodies[type?.slice(0, 8) as keyof typeof bodies] as string | undefined;
  const body = document.elements[0];
  if (document.name !== 'Document' || type === undefined || recordName === undefined || body === undefined) {
    return refused(messageProblem('OTHER_MESSAGE', 'A camt.052, camt.053 or camt.054 is expected.', document.name));
  }
  const reader = new MessageReader(body, [], `Document/${body.name}`);
  const records = reader.children(recordName);
  if (records.length === 0) {
    return refused(
      messageProblem('MISSING_ELEMENT', `The message has no ${recordName}.`, `Document/${body.name}/${recordName}`),
    );
  }
  return reader.result({
    type,
    messageId: reader.text('GrpHdr/MsgId'),
    createdAt: reader.text('GrpHdr/CreDtTm'),
    statements: records.map(readStatement),
  });
}

function readStatement(reader: MessageReader): Statement {
  const iban = reader.optional('Acct/Id/IBAN', 34);
  const account = iban ?? reader.optional('Acct/Id/Othr/Id', 34) ?? reader.optional('Acct/Id/PrtryAcct/Id', 34) ?? '';
  const electronicSequence = reader.optional('ElctrncSeqNb', 18);
  const currency = reader.optional('Acct/Ccy', 3);
  return {
    id: reader.text('Id'),
    ...(electronicSequence && { electronicSequence }),
    account,
    accountIsIban: iban !== undefined,
    ...(currency && { currency }),
    balances: reader.children('Bal').map(readBalance),
    entries: reader.children('Ntry').map(readEntry),
  };
}

const signed = (amount: Amount, indicator: CreditDebit): bigint =>
  indicator === 'DBIT' ? -amount.amountMinor : amount.amountMinor;

function readBalance(reader: MessageReader): StatementBalance {
  const amount = reader.amount('Amt');
  return {
    type: reader.optional('Tp/CdOrPrtry/Cd') ?? reader.optional('Tp/CdOrPrtry/Prtry') ?? reader.optional('Tp/Cd') ?? '',
    currency: amount.currency,
    signedMinor: signed(amount, reader.oneOf('CdtDbtInd', ['CRDT', 'DBIT'] as const)),
    date: reader.date('Dt'),
  };
}

function readEntry(reader: MessageReader): StatementEntry {
  const amount = reader.amount('Amt');
  const indicator = reader.oneOf('CdtDbtInd', ['CRDT', 'DBIT'] as const);
  const domain = ['BkTxCd/Domn/Cd', 'BkTxCd/Domn/Fmly/Cd', 'BkTxCd/Domn/Fmly/SubFmlyCd'].map((path) =>
    reader.optional(path),
  );
  const details = reader.children('NtryDtls').flatMap((group) => group.children('TxDtls'));
  // Version 1 holds the transactions in the entry itself.
  const direct = reader.children('TxDtls');
  const optional = {
    reference: reader.optional('NtryRef'),
    bookingDate: reader.optionalDate('BookgDt'),
    valueDate: reader.optionalDate('ValDt'),
    accountServicerReference: reader.optional('AcctSvcrRef'),
    batchId: reader.optional('NtryDtls/Btch/PmtInfId'),
    transactionCode: domain[0] === undefined ? reader.optional('BkTxCd/Prtry/Cd') : domain.filter(Boolean).join('/'),
    information: reader.optional('AddtlNtryInf', 500),
  };
  return {
    ...optional,
    signedMinor: signed(amount, indicator),
    currency: amount.currency,
    indicator,
    isReversal: reader.optional('RvslInd') === 'true' || reader.optional('RvslInd') === '1',
    status: reader.optional('Sts/Cd') ?? reader.optional('Sts') ?? 'BOOK',
    details: [...details, ...direct].map(readDetail),
  };
}

function readDetail(reader: MessageReader): EntryDetail {
  const amount =
    reader.optionalAmount('Amt') ??
    reader.optionalAmount('AmtDtls/TxAmt/Amt') ??
    reader.optionalAmount('AmtDtls/InstdAmt/Amt');
  const parties = ['Dbtr', 'Cdtr', 'UltmtDbtr', 'UltmtCdtr'].map(
    (role) =>
      reader.optional(`RltdPties/${role}/Nm`) ??
      reader.optional(`RltdPties/${role}/Pty/Nm`) ??
      reader.optional(`RltdPties/${role}/Agt/FinInstnId/Nm`),
  );
  return {
    endToEndId: reader.optional('Refs/EndToEndId'),
    instructionId: reader.optional('Refs/InstrId'),
    paymentBatchId: reader.optional('Refs/PmtInfId'),
    messageId: reader.optional('Refs/MsgId'),
    accountServicerReference: reader.optional('Refs/AcctSvcrRef'),
    ownerTransactionId: reader.optional('Refs/AcctOwnrTxId', 35),
    uetr: reader.optional('Refs/UETR', 36),
    ...(amount && { amount }),
    remittance:
      reader.optional('RmtInf/Ustrd', 500) ??
      reader.optional('RmtInf/Strd/CdtrRefInf/Ref', 140) ??
      reader.optional('RmtInf/Strd/CdtrRefInf/CdtrRef', 140),
    partyNames: parties.filter((name) => name !== undefined),
  };
}

/** Only what is booked moves a booked balance; an entry without status counts as booked. */
export const isBooked = (entry: StatementEntry): boolean => entry.status === 'BOOK';

export const openingOf = (statement: Statement): StatementBalance | undefined =>
  statement.balances.find(({ type }) => type === 'OPBD') ?? statement.balances.find(({ type }) => type === 'PRCD');
export const closingOf = (statement: Statement): StatementBalance | undefined =>
  statement.balances.find(({ type }) => type === 'CLBD');

/** Opening + booked entries = closing, in one currency; a statement that lacks either balance cannot be proved. */
export function integrityProblems(statement: Statement): Problem[] {
  const opening = openingOf(statement);
  const closing = closingOf(statement);
  if (opening === undefined || closing === undefined) return [];
  const currencies = new Set([
    opening.currency,
    closing.currency,
    ...statement.entries.map(({ currency }) => currency),
  ]);
  if (currencies.size > 1) {
    return [
      messageProblem(
        'STATEMENT_MIXES_CURRENCIES',
        `One statement is in one currency, not in ${[...currencies].join(', ')}.`,
        'Stmt/Bal',
      ),
    ];
  }
  const sum = statement.entries.filter(isBooked).reduce((total, entry) => total + entry.signedMinor, 0n);
  const expected = opening.signedMinor + sum;
  if (expected === closing.signedMinor) return [];
  return [
    messageProblem(
      'STATEMENT_DOES_NOT_ADD_UP',
      `Opening ${opening.signedMinor} + entries ${sum} = ${expected}, but the closing balance is ${closing.signedMinor} (${closing.currency}, minor units).`,
      'Stmt/Bal',
    ),
  ];
}

export interface StatementToWrite {
  readonly messageId: string;
  readonly createdAt: string;
  readonly statementId: string;
  readonly sequence: string;
  readonly account: { readonly iban?: string; readonly other?: string };
  readonly currency: string;
  readonly openingDate: string;
  readonly openingMinor: bigint;
  readonly closingDate: string;
  readonly closingMinor: bigint;
  readonly entries: readonly {
    readonly reference: string;
    readonly signedMinor: bigint;
    readonly bookingDate: string;
    readonly valueDate: string;
    readonly endToEndId?: string;
    /** Our own name of the payment, and of the securities instruction. */
    readonly instructionId?: string;
    readonly ownerTransactionId?: string;
    readonly information?: string;
  }[];
}

export function writeStatement(statement: StatementToWrite): string {
  const { currency } = statement;
  const amount = (signedMinor: bigint) => [
    // Zero is written as credit: an element of amount is never left out.
    `<Amt Ccy="${currency}">${amountText(signedMinor < 0n ? -signedMinor : signedMinor, currency)}</Amt>`,
    tag('CdtDbtInd', signedMinor < 0n ? 'DBIT' : 'CRDT'),
  ];
  const balance = (type: string, signedMinor: bigint, date: string) =>
    tag('Bal', [
      tag('Tp', [tag('CdOrPrtry', [tag('Cd', type)])]),
      ...amount(signedMinor),
      tag('Dt', [tag('Dt', date)]),
    ]);
  if (exponentOf(currency) === undefined) throw new Error(`${currency} is no currency of ISO 4217.`);
  const body = tag('BkToCstmrStmt', [
    tag('GrpHdr', [tag('MsgId', statement.messageId), tag('CreDtTm', statement.createdAt)]),
    tag('Stmt', [
      tag('Id', statement.statementId),
      tag('ElctrncSeqNb', statement.sequence),
      tag('CreDtTm', statement.createdAt),
      tag('Acct', [
        tag('Id', [
          statement.account.iban
            ? tag('IBAN', statement.account.iban)
            : tag('Othr', [tag('Id', statement.account.other ?? '')]),
        ]),
        tag('Ccy', currency),
      ]),
      balance('OPBD', statement.openingMinor, statement.openingDate),
      balance('CLBD', statement.closingMinor, statement.closingDate),
      ...statement.entries.map((entry) =>
        tag('Ntry', [
          tag('NtryRef', entry.reference),
          ...amount(entry.signedMinor),
          tag('Sts', [tag('Cd', 'BOOK')]),
          tag('BookgDt', [tag('Dt', entry.bookingDate)]),
          tag('ValDt', [tag('Dt', entry.valueDate)]),
          tag('BkTxCd', [
            tag('Domn', [
              tag('Cd', 'PMNT'),
              tag('Fmly', [tag('Cd', entry.signedMinor < 0n ? 'ICDT' : 'RCDT'), tag('SubFmlyCd', 'OTHR')]),
            ]),
          ]),
          (entry.endToEndId ?? entry.instructionId ?? entry.ownerTransactionId) &&
            tag('NtryDtls', [
              tag('TxDtls', [
                tag('Refs', [
                  entry.instructionId && tag('InstrId', entry.instructionId),
                  entry.endToEndId && tag('EndToEndId', entry.endToEndId),
                  entry.ownerTransactionId && tag('AcctOwnrTxId', entry.ownerTransactionId),
                ]),
              ]),
            ]),
          entry.information && tag('AddtlNtryInf', entry.information),
        ]),
      ),
    ]),
  ]);
  return documentOf(statementVersion, body);
}
