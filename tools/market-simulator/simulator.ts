import { ExchangeFolders } from './exchange-folders.js';
import { Journal, type JournalLine } from './journal.js';
import { type Market, type OutgoingFile } from './market.js';
import { readExchange, writeExchange } from './messages.js';
import { type MarketScript, nextDay } from './script.js';

export interface WrittenFile {
  channel: string;
  name: string;
}

/** Connects the market to its folders and its clock. Each step is in the journal before its answers are written. */
export class Simulator {
  private readonly received = new Set<string>();
  private readonly written: WrittenFile[] = [];
  private now: { date: string; time: string } | undefined;

  constructor(
    private readonly script: MarketScript,
    private readonly market: Market,
    private readonly folders: ExchangeFolders,
    private readonly journal: Journal,
  ) {
    for (const line of journal.lines()) this.perform(line);
  }

  static open(script: MarketScript, market: Market, exchangeDirectory: string, stateDirectory: string): Simulator {
    const channels = [...script.places.map(({ placeId }) => placeId), ...script.agents.map(({ channel }) => channel)];
    return new Simulator(script, market, new ExchangeFolders(exchangeDirectory, channels), new Journal(stateDirectory));
  }

  /** Takes in what lies in the folders and answers it. */
  poll(): void {
    const date = this.now?.date;
    if (!date) return;
    for (const channel of this.folders.channels) {
      for (const name of this.folders.received(channel)) {
        if (this.received.has(`${channel}/${name}`)) continue;
        this.record({ kind: 'RECEIVED', channel, name, date });
      }
    }
  }

  /** Moves the market's clock; `to` is local time, `2026-11-25T16:15`. Answers the files written since the last call. */
  advance(to: string): WrittenFile[] {
    const [toDate = '', toTime = ''] = to.split('T');
    const from = this.now ?? { date: toDate, time: '00:00' };
    this.now = { date: from.date, time: from.time };
    for (let date = from.date; date <= toDate; date = nextDay(date)) {
      for (const time of this.eventTimes()) {
        const passed = date > from.date || time > from.time;
        const reached = date < toDate || time <= toTime;
        if (!passed || !reached) continue;
        this.now = { date, time };
        this.poll();
        this.record({ kind: 'EVENT', date, time });
      }
    }
    if (toDate >= from.date)
      this.now = { date: toDate, time: toDate === from.date && toTime < from.time ? from.time : toTime };
    this.poll();
    return this.written.splice(0);
  }

  private record(line: JournalLine): void {
    this.journal.append(line);
    this.perform(line);
  }

  private perform(line: JournalLine): void {
    this.now = { date: line.date, time: line.kind === 'EVENT' ? line.time : (this.now?.time ?? '00:00') };
    if (line.kind === 'EVENT') {
      if (this.script.settlementTimes.includes(line.time)) this.send(this.market.settle(line.date, line.time));
      this.send(this.market.statements(line.date, line.time));
      return;
    }
    this.received.add(`${line.channel}/${line.name}`);
    this.send(
      this.market.receive(line.channel, line.name, readExchange(this.folders.read(line.channel, line.name)), line.date),
    );
  }

  private send(files: readonly OutgoingFile[]): void {
    for (const { channel, name, messages } of files) {
      if (this.folders.send(channel, name, writeExchange(messages))) this.written.push({ channel, name });
    }
  }

  private eventTimes(): string[] {
    const { at, exceptions } = this.script.statements;
    const times = exceptions.map((one) => (one.kind === 'WRONG_OPENING' ? one.correctedAt : one.at));
    return [...new Set([...this.script.settlementTimes, at, ...times])].sort();
  }
}
