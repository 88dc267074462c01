import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type CreditTransfer, decimalFromUnits, readCreditTransferInitiation } from '#libs/iso20022/index.js';
import { chunk } from '#libs/kernel/index.js';
import { currencyExponent } from '#libs/money/index.js';
import { type LongJob } from '#libs/messaging/index.js';
import { type Tx } from '#libs/database/index.js';
import { FileLinesService, type NewFileLine } from '../files/file-lines.service.js';
import {
  type FileReader,
  type FileReadResult,
  FileReadersService,
  type StoredFile,
} from '../files/file-readers.service.js';
import { type PaymentRequest } from './payment.js';
import { PaymentsService, type SubmittedPayment } from './payments.service.js';

const paymentsPerStep = 250;
/** All pain.001 files speak of one set of end-to-end ids: a file sent again under another name has no second effect. */
const source = 'PAIN001';

/**
 * Reads a customer's pain.001: every transfer is one payment, its end-to-end id the key that makes it effective once.
 * A transfer that is none is answered by itself, as a line of the file with all that is wrong with it, and its
 * neighbours are taken. The lines are stored with their effect, so a kill leaves a whole number of steps behind.
 */
@Injectable()
export class PaymentFileService implements FileReader, OnModuleInit {
  constructor(
    private readonly readers: FileReadersService,
    private readonly lines: FileLinesService,
    private readonly payments: PaymentsService,
  ) {}

  onModuleInit(): void {
    this.readers.register('PAYMENTS', this);
  }

  async read(file: StoredFile, content: Buffer, job: LongJob): Promise<FileReadResult> {
    const read = readCreditTransferInitiation(content);
    if (!read.ok) return { counts: {}, problems: read.problems, isRefused: true };
    const transfers = read.value.transfers.map((transfer, index) => ({ ...transfer, line: index + 1 }));
    const done = await job.step((tx) => this.lines.done(tx, file.fileId));
    let counts = countsOf(done.counts);
    const left = transfers.filter(({ line }) => line > done.lastLine);
    let taken = transfers.length - left.length;
    for (const part of chunk(left, paymentsPerStep)) {
      counts = await job.step(async (tx) => {
        await this.lines.add(tx, file.fileId, await this.take(tx, part, file));
        const now = countsOf((await this.lines.done(tx, file.fileId)).counts);
        job.progress(taken + part.length, transfers.length, { ...now });
        return now;
      });
      taken += part.length;
    }
    // What was refused for what it is leaves nothing that would tell it from its copy: the others say whether it is one.
    const isAgain = counts.accepted === 0 && counts.duplicates > 0;
    return {
      counts: { ...counts },
      problems: [],
      isRefused: false,
      ...(isAgain ? {} : { expected: { qualifier: '' } }),
    };
  }

  private async take(tx: Tx, transfers: readonly NumberedTransfer[], file: StoredFile): Promise<NewFileLine[]> {
    const good = transfers.filter(({ problems }) => problems.length === 0);
    // The job sees every book; the payments may only reach those of whoever sent the file.
    await tx.execute(`SELECT set_config('app.books', $1, true)`, [file.books?.join(',') ?? '*']);
    const results = await this.payments.submit(tx, good.map(requestOf), {
      source,
      submittedBy: file.receivedBy,
      fileId: file.fileId,
    });
    await tx.execute(`SELECT set_config('app.books', '*', true)`);
    const resultOf = new Map(good.map(({ line }, index) => [line, results[index]]));
    return transfers.map((transfer) => lineOf(transfer, resultOf.get(transfer.line), file));
  }
}

type NumberedTransfer = CreditTransfer & { readonly line: number };

const requestOf = (transfer: CreditTransfer): PaymentRequest => ({
  endToEndId: transfer.endToEndId,
  debtorAccount: transfer.debtorAccount.other ?? transfer.debtorAccount.iban ?? '',
  creditorName: transfer.creditorName,
  creditorIban: transfer.creditorAccount.iban ?? null,
  creditorAccount: transfer.creditorAccount.other ?? null,
  creditorCountry: transfer.creditorCountry ?? null,
  amount: amountOf(transfer),
  currency: transfer.amount.currency,
  executionDate: transfer.executionDate,
  remittance: transfer.remittance ?? null,
});

const amountOf = ({ amount }: CreditTransfer): string =>
  decimalFromUnits(amount.amountMinor, currencyExponent(amount.currency));

/** Without a result it never was a payment: what is wrong with it stands in the transfer. */
function lineOf(transfer: NumberedTransfer, result: SubmittedPayment | undefined, file: StoredFile): NewFileLine {
  const at = transfer.path.split('/');
  const problems = result?.problems.map((one) => ({ ...one, path: [...at, ...one.path] })) ?? transfer.problems;
  return {
    line: transfer.line,
    bookId: result?.bookId ?? file.book ?? '*',
    businessDate: file.businessDate,
    outcome: outcomeOf(result),
    problems: result?.isReplay ? [] : problems,
    reference: transfer.endToEndId === '' ? null : transfer.endToEndId,
    objectId: result?.paymentId ?? null,
    ...(result ? { currency: transfer.amount.currency, amount: amountOf(transfer) } : {}),
  };
}

function outcomeOf(result: SubmittedPayment | undefined): string {
  if (result === undefined) return 'REJECTED';
  if (result.isReplay) return 'DUPLICATE';
  if (result.problems.length === 0) return 'ACCEPTED';
  return result.problems.some(({ code }) => code === 'IDEMPOTENCY_KEY_REUSED') ? 'CONFLICT' : 'REJECTED';
}

const countsOf = (outcomes: Readonly<Record<string, number>>) => ({
  accepted: outcomes['ACCEPTED'] ?? 0,
  refused: (outcomes['REJECTED'] ?? 0) + (outcomes['CONFLICT'] ?? 0),
  duplicates: outcomes['DUPLICATE'] ?? 0,
});
