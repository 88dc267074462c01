import { parse } from 'csv-parse/sync';
import { XMLParser } from 'fast-xml-parser';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The oracle reads what everybody may read: the input files and the market's script. Nothing of the product. */
export type Line = Record<string, string>;

export class Inputs {
  constructor(private readonly directory: string) {}

  text(path: string): string {
    return readFileSync(join(this.directory, path), 'utf8');
  }

  csv(path: string): Line[] {
    return parse(this.text(path), { columns: true, skip_empty_lines: true });
  }

  /** A file without a header line, as sanctions lists are published. */
  rows(path: string): string[][] {
    return parse(this.text(path), { skip_empty_lines: true, relax_column_count: true });
  }

  json(path: string): unknown {
    return JSON.parse(this.text(path));
  }

  has(path: string): boolean {
    return existsSync(join(this.directory, path));
  }

  payments(path: string): OrderedPayment[] {
    const parser = new XMLParser({
      ignoreAttributes: false,
      parseTagValue: false,
      isArray: (name) => name === 'PmtInf' || name === 'CdtTrfTxInf',
    });
    const document = parser.parse(this.text(path)) as CustomerOrder;
    return document.Document.CstmrCdtTrfInitn.PmtInf.flatMap((block) =>
      block.CdtTrfTxInf.map((transfer) => ({
        endToEndId: transfer.PmtId.EndToEndId,
        debtorAccount: block.DbtrAcct.Id.Othr.Id,
        creditorName: transfer.Cdtr.Nm,
        creditorIban: transfer.CdtrAcct.Id.IBAN,
        currency: transfer.Amt.InstdAmt['@_Ccy'],
        amount: transfer.Amt.InstdAmt['#text'],
      })),
    );
  }
}

export interface OrderedPayment {
  endToEndId: string;
  debtorAccount: string;
  creditorName: string;
  creditorIban: string;
  currency: string;
  amount: string;
}

interface CustomerOrder {
  Document: {
    CstmrCdtTrfInitn: {
      PmtInf: {
        DbtrAcct: { Id: { Othr: { Id: string } } };
        CdtTrfTxInf: {
          PmtId: { EndToEndId: string };
          Amt: { InstdAmt: { '#text': string; '@_Ccy': string } };
          Cdtr: { Nm: string };
          CdtrAcct: { Id: { IBAN: string } };
        }[];
      }[];
    };
  };
}
