import { XMLParser } from 'fast-xml-parser';
import { create } from 'xmlbuilder2';
import { exponentOf, textOf, unitsOf } from './units.js';

/** One message of an exchange file, read. */
export interface Incoming {
  id: string;
  type: string;
  document: Node;
}

export type Node = Record<string, unknown>;

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  removeNSPrefix: true,
  parseTagValue: false,
  parseAttributeValue: false,
  processEntities: true,
  isArray: (name) => ['Message', 'PmtInf', 'CdtTrfTxInf'].includes(name),
});

export function readExchange(xml: string): Incoming[] {
  const root = parser.parse(xml) as { Exchange?: { Message?: Node[] } };
  return (root.Exchange?.Message ?? []).map((message) => ({
    id: textAt(message, '@id'),
    type: textAt(message, '@type'),
    document: (message.Document ?? {}) as Node,
  }));
}

/** The text at a path of element names; empty when it is not there. */
export function textAt(node: Node, ...path: string[]): string {
  let here: unknown = node;
  for (const name of path) {
    if (typeof here !== 'object' || here === null) return '';
    here = (here as Node)[name];
  }
  if (typeof here === 'string') return here;
  if (typeof here === 'object' && here !== null) {
    const text = (here as Node)['#text'];
    return typeof text === 'string' ? text : '';
  }
  return '';
}

export const nodeAt = (node: Node, ...path: string[]): Node =>
  path.reduce<Node>((here, name) => (here[name] ?? {}) as Node, node);

/** A settlement instruction as a place sees it (sese.023). */
export interface Instruction {
  instructionId: string;
  executionId: string;
  movement: 'DELI' | 'RECE';
  payment: 'APMT' | 'FREE';
  isin: string;
  quantityText: string;
  isNominal: boolean;
  settlementDate: string;
  currency: string;
  amountMinor: bigint;
}

export function readInstruction(document: Node): Instruction {
  const root = nodeAt(document, 'SctiesSttlmTxInstr');
  const quantity = nodeAt(root, 'QtyAndAcctDtls', 'SttlmQty', 'Qty');
  const amount = nodeAt(root, 'SttlmAmt', 'Amt');
  const currency = textAt(amount, '@Ccy');
  return {
    instructionId: textAt(root, 'SttlmTpAndAddtlParams', 'TxId') || textAt(root, 'TxId'),
    executionId: textAt(root, 'TradDtls', 'TradId') || textAt(root, 'TradDtls', 'TradId', 'Id'),
    movement: textAt(root, 'SttlmTpAndAddtlParams', 'SctiesMvmntTp') === 'DELI' ? 'DELI' : 'RECE',
    payment: textAt(root, 'SttlmTpAndAddtlParams', 'Pmt') === 'FREE' ? 'FREE' : 'APMT',
    isin: textAt(root, 'FinInstrmId', 'ISIN'),
    quantityText: textAt(quantity, 'Unit') || textAt(quantity, 'FaceAmt'),
    isNominal: textAt(quantity, 'FaceAmt') !== '',
    settlementDate: (
      textAt(root, 'TradDtls', 'SttlmDt', 'Dt', 'Dt') || textAt(root, 'TradDtls', 'SttlmDt', 'Dt', 'DtTm')
    ).slice(0, 10),
    currency,
    amountMinor: currency ? unitsOf(textAt(amount, '#text'), exponentOf(currency)) : 0n,
  };
}

/** Which instruction a hold, release (sese.030) or cancellation request (sese.020) is about. */
export const requestedInstruction = (document: Node): string =>
  textAt(document, 'SctiesSttlmCondsModReq', 'ReqDtls', 'Ref', 'AcctOwnrTxId') ||
  textAt(document, 'SctiesSttlmCondsModReq', 'ReqDtls', 'AcctOwnrTxId') ||
  textAt(document, 'SctiesTxCxlReq', 'AcctOwnrTxId', 'SctiesSttlmTxId', 'TxId');

/** Whether a sese.030 sets the hold (`HldInd/Ind` true) or clears it. */
export const asksToHold = (document: Node): boolean =>
  ['true', '1'].includes(textAt(document, 'SctiesSttlmCondsModReq', 'ReqDtls', 'HldInd', 'Ind'));

/** A payment that our client asks its agent to make (pain.001). */
export interface PaymentOrder {
  messageId: string;
  /** The sender's own id of the payment; an end-to-end id is its customer's, and may come twice. */
  instructionId: string;
  endToEndId: string;
  currency: string;
  amountMinor: bigint;
}

export function readPaymentOrders(document: Node): PaymentOrder[] {
  const root = nodeAt(document, 'CstmrCdtTrfInitn');
  const messageId = textAt(root, 'GrpHdr', 'MsgId');
  return ((root.PmtInf ?? []) as Node[]).flatMap((block) =>
    ((block.CdtTrfTxInf ?? []) as Node[]).map((transfer) => {
      const amount = nodeAt(transfer, 'Amt', 'InstdAmt');
      const currency = textAt(amount, '@Ccy');
      return {
        messageId,
        instructionId: textAt(transfer, 'PmtId', 'InstrId'),
        endToEndId: textAt(transfer, 'PmtId', 'EndToEndId'),
        currency,
        amountMinor: unitsOf(textAt(amount, '#text'), exponentOf(currency)),
      };
    }),
  );
}

/** A message to send: its id, its type and its Document. */
export interface Outgoing {
  id: string;
  type: string;
  document: object;
}

export function writeExchange(messages: readonly Outgoing[]): string {
  const root = create({ version: '1.0', encoding: 'UTF-8' }).ele('urn:northgate:exchange:1', 'Exchange');
  for (const { id, type, document } of messages) {
    root
      .ele('Message', { id, type })
      .ele(`urn:iso:std:iso:20022:tech:xsd:${type}`, 'Document')
      .ele(document as Record<string, unknown>);
  }
  return root.doc().end({ prettyPrint: false });
}

const statusType = 'sese.024.001.12';

export const acceptedAndMatched = (id: string, instructionId: string): Outgoing => ({
  id,
  type: statusType,
  document: {
    SctiesSttlmTxStsAdvc: {
      TxId: { AcctOwnrTxId: instructionId },
      PrcgSts: { AckdAccptd: { NoSpcfdRsn: 'NORE' } },
      MtchgSts: { Mtchd: {} },
    },
  },
});

export const acceptedButUnmatched = (id: string, instructionId: string, reason: string): Outgoing => ({
  id,
  type: statusType,
  document: {
    SctiesSttlmTxStsAdvc: {
      TxId: { AcctOwnrTxId: instructionId },
      PrcgSts: { AckdAccptd: { NoSpcfdRsn: 'NORE' } },
      MtchgSts: { Umtchd: { Rsn: { Cd: { Cd: reason } } } },
    },
  },
});

export const rejected = (id: string, instructionId: string, reason: string): Outgoing => ({
  id,
  type: statusType,
  document: {
    SctiesSttlmTxStsAdvc: {
      TxId: { AcctOwnrTxId: instructionId },
      PrcgSts: { Rjctd: { Rsn: { Cd: { Cd: reason } } } },
    },
  },
});

export const pending = (id: string, instructionId: string, reason: string): Outgoing => ({
  id,
  type: statusType,
  document: {
    SctiesSttlmTxStsAdvc: { TxId: { AcctOwnrTxId: instructionId }, SttlmSts: { Pdg: { Rsn: { Cd: { Cd: reason } } } } },
  },
});

export const cancelled = (id: string, instructionId: string): Outgoing => ({
  id,
  type: statusType,
  document: {
    SctiesSttlmTxStsAdvc: { TxId: { AcctOwnrTxId: instructionId }, PrcgSts: { Canc: { Rsn: { Cd: { Cd: 'CANI' } } } } },
  },
});

export interface SettledPiece {
  instruction: Instruction;
  quantityUnits: bigint;
  quantityScale: number;
  remainingUnits: bigint;
  amountMinor: bigint;
  date: string;
  placeReference: string;
  /** `PAIN` while something remains, `PARC` for the piece that ends a partial settlement. */
  partial?: 'PAIN' | 'PARC';
}

/** What settled: quantity, amount and date are the place's word (sese.025). */
export function confirmation(id: string, piece: SettledPiece): Outgoing {
  const { instruction } = piece;
  const quantity = (units: bigint) => ({
    [instruction.isNominal ? 'FaceAmt' : 'Unit']: textOf(units, piece.quantityScale),
  });
  return {
    id,
    type: 'sese.025.001.11',
    document: {
      SctiesSttlmTxConf: {
        TxIdDtls: {
          AcctOwnrTxId: instruction.instructionId,
          AcctSvcrTxId: piece.placeReference,
          SctiesMvmntTp: instruction.movement,
          Pmt: instruction.payment,
        },
        ...(piece.partial ? { AddtlParams: { PrtlSttlm: piece.partial } } : {}),
        TradDtls: { FctvSttlmDt: { Dt: { Dt: piece.date } } },
        FinInstrmId: { ISIN: instruction.isin },
        QtyAndAcctDtls: {
          SttldQty: { Qty: quantity(piece.quantityUnits) },
          ...(piece.partial ? { RmngToBeSttldQty: quantity(piece.remainingUnits) } : {}),
        },
        SttlmParams: { SctiesTxTp: { Cd: 'TRAD' } },
        ...(instruction.payment === 'APMT'
          ? {
              SttldAmt: {
                Amt: { '@Ccy': instruction.currency, '#': textOf(piece.amountMinor, exponentOf(instruction.currency)) },
                CdtDbtInd: instruction.movement === 'DELI' ? 'CRDT' : 'DBIT',
              },
            }
          : {}),
      },
    },
  };
}

const originalInstruction = ({ instructionId }: PaymentOrder) => (instructionId ? { OrgnlInstrId: instructionId } : {});

/** The agent's word on a batch of payments (pacs.002): executed. */
export const executed = (id: string, createdAt: string, batch: string, orders: readonly PaymentOrder[]): Outgoing => ({
  id,
  type: 'pacs.002.001.12',
  document: {
    FIToFIPmtStsRpt: {
      GrpHdr: { MsgId: id, CreDtTm: createdAt },
      OrgnlGrpInfAndSts: { OrgnlMsgId: batch, OrgnlMsgNmId: 'pain.001.001.09' },
      TxInfAndSts: orders.map((order, index) => ({
        StsId: `${index + 1}`,
        ...originalInstruction(order),
        OrgnlEndToEndId: order.endToEndId,
        TxSts: 'ACSC',
      })),
    },
  },
});

/** A payment that the beneficiary's bank sends back (pacs.004). */
export const returned = (
  id: string,
  createdAt: string,
  date: string,
  order: PaymentOrder,
  reason: string,
): Outgoing => {
  const amount = { '@Ccy': order.currency, '#': textOf(order.amountMinor, exponentOf(order.currency)) };
  return {
    id,
    type: 'pacs.004.001.13',
    document: {
      PmtRtr: {
        GrpHdr: { MsgId: id, CreDtTm: createdAt, NbOfTxs: '1', SttlmInf: { SttlmMtd: 'CLRG' } },
        TxInf: {
          RtrId: id.slice(0, 35),
          OrgnlGrpInf: { OrgnlMsgId: order.messageId, OrgnlMsgNmId: 'pain.001.001.09' },
          ...originalInstruction(order),
          OrgnlEndToEndId: order.endToEndId,
          OrgnlIntrBkSttlmAmt: amount,
          RtrdIntrBkSttlmAmt: amount,
          IntrBkSttlmDt: date,
          RtrRsnInf: { Rsn: { Cd: reason } },
        },
      },
    },
  };
};

export interface StatementEntry {
  reference: string;
  /** What the owner of the account calls its instruction, and its payment order. */
  ownerTransactionId?: string;
  instructionId?: string;
  endToEndId?: string;
  /** Positive: credit. */
  amountMinor: bigint;
  bookingDate: string;
  valueDate: string;
  /** ISO bank transaction code: domain, family, sub-family. */
  code: [string, string, string];
  text: string;
}

export interface Statement {
  id: string;
  sequence: number;
  account: string;
  currency: string;
  bic: string;
  date: string;
  createdAt: string;
  openingMinor: bigint;
  entries: readonly StatementEntry[];
  closingMinor: bigint;
}

/** A day's statement of one account (camt.053). */
export function statementDocument(statement: Statement): Outgoing {
  const scale = exponentOf(statement.currency);
  const money = (minor: bigint) => ({ '@Ccy': statement.currency, '#': textOf(minor < 0n ? -minor : minor, scale) });
  const direction = (minor: bigint) => (minor < 0n ? 'DBIT' : 'CRDT');
  const balance = (code: string, minor: bigint) => ({
    Tp: { CdOrPrtry: { Cd: code } },
    Amt: money(minor),
    CdtDbtInd: direction(minor),
    Dt: { Dt: statement.date },
  });
  return {
    id: statement.id,
    type: 'camt.053.001.08',
    document: {
      BkToCstmrStmt: {
        GrpHdr: { MsgId: statement.id, CreDtTm: statement.createdAt },
        Stmt: {
          Id: statement.id,
          ElctrncSeqNb: String(statement.sequence),
          CreDtTm: statement.createdAt,
          Acct: {
            Id: { Othr: { Id: statement.account } },
            Ccy: statement.currency,
            Svcr: { FinInstnId: { BICFI: statement.bic } },
          },
          Bal: [balance('OPBD', statement.openingMinor), balance('CLBD', statement.closingMinor)],
          Ntry: statement.entries.map((entry) => ({
            NtryRef: entry.reference,
            Amt: money(entry.amountMinor),
            CdtDbtInd: direction(entry.amountMinor),
            Sts: { Cd: 'BOOK' },
            BookgDt: { Dt: entry.bookingDate },
            ValDt: { Dt: entry.valueDate },
            AcctSvcrRef: entry.reference,
            BkTxCd: { Domn: { Cd: entry.code[0], Fmly: { Cd: entry.code[1], SubFmlyCd: entry.code[2] } } },
            NtryDtls: {
              TxDtls: {
                Refs: {
                  AcctSvcrRef: entry.reference,
                  ...(entry.instructionId ? { InstrId: entry.instructionId } : {}),
                  ...(entry.endToEndId ? { EndToEndId: entry.endToEndId } : {}),
                  ...(entry.ownerTransactionId ? { AcctOwnrTxId: entry.ownerTransactionId } : {}),
                },
                RmtInf: { Ustrd: entry.text },
              },
            },
          })),
        },
      },
    },
  };
}

export interface HoldingsStatement {
  id: string;
  number: number;
  account: string;
  bic: string;
  date: string;
  holdings: readonly { isin: string; quantityText: string; isNominal: boolean }[];
}

/** What one safekeeping account holds at the end of a day, all of it (semt.002). */
export const holdingsDocument = (statement: HoldingsStatement): Outgoing => ({
  id: statement.id,
  type: 'semt.002.001.11',
  document: {
    SctiesBalCtdyRpt: {
      Pgntn: { PgNb: '1', LastPgInd: 'true' },
      StmtGnlDtls: {
        RptNb: { Lng: String(statement.number).padStart(5, '0') },
        StmtId: statement.id,
        StmtDtTm: { Dt: statement.date },
        Frqcy: { Cd: 'DAIL' },
        UpdTp: { Cd: 'COMP' },
        StmtBsis: { Cd: 'SETT' },
        ActvtyInd: statement.holdings.length > 0 ? 'true' : 'false',
        SubAcctInd: 'false',
      },
      AcctSvcr: { Id: { AnyBIC: statement.bic } },
      SfkpgAcct: { Id: statement.account },
      BalForAcct: statement.holdings.map(({ isin, quantityText, isNominal }) => ({
        FinInstrmId: { ISIN: isin },
        AggtBal: {
          ShrtLngInd: quantityText.startsWith('-') ? 'SHOR' : 'LONG',
          Qty: { Qty: { Qty: { [isNominal ? 'FaceAmt' : 'Unit']: quantityText.replace('-', '') } } },
        },
      })),
    },
  },
});
