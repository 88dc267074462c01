import { inflateSync, unzipSync } from 'fflate';
import { XMLParser } from 'fast-xml-parser';

/** The renderings opened again by means that share nothing with what wrote them. */
export interface ReadCell {
  reference: string;
  /** The digits or the text as they stand in the file. */
  value: string;
  isNumber: boolean;
  format: string | undefined;
}

interface XmlCell {
  r: string;
  s: string;
  t?: string;
  v?: string;
  is?: { t: { '#text': string } | string };
}

const asArray = <T>(value: T | T[] | undefined): T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];

export function readXlsx(bytes: Uint8Array): { parts: Record<string, string>; sheets: ReadCell[][][] } {
  const parts = Object.fromEntries(
    Object.entries(unzipSync(bytes)).map(([path, part]) => [path, Buffer.from(part).toString('utf8')]),
  );
  const xml = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    parseTagValue: false,
    parseAttributeValue: false,
    trimValues: false,
    processEntities: { enabled: true, maxTotalExpansions: 1_000_000 },
  });
  const sheetStyles = (
    xml.parse(parts['xl/styles.xml'] ?? '') as {
      styleSheet: {
        numFmts?: { numFmt: { numFmtId: string; formatCode: string } | { numFmtId: string; formatCode: string }[] };
        cellXfs: { xf: { numFmtId: string }[] };
      };
    }
  ).styleSheet;
  const formats = new Map(asArray(sheetStyles.numFmts?.numFmt).map((one) => [one.numFmtId, one.formatCode]));
  const textOf = ({ is }: XmlCell) => (typeof is?.t === 'object' ? is.t['#text'] : (is?.t ?? ''));
  const sheets = Object.keys(parts)
    .filter((path) => path.startsWith('xl/worksheets/'))
    .map((path) => {
      const { worksheet } = xml.parse(parts[path] ?? '') as {
        worksheet: { sheetData: { row: { c?: XmlCell | XmlCell[] }[] } };
      };
      return worksheet.sheetData.row.map(({ c }) =>
        asArray(c).map((cell) => ({
          reference: cell.r,
          value: cell.v ?? textOf(cell),
          isNumber: cell.v !== undefined,
          format: formats.get(asArray(sheetStyles.cellXfs.xf)[Number(cell.s)]?.numFmtId ?? ''),
        })),
      );
    });
  return { parts, sheets };
}

/** The text of each page, from its content stream and the fonts' own tables of characters (ISO 32000-1, 9.10.2). */
export function readPdf(bytes: Uint8Array): { pages: string[][]; raw: string } {
  const raw = Buffer.from(bytes).toString('latin1');
  const objects = new Map<string, { head: string; body: string }>();
  for (const [, id = '', head = '', body] of raw.matchAll(
    /(?:^|\n)(\d+) 0 obj\n([\s\S]*?)(?:\nstream\n([\s\S]*?)\nendstream)?\nendobj/g,
  )) {
    const packed = body === undefined ? '' : Buffer.from(body, 'latin1');
    objects.set(id, {
      head,
      body: head.includes('/FlateDecode') ? Buffer.from(inflate(packed as Buffer)).toString('latin1') : String(packed),
    });
  }
  const at = (id: string | undefined) => objects.get(id ?? '') ?? { head: '', body: '' };
  const reference = (head: string, name: string) => new RegExp(`/${name} (\\d+) 0 R`).exec(head)?.[1];
  const tables = new Map<string, Map<string, string>>();
  const tableOf = (fontId: string) => {
    const known = tables.get(fontId);
    if (known) return known;
    const table = charactersOf(at(reference(at(fontId).head, 'ToUnicode')).body);
    tables.set(fontId, table);
    return table;
  };
  const texts = (content: string, resources: string): string[] => {
    let table = new Map<string, string>();
    const found: string[] = [];
    for (const line of content.split('\n')) {
      const font = /\/(F\d+) [\d.]+ Tf/.exec(line)?.[1];
      if (font) table = tableOf(reference(resources, font) ?? '');
      const shown = /(<[0-9a-f]+>) Tj/.exec(line);
      const codes = (shown?.[1] ?? '').match(/<([0-9a-f]+)>/g) ?? [];
      if (codes.length > 0)
        found.push(
          codes.map((one) => (one.match(/[0-9a-f]{4}/g) ?? []).map((code) => table.get(code) ?? '?').join('')).join(''),
        );
      if (line.includes('/PageCount Do')) {
        const count = at(reference(resources, 'PageCount'));
        found.push(...texts(count.body, count.head));
      }
    }
    return found;
  };
  const pages = [...objects.values()]
    .filter(({ head }) => /\/Type \/Page\n/.test(head))
    .map(({ head }) => texts(at(reference(head, 'Contents')).body, at(reference(head, 'Resources')).head));
  return { pages, raw };
}

const inflate = (packed: Buffer): Uint8Array => inflateSync(packed.subarray(2, -4));

function charactersOf(map: string): Map<string, string> {
  const table = new Map<string, string>();
  for (const [, first = '', , list = ''] of map.matchAll(/<([0-9a-f]{4})> <([0-9a-f]{4})> \[(.*?)\]/gs))
    for (const [at, [, code = '']] of [...list.matchAll(/<([0-9a-f ]+)>/g)].entries())
      table.set(
        (Number.parseInt(first, 16) + at).toString(16).padStart(4, '0'),
        Buffer.from(code.replaceAll(' ', ''), 'hex').swap16().toString('utf16le'),
      );
  return table;
}
