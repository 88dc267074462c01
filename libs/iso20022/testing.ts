import { it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { XmlDocument, XsdValidator } from 'libxml2-wasm';

// For tests alone: the published schemas, which are not part of this repository.

const schemasDirectory = (): string =>
  join(
    process.env['CORPORA_DIRECTORY'] ?? join(import.meta.dirname, '..', '..', '..', 'shared', 'corpora'),
    'settlement',
    'iso20022-xsd',
  );

/** Files of Documents against the published schemas: what they hold, and what in them is not valid. */
export class PublishedSchemas {
  private readonly validators = new Map<string, XsdValidator>();

  private constructor(private readonly paths: ReadonlyMap<string, string>) {}

  /** Undefined, and said so, where the schemas are not present. */
  static present(directory = schemasDirectory()): PublishedSchemas | undefined {
    if (!existsSync(directory)) {
      console.warn(`skipped: no published ISO 20022 schemas in ${directory} (set CORPORA_DIRECTORY)`);
      return undefined;
    }
    const paths = ['deployed', 'latest'].flatMap((folder) =>
      readdirSync(join(directory, folder))
        .filter((name) => name.endsWith('.xsd'))
        .map((name) => [name.slice(0, -'.xsd'.length), join(directory, folder, name)] as const),
    );
    return new PublishedSchemas(new Map(paths));
  }

  /** Message type → how many valid Documents of it the text holds; every fault names the Document by its place in the text. */
  judge(content: string): { valid: Map<string, number>; faults: string[] } {
    const valid = new Map<string, number>();
    const faults: string[] = [];
    const documents = [
      ...content.matchAll(/<Document xmlns="urn:iso:std:iso:20022:tech:xsd:([^"]+)".*?<\/Document>/gs),
    ];
    const begun = content.split(/<(?:\w+:)?Document\b/).length - 1;
    if (begun !== documents.length || begun === 0)
      faults.push(`${begun} Documents begin in it, ${documents.length} of them could be told apart`);
    for (const [index, [document, type = '']] of documents.entries()) {
      const fault = this.faultOf(document, type);
      if (fault === undefined) valid.set(type, (valid.get(type) ?? 0) + 1);
      else faults.push(`Document ${index + 1}, ${type}: ${fault}`);
    }
    return { valid, faults };
  }

  /** Every XML file below the folder, in whatever folder of it: the types met in each kind of folder, and all faults. */
  judgeFolder(folder: string): { files: number; valid: Map<string, Map<string, number>>; faults: string[] } {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.xml'));
    const valid = new Map<string, Map<string, number>>();
    const faults: string[] = [];
    for (const name of names.sort()) {
      const kind = name.split('/').at(-2) ?? '';
      const found = this.judge(readFileSync(join(folder, name), 'utf8'));
      faults.push(...found.faults.map((fault) => `${name}: ${fault}`));
      const sofar = valid.get(kind) ?? new Map<string, number>();
      for (const [type, count] of found.valid) sofar.set(type, (sofar.get(type) ?? 0) + count);
      valid.set(kind, sofar);
    }
    return { files: names.length, valid, faults };
  }

  dispose(): void {
    for (const validator of this.validators.values()) validator.dispose();
    this.validators.clear();
  }

  private faultOf(document: string, type: string): string | undefined {
    const validator = this.validatorOf(type);
    if (!validator) return 'there is no published schema of this type';
    let parsed: XmlDocument | undefined;
    try {
      parsed = XmlDocument.fromString(document);
      validator.validate(parsed);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      parsed?.dispose();
    }
  }

  private validatorOf(type: string): XsdValidator | undefined {
    const known = this.validators.get(type);
    const path = this.paths.get(type);
    if (known || path === undefined) return known;
    const schema = XmlDocument.fromBuffer(readFileSync(path));
    const made = XsdValidator.fromDoc(schema);
    schema.dispose();
    this.validators.set(type, made);
    return made;
  }
}

/** A test that needs the published schemas: run where they are present, told as skipped where they are not. */
export function itBySchemas(name: string, test: (schemas: PublishedSchemas) => void, timeoutMs?: number): void {
  const schemas = PublishedSchemas.present();
  if (!schemas) {
    it.skip(name, () => undefined);
    return;
  }
  it(
    name,
    () => {
      try {
        test(schemas);
      } finally {
        schemas.dispose();
      }
    },
    timeoutMs,
  );
}
