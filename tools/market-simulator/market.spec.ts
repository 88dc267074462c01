import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { XmlDocument, XsdValidator } from 'libxml2-wasm';
import {
  readExchange,
  readSettlementConfirmation,
  readStatusAdvice,
  writeExchange,
  writeSettlementInstruction,
} from '#libs/iso20022/index.js';
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
    const messages = trades.map((tradeId) => ({
      messageId: `msg_${tradeId}`,
      type: 'sese.023.001.11',
      document: instruction(tradeId),
    }));
    writeFileSync(join(directory, 'exchange', 'T2S', 'to', 'out-1.xml'), writeExchange(messages));
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
    // 10,000.00 − 1,000.00 − 400.00 − 998.80 − fee 15.00; 1,000 + 100 + 40 + 100 shares.
    expect(market.books()).toEqual({
      nostros: { 'NOSTRO-EUR': '7586.20' },
      depots: { 'DEPOT-T2S': { [isin]: '1240' } },
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

  const schemas = join(process.env.CORPORA_DIRECTORY ?? '../shared/corpora', 'settlement', 'iso20022-xsd');
  (existsSync(schemas) ? it : it.skip)('writes Documents that are valid by their schema', () => {
    const files = ['latest', 'deployed'].flatMap((folder) =>
      readdirSync(join(schemas, folder)).map((name) => join(schemas, folder, name)),
    );
    for (const channel of ['T2S', 'AGENT-EUR']) {
      for (const name of from(channel)) {
        const content = readFileSync(join(directory, 'exchange', channel, 'from', name), 'utf8');
        for (const [document = '', namespace = ''] of content.matchAll(
          /<Document xmlns="urn:iso:std:iso:20022:tech:xsd:([^"]+)".*?<\/Document>/gs,
        )) {
          const schema = files.find((file) => file.endsWith(`/${namespace}.xsd`));
          expect(schema).toBeDefined();
          const validator = XsdValidator.fromDoc(XmlDocument.fromBuffer(readFileSync(schema ?? '')));
          const parsed = XmlDocument.fromString(document);
          expect(() => {
            validator.validate(parsed);
          }).not.toThrow();
          parsed.dispose();
          validator.dispose();
        }
      }
    }
  });
});
