/**
 * What the free text of an OFAC entry says in its fixed phrases: `DOB 19 Jun 1951; POB Giza, Egypt; nationality Egypt;
 * Passport 1084010 (Egypt); a.k.a. 'ABU BAKR'.` Phrases outside this list stay in the remarks and are lost to nobody.
 */
export interface EntryRemarks {
  /** As published: `19 Jun 1951`, `Jun 1951`, `1951`, `circa 1951`, `1951 to 1953`; alternatives are listed after the first. */
  readonly birthDates: readonly string[];
  readonly birthPlaces: readonly string[];
  /** Nationalities and citizenships. */
  readonly nationalities: readonly string[];
  readonly gender: string | null;
  /** Names that the list itself calls weak: nicknames and fragments in quotes. */
  readonly weakAliases: readonly string[];
  readonly documents: readonly { readonly kind: string; readonly number: string; readonly country: string | null }[];
}

const documentKinds =
  "Passport|National ID No\\.|Identification Number|Registration Number|Tax ID No\\.|SSN|Cedula No\\.|R\\.F\\.C\\.|C\\.U\\.R\\.P\\.|D\\.N\\.I\\.|NIT #|Driver's License No\\.|SWIFT/BIC|Vessel Registration Identification|Aircraft Tail Number|MMSI";
const documentPattern = new RegExp(`^(${documentKinds}) (.+?)(?: \\(([^()]+)\\))?(?: (?:issued|expires) .*)?$`);

export function readRemarks(remarks: string | null): EntryRemarks {
  const birthDates: string[] = [];
  const birthPlaces: string[] = [];
  const nationalities: string[] = [];
  const weakAliases: string[] = [];
  const documents: { kind: string; number: string; country: string | null }[] = [];
  let gender: string | null = null;
  for (const part of (remarks ?? '').split(';')) {
    const phrase = part
      .trim()
      .replace(/\.$/, '')
      .replace(/^alt\. /, '');
    const rest = (prefix: string): string | undefined =>
      phrase.startsWith(prefix) ? phrase.slice(prefix.length).trim() : undefined;
    const birthDate = rest('DOB ');
    const birthPlace = rest('POB ');
    const nationality = rest('nationality ') ?? rest('citizen ');
    const statedGender = rest('Gender ');
    const alias = /^[afn]\.k\.a\. '(.+)'$/.exec(phrase)?.[1];
    const document = documentPattern.exec(phrase);
    if (birthDate !== undefined) birthDates.push(birthDate);
    else if (birthPlace !== undefined) birthPlaces.push(birthPlace);
    else if (nationality !== undefined) nationalities.push(nationality);
    else if (statedGender !== undefined) gender = statedGender;
    else if (alias !== undefined) weakAliases.push(alias);
    else if (document)
      documents.push({ kind: document[1] ?? '', number: document[2] ?? '', country: document[3] ?? null });
  }
  return { birthDates, birthPlaces, nationalities, gender, weakAliases, documents };
}
