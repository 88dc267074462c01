import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { type LongJob } from '#libs/messaging/index.js';
import { type FileKind } from './file.js';

export interface StoredFile {
  readonly fileId: string;
  readonly kind: FileKind;
  readonly name: string;
  /** Null when the lines say their book. */
  readonly book: string | null;
  readonly businessDate: PlainDate;
  readonly receivedAt: Date;
  readonly receivedBy: string;
  /** The books of whoever sent it; null is all. What its lines do must stay within them. */
  readonly books?: readonly string[] | null;
}

export interface FileReadResult {
  readonly counts: Record<string, number>;
  /** Problems of the file as a whole. With `isRefused` nothing of it had an effect. */
  readonly problems: readonly Problem[];
  readonly isRefused: boolean;
  /** The expected file that this arrival is; absent when it fills no place, as one sent again does not. */
  readonly expected?: { readonly qualifier: string } | undefined;
}

/** Reads one kind of file in steps of the job; it must go on where an earlier attempt stopped. */
export interface FileReader {
  read(file: StoredFile, content: Buffer, job: LongJob): Promise<FileReadResult>;
}

/** Who reads which kind. Every feature registers its own when its module starts. */
@Injectable()
export class FileReadersService {
  private readonly readers = new Map<FileKind, FileReader>();

  register(kind: FileKind, reader: FileReader): void {
    if (this.readers.has(kind)) throw new Error(`Two readers of ${kind} files`);
    this.readers.set(kind, reader);
  }

  of(kind: FileKind): FileReader | undefined {
    return this.readers.get(kind);
  }
}
