import { Injectable } from '@nestjs/common';
import { type EventToPost, type PostingEvent } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { accepted, type Decision, isRefused } from '#libs/kernel/index.js';
import { type EntryItem } from '../journal/posting.js';
import { builtInRules } from './built-in-rules.js';
import { type EntryOfEvent, postingsOf, type RuleSet } from './posting-rules.js';
import { PostingRulesRepository, type VersionMark } from './posting-rules.repository.js';

/** The rules that are in force for a book on a business date. */
export interface RulesInForce {
  readonly version: number;
  readonly rules: RuleSet;
}
export type RulesOf = (book: string, businessDate: string) => RulesInForce;

/** The newest version that is valid on the date: a later one replaces, from its own date on, all before it. */
export const inForceOn = <Mark extends VersionMark>(marks: readonly Mark[], businessDate: string): Mark | undefined =>
  marks
    .filter(({ validFrom }) => validFrom <= businessDate)
    .reduce<Mark | undefined>((last, one) => (last && last.version > one.version ? last : one), undefined);

/** Events of operations become entries here, before the journal sees them: one read for all books of a batch. */
@Injectable()
export class PostingRules {
  /** Versions never change, so each is read once in the life of a process. */
  private readonly known = new Map<string, RuleSet>();

  constructor(private readonly repository: PostingRulesRepository) {}

  async inForce(tx: Tx, given: readonly string[]): Promise<RulesOf> {
    const books = [...new Set(given)];
    if (books.length === 0) return noRules;
    let marks = await this.repository.marks(tx, books);
    const having = new Set(marks.map(({ book }) => book));
    const without = books.filter((book) => !having.has(book));
    if (without.length > 0) {
      await this.repository.storeFirst(tx, without);
      marks = [...marks, ...(await this.repository.marks(tx, without))];
    }
    const read = new Map<string, RuleSet>();
    const unread = marks.filter(({ book, version }) => !this.known.has(keyOf(book, version)));
    if (unread.length > 0)
      for (const { book, version, rules } of await this.repository.versions(tx, unread)) {
        read.set(keyOf(book, version), rules);
        // What this transaction stored itself may yet be undone.
        if (having.has(book)) this.known.set(keyOf(book, version), rules);
      }
    return (book, businessDate) => {
      const mark = inForceOn(
        marks.filter((one) => one.book === book),
        businessDate,
      );
      // A book without accounts has no rules of its own; the journal refuses whatever is booked there.
      if (mark === undefined) return { version: 1, rules: builtInRules };
      const key = keyOf(book, mark.version);
      const rules = read.get(key) ?? this.known.get(key);
      if (rules === undefined) throw new Error(`the posting rules ${key} were not read`);
      return { version: mark.version, rules };
    };
  }

  /** What is booked for each event, or all that is wrong with it. */
  async entriesOf(tx: Tx, events: readonly EventToPost[]): Promise<Decision<EntryItem>[]> {
    if (events.length === 0) return [];
    const rulesOf = await this.inForce(
      tx,
      events.map(({ book }) => book),
    );
    return events.map(({ event, forced, ...rest }) => {
      const { rules, version } = rulesOf(rest.book, rest.businessDate);
      const entry = postingsOf(rules, event);
      if (isRefused(entry)) return entry;
      return accepted({ op: 'ENTRY', ...rest, ...(forced ? { forced } : {}), ...entryBy(entry.value, event, version) });
    });
  }
}

/** An entry, with what it came of. */
export const entryBy = (entry: EntryOfEvent, { kind, facts }: PostingEvent, ruleVersion: number) => ({
  ...entry,
  event: { kind, facts, ruleVersion },
});

const noRules: RulesOf = () => ({ version: 1, rules: builtInRules });

const keyOf = (book: string, version: number): string => `${book} ${version}`;
