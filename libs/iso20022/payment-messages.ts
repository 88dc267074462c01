import { accepted, type Decision, type Problem, refused } from '#libs/kernel/index.js';
import { amountText, decimalFromUnits, exponentOf, unitsFromDecimal } from './decimal.js';
import { openDocument, type Amount, type MessageReader } from './message-reader.js';
import { documentOf, messageProblem, tag, type XmlElement } from './xml.js';

export const paymentVersions = {
  initiation: 'pain.001.001.12',
  status: 'pacs.002.001.14',
  return: 'pacs.004.001.13',
} as const;

/** An account as the message names it: an IBAN is called one only where the sender did. */
export interface AccountReference {
  readonly iban?: string;
  readonly other?: string;
}

export interface CreditTransfer {
  readonly endToEndId: string;
  readonly instructionId?: string;
  readonly amount: Amount;
  readonly creditorName: string;
  readonly creditorAccount: AccountReference;
  readonly creditorAgentBic?: string;
  readonly creditorCountry?: string;
  readonly remittance?: string;
  readonly debtorName: string;
  readonly debtorAccount: AccountReference;
  readonly executionDate: string;
  /** The batch (PmtInf) it came in, for the answer per payment. */
  readonly batchId: string;
  /** Where it stood in the file, for the answer per payment. */
  readonly path: string;
  /** What keeps it from being a payment. Its neighbours are taken all the same. */
  readonly problems: readonly Problem[];
}

/** pain.001 read: every transfer with the debtor and date of its batch. A fault stays with its transfer. */
export interface CreditTransferInitiation {
  readonly messageId: string;
  readonly createdAt: string;
  readonly initiatorName?: string;
  readonly transfers: readonly CreditTransfer[];
}

export interface CreditTransferBatch {
  readonly messageId: string;
  readonly createdAt: string;
  readonly initiatorName: string;
  readonly batchId: string;
  readonly executionDate: string;
  readonly debtorName: string;
  readonly debtorAccount: AccountReference;
  readonly debtorAgentBic?: string;
  readonly transfers: readonly Omit<
    CreditTransfer,
    'debtorName' | 'debtorAccount' | 'executionDate' | 'batchId' | 'path' | 'problems'
  >[];
}

const accountTag = (name: string, account: AccountReference) =>
  tag(name, [
    tag('Id', [account.iban ? tag('IBAN', account.iban) : tag('Othr', [tag('Id', account.other ?? 'NOTPROVIDED')])]),
  ]);

export function writeCreditTransferInitiation(batch: CreditTransferBatch): string {
  const scale = Math.max(0, ...batch.transfers.map(({ amount }) => exponentOf(amount.currency) ?? 0));
  const sum = batch.transfers.reduce(
    (total, { amount }) => total + amount.amountMinor * 10n ** BigInt(scale - (exponentOf(amount.currency) ?? 0)),
    0n,
  );
  const totals = [tag('NbOfTxs', String(batch.transfers.length)), tag('CtrlSum', decimalFromUnits(sum, scale))];
  const body = tag('CstmrCdtTrfInitn', [
    tag('GrpHdr', [
      tag('MsgId', batch.messageId),
      tag('CreDtTm', batch.createdAt),
      ...totals,
      tag('InitgPty', [tag('Nm', batch.initiatorName)]),
    ]),
    tag('PmtInf', [
      tag('PmtInfId', batch.batchId),
      tag('PmtMtd', 'TRF'),
      ...totals,
      tag('ReqdExctnDt', [tag('Dt', batch.executionDate)]),
      tag('Dbtr', [tag('Nm', batch.debtorName)]),
      accountTag('DbtrAcct', batch.debtorAccount),
      tag('DbtrAgt', [
        tag('FinInstnId', [
          batch.debtorAgentBic ? tag('BICFI', batch.debtorAgentBic) : tag('Othr', [tag('Id', 'NOTPROVIDED')]),
        ]),
      ]),
      ...batch.transfers.map((transfer) =>
        tag('CdtTrfTxInf', [
          tag('PmtId', [
            transfer.instructionId && tag('InstrId', transfer.instructionId),
            tag('EndToEndId', transfer.endToEndId),
          ]),
          tag('Amt', [
            tag('InstdAmt', amountText(transfer.amount.amountMinor, transfer.amount.currency), {
              Ccy: transfer.amount.currency,
            }),
          ]),
          transfer.creditorAgentBic && tag('CdtrAgt', [tag('FinInstnId', [tag('BICFI', transfer.creditorAgentBic)])]),
          tag('Cdtr', [
            tag('Nm', transfer.creditorName),
            transfer.creditorCountry && tag('PstlAdr', [tag('Ctry', transfer.creditorCountry)]),
          ]),
          accountTag('CdtrAcct', transfer.creditorAccount),
          transfer.remittance && tag('RmtInf', [tag('Ustrd', transfer.remittance)]),
        ]),
      ),
    ]),
  ]);
  return documentOf(paymentVersions.initiation, body);
}

const sumScale = 18;

/** What a header (of the file or of a batch) says of its transfers, against those that are there. */
function controlProblems(header: MessageReader, at: string, transfers: readonly XmlElement[]): Problem[] {
  const problems: Problem[] = [];
  const under = (name: string) => (at === '' ? name : `${at}/${name}`);
  const count = header.element.value(under('NbOfTxs'));
  if (count !== undefined && BigInt(/^\d{1,15}$/.test(count) ? count : '-1') !== BigInt(transfers.length)) {
    problems.push(
      messageProblem(
        'CONTROL_COUNT',
        `The header announces ${count} transfers, the file has ${transfers.length}.`,
        `${header.path}/${under('NbOfTxs')}`,
      ),
    );
  }
  // The sum of all amounts, whatever their currencies (ISO 20022: "irrespective of currencies").
  const declared = header.element.value(under('CtrlSum'));
  if (declared === undefined) return problems;
  const amounts = transfers.map((transfer) => unitsFromDecimal(transfer.value('Amt/InstdAmt') ?? '', sumScale));
  const sum = amounts.reduce<bigint>((total, units) => total + (units ?? 0n), 0n);
  const announced = unitsFromDecimal(declared, sumScale);
  // What its sender counted for an amount that cannot be read is not known: the others alone must not be more.
  const isRight = announced !== undefined && (amounts.includes(undefined) ? sum <= announced : sum === announced);
  if (!isRight) {
    problems.push(
      messageProblem(
        'CONTROL_SUM',
        `The header announces a sum of ${declared}, the transfers add up to ${decimalFromUnits(sum, sumScale).replace(/\.?0+$/, '')}.`,
        `${header.path}/${under('CtrlSum')}`,
      ),
    );
  }
  return problems;
}

/**
 * The file is refused as a whole when it cannot be read, or when its headers do not agree with what is in it; what is
 * wrong with one transfer, or with the batch it came in, is told with that transfer.
 */
export function readCreditTransferInitiation(
  source: string | Uint8Array | XmlElement,
): Decision<CreditTransferInitiation> {
  const opened = openDocument(source, 'pain.001');
  if (!opened.ok) return opened;
  const reader = opened.value;
  const batches = reader.children('PmtInf');
  const transfers = batches.flatMap((found) => {
    const batch = found.apart();
    const shared = {
      batchId: batch.text('PmtInfId'),
      debtorName: batch.optional('Dbtr/Nm', 140) ?? '',
      debtorAccount: accountAt(batch, 'DbtrAcct'),
      executionDate: batch.date('ReqdExctnDt'),
    };
    return batch.children('CdtTrfTxInf').map((one) => transferAt(one.apart(), shared, batch.problems));
  });
  const elements = batches.map(({ element }) => element.all('CdtTrfTxInf'));
  const problems = [
    ...controlProblems(reader, 'GrpHdr', elements.flat()),
    ...batches.flatMap((batch, index) => controlProblems(batch, '', elements[index] ?? [])),
  ];
  const initiatorName = reader.optional('GrpHdr/InitgPty/Nm', 140);
  const messageId = reader.text('GrpHdr/MsgId');
  const createdAt = reader.text('GrpHdr/CreDtTm');
  const all = [...reader.problems, ...problems];
  if (all.length > 0) return refused(all);
  return accepted({ messageId, createdAt, ...(initiatorName && { initiatorName }), transfers });
}

function accountAt(from: MessageReader, path: string): AccountReference {
  const iban = from.optional(`${path}/Id/IBAN`, 34);
  const other = from.optional(`${path}/Id/Othr/Id`, 34);
  return { ...(iban && { iban }), ...(other && { other }) };
}

function transferAt(
  transfer: MessageReader,
  shared: Pick<CreditTransfer, 'batchId' | 'debtorName' | 'debtorAccount' | 'executionDate'>,
  ofBatch: readonly Problem[],
): CreditTransfer {
  const optional = {
    instructionId: transfer.optional('PmtId/InstrId', 35),
    creditorAgentBic:
      transfer.optional('CdtrAgt/FinInstnId/BICFI', 11) ?? transfer.optional('CdtrAgt/FinInstnId/BIC', 11),
    creditorCountry: transfer.optional('Cdtr/PstlAdr/Ctry', 2),
    remittance: transfer.optional('RmtInf/Ustrd', 140),
  };
  const read = {
    endToEndId: transfer.text('PmtId/EndToEndId'),
    amount: transfer.amount('Amt/InstdAmt'),
    creditorName: transfer.text('Cdtr/Nm', 140),
    creditorAccount: accountAt(transfer, 'CdtrAcct'),
  };
  return { ...read, ...shared, ...optional, path: transfer.path, problems: [...ofBatch, ...transfer.problems] };
}

/** How an agent names a payment that we gave it: whatever of it stands in its message. */
export interface PaymentReference {
  readonly endToEndId: string;
  /** The id of our instruction. */
  readonly instructionId?: string;
  /** The message that the payment was given in, where the agent says it of each payment. */
  readonly originalMessageId?: string;
}

export interface PaymentStatus extends PaymentReference {
  readonly status: 'ACSC' | 'ACSP' | 'ACCC' | 'ACCP' | 'ACTC' | 'PDNG' | 'RJCT';
  readonly reason?: string;
  readonly agentReference?: string;
}

/** pacs.002: what became of each payment of our batch. */
export interface PaymentStatusReport {
  readonly messageId: string;
  readonly createdAt: string;
  readonly originalMessageId: string;
  readonly statuses: readonly PaymentStatus[];
}

const originalGroup = ({ originalMessageId }: PaymentReference) =>
  originalMessageId &&
  tag('OrgnlGrpInf', [tag('OrgnlMsgId', originalMessageId), tag('OrgnlMsgNmId', paymentVersions.initiation)]);

/** What the message says of the payment; `NOTPROVIDED` is how a mandatory reference is left open. */
function referenceOf(transaction: MessageReader): PaymentReference {
  const instructionId = transaction.optional('OrgnlInstrId', 35);
  const originalMessageId = transaction.optional('OrgnlGrpInf/OrgnlMsgId', 35);
  return {
    endToEndId: transaction.text('OrgnlEndToEndId'),
    ...(instructionId && instructionId !== 'NOTPROVIDED' && { instructionId }),
    ...(originalMessageId && originalMessageId !== 'NOTPROVIDED' && { originalMessageId }),
  };
}

const transactionStatuses = ['ACSC', 'ACSP', 'ACCC', 'ACCP', 'ACTC', 'PDNG', 'RJCT'] as const;

export function writePaymentStatusReport(report: PaymentStatusReport): string {
  const body = tag('FIToFIPmtStsRpt', [
    tag('GrpHdr', [tag('MsgId', report.messageId), tag('CreDtTm', report.createdAt)]),
    tag('OrgnlGrpInfAndSts', [
      tag('OrgnlMsgId', report.originalMessageId || 'NOTPROVIDED'),
      tag('OrgnlMsgNmId', paymentVersions.initiation),
    ]),
    ...report.statuses.map((status) =>
      tag('TxInfAndSts', [
        originalGroup(status),
        status.instructionId && tag('OrgnlInstrId', status.instructionId),
        tag('OrgnlEndToEndId', status.endToEndId),
        tag('TxSts', status.status),
        status.reason && tag('StsRsnInf', [tag('Rsn', [tag('Cd', status.reason)])]),
        status.agentReference && tag('AcctSvcrRef', status.agentReference),
      ]),
    ),
  ]);
  return documentOf(paymentVersions.status, body);
}

export function readPaymentStatusReport(source: string | Uint8Array | XmlElement): Decision<PaymentStatusReport> {
  const opened = openDocument(source, 'pacs.002');
  if (!opened.ok) return opened;
  const reader = opened.value;
  const group = reader.optional('OrgnlGrpInfAndSts/OrgnlMsgId', 35);
  const statuses = reader.children('TxInfAndSts').map((transaction): PaymentStatus => {
    const reason = transaction.optional('StsRsnInf/Rsn/Cd', 4) ?? transaction.optional('StsRsnInf/Rsn/Prtry', 35);
    const agentReference = transaction.optional('AcctSvcrRef');
    return {
      ...referenceOf(transaction),
      status: transaction.oneOf('TxSts', transactionStatuses),
      ...(reason && { reason }),
      ...(agentReference && { agentReference }),
    };
  });
  return reader.result({
    messageId: reader.text('GrpHdr/MsgId'),
    createdAt: reader.text('GrpHdr/CreDtTm'),
    originalMessageId: group === undefined || group === 'NOTPROVIDED' ? '' : group,
    statuses,
  });
}

export interface PaymentReturn extends PaymentReference {
  readonly returnId: string;
  readonly amount: Amount;
  readonly settlementDate?: string;
  readonly reason: string;
}

/** pacs.004: money of payments already executed that came back. */
export interface PaymentReturns {
  readonly messageId: string;
  readonly createdAt: string;
  readonly originalMessageId: string;
  readonly returns: readonly PaymentReturn[];
}

export function writePaymentReturns(message: PaymentReturns): string {
  const body = tag('PmtRtr', [
    tag('GrpHdr', [
      tag('MsgId', message.messageId),
      tag('CreDtTm', message.createdAt),
      tag('NbOfTxs', String(message.returns.length)),
      tag('SttlmInf', [tag('SttlmMtd', 'CLRG')]),
    ]),
    originalGroup({ endToEndId: '', originalMessageId: message.originalMessageId }),
    ...message.returns.map((item) =>
      tag('TxInf', [
        tag('RtrId', item.returnId),
        originalGroup(item),
        item.instructionId && tag('OrgnlInstrId', item.instructionId),
        tag('OrgnlEndToEndId', item.endToEndId),
        tag('RtrdIntrBkSttlmAmt', amountText(item.amount.amountMinor, item.amount.currency), {
          Ccy: item.amount.currency,
        }),
        item.settlementDate && tag('IntrBkSttlmDt', item.settlementDate),
        tag('RtrRsnInf', [tag('Rsn', [tag('Cd', item.reason)])]),
      ]),
    ),
  ]);
  return documentOf(paymentVersions.return, body);
}

export function readPaymentReturns(source: string | Uint8Array | XmlElement): Decision<PaymentReturns> {
  const opened = openDocument(source, 'pacs.004');
  if (!opened.ok) return opened;
  const reader = opened.value;
  const group = reader.optional('OrgnlGrpInf/OrgnlMsgId', 35);
  const returns = reader.children('TxInf').map((item): PaymentReturn => {
    const settlementDate = item.optionalDate('IntrBkSttlmDt');
    return {
      returnId: item.text('RtrId'),
      ...referenceOf(item),
      amount: item.amount('RtrdIntrBkSttlmAmt'),
      reason: item.optional('RtrRsnInf/Rsn/Cd', 4) ?? item.optional('RtrRsnInf/Rsn/Prtry', 35) ?? 'NARR',
      ...(settlementDate && { settlementDate }),
    };
  });
  const result = {
    messageId: reader.text('GrpHdr/MsgId'),
    createdAt: reader.text('GrpHdr/CreDtTm'),
    originalMessageId: group === undefined || group === 'NOTPROVIDED' ? '' : group,
    returns,
  };
  return reader.problems.length > 0 ? refused(reader.problems) : accepted(result);
}
