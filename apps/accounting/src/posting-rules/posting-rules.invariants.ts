import { type PostingEvent, type PostingEventKind } from '#libs/contracts/index.js';
import { type Ask, type Broken, type Invariant } from '../accounting.invariants.js';
import { type BookedEvent, type Candidate, differenceOf } from './dry-run.js';
import { postingsOf, type RuleSet } from './posting-rules.js';

const entriesPerRead = 5_000;
const brokenMax = 100;

interface Row extends Omit<BookedEvent, 'event'> {
  readonly sequence: string;
  readonly version: string;
  readonly eventKind: PostingEventKind;
  readonly facts: PostingEvent['facts'];
}

/**
 * The tables hold that an event has an entry, and which version booked it; that the entry has the postings this version
 * gives is too much for a trigger, so it is proved here: every event is played through its rules once more.
 */
export const ruledInvariant: Invariant = {
  number: 1,
  name: 'Every entry that came of an event is what the posting rules of its version make of the event',
  check: async (ask: Ask) => {
    const versions = await ask<{ name: string; rules: RuleSet }>(
      `SELECT v.book_id || ' ' || v.version AS name, v.rules FROM accounting.posting_rule_version v`,
    );
    const rulesOf = new Map(versions.map(({ name, rules }) => [name, rules]));
    const broken: Broken[] = [];
    let checked = 0;
    for (let after = '0'; ;) {
      const rows = await ask<Row>(events, [after, entriesPerRead]);
      checked += rows.length;
      for (const row of rows) {
        const found = faultOf(row, rulesOf.get(row.version));
        if (found !== undefined && broken.length < brokenMax) broken.push({ where: row.entryId, detail: found });
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < entriesPerRead) break;
      after = last.sequence;
    }
    return { checked, broken };
  },
};

const events = `
  SELECT e.entry_id AS "entryId", e.kind, e.description, e.sequence::text AS sequence, p.book_id || ' ' || p.rule_version AS version,
         p.event_kind AS "eventKind", p.facts,
         coalesce((SELECT jsonb_agg(jsonb_build_object('account', l.number, 'asset', g.asset, 'units', g.units::text) ORDER BY g.n)
                     FROM accounting.posting g JOIN accounting.ledger_account l USING (ledger_account_id) WHERE g.entry_id = e.entry_id), '[]') AS postings
    FROM accounting.posting_event p JOIN accounting.journal_entry e USING (entry_id)
   WHERE e.sequence > $1::bigint ORDER BY e.sequence LIMIT $2`;

function faultOf({ version, eventKind, facts, ...row }: Row, rules: RuleSet | undefined): string | undefined {
  if (rules === undefined) return `there are no rules ${version}`;
  const event = { kind: eventKind, facts } as PostingEvent;
  const other = differenceOf({ ...row, event }, postingsOf(rules, event));
  return other && `by the rules ${version} it would be ${told(other)}`;
}

const told = (candidate: Candidate): string =>
  'problems' in candidate
    ? `refused: ${candidate.problems.map(({ code }) => code).join(', ')}`
    : `${candidate.kind} "${candidate.description}": ${candidate.postings.map(({ account, asset, side, units }) => `${side} ${account} ${units} ${asset}`).join(', ')}`;
