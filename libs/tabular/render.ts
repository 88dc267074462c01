import { renderCsv } from './csv.js';
import { renderPdf } from './pdf.js';
import { type Bytes, type Rows, type Table } from './table.js';
import { renderXlsx } from './xlsx.js';

export const tableFormats = {
  CSV: { mediaType: 'text/csv; charset=utf-8', extension: 'csv', render: renderCsv },
  XLSX: {
    mediaType: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    extension: 'xlsx',
    render: renderXlsx,
  },
  PDF: { mediaType: 'application/pdf', extension: 'pdf', render: renderPdf },
} as const satisfies Record<
  string,
  { mediaType: string; extension: string; render: (table: Table, rows: Rows) => Bytes }
>;

export type TableFormat = keyof typeof tableFormats;

export const renderTable = (format: TableFormat, table: Table, rows: Rows): Bytes =>
  tableFormats[format].render(table, rows);
