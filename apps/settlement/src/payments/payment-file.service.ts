import { Injectable, type OnModuleInit } from '@nestjs/common';
import { decimalFromUnits, readCreditTransferInitiation } from '#libs/iso20022/index.js';
import { chunk } from '#libs/kernel/index.js';
import { currencyExponent } from '#libs/money/index.js';
import { type LongJob } from '#libs/messaging/index.js';
import {
  type FileReader,
  type FileReadResult,
  FileReadersService,
  type StoredFile,
} from '../files/file-readers.service.js';
import { type PaymentRequest } from './payment.js';
import { PaymentsService } from './payments.service.js';

const paymentsPerStep = 250;
/** All pain.001 files speak of one set of end-to-end ids: a file sent again under another name has no second effect. */
const source = 'PAIN001';

/** Reads a customer's pain.001: every transfer is one payment, its end-to-end id the key that makes it effective once. */
@Injectable()
export class PaymentFileService implements FileReader, OnModuleInit {
  constructor(
    private readonly readers: FileReadersService,
    private readonly payments: PaymentsService,
  ) {}

  onModuleInit(): void {
    this.readers.register('PAYMENTS', this);
  }

  async read(file: StoredFile, content: Buffer, job: LongJob): Promise<FileReadResult> {
    const read = readCreditTransferInitiation(content);
    if (!read.ok) return { counts: {}, problems: read.problems, isRefused: true };
    const requests = read.value.transfers.map((transfer): PaymentRequest => ({
      endToEndId: transfer.endToEndId,
      debtorAccount: transfer.debtorAccount.other ?? transfer.debtorAccount.iban ?? '',
      creditorName: transfer.creditorName,
      creditorIban: transfer.creditorAccount.iban ?? null,
      creditorAccount: transfer.creditorAccount.other ?? null,
      creditorCountry: transfer.creditorCountry ?? null,
      amount: decimalFromUnits(transfer.amount.amountMinor, currencyExponent(transfer.amount.currency)),
      currency: transfer.amount.currency,
      executionDate: transfer.executionDate,
      remittance: transfer.remittance ?? null,
    }));
    const steps = chunk(requests, paymentsPerStep);
    const saved = isProgress(job.saved)
      ? job.saved
      : { step: 0, counts: { accepted: 0, refused: 0, duplicates: 0 }, problems: [] };
    const { counts, problems } = saved;
    for (let step = saved.step; step < steps.length; step += 1) {
      const part = steps[step] ?? [];
      const total = await job.step(async (tx) => {
        // The job sees every book; the payments may only reach those of whoever sent the file.
        await tx.execute(`SELECT set_config('app.books', $1, true)`, [file.books?.join(',') ?? '*']);
        const results = await this.payments.submit(tx, part, {
          source,
          submittedBy: file.receivedBy,
          fileId: file.fileId,
        });
        await tx.execute(`SELECT set_config('app.books', '*', true)`);
        const now = { ...counts };
        const found = [...problems];
        for (const [index, result] of results.entries()) {
          if (result.isReplay) now.duplicates += 1;
          else if (result.problems.length > 0) now.refused += 1;
          else now.accepted += 1;
          for (const one of result.isReplay ? [] : result.problems)
            found.push({ ...one, path: ['CdtTrfTxInf', step * paymentsPerStep + index + 1, ...one.path] });
        }
        job.checkpoint(JSON.parse(JSON.stringify({ step: step + 1, counts: now, problems: found })) as never);
        job.progress(Math.min((step + 1) * paymentsPerStep, requests.length), requests.length, now);
        return { now, found };
      });
      Object.assign(counts, total.now);
      problems.splice(0, problems.length, ...total.found);
    }
    const isAgain = counts.accepted === 0 && counts.refused === 0;
    return { counts, problems, isRefused: false, ...(isAgain ? {} : { expected: { qualifier: '' } }) };
  }
}

interface Progress {
  step: number;
  counts: { accepted: number; refused: number; duplicates: number };
  problems: { code: string; message: string; path: (string | number)[]; retryable: boolean }[];
}

const isProgress = (saved: unknown): saved is Progress =>
  typeof saved === 'object' && saved !== null && 'step' in saved;
