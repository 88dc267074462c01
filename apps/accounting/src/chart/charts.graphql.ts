import { Field, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { IsDefined, Length, MaxLength, MinLength, ValidateIf } from 'class-validator';
import { DateTimeScalar, ProblemType, RequiresScopes } from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { AccountKindEnum, SideEnum } from '../accounts/accounts.graphql.js';
import { glRoles, glTypes } from './chart.js';

const enumOf = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, name]));
export const GlTypeEnum = enumOf(glTypes);
export const GlRoleEnum = enumOf(glRoles);
registerEnumType(GlTypeEnum, { name: 'GlType' });
registerEnumType(GlRoleEnum, {
  name: 'GlRole',
  valuesMap: {
    HEADING: { description: 'Has no accounts.' },
    CONTROL: { description: 'Its accounts are a sub-ledger, chosen by their kind.' },
    DIRECT: { description: 'One account, numbered as the code.' },
  },
});

@ObjectType('GlAccountLine')
@RequiresScopes('ledger:read')
export class GlAccountLineType {
  @Field(() => String, { name: 'return' }) returnCode!: string;
  @Field(() => String) line!: string;
}

@ObjectType('GlAccount', { description: 'A code of the chart of accounts.' })
@RequiresScopes('ledger:read')
export class GlAccountType {
  @Field(() => String) code!: string;
  @Field(() => String) name!: string;
  @Field(() => GlTypeEnum) type!: string;
  @Field(() => SideEnum) normalSide!: string;
  @Field(() => String, { nullable: true, description: 'The heading it stands under.' }) parent!: string | null;
  @Field(() => GlRoleEnum) role!: string;
  @Field(() => [AccountKindEnum], { description: 'The kinds of accounts under a control code.' }) kinds!: string[];
  @Field(() => [GlAccountLineType], { description: 'Its line of each return.' }) lines!: GlAccountLineType[];
}

@ObjectType('ReturnLine')
@RequiresScopes('ledger:read')
export class ReturnLineType {
  @Field(() => String) code!: string;
  @Field(() => String) title!: string;
  @Field(() => String) section!: string;
  @Field(() => Int) position!: number;
}

@ObjectType('ReturnDefinition', { description: 'A statement on one line of which each code with accounts stands.' })
@RequiresScopes('ledger:read')
export class ReturnDefinitionType {
  @Field(() => String) code!: string;
  @Field(() => String) title!: string;
  @Field(() => [ReturnLineType]) lines!: ReturnLineType[];
}

@ObjectType('ChartFiles', { description: 'The chart as CSV, as importChart takes it.' })
@RequiresScopes('ledger:read')
export class ChartFilesType {
  @Field(() => String) accounts!: string;
  @Field(() => String) returns!: string;
}

@ObjectType('ChartOfAccounts', { description: 'A version of the chart of accounts of a book; it never changes.' })
@RequiresScopes('ledger:read')
export class ChartOfAccountsType {
  @Field(() => String) book!: string;
  @Field(() => Int) version!: number;
  @Field(() => [GlAccountType]) accounts!: GlAccountType[];
  @Field(() => [ReturnDefinitionType]) returns!: ReturnDefinitionType[];
  @Field(() => ChartFilesType) files!: ChartFilesType;
  @Field(() => String) reason!: string;
  @Field(() => String) storedBy!: string;
  @Field(() => DateTimeScalar) storedAt!: Date;
}

/** About as much as the longest chart there is. */
const fileMax = 1_000_000;

@InputType()
export class ImportChartInput {
  @Field(() => String) @IsDefined() @Length(2, 12) book!: string;
  @Field(() => String, {
    description: 'CSV: code,name,type,normalSide,parent,role,kinds and a column for each return.',
  })
  @MinLength(1)
  @MaxLength(fileMax)
  accounts!: string;
  @Field(() => String, {
    nullable: true,
    description: 'CSV: return,title,line,lineTitle,section,position. Left out, the returns stay as they are.',
  })
  @ValidateIf((_, value) => value !== undefined && value !== null)
  @MaxLength(fileMax)
  returns?: string | null;
  @Field(() => String) @MinLength(3) @MaxLength(280) reason!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@ObjectType('ChartPayload')
export class ChartPayload {
  @Field(() => ChartOfAccountsType, { nullable: true }) chart?: ChartOfAccountsType | null;
  @Field(() => [ProblemType], {
    description: 'Every fault, with the file, the place of the line after the header, and the column.',
  })
  problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
