import { Field, ID, InputType, ObjectType } from '@nestjs/graphql';
import { IsDefined, IsIn, IsOptional, Length, MaxLength, MinLength } from 'class-validator';
import { connection, DateTimeScalar, DecimalScalar, ProblemType, RequiresScopes } from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { JournalEntryType, SweepSideEnum } from '../journal/journal.graphql.js';
import { type SweepSide, sweepSides } from '../journal/posting.js';
import { PostingPreviewType } from '../journal/previews.graphql.js';

@ObjectType('Hold', {
  description: 'An amount set aside for an entry to come. Captured, released, expired and open parts are its amount.',
})
@RequiresScopes('ledger:read')
export class HoldType {
  @Field(() => ID) id!: string;
  @Field(() => String) book!: string;
  @Field(() => String) debitAccount!: string;
  @Field(() => String) creditAccount!: string;
  @Field(() => String) asset!: string;
  @Field(() => DecimalScalar) amount!: string;
  @Field(() => DecimalScalar) captured!: string;
  @Field(() => DecimalScalar) released!: string;
  @Field(() => DecimalScalar) expired!: string;
  @Field(() => DecimalScalar) open!: string;
  @Field(() => String, { description: 'OPEN, CLOSED or EXPIRED, by the business clock.' }) state!: string;
  @Field(() => String) reason!: string;
  @Field(() => DateTimeScalar) placedAt!: Date;
  @Field(() => DateTimeScalar) expiresAt!: Date;
}
@ObjectType('HoldConnection')
export class HoldConnection extends connection(HoldType, 'Hold') {}

@InputType('HoldFilter')
export class HoldFilterInput {
  @Field(() => String, { nullable: true }) book?: string | null;
  @Field(() => String, { nullable: true, description: 'Debited or credited.' }) account?: string | null;
  @Field(() => Boolean, { nullable: true }) isOpen?: boolean | null;
}
@InputType()
export class PlaceHoldInput {
  @Field(() => String) @Length(2, 12) book!: string;
  @Field(() => String) @Length(1, 64) debitAccount!: string;
  @Field(() => String) @Length(1, 64) creditAccount!: string;
  @Field(() => String) @Length(3, 12) asset!: string;
  @Field(() => DecimalScalar) @IsDefined() amount!: string;
  @Field(() => DateTimeScalar) @IsDefined() expiresAt!: Date;
  @Field(() => String) @MinLength(1) @MaxLength(140) reason!: string;
  @Field(() => SweepSideEnum, {
    nullable: true,
    description: 'Sets aside what is there and no more than the amount. Nothing to set aside is no refusal.',
  })
  @IsOptional()
  @IsIn(sweepSides)
  upTo?: SweepSide | null;
  @Field(() => Boolean, { nullable: true, description: 'Decides and does nothing.' }) validateOnly?: boolean | null;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}
@InputType()
export class CaptureHoldInput {
  @Field(() => ID) @Length(3, 64) holdId!: string;
  @Field(() => DecimalScalar) @IsDefined() amount!: string;
  @Field(() => Boolean, { nullable: true, description: 'True releases what is left.' }) isFinal?: boolean | null;
  @Field(() => String) @Length(1, 140) description!: string;
  @Field(() => Boolean, { nullable: true, description: 'Decides and does nothing.' }) validateOnly?: boolean | null;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}
@InputType()
export class ReleaseHoldInput {
  @Field(() => ID) @Length(3, 64) holdId!: string;
  @Field(() => DecimalScalar, { nullable: true, description: 'All that is open unless given.' }) amount?: string | null;
  @Field(() => Boolean, { nullable: true, description: 'Decides and does nothing.' }) validateOnly?: boolean | null;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}
@ObjectType('HoldPayload')
export class HoldPayload {
  @Field(() => HoldType, { nullable: true, description: 'Absent when only validated.' })
  hold?: HoldType | null;
  @Field(() => JournalEntryType, { nullable: true, description: 'What a capture booked.' })
  entry?: JournalEntryType | null;
  @Field(() => DecimalScalar, { nullable: true, description: 'Of a hold up to what is there: what it sets aside.' })
  moved?: string | null;
  @Field(() => PostingPreviewType, { nullable: true, description: 'Of a dry run that the ledger was asked about.' })
  preview?: PostingPreviewType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
