import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Decision } from '#libs/kernel/index.js';
import {
  decimalFromUnits,
  integrityProblems,
  parseXml,
  readCancellationRequest,
  readCreditTransferInitiation,
  readExchange,
  readHoldRequest,
  readPaymentReturns,
  readPaymentStatusReport,
  readSettlementConfirmation,
  readSettlementInstruction,
  readStatementMessage,
  readStatusAdvice,
  type SettlementConfirmation,
  type SettlementInstruction,
  type StatusAdvice,
  unitsFromDecimal,
  writeCancellationRequest,
  writeCreditTransferInitiation,
  writeExchange,
  writeHoldRequest,
  writePaymentReturns,
  writePaymentStatusReport,
  writeSettlementConfirmation,
  writeSettlementInstruction,
  writeStatement,
  writeStatusAdvice,
} from './index.js';
import { itBySchemas } from './testing.js';

function valueOf<T>(decision: Decision<T>): T {
  if (!decision.ok) throw new Error(JSON.stringify(decision.problems));
  return decision.value;
}
const codesOf = (decision: Decision<unknown>): string[] =>
  decision.ok ? [] : decision.problems.map(({ code }) => code);
const pathsOf = (decision: Decision<unknown>): string[] =>
  decision.ok ? [] : decision.problems.map(({ path }) => path.join('/'));

const instruction: SettlementInstruction = {
  transactionId: 'ins_0123456789abcdefghjkmnpqrs',
  tradeId: 'EX-1 & "two" <three>',
  direction: 'RECE',
  payment: 'APMT',
  tradeDate: '2026-11-23',
  settlementDate: '2026-11-25',
  isin: 'DE0007164600',
  quantity: { kind: 'UNIT', text: '1200' },
  safekeepingAccount: 'DEPOT-T2S',
  placeBic: 'DAKVDEFFXXX',
  deliverer: { bic: 'STRTDEFFXXX', safekeepingAccount: 'SAFE-01' },
  receiver: { bic: 'NGATDEFFXXX', safekeepingAccount: 'DEPOT-T2S' },
  allowsPartial: true,
  amount: { currency: 'EUR', amountMinor: 15_240_000n },
};
const free: SettlementInstruction = {
  ...instruction,
  payment: 'FREE',
  direction: 'DELI',
  quantity: { kind: 'FACE', text: '100000.00' },
  deliverer: { code: 'NGCP01' },
  amount: undefined,
  allowsPartial: false,
};
const confirmation: SettlementConfirmation = {
  transactionId: instruction.transactionId,
  marketReference: 'T2S-1',
  tradeId: 'EX-1',
  direction: 'RECE',
  payment: 'APMT',
  effectiveDate: '2026-11-25',
  isin: 'JP3633400001',
  settledQuantity: { kind: 'UNIT', text: '500' },
  previouslySettledQuantity: { kind: 'UNIT', text: '0' },
  remainingQuantity: { kind: 'UNIT', text: '700' },
  settledAmount: { currency: 'JPY', amountMinor: 9_999_999n },
  partial: 'PAIN',
};
const advices: StatusAdvice[] = [
  { transactionId: 'i1', processing: { status: 'ACCEPTED' }, matching: { status: 'MATCHED' } },
  { transactionId: 'i2', processing: { status: 'ACCEPTED' }, matching: { status: 'UNMATCHED', reason: 'CMIS' } },
  { transactionId: 'i3', processing: { status: 'REJECTED', reason: 'SAFE', text: 'unknown account' } },
  { transactionId: 'i4', settlement: { status: 'PENDING', reason: 'LACK' } },
  { transactionId: 'i5', settlement: { status: 'FAILING', reason: 'PRCY' } },
  { transactionId: 'i6', processing: { status: 'CANCELLED', reason: 'CANI' } },
];
const batch = {
  messageId: 'msg-1',
  createdAt: '2026-11-25T09:00:00Z',
  initiatorName: 'Northgate',
  batchId: 'batch-1',
  executionDate: '2026-11-25',
  debtorName: 'Northgate & Co',
  debtorAccount: { other: 'NOSTRO-EUR' },
  debtorAgentBic: 'DEUTDEFFXXX',
  transfers: [
    {
      endToEndId: 'PAY-1',
      amount: { currency: 'EUR', amountMinor: 12_345n },
      creditorName: 'Möller <Söhne>',
      creditorAccount: { iban: 'DE89370400440532013000' },
      creditorCountry: 'DE',
      remittance: 'invoice 7',
    },
    {
      endToEndId: 'PAY-2',
      amount: { currency: 'EUR', amountMinor: 1n },
      creditorName: 'B',
      creditorAccount: { other: 'X-9' },
    },
  ],
};
const report = {
  messageId: 'r1',
  createdAt: '2026-11-25T12:00:00Z',
  originalMessageId: 'msg-1',
  statuses: [
    { endToEndId: 'PAY-1', status: 'ACSC', agentReference: 'A-1' },
    { endToEndId: 'PAY-2', status: 'RJCT', reason: 'AC04' },
  ],
} as const;
const returns = {
  messageId: 'ret-1',
  createdAt: '2026-11-25T16:00:00Z',
  originalMessageId: 'msg-1',
  returns: [
    {
      returnId: 'RET-1',
      endToEndId: 'PAY-1',
      amount: { currency: 'EUR', amountMinor: 12_345n },
      settlementDate: '2026-11-25',
      reason: 'AC04',
    },
  ],
};
const statement = {
  messageId: 'NOSTRO-EUR-2026-11-25',
  createdAt: '2026-11-25T17:00:00Z',
  statementId: 'NOSTRO-EUR-2026-11-25',
  sequence: '7',
  account: { other: 'NOSTRO-EUR' },
  currency: 'EUR',
  openingDate: '2026-11-24',
  openingMinor: 1_000n,
  closingDate: '2026-11-25',
  closingMinor: -500n,
  entries: [
    { reference: 'e1', signedMinor: -2_000n, bookingDate: '2026-11-25', valueDate: '2026-11-25', endToEndId: 'PAY-1' },
    { reference: 'e2', signedMinor: 500n, bookingDate: '2026-11-25', valueDate: '2026-11-25', information: 'fee back' },
  ],
};

describe('round trips', () => {
  it('sese.023', () => {
    expect(valueOf(readSettlementInstruction(writeSettlementInstruction(instruction)))).toEqual(instruction);
    expect(valueOf(readSettlementInstruction(writeSettlementInstruction(free)))).toEqual({
      ...free,
      amount: undefined,
    });
  });
  it('sese.024', () => {
    for (const advice of advices) expect(valueOf(readStatusAdvice(writeStatusAdvice(advice)))).toEqual(advice);
  });
  it('sese.025', () => {
    expect(valueOf(readSettlementConfirmation(writeSettlementConfirmation(confirmation)))).toEqual(confirmation);
  });
  it('sese.030 and sese.020', () => {
    const hold = { transactionIds: ['i1', 'i2'], isHeld: true };
    expect(valueOf(readHoldRequest(writeHoldRequest(hold)))).toEqual(hold);
    const request = { transactionId: 'i1', direction: 'DELI', payment: 'APMT' } as const;
    expect(valueOf(readCancellationRequest(writeCancellationRequest(request)))).toEqual(request);
  });
  it('pain.001 with the debtor and date of its batch in every transfer', () => {
    const read = valueOf(readCreditTransferInitiation(writeCreditTransferInitiation(batch)));
    expect(
      read.transfers.map(({ endToEndId, amount, executionDate }) => [endToEndId, amount.amountMinor, executionDate]),
    ).toEqual([
      ['PAY-1', 12_345n, '2026-11-25'],
      ['PAY-2', 1n, '2026-11-25'],
    ]);
    expect(read.transfers[0]).toMatchObject({
      creditorName: 'Möller <Söhne>',
      creditorAccount: { iban: 'DE89370400440532013000' },
      debtorAccount: { other: 'NOSTRO-EUR' },
      remittance: 'invoice 7',
    });
  });
  it('pacs.002 and pacs.004', () => {
    expect(valueOf(readPaymentStatusReport(writePaymentStatusReport(report)))).toEqual(report);
    expect(valueOf(readPaymentReturns(writePaymentReturns(returns)))).toEqual(returns);
  });
  it('camt.053', () => {
    const [read] = valueOf(readStatementMessage(writeStatement(statement))).statements;
    expect(read).toMatchObject({
      id: statement.statementId,
      account: 'NOSTRO-EUR',
      accountIsIban: false,
      electronicSequence: '7',
    });
    expect(read?.balances.map(({ type, signedMinor }) => [type, signedMinor])).toEqual([
      ['OPBD', 1_000n],
      ['CLBD', -500n],
    ]);
    expect(read?.entries.map(({ signedMinor }) => signedMinor)).toEqual([-2_000n, 500n]);
    expect(read && integrityProblems(read)).toEqual([]);
  });
  it('an exchange keeps ids, types and order, and every document', () => {
    const messages = advices.map((advice, index) => ({
      messageId: `m<${index}>`,
      type: 'sese.024.001.12',
      document: writeStatusAdvice(advice),
    }));
    const read = valueOf(readExchange(writeExchange(messages), 'f.xml'));
    expect(read.map(({ messageId }) => messageId)).toEqual(messages.map(({ messageId }) => messageId));
    expect(read.map(({ document }) => valueOf(readStatusAdvice(document)))).toEqual(advices);
  });
});

describe('the integrity of a statement', () => {
  it('says by how much it does not add up', () => {
    const [read] = valueOf(readStatementMessage(writeStatement({ ...statement, closingMinor: -501n }))).statements;
    expect(read && integrityProblems(read).map(({ code }) => code)).toEqual(['STATEMENT_DOES_NOT_ADD_UP']);
  });
});

describe('amounts', () => {
  it.each([
    ['18.150', 2, 1815n],
    ['18.15000', 2, 1815n],
    ['+7', 2, 700n],
    ['.5', 1, 5n],
    ['5.', 0, 5n],
    ['-0.01', 2, -1n],
    ['18.151', 2, undefined],
    ['0.5', 0, undefined],
    ['1e5', 2, undefined],
    ['', 2, undefined],
    ['.', 2, undefined],
    ['1,5', 2, undefined],
    ['NaN', 2, undefined],
  ] as const)('%s at scale %d', (text, scale, units) => {
    expect(unitsFromDecimal(text, scale)).toBe(units);
  });
  it('text and units are the same thing', () => {
    fc.assert(
      fc.property(fc.bigInt(-(10n ** 30n), 10n ** 30n), fc.integer({ min: 0, max: 12 }), (units, scale) => {
        expect(unitsFromDecimal(decimalFromUnits(units, scale), scale)).toBe(units);
      }),
    );
  });
  it('a currency without minor units takes none, and an unknown one is no currency', () => {
    const written = writeSettlementConfirmation(confirmation);
    expect(codesOf(readSettlementConfirmation(written.replace('>9999999<', '>9999999.5<')))).toEqual(['EXCESS_SCALE']);
    expect(codesOf(readSettlementConfirmation(written.replace('Ccy="JPY"', 'Ccy="ZZZ"')))).toEqual([
      'INVALID_CURRENCY',
    ]);
  });
});

describe('what is refused', () => {
  const doctype = '<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY x SYSTEM "file:///etc/passwd">]>';
  it.each([
    ['an external entity', `${doctype}<Document>&x;</Document>`, 'XML_DOCTYPE'],
    ['a NUL byte', '<Document>a\0b</Document>', 'NUL_BYTE'],
    ['a reference to NUL', '<Document>a&#0;b</Document>', 'XML_NOT_WELL_FORMED'],
    ['an undefined entity', '<Document>&lol;</Document>', 'XML_NOT_WELL_FORMED'],
    ['an open element', '<Document><a></Document>', 'XML_NOT_WELL_FORMED'],
    ['nothing', '', 'XML_NOT_WELL_FORMED'],
    ['text', 'hello', 'XML_NOT_WELL_FORMED'],
    ['depth', `${'<a>'.repeat(1_000)}${'</a>'.repeat(1_000)}`, 'XML_TOO_DEEP'],
  ])('%s', (_name, xml, code) => {
    expect(codesOf(parseXml(xml))).toEqual([code]);
  });
  it('bytes that are not UTF-8, and too many of them', () => {
    expect(codesOf(parseXml(new Uint8Array([0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e])))).toEqual([
      'XML_NOT_UTF8',
    ]);
    expect(codesOf(parseXml('<a>1234567890</a>', 10))).toEqual(['XML_TOO_LARGE']);
  });
  it('CDATA is text and nothing else', () => {
    expect(valueOf(parseXml('<a>1<![CDATA[<b>&amp;]]>2</a>')).text).toBe('1<b>&amp;2');
  });
  it('every fault of a message at once, each with its path', () => {
    const xml = writeSettlementInstruction(instruction)
      .replace('DE0007164600', 'DE00071646')
      .replace('<SctiesMvmntTp>RECE', '<SctiesMvmntTp>BOTH')
      .replace(/<TxId>[^<]*<\/TxId>/, '')
      .replace('>1200<', '>-5<');
    const decision = readSettlementInstruction(xml);
    expect(new Set(codesOf(decision))).toEqual(
      new Set(['INVALID_ISIN', 'INVALID_CODE', 'MISSING_ELEMENT', 'INVALID_QUANTITY']),
    );
    expect(pathsOf(decision)).toContain('Document/SctiesSttlmTxInstr/FinInstrmId/ISIN');
  });
  it('another message than expected, a foreign namespace, a file that is no exchange', () => {
    expect(codesOf(readStatusAdvice(writeSettlementInstruction(instruction)))).toEqual(['OTHER_MESSAGE']);
    expect(codesOf(readStatusAdvice('<Document xmlns="urn:x"><a/></Document>'))).toEqual(['NOT_ISO_20022']);
    expect(codesOf(readExchange('<Other/>', 'f.xml'))).toEqual(['NOT_AN_EXCHANGE']);
  });
  it('an exchange with the same message twice, or a type that is not its own', () => {
    const document = writeStatusAdvice(advices[0] as StatusAdvice);
    const twice = writeExchange([1, 2].map(() => ({ messageId: 'same', type: 'sese.024.001.12', document })));
    expect(codesOf(readExchange(twice, 'f.xml'))).toEqual(['DUPLICATE_MESSAGE_ID']);
    const other = writeExchange([{ messageId: 'a', type: 'sese.025.001.11', document }]);
    expect(codesOf(readExchange(other, 'f.xml'))).toEqual(['TYPE_MISMATCH']);
  });
  it.each<[string, (xml: string) => string, string[]]>([
    [
      'another number of transfers',
      (xml) => xml.replace('<NbOfTxs>2<', '<NbOfTxs>3<'),
      ['CONTROL_COUNT GrpHdr/NbOfTxs'],
    ],
    ['a number that is none', (xml) => xml.replace('<NbOfTxs>2<', '<NbOfTxs>two<'), ['CONTROL_COUNT GrpHdr/NbOfTxs']],
    [
      'another sum, in the header and in the batch',
      (xml) => xml.replaceAll('<CtrlSum>123.46<', '<CtrlSum>123.47<'),
      ['CONTROL_SUM GrpHdr/CtrlSum', 'CONTROL_SUM PmtInf[1]/CtrlSum'],
    ],
    [
      'a batch of another number',
      (xml) => xml.replace('TRF</PmtMtd><NbOfTxs>2<', 'TRF</PmtMtd><NbOfTxs>1<'),
      ['CONTROL_COUNT PmtInf[1]/NbOfTxs'],
    ],
    [
      'less than what can be read of it',
      (xml) => xml.replace('>0.01<', '>abc<').replaceAll('<CtrlSum>123.46<', '<CtrlSum>123.44<'),
      ['CONTROL_SUM GrpHdr/CtrlSum', 'CONTROL_SUM PmtInf[1]/CtrlSum'],
    ],
    [
      'no id, and a count that is wrong besides',
      (xml) => xml.replace(/<MsgId>[^<]*</, '<MsgId><').replace('<NbOfTxs>2<', '<NbOfTxs>0<'),
      ['MISSING_ELEMENT GrpHdr/MsgId', 'CONTROL_COUNT GrpHdr/NbOfTxs'],
    ],
  ])('a customer file as a whole: %s', (_name, change, expected) => {
    const decision = readCreditTransferInitiation(change(writeCreditTransferInitiation(batch)));
    const told = decision.ok ? [] : decision.problems.map(({ code, path }) => `${code} ${path.slice(2).join('/')}`);
    expect(told).toEqual(expected);
  });
  it.each<[string, (xml: string) => string, string[][]]>([
    [
      'two faults of the second',
      (xml) =>
        xml
          .replace(/<EndToEndId>PAY-2</, '<EndToEndId><')
          .replace('>0.01<', '>0.010001<')
          .replaceAll('123.46', '123.460001'),
      [[], ['MISSING_ELEMENT CdtTrfTxInf[2]/PmtId/EndToEndId', 'EXCESS_SCALE CdtTrfTxInf[2]/Amt/InstdAmt']],
    ],
    [
      'an amount that is none: its part of the sum is not known',
      (xml) => xml.replace('>0.01<', '>abc<'),
      [[], ['INVALID_AMOUNT CdtTrfTxInf[2]/Amt/InstdAmt']],
    ],
    [
      'a currency that is none',
      (xml) => xml.replace('Ccy="EUR"', 'Ccy="EUX"'),
      [['INVALID_CURRENCY CdtTrfTxInf[1]/Amt/InstdAmt/@Ccy'], []],
    ],
    [
      'a fault of the batch is one of each of its transfers',
      (xml) => xml.replace('<Dt>2026-11-25<', '<Dt>2026-13-45<'),
      [['INVALID_DATE ReqdExctnDt'], ['INVALID_DATE ReqdExctnDt']],
    ],
  ])('of a customer file only the transfer that is wrong: %s', (_name, change, expected) => {
    const { transfers } = valueOf(readCreditTransferInitiation(change(writeCreditTransferInitiation(batch))));
    expect(
      transfers.map(({ problems }) => problems.map(({ code, path }) => `${code} ${path.slice(3).join('/')}`)),
    ).toEqual(expected);
  });
  it('prefixes do not matter, namespaces do', () => {
    const xml =
      '<x:Document xmlns:x="urn:iso:std:iso:20022:tech:xsd:sese.024.001.12"><x:SctiesSttlmTxStsAdvc><x:TxId><x:AcctOwnrTxId>i</x:AcctOwnrTxId></x:TxId></x:SctiesSttlmTxStsAdvc></x:Document>';
    expect(valueOf(readStatusAdvice(xml))).toEqual({ transactionId: 'i' });
  });
  it('never throws on damaged input', () => {
    const sample = writeExchange([
      { messageId: 'a', type: 'sese.023.001.11', document: writeSettlementInstruction(instruction) },
    ]);
    fc.assert(
      fc.property(fc.nat(sample.length), fc.string(), fc.nat(20), (at, inserted, removed) => {
        const damaged = sample.slice(0, at) + inserted + sample.slice(at + removed);
        const read = readExchange(damaged, 'f.xml');
        if (read.ok) for (const { document } of read.value) readSettlementInstruction(document);
      }),
      { numRuns: 500, seed: 20261125 },
    );
  });
});

describe('every document we write is valid by its schema', () => {
  const documents: Record<string, string[]> = {
    'sese.023.001.11': [writeSettlementInstruction(instruction), writeSettlementInstruction(free)],
    'sese.024.001.12': advices.map(writeStatusAdvice),
    'sese.025.001.11': [writeSettlementConfirmation(confirmation)],
    'sese.030.001.09': [writeHoldRequest({ transactionIds: ['i1', 'i2'], isHeld: true })],
    'sese.020.001.07': [writeCancellationRequest({ transactionId: 'i1', direction: 'DELI', payment: 'FREE' })],
    'pain.001.001.12': [writeCreditTransferInitiation(batch)],
    'pacs.002.001.14': [writePaymentStatusReport(report)],
    'pacs.004.001.13': [writePaymentReturns(returns)],
    'camt.053.001.12': [writeStatement(statement)],
  };
  for (const [type, written] of Object.entries(documents))
    itBySchemas(type, (schemas) => {
      for (const xml of written) expect(schemas.judge(xml)).toEqual({ valid: new Map([[type, 1]]), faults: [] });
      const broken = (written[0] ?? '').replace(/<(\w+)>[^<]+<\/\1>/, '<Wrong>1</Wrong>');
      expect(schemas.judge(broken).faults).toEqual([expect.stringContaining('Wrong')]);
    });
});
