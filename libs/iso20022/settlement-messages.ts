import { accepted, type Decision, refused } from '#libs/kernel/index.js';
import { amountText, decimalFromUnits } from './decimal.js';
import { openDocument, type Amount, type MessageReader, type Quantity } from './message-reader.js';
import { documentOf, messageProblem, tag, type XmlElement } from './xml.js';

export const securitiesVersions = {
  instruction: 'sese.023.001.11',
  statusAdvice: 'sese.024.001.12',
  confirmation: 'sese.025.001.11',
  modification: 'sese.030.001.09',
  cancellation: 'sese.020.001.07',
} as const;

export type Direction = 'DELI' | 'RECE';
export type PaymentIndicator = 'APMT' | 'FREE';

/** A party known by its BIC, or by the code under which the market knows it. */
export interface SettlementParty {
  readonly bic?: string;
  readonly code?: string;
  readonly safekeepingAccount?: string;
}

/** sese.023: what we ask a place of settlement to do. */
export interface SettlementInstruction {
  readonly transactionId: string;
  readonly tradeId: string;
  readonly direction: Direction;
  readonly payment: PaymentIndicator;
  readonly tradeDate: string;
  readonly settlementDate: string;
  readonly isin: string;
  readonly quantity: Quantity;
  readonly safekeepingAccount: string;
  readonly placeBic: string;
  readonly deliverer: SettlementParty;
  readonly receiver: SettlementParty;
  readonly allowsPartial: boolean;
  readonly amount?: Amount;
}

/** A bond's quantity is its face amount, anything else counts units. */
export const quantityOf = (units: bigint, scale: number, isDebt: boolean): Quantity => ({
  kind: isDebt ? 'FACE' : 'UNIT',
  text: decimalFromUnits(units, scale),
});

const quantityTag = ({ kind, text }: Quantity) => tag(kind === 'FACE' ? 'FaceAmt' : 'Unit', text);
const dateTag = (name: string, date: string) => tag(name, [tag('Dt', [tag('Dt', date)])]);
const amountTag = (name: string, amount: Amount, indicator: 'CRDT' | 'DBIT') =>
  tag(name, [
    tag('Amt', amountText(amount.amountMinor, amount.currency), { Ccy: amount.currency }),
    tag('CdtDbtInd', indicator),
  ]);

/** Cash goes against the securities: who receives them is debited. */
export const cashIndicator = (direction: Direction): 'CRDT' | 'DBIT' => (direction === 'RECE' ? 'DBIT' : 'CRDT');

function partiesTag(name: string, placeBic: string, party: SettlementParty): string | undefined {
  const id =
    party.bic === undefined
      ? tag('PrtryId', [tag('Id', party.code ?? 'UNKNOWN'), tag('Issr', 'PARTICIPANT')])
      : tag('AnyBIC', party.bic);
  const account =
    party.safekeepingAccount === undefined ? undefined : tag('SfkpgAcct', [tag('Id', party.safekeepingAccount)]);
  return tag(name, [tag('Dpstry', [tag('Id', [tag('AnyBIC', placeBic)])]), tag('Pty1', [tag('Id', [id]), account])]);
}

export function writeSettlementInstruction(instruction: SettlementInstruction): string {
  const { direction, payment, amount } = instruction;
  const body = tag('SctiesSttlmTxInstr', [
    tag('TxId', instruction.transactionId),
    tag('SttlmTpAndAddtlParams', [tag('SctiesMvmntTp', direction), tag('Pmt', payment)]),
    tag('TradDtls', [
      tag('TradId', instruction.tradeId),
      dateTag('TradDt', instruction.tradeDate),
      dateTag('SttlmDt', instruction.settlementDate),
    ]),
    tag('FinInstrmId', [tag('ISIN', instruction.isin)]),
    tag('QtyAndAcctDtls', [
      tag('SttlmQty', [tag('Qty', [quantityTag(instruction.quantity)])]),
      tag('SfkpgAcct', [tag('Id', instruction.safekeepingAccount)]),
    ]),
    tag('SttlmParams', [
      tag('SctiesTxTp', [tag('Cd', 'TRAD')]),
      tag('PrtlSttlmInd', instruction.allowsPartial ? 'PART' : 'NPAR'),
    ]),
    partiesTag('DlvrgSttlmPties', instruction.placeBic, instruction.deliverer),
    partiesTag('RcvgSttlmPties', instruction.placeBic, instruction.receiver),
    amount === undefined ? undefined : amountTag('SttlmAmt', amount, cashIndicator(direction)),
  ]);
  return documentOf(securitiesVersions.instruction, body);
}

function readParty(reader: MessageReader, path: string): SettlementParty {
  const bic = reader.optional(`${path}/Pty1/Id/AnyBIC`);
  const code = reader.optional(`${path}/Pty1/Id/PrtryId/Id`);
  const safekeepingAccount = reader.optional(`${path}/Pty1/SfkpgAcct/Id`);
  return { ...(bic && { bic }), ...(code && { code }), ...(safekeepingAccount && { safekeepingAccount }) };
}

export function readSettlementInstruction(source: string | Uint8Array | XmlElement): Decision<SettlementInstruction> {
  const opened = openDocument(source, 'sese.023');
  if (!opened.ok) return opened;
  const reader = opened.value;
  const payment = reader.oneOf('SttlmTpAndAddtlParams/Pmt', ['APMT', 'FREE'] as const);
  const amount = payment === 'APMT' ? reader.amount('SttlmAmt/Amt') : reader.optionalAmount('SttlmAmt/Amt');
  return reader.result({
    transactionId: reader.text('TxId'),
    tradeId: reader.text('TradDtls/TradId', 52),
    direction: reader.oneOf('SttlmTpAndAddtlParams/SctiesMvmntTp', ['DELI', 'RECE'] as const),
    payment,
    tradeDate: reader.date('TradDtls/TradDt'),
    settlementDate: reader.date('TradDtls/SttlmDt'),
    isin: reader.isin('FinInstrmId/ISIN'),
    quantity: reader.quantity('QtyAndAcctDtls/SttlmQty'),
    safekeepingAccount: reader.text('QtyAndAcctDtls/SfkpgAcct/Id'),
    placeBic: reader.text('RcvgSttlmPties/Dpstry/Id/AnyBIC'),
    deliverer: readParty(reader, 'DlvrgSttlmPties'),
    receiver: readParty(reader, 'RcvgSttlmPties'),
    allowsPartial: reader.optional('SttlmParams/PrtlSttlmInd') !== 'NPAR',
    ...(amount && { amount }),
  });
}

/** sese.024: one or more dimensions of the status vector at once, as the place reports them. */
export interface StatusAdvice {
  readonly transactionId: string;
  readonly marketReference?: string;
  readonly processing?: {
    readonly status: 'ACCEPTED' | 'REJECTED' | 'PENDING' | 'REPAIR' | 'CANCELLED' | 'CANCELLATION_PENDING';
    readonly reason?: string;
    readonly text?: string;
  };
  readonly matching?: { readonly status: 'MATCHED' | 'UNMATCHED'; readonly reason?: string; readonly text?: string };
  readonly settlement?: { readonly status: 'PENDING' | 'FAILING'; readonly reason?: string; readonly text?: string };
}

const processingNames = [
  ['AckdAccptd', 'ACCEPTED'],
  ['Rjctd', 'REJECTED'],
  ['PdgPrcg', 'PENDING'],
  ['Rpr', 'REPAIR'],
  ['Canc', 'CANCELLED'],
  ['PdgCxl', 'CANCELLATION_PENDING'],
] as const;
const settlementNames = [
  ['Pdg', 'PENDING'],
  ['Flng', 'FAILING'],
] as const;

interface Reason {
  readonly reason?: string;
  readonly text?: string;
}

function reasonTags({ reason, text }: Reason): (string | undefined)[] {
  if (reason === undefined) return [tag('NoSpcfdRsn', 'NORE')];
  return [tag('Rsn', [tag('Cd', [tag('Cd', reason)]), text === undefined ? undefined : tag('AddtlRsnInf', text)])];
}

function readReason(reader: MessageReader): Reason {
  const reason = reader.optional('Rsn/Cd/Cd') ?? reader.optional('Rsn/Cd/Prtry/Id');
  const text = reader.optional('Rsn/AddtlRsnInf', 210);
  return { ...(reason && { reason }), ...(text && { text }) };
}

export function writeStatusAdvice(advice: StatusAdvice): string {
  const { processing, matching, settlement } = advice;
  const processingName = processingNames.find(([, status]) => status === processing?.status)?.[0];
  const settlementName = settlementNames.find(([, status]) => status === settlement?.status)?.[0];
  const body = tag('SctiesSttlmTxStsAdvc', [
    tag('TxId', [
      tag('AcctOwnrTxId', advice.transactionId),
      advice.marketReference === undefined ? undefined : tag('MktInfrstrctrTxId', advice.marketReference),
    ]),
    processing && processingName && tag('PrcgSts', [tag(processingName, reasonTags(processing))]),
    // `Mtchd` is the one element of these messages that is written even when empty: its presence is the status.
    matching?.status === 'MATCHED' ? '<MtchgSts><Mtchd/></MtchgSts>' : undefined,
    matching?.status === 'UNMATCHED' ? tag('MtchgSts', [tag('Umtchd', reasonTags(matching))]) : undefined,
    settlement && settlementName && tag('SttlmSts', [tag(settlementName, reasonTags(settlement))]),
  ]);
  return documentOf(securitiesVersions.statusAdvice, body);
}

export function readStatusAdvice(source: string | Uint8Array | XmlElement): Decision<StatusAdvice> {
  const opened = openDocument(source, 'sese.024');
  if (!opened.ok) return opened;
  const reader = opened.value;
  let processing: StatusAdvice['processing'];
  for (const [name, status] of processingNames) {
    const found = reader.child(`PrcgSts/${name}`);
    if (found !== undefined) processing = { status, ...readReason(found) };
  }
  let matching: StatusAdvice['matching'];
  const matchingPath = reader.has('MtchgSts') ? 'MtchgSts' : 'IfrrdMtchgSts';
  if (reader.has(`${matchingPath}/Mtchd`)) matching = { status: 'MATCHED' };
  const unmatched = reader.child(`${matchingPath}/Umtchd`);
  if (unmatched !== undefined) matching = { status: 'UNMATCHED', ...readReason(unmatched) };
  let settlement: StatusAdvice['settlement'];
  for (const [name, status] of settlementNames) {
    const found = reader.child(`SttlmSts/${name}`);
    if (found !== undefined) settlement = { status, ...readReason(found) };
  }
  const marketReference = reader.optional('TxId/MktInfrstrctrTxId');
  return reader.result({
    transactionId: reader.text('TxId/AcctOwnrTxId'),
    ...(marketReference && { marketReference }),
    ...(processing && { processing }),
    ...(matching && { matching }),
    ...(settlement && { settlement }),
  });
}

/** sese.025: what settled, wholly or in part. What the place confirms here is a fact. */
export interface SettlementConfirmation {
  readonly transactionId: string;
  readonly marketReference?: string;
  readonly tradeId?: string;
  readonly direction: Direction;
  readonly payment: PaymentIndicator;
  readonly effectiveDate: string;
  readonly isin: string;
  readonly settledQuantity: Quantity;
  readonly previouslySettledQuantity?: Quantity;
  readonly remainingQuantity?: Quantity;
  readonly settledAmount?: Amount;
  /** PAIN: a part, more is to come. PARC: the last part. Absent: all at once. */
  readonly partial?: 'PAIN' | 'PARC';
}

export function writeSettlementConfirmation(confirmation: SettlementConfirmation): string {
  const { settledAmount, previouslySettledQuantity, remainingQuantity, marketReference, tradeId, partial } =
    confirmation;
  const body = tag('SctiesSttlmTxConf', [
    tag('TxIdDtls', [
      tag('AcctOwnrTxId', confirmation.transactionId),
      marketReference === undefined ? undefined : tag('MktInfrstrctrTxId', marketReference),
      tag('SctiesMvmntTp', confirmation.direction),
      tag('Pmt', confirmation.payment),
    ]),
    partial === undefined ? undefined : tag('AddtlParams', [tag('PrtlSttlm', partial)]),
    tag('TradDtls', [
      tradeId === undefined ? undefined : tag('TradId', tradeId),
      dateTag('FctvSttlmDt', confirmation.effectiveDate),
    ]),
    tag('FinInstrmId', [tag('ISIN', confirmation.isin)]),
    tag('QtyAndAcctDtls', [
      tag('SttldQty', [tag('Qty', [quantityTag(confirmation.settledQuantity)])]),
      previouslySettledQuantity && tag('PrevslySttldQty', [quantityTag(previouslySettledQuantity)]),
      remainingQuantity && tag('RmngToBeSttldQty', [quantityTag(remainingQuantity)]),
    ]),
    tag('SttlmParams', [tag('SctiesTxTp', [tag('Cd', 'TRAD')])]),
    settledAmount && amountTag('SttldAmt', settledAmount, cashIndicator(confirmation.direction)),
  ]);
  return documentOf(securitiesVersions.confirmation, body);
}

export function readSettlementConfirmation(source: string | Uint8Array | XmlElement): Decision<SettlementConfirmation> {
  const opened = openDocument(source, 'sese.025');
  if (!opened.ok) return opened;
  const reader = opened.value;
  const payment = reader.oneOf('TxIdDtls/Pmt', ['APMT', 'FREE'] as const);
  const settledAmount = payment === 'APMT' ? reader.amount('SttldAmt/Amt') : reader.optionalAmount('SttldAmt/Amt');
  const marketReference = reader.optional('TxIdDtls/MktInfrstrctrTxId');
  const tradeId = reader.optional('TradDtls/TradId');
  const partial = reader.has('AddtlParams/PrtlSttlm')
    ? reader.oneOf('AddtlParams/PrtlSttlm', ['PAIN', 'PARC'] as const)
    : undefined;
  const previouslySettledQuantity = reader.optionalQuantity('QtyAndAcctDtls/PrevslySttldQty');
  const remainingQuantity = reader.optionalQuantity('QtyAndAcctDtls/RmngToBeSttldQty');
  return reader.result({
    transactionId: reader.text('TxIdDtls/AcctOwnrTxId'),
    ...(marketReference && { marketReference }),
    ...(tradeId && { tradeId }),
    direction: reader.oneOf('TxIdDtls/SctiesMvmntTp', ['DELI', 'RECE'] as const),
    payment,
    effectiveDate: reader.date('TradDtls/FctvSttlmDt'),
    isin: reader.isin('FinInstrmId/ISIN'),
    settledQuantity: reader.quantity('QtyAndAcctDtls/SttldQty'),
    ...(previouslySettledQuantity && { previouslySettledQuantity }),
    ...(remainingQuantity && { remainingQuantity }),
    ...(settledAmount && { settledAmount }),
    ...(partial && { partial }),
  });
}

/** sese.030: hold or release instructions that have already left us. */
export interface HoldRequest {
  readonly transactionIds: readonly string[];
  readonly isHeld: boolean;
}

export function writeHoldRequest({ transactionIds, isHeld }: HoldRequest): string {
  const body = tag(
    'SctiesSttlmCondsModReq',
    transactionIds.map((id) =>
      tag('ReqDtls', [tag('Ref', [tag('AcctOwnrTxId', id)]), tag('HldInd', [tag('Ind', isHeld ? 'true' : 'false')])]),
    ),
  );
  return documentOf(securitiesVersions.modification, body);
}

export function readHoldRequest(source: string | Uint8Array | XmlElement): Decision<HoldRequest> {
  const opened = openDocument(source, 'sese.030');
  if (!opened.ok) return opened;
  const details = opened.value.children('ReqDtls');
  const indicators = details.map((detail) => detail.oneOf('HldInd/Ind', ['true', 'false', '1', '0'] as const));
  const transactionIds = details.map((detail) => detail.text('Ref/AcctOwnrTxId'));
  return opened.value.result({
    transactionIds,
    isHeld: indicators.some((indicator) => indicator === 'true' || indicator === '1'),
  });
}

/** sese.020: take an instruction back. */
export interface CancellationRequest {
  readonly transactionId: string;
  readonly direction: Direction;
  readonly payment: PaymentIndicator;
}

export function writeCancellationRequest(request: CancellationRequest): string {
  const body = tag('SctiesTxCxlReq', [
    tag('AcctOwnrTxId', [
      tag('SctiesSttlmTxId', [
        tag('TxId', request.transactionId),
        tag('SctiesMvmntTp', request.direction),
        tag('Pmt', request.payment),
      ]),
    ]),
  ]);
  return documentOf(securitiesVersions.cancellation, body);
}

export function readCancellationRequest(source: string | Uint8Array | XmlElement): Decision<CancellationRequest> {
  const opened = openDocument(source, 'sese.020');
  if (!opened.ok) return opened;
  const reader = opened.value.child('AcctOwnrTxId/SctiesSttlmTxId');
  if (reader === undefined) {
    return refused(
      messageProblem(
        'MISSING_ELEMENT',
        'The element is required.',
        'Document/SctiesTxCxlReq/AcctOwnrTxId/SctiesSttlmTxId',
      ),
    );
  }
  const request = {
    transactionId: reader.text('TxId'),
    direction: reader.oneOf('SctiesMvmntTp', ['DELI', 'RECE'] as const),
    payment: reader.oneOf('Pmt', ['APMT', 'FREE'] as const),
  };
  return opened.value.problems.length > 0 ? refused(opened.value.problems) : accepted(request);
}
