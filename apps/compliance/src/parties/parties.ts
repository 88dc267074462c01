import { isLei } from '#libs/identifiers/index.js';
import { type Decision, accepted, problem, type Problem, refused } from '#libs/kernel/index.js';
import {
  institutionWide,
  type LegalForm,
  legalForms,
  type Party,
  type PartyKind,
  partyKinds,
} from './parties.repository.js';

const nameLengthMax = 350;
const statuses = ['ACTIVE', 'INACTIVE'] as const;

function isOneOf<T extends string>(values: readonly T[], text: string): text is T {
  return (values as readonly string[]).includes(text);
}

function isDate(text: string): boolean {
  return (
    /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text)
  );
}

/** A row of the cut-over file of parties; every fault of the row at once. A blank book is the whole institution's. */
export function readParty(row: Readonly<Record<string, string>>): Decision<Party> {
  const field = (name: string) => (row[name] ?? '').trim();
  const problems: Problem[] = [];
  const fault = (code: string, message: string, path: string) => problems.push(problem(code, message, [path]));

  const partyId = field('partyId');
  if (!/^[A-Za-z0-9._-]{3,64}$/.test(partyId))
    fault('INVALID_PARTY_ID', 'A party id has 3 to 64 letters, digits, dots or hyphens', 'partyId');
  const kind = field('kind');
  if (!isOneOf(partyKinds, kind)) fault('NOT_ALLOWED', `The kind is one of ${partyKinds.join(', ')}`, 'kind');
  const legalForm = field('legalForm');
  if (!isOneOf(legalForms, legalForm))
    fault('NOT_ALLOWED', `The legal form is one of ${legalForms.join(', ')}`, 'legalForm');
  const name = field('name').normalize('NFC');
  if (name === '') fault('REQUIRED', 'A party has a name', 'name');
  if (name.length > nameLengthMax) fault('TOO_LONG', `A name has at most ${nameLengthMax} characters`, 'name');
  if (/\p{Cc}/u.test(name)) fault('CONTROL_CHARACTER', 'A name has no control characters', 'name');
  const country = field('country');
  if (country !== '' && !/^[A-Z]{2}$/.test(country))
    fault('INVALID_COUNTRY', 'A country is two capital letters (ISO 3166)', 'country');
  const birthDate = field('birthDate');
  if (birthDate !== '' && !isDate(birthDate)) fault('INVALID_DATE', 'A date of birth is YYYY-MM-DD', 'birthDate');
  if (birthDate !== '' && legalForm === 'LEGAL')
    fault('NOT_ALLOWED', 'Only a natural person has a date of birth', 'birthDate');
  const lei = field('lei');
  if (lei !== '' && !isLei(lei)) fault('INVALID_LEI', 'The check digits of the LEI are wrong', 'lei');
  const book = field('book');
  if (book !== '' && !/^[A-Z0-9]{2,12}$/.test(book))
    fault('INVALID_BOOK', 'A book has 2 to 12 capital letters or digits', 'book');
  const status = field('status') === '' ? 'ACTIVE' : field('status');
  if (!isOneOf(statuses, status)) fault('NOT_ALLOWED', `The status is one of ${statuses.join(', ')}`, 'status');

  if (problems.length > 0) return refused(problems);
  return accepted({
    partyId,
    kind: kind as PartyKind,
    legalForm: legalForm as LegalForm,
    name,
    country: country === '' ? null : country,
    birthDate: birthDate === '' ? null : birthDate,
    lei: lei === '' ? null : lei,
    book: book === '' ? institutionWide : book,
    status: status as Party['status'],
  });
}
