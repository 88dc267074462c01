import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type OutgoingMessage,
  readExchange,
  readHoldingsStatement,
  readSettlementConfirmation,
  readStatusAdvice,
  writeCancellationRequest,
  writeCreditTransferInitiation,
  writeExchange,
  writeHoldRequest,
  writeSettlementInstruction,
} from '#libs/iso20022/index.js';
import { itBySchemas } from '#libs/iso20022/testing.js';
import { Market } from './market.js';
import { type MarketScript } from './script.js';
import { Simulator } from './simulator.js';

const isin = 'DENG00000012';
const script: MarketScript = {
  places: [{ placeId: 'T2S', bic: 'DAKVDEFFXXX', depotAccount: 'DEPOT-T2S', cashAccount: 'NOSTRO-EUR', closedOn: [] }],
  agents: [
    {
      account: 'NOSTRO-EUR',
      currency: 'EUR',
      bic: 'NGAGDEFFXXX',
      channel: 'AGENT-EUR',
      openingBalance: '10000.00',
      closedOn: [],
    },
  ],
  depots: [{ account: 'DEPOT-T2S', holdings: { [isin]: '1000' } }],
  instruments: { [isin]: { quantityScale: 0, currency: 'EUR' } },
  settlementTimes: ['13:00', '16:15'],
  outcomes: [
    { executionId: 'LACKING', kind: 'LACK' },
    { executionId: 'PARTLY', kind: 'PARTIAL', partialUnits: '40', curedOn: '2026-11-27' },
    { executionId: 'ALONE', kind: 'NO_COUNTERPARTY_LEG' },
    { executionId: 'REFUSED', kind: 'SAFE' },
    { executionId: 'NEARLY', kind: 'TOLERANCE', amountMinor: '99880' },
  ],
  returnedPayments: {},
  statements: {
    accounts: ['NOSTRO-EUR'],
    at: '18:00',
    exceptions: [{ date: '2026-11-25', account: 'NOSTRO-EUR', kind: 'SENT_TWICE', at: '18:05' }],
  },
  statementDifferences: [{ date: '2026-11-25', account: 'NOSTRO-EUR', kind: 'FEE', amount: '15.00' }],
  depotDifferences: [
    { date: '2026-11-25', account: 'DEPOT-T2S', isin, kind: 'DELIVERED_BY_MISTAKE', quantity: '300' },
    { date: '2026-11-27', account: 'DEPOT-T2S', isin, kind: 'PUT_RIGHT', quantity: '300' },
  ],
};

const instruction = (tradeId: string, direction: 'DELI' | 'RECE' = 'RECE') =>
  writeSettlementInstruction({
    transactionId: `ins_${tradeId.toLowerCase()}`,
    tradeId,
    direction,
    payment: 'APMT',
    tradeDate: '2026-11-23',
    settlementDate: '2026-11-25',
    isin,
    quantity: { kind: 'UNIT', text: '100' },
    safekeepingAccount: 'DEPOT-T2S',
    placeBic: 'DAKVDEFFXXX',
    deliverer: { bic: 'NGSADEFFXXX' },
    receiver: { bic: 'NGATDEFFXXX' },
    allowsPartial: true,
    amount: { currency: 'EUR', amountMinor: 100_000n },
  });

const instructed = (tradeId: string): OutgoingMessage => ({
  messageId: `msg_${tradeId}`,
  type: 'sese.023.001.11',
  document: instruction(tradeId),
});

const payments = writeCreditTransferInitiation({
  messageId: 'batch-1',
  createdAt: '2026-11-25T09:00:00Z',
  initiatorName: 'Northgate',
  batchId: 'batch-1',
  executionDate: '2026-11-25',
  debtorName: 'Northgate NGEU',
  debtorAccount: { other: 'NOSTRO-EUR' },
  debtorAgentBic: 'NGAGDEFFXXX',
  transfers: ['PAY-1', 'PAY-2'].map((endToEndId) => ({
    endToEndId,
    amount: { currency: 'EUR', amountMinor: 12_345n },
    creditorName: 'Möller <Söhne>',
    creditorAccount: { iban: 'DE89370400440532013000' },
  })),
});

describe('the market simulator', () => {
  const directory = mkdtempSync(join(tmpdir(), 'northgate-market-'));
  const from = (channel: string) => readdirSync(join(directory, 'exchange', channel, 'from')).sort();
  const open = () => Simulator.open(script, new Market(script), join(directory, 'exchange'), join(directory, 'state'));
  const messagesOf = (channel: string, name: string) => {
    const read = readExchange(readFileSync(join(directory, 'exchange', channel, 'from', name)), name);
    if (!read.ok) throw new Error(JSON.stringify(read.problems));
    return read.value;
  };
  const trades = ['PLAIN', 'LACKING', 'PARTLY', 'ALONE', 'REFUSED', 'NEARLY'];

  beforeAll(() => {
    mkdirSync(join(directory, 'exchange', 'T2S', 'to'), { recursive: true });
    writeFileSync(join(directory, 'exchange', 'T2S', 'to', 'out-1.xml'), writeExchange(trades.map(instructed)));
    open().advance('2026-11-25T18:05');
  });
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  it('answers each instruction with its scripted status', () => {
    const advices = messagesOf('T2S', 'out-1-answer-001.xml').map(({ document }) => readStatusAdvice(document));
    expect(
      advices.map((one) =>
        one.ok
          ? [
              one.value.transactionId,
              one.value.processing?.status,
              one.value.matching?.status,
              one.value.matching?.reason ?? one.value.processing?.reason,
            ]
          : one,
      ),
    ).toEqual([
      ['ins_plain', 'ACCEPTED', 'MATCHED', undefined],
      ['ins_lacking', 'ACCEPTED', 'MATCHED', undefined],
      ['ins_partly', 'ACCEPTED', 'MATCHED', undefined],
      ['ins_alone', 'ACCEPTED', 'UNMATCHED', 'CMIS'],
      ['ins_refused', 'REJECTED', undefined, 'SAFE'],
      ['ins_nearly', 'ACCEPTED', 'MATCHED', undefined],
    ]);
  });

  it('confirms what settles and gives the reason of what does not', () => {
    const messages = messagesOf('T2S', 'settlement-T2S-2026-11-25-1300-001.xml');
    const confirmed = messages
      .filter(({ type }) => type.startsWith('sese.025'))
      .map(({ document }) => readSettlementConfirmation(document));
    expect(
      confirmed.map((one) =>
        one.ok ? [one.value.transactionId, one.value.settledQuantity.text, one.value.settledAmount?.amountMinor] : one,
      ),
    ).toEqual([
      ['ins_plain', '100', 100_000n],
      ['ins_partly', '40', 40_000n],
      ['ins_nearly', '100', 99_880n],
    ]);
    const waiting = messages
      .filter(({ type }) => type.startsWith('sese.024'))
      .map(({ document }) => readStatusAdvice(document));
    expect(waiting.map((one) => (one.ok ? [one.value.transactionId, one.value.settlement?.reason] : one))).toEqual([
      ['ins_lacking', 'LACK'],
    ]);
  });

  it('keeps books that move by exactly what it confirmed', () => {
    const market = new Market(script);
    Simulator.open(script, market, join(directory, 'exchange'), join(directory, 'state'));
    // 10,000.00 − 1,000.00 − 400.00 − 998.80 − fee 15.00; 1,000 + 100 + 40 + 100 shares, and 300 delivered by mistake.
    expect(market.books()).toEqual({
      nostros: { 'NOSTRO-EUR': '7586.20' },
      depots: { 'DEPOT-T2S': { [isin]: '940' } },
    });
  });

  it('sends a statement twice with the same content, and nothing again after a restart', () => {
    const [first, again] = ['statement-NOSTRO-EUR-2026-11-25.xml', 'statement-NOSTRO-EUR-2026-11-25-again.xml'].map(
      (name) => readFileSync(join(directory, 'exchange', 'AGENT-EUR', 'from', name), 'utf8'),
    );
    expect(again).toBe(first);
    const before = [...from('T2S'), ...from('AGENT-EUR')];
    expect(open().advance('2026-11-25T18:05')).toEqual([]);
    expect([...from('T2S'), ...from('AGENT-EUR')]).toEqual(before);
  });

  it('settles the rest of a partial settlement on the day it is cured; the pieces sum to the whole', () => {
    open().advance('2026-11-27T13:00');
    const pieces = from('T2S')
      .flatMap((name) => messagesOf('T2S', name))
      .filter(({ type }) => type.startsWith('sese.025'))
      .map(({ document }) => readSettlementConfirmation(document))
      .flatMap((one) => (one.ok && one.value.transactionId === 'ins_partly' ? [one.value] : []));
    expect(pieces.map((piece) => [piece.settledQuantity.text, piece.settledAmount?.amountMinor])).toEqual([
      ['40', 40_000n],
      ['60', 60_000n],
    ]);
  });

  it('states what a depot holds on each day it is open, numbered, with what was done by mistake and put right', () => {
    const stated = (date: string) => {
      const [message] = messagesOf('T2S', `holdings-DEPOT-T2S-${date}.xml`);
      const read = message && readHoldingsStatement(message.document);
      return read?.ok ? [read.value.number, read.value.date, read.value.holdings[0]?.quantity.text] : read;
    };
    expect(stated('2026-11-25')).toEqual([1, '2026-11-25', '940']);
    open().advance('2026-11-27T18:00');
    expect([stated('2026-11-26'), stated('2026-11-27')]).toEqual([
      [2, '2026-11-26', '940'],
      // What was left of PARTLY came on this day, 60 shares.
      [3, '2026-11-27', '1300'],
    ]);
  });
});

describe('what the market and we send each other', () => {
  const directory = mkdtempSync(join(tmpdir(), 'northgate-market-'));
  const exchange = join(directory, 'exchange');
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  itBySchemas('is valid by its schema, whatever type of message it is', (schemas) => {
    const all: MarketScript = { ...script, returnedPayments: { 'PAY-2': 'AC04' } };
    const simulator = Simulator.open(all, new Market(all), exchange, join(directory, 'state'));
    const send = (channel: string, name: string, messages: OutgoingMessage[]) => {
      writeFileSync(join(exchange, channel, 'to', name), writeExchange(messages));
    };
    const trades = ['PLAIN', 'LACKING', 'PARTLY', 'ALONE', 'REFUSED', 'NEARLY', 'HELD', 'CALLED-BACK'];
    send('T2S', 'out-1.xml', trades.map(instructed));
    send('AGENT-EUR', 'out-1.xml', [{ messageId: 'msg_pay', type: 'pain.001.001.12', document: payments }]);
    simulator.advance('2026-11-25T09:00');
    send('T2S', 'out-2.xml', [
      {
        messageId: 'msg_hold',
        type: 'sese.030.001.09',
        document: writeHoldRequest({ transactionIds: ['ins_held'], isHeld: true }),
      },
      {
        messageId: 'msg_cancel',
        type: 'sese.020.001.07',
        document: writeCancellationRequest({
          transactionId: 'ins_called-back',
          direction: 'RECE',
          payment: 'APMT',
        }),
      },
    ]);
    simulator.advance('2026-11-25T18:05');

    const { files, valid, faults } = schemas.judgeFolder(exchange);
    expect(faults).toEqual([]);
    const met = (folder: string) => Object.fromEntries([...(valid.get(folder) ?? [])].sort());
    expect(met('to')).toEqual({
      'pain.001.001.12': 1,
      'sese.020.001.07': 1,
      'sese.023.001.11': trades.length,
      'sese.030.001.09': 1,
    });
    // One advice to each instruction and request, one about what lacks and one about the rest of what settled in part.
    expect(met('from')).toEqual({
      'camt.053.001.08': 2,
      'semt.002.001.11': 1,
      'pacs.002.001.12': 1,
      'pacs.004.001.13': 1,
      'sese.024.001.12': trades.length + 2 + 2,
      'sese.025.001.11': 3,
    });
    expect(files).toBe(12);

    const sentBack = readFileSync(join(exchange, 'AGENT-EUR', 'from', 'return-PAY-2.xml'), 'utf8');
    expect(schemas.judge(sentBack.replace('<MsgId>', '<Wrong/><MsgId>')).faults).toEqual([
      expect.stringContaining('Wrong'),
    ]);
    expect(schemas.judge(sentBack.replace('xsd:pacs.004.001.13', 'xsd:pacs.004.001.77')).faults).toEqual([
      expect.stringContaining('no published schema'),
    ]);
    expect(schemas.judge('<Exchange/>').faults).toHaveLength(1);
  });
});
