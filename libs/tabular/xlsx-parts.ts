import { escapeXml, type Look } from './xlsx-cells.js';

const head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const packages = 'http://schemas.openxmlformats.org/package/2006';
const documents = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const types = 'application/vnd.openxmlformats-officedocument.spreadsheetml';

/** The first number that the standard leaves to a file's own formats. */
const firstOwnFormat = 164;

export const rootRelationships =
  `${head}<Relationships xmlns="${packages}/relationships">` +
  `<Relationship Id="rId1" Type="${documents}/officeDocument" Target="xl/workbook.xml"/>` +
  `<Relationship Id="rId2" Type="${packages}/relationships/metadata/core-properties" Target="docProps/core.xml"/></Relationships>`;

export function contentTypes(sheetCount: number): string {
  const sheets = Array.from(
    { length: sheetCount },
    (_, at) => `<Override PartName="/xl/worksheets/sheet${at + 1}.xml" ContentType="${types}.worksheet+xml"/>`,
  );
  return (
    `${head}<Types xmlns="${packages}/content-types">` +
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>' +
    `<Override PartName="/xl/workbook.xml" ContentType="${types}.sheet.main+xml"/>${sheets.join('')}` +
    `<Override PartName="/xl/styles.xml" ContentType="${types}.styles+xml"/>` +
    '<Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>'
  );
}

export const workbook = (sheets: readonly string[]): string =>
  `${head}<workbook xmlns="${main}" xmlns:r="${documents}"><sheets>${sheets
    .map((name, at) => `<sheet name="${escapeXml(name)}" sheetId="${at + 1}" r:id="rId${at + 1}"/>`)
    .join('')}</sheets></workbook>`;

export function workbookRelationships(sheetCount: number): string {
  const sheets = Array.from(
    { length: sheetCount },
    (_, at) => `<Relationship Id="rId${at + 1}" Type="${documents}/worksheet" Target="worksheets/sheet${at + 1}.xml"/>`,
  );
  return (
    `${head}<Relationships xmlns="${packages}/relationships">${sheets.join('')}` +
    `<Relationship Id="rId${sheetCount + 1}" Type="${documents}/styles" Target="styles.xml"/></Relationships>`
  );
}

export const coreProperties = (title: string, createdAt: Date): string =>
  `${head}<cp:coreProperties xmlns:cp="${packages}/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" ` +
  'xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">' +
  `<dc:title>${escapeXml(title)}</dc:title>` +
  `<dcterms:created xsi:type="dcterms:W3CDTF">${createdAt.toISOString().slice(0, 19)}Z</dcterms:created></cp:coreProperties>`;

export function styles(looks: readonly Look[]): string {
  const formats = [...new Set(looks.flatMap(({ format }) => (format === undefined ? [] : [format])))];
  const formatOf = (format: string | undefined) =>
    format === undefined ? 0 : firstOwnFormat + formats.indexOf(format);
  const cells = looks.map(({ bold, large, align, indent, line, format }) => {
    const font = large ? 2 : bold ? 1 : 0;
    const border = line === 'top' ? 1 : line === 'bottom' ? 2 : 0;
    const alignment =
      align === 'right'
        ? '<alignment horizontal="right"/>'
        : indent
          ? `<alignment horizontal="left" indent="${indent}"/>`
          : '';
    return (
      `<xf numFmtId="${formatOf(format)}" fontId="${font}" fillId="0" borderId="${border}" xfId="0" applyNumberFormat="1" ` +
      `applyFont="1" applyBorder="1" applyAlignment="1">${alignment}</xf>`
    );
  });
  const border = (side: string) =>
    `<border><left/><right/>${side === 'top' ? '<top style="thin"/>' : '<top/>'}${side === 'bottom' ? '<bottom style="thin"/>' : '<bottom/>'}<diagonal/></border>`;
  const counted = (name: string, children: readonly string[]) =>
    children.length === 0 ? '' : `<${name} count="${children.length}">${children.join('')}</${name}>`;
  return (
    `${head}<styleSheet xmlns="${main}">` +
    counted(
      'numFmts',
      formats.map((format, at) => `<numFmt numFmtId="${firstOwnFormat + at}" formatCode="${escapeXml(format)}"/>`),
    ) +
    counted('fonts', [
      '<font><sz val="10"/><name val="Calibri"/></font>',
      '<font><b/><sz val="10"/><name val="Calibri"/></font>',
      '<font><b/><sz val="14"/><name val="Calibri"/></font>',
    ]) +
    counted('fills', [
      '<fill><patternFill patternType="none"/></fill>',
      '<fill><patternFill patternType="gray125"/></fill>',
    ]) +
    counted('borders', ['none', 'top', 'bottom'].map(border)) +
    counted('cellStyleXfs', ['<xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>']) +
    counted('cellXfs', cells) +
    counted('cellStyles', ['<cellStyle name="Normal" xfId="0" builtinId="0"/>']) +
    '</styleSheet>'
  );
}
