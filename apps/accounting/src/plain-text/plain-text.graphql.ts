import { Field, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import { IsNotEmpty, Length, MaxLength } from 'class-validator';
import {
  DateScalar,
  DateTimeScalar,
  DecimalScalar,
  ProblemType,
  RequiresScopes,
  Verbatim,
} from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { ReportFileType } from '../report-files/report-files.graphql.js';

@InputType()
export class ExportPlainTextJournalInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => DateScalar, { description: 'The dates that entries belong to, both included.' }) from!: string;
  @Field(() => DateScalar) to!: string;
  @Field(() => Boolean, {
    defaultValue: true,
    description: 'Begins with what stood before, so that its balances are those of the ledger.',
  })
  withOpening!: boolean;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@ObjectType('ReportFilePayload')
export class ReportFilePayload {
  @Field(() => ReportFileType, { nullable: true }) file?: ReportFileType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}

@ObjectType('PlainTextJournalLine', { description: 'What a line of the file came to.' })
@RequiresScopes('ledger:read')
export class PlainTextJournalLineType {
  @Field(() => Int, { description: 'From 1.' }) line!: number;
  @Field(() => String, { description: 'ENTRY, POSTING or DIRECTIVE' }) what!: string;
  @Field(() => Int, { nullable: true, description: 'Of an entry, which one of the file.' }) entry?: number | null;
  @Field(() => ID, { nullable: true, description: 'Once it is booked.' }) entryId?: string | null;
  @Field(() => String, { nullable: true }) account?: string | null;
  @Field(() => String, { nullable: true }) asset?: string | null;
  @Field(() => DecimalScalar, { nullable: true, description: 'Debit positive, credit negative.' }) amount?:
    string | null;
  @Field(() => String, { nullable: true }) note?: string | null;
}

@ObjectType('PlainTextJournalImport', {
  description: "A journal in hledger's format: booked whole, or not at all, once a second person has agreed.",
})
@RequiresScopes('ledger:read')
export class PlainTextJournalImportType {
  @Field(() => ID) id!: string;
  @Field(() => String) book!: string;
  @Field(() => String) name!: string;
  @Field(() => String, { description: 'What the second person agrees to.' }) sha256!: string;
  @Field(() => Int) entryCount!: number;
  @Field(() => [PlainTextJournalLineType]) lines!: PlainTextJournalLineType[];
  @Field(() => String, { description: 'CHECKED or BOOKED' }) state!: string;
  @Field(() => String) submittedBy!: string;
  @Field(() => DateTimeScalar) submittedAt!: Date;
  @Field(() => String, { nullable: true }) bookedBy!: string | null;
  @Field(() => DateTimeScalar, { nullable: true }) bookedAt!: Date | null;
}

@InputType()
export class ImportPlainTextJournalInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => String) @Length(1, 140) name!: string;
  @Field(() => String, {
    description:
      'The whole file. Accounts are named by their number or code, alone or at the end of a name with colons.',
  })
  @Verbatim()
  @IsNotEmpty()
  @MaxLength(1_000_000)
  content!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@InputType()
export class BookPlainTextJournalInput {
  @Field(() => String) @IsNotEmpty() importId!: string;
  @Field(() => String, { description: 'Of the file that was read.' }) @Length(64, 64) sha256!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@ObjectType('PlainTextJournalPayload')
export class PlainTextJournalPayload {
  @Field(() => PlainTextJournalImportType, { nullable: true }) import?: PlainTextJournalImportType | null;
  @Field(() => Boolean, { description: 'The same file came before: nothing is done again.' })
  isAlreadyReceived!: boolean;
  @Field(() => [ProblemType], { description: 'All that is wrong, each at `content.LINE.COLUMN`.' })
  problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
