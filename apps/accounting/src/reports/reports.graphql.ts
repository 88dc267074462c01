import { Field, ID, InputType, ObjectType, registerEnumType } from '@nestjs/graphql';
import { ArrayMaxSize, ArrayMinSize, IsDefined, Length } from 'class-validator';
import {
  connection,
  CurrencyCodeScalar,
  DateScalar,
  DecimalScalar,
  ProblemType,
  RequiresScopes,
} from '#libs/graphql/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { tableFormats } from '#libs/tabular/index.js';
import { GlTypeEnum } from '../chart/charts.graphql.js';
import { ReportFileType } from '../report-files/report-files.graphql.js';
import { issuedKinds } from './issued-reports.service.js';

const booksMax = 50;

@InputType({ isAbstract: true })
class ReportScopeInput {
  @Field(() => [String], { description: 'One book, or several together.' })
  @IsDefined()
  @ArrayMinSize(1)
  @ArrayMaxSize(booksMax)
  books!: string[];
  @Field(() => DateScalar, {
    nullable: true,
    description: 'As known at the end of this business date; all that is known now unless given.',
  })
  knownOn?: string | null;
  @Field(() => CurrencyCodeScalar, {
    nullable: true,
    description: 'The currency of the report; the functional currency of the first book unless given.',
  })
  currency?: string | null;
}

@InputType()
export class BalanceSheetInput extends ReportScopeInput {
  @Field(() => DateScalar) at!: string;
  @Field(() => DateScalar, { nullable: true, description: 'The date of the figures beside.' }) comparedWith?:
    string | null;
}

@InputType()
export class SpanInput {
  @Field(() => DateScalar) from!: string;
  @Field(() => DateScalar) to!: string;
}

@InputType()
export class PeriodReportInput extends ReportScopeInput {
  @Field(() => SpanInput) period!: SpanInput;
  @Field(() => SpanInput, { nullable: true, description: 'The period of the figures beside.' })
  comparedWith?: SpanInput | null;
}

@InputType()
export class LedgerTrialBalanceInput {
  @Field(() => String) book!: string;
  @Field(() => SpanInput) period!: SpanInput;
  @Field(() => DateScalar, { nullable: true }) knownOn?: string | null;
  @Field(() => CurrencyCodeScalar, { nullable: true }) currency?: string | null;
}

@ObjectType({ isAbstract: true })
class ReportBasisType {
  @Field(() => CurrencyCodeScalar) currency!: string;
  @Field(() => Boolean, { description: 'All its dates are closed.' }) isFinal!: boolean;
  @Field(() => [String], { description: 'The rates it used, by version and date.' }) rates!: string[];
}

@ObjectType('LedgerTrialBalanceLine', { description: 'A code in one asset. Amounts are positive on the debit side.' })
@RequiresScopes('ledger:read')
export class LedgerTrialLineType {
  @Field(() => String) code!: string;
  @Field(() => String) name!: string;
  @Field(() => GlTypeEnum) type!: string;
  @Field(() => String) asset!: string;
  @Field(() => DecimalScalar) opening!: string;
  @Field(() => DecimalScalar, { description: 'Debited in the period.' }) debit!: string;
  @Field(() => DecimalScalar, { description: 'Credited in the period.' }) credit!: string;
  @Field(() => DecimalScalar) closing!: string;
  @Field(() => DecimalScalar, {
    nullable: true,
    description: 'The closing in the currency of the report; null for an instrument.',
  })
  translated!: string | null;
}

@ObjectType('LedgerTrialBalanceTotal', { description: 'Balances at the end: debit equals credit.' })
@RequiresScopes('ledger:read')
export class LedgerTrialTotalType {
  @Field(() => String) asset!: string;
  @Field(() => DecimalScalar) debit!: string;
  @Field(() => DecimalScalar) credit!: string;
}

@ObjectType('LedgerTrialBalance', { description: 'The trial balance of a period by codes of the chart.' })
@RequiresScopes('ledger:read')
export class LedgerTrialBalanceType extends ReportBasisType {
  @Field(() => String) book!: string;
  @Field(() => DateScalar) from!: string;
  @Field(() => DateScalar) to!: string;
  @Field(() => [LedgerTrialLineType]) lines!: LedgerTrialLineType[];
  @Field(() => [LedgerTrialTotalType], { description: 'By asset.' }) totals!: LedgerTrialTotalType[];
  @Field(() => LedgerTrialTotalType, { description: 'Of all currencies, in that of the report.' })
  translated!: LedgerTrialTotalType;
}

@ObjectType('LedgerTrialBalanceResult')
@RequiresScopes('ledger:read')
export class LedgerTrialBalanceResult {
  @Field(() => LedgerTrialBalanceType, { nullable: true }) trialBalance?: LedgerTrialBalanceType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
}

@ObjectType('FinancialStatementLine')
@RequiresScopes('ledger:read')
export class FinancialStatementLineType {
  @Field(() => String) code!: string;
  @Field(() => String) title!: string;
  @Field(() => DecimalScalar) amount!: string;
  @Field(() => DecimalScalar, { nullable: true, description: 'Of the date or period beside.' }) compared!:
    string | null;
  @Field(() => [String], { description: 'The codes of the chart behind it: generalLedger tells their accounts.' })
  accounts!: string[];
}

@ObjectType('FinancialStatementSection')
@RequiresScopes('ledger:read')
export class FinancialStatementSectionType {
  @Field(() => String) section!: string;
  @Field(() => [FinancialStatementLineType]) lines!: FinancialStatementLineType[];
  @Field(() => DecimalScalar) total!: string;
  @Field(() => DecimalScalar, { nullable: true }) compared!: string | null;
}

@ObjectType('Elimination', {
  description: 'What one book of a consolidated balance sheet owes another, taken off both lines.',
})
@RequiresScopes('ledger:read')
export class EliminationType {
  @Field(() => String) creditor!: string;
  @Field(() => String) debtor!: string;
  @Field(() => CurrencyCodeScalar) asset!: string;
  @Field(() => DecimalScalar, { description: 'In the currency of the report.' }) amount!: string;
  @Field(() => DecimalScalar, {
    description: 'What the creditor has above what the debtor has, in the asset: it stays.',
  })
  unagreed!: string;
}

@ObjectType('FinancialStatement', {
  description: 'Balance sheet, profit and loss, or cash flow; it ties, or it is not told.',
})
@RequiresScopes('ledger:read')
export class FinancialStatementType extends ReportBasisType {
  @Field(() => [String]) books!: string[];
  @Field(() => DateScalar, { nullable: true, description: 'Null for a balance sheet.' }) from!: string | null;
  @Field(() => DateScalar) to!: string;
  @Field(() => [FinancialStatementSectionType]) sections!: FinancialStatementSectionType[];
  @Field(() => DecimalScalar, { nullable: true, description: 'Income less expenses.' }) result!: string | null;
  @Field(() => DecimalScalar, { nullable: true, description: 'Cash at the beginning.' }) opening!: string | null;
  @Field(() => DecimalScalar, { nullable: true, description: 'What the rates made of the cash at the beginning.' })
  effectOfRates!: string | null;
  @Field(() => DecimalScalar, { nullable: true, description: 'Cash at the end.' }) closing!: string | null;
  @Field(() => [EliminationType], { description: 'Of a balance sheet of several books.' })
  eliminations!: EliminationType[];
}

@ObjectType('FinancialStatementResult')
@RequiresScopes('ledger:read')
export class FinancialStatementResult {
  @Field(() => FinancialStatementType, { nullable: true }) statement?: FinancialStatementType | null;
  @Field(() => [ProblemType], { description: 'Why it is not told.' }) problems!: Problem[];
}

@ObjectType('GeneralLedgerAccount', {
  description:
    'An account of a code over a period, in one asset; positive on the debit side. `statement` tells its entries.',
})
@RequiresScopes('ledger:read')
export class GeneralLedgerAccountType {
  @Field(() => String) account!: string;
  @Field(() => String) kind!: string;
  @Field(() => String) asset!: string;
  @Field(() => DecimalScalar) opening!: string;
  @Field(() => DecimalScalar) debit!: string;
  @Field(() => DecimalScalar) credit!: string;
  @Field(() => DecimalScalar) closing!: string;
}
@ObjectType('GeneralLedgerConnection')
export class GeneralLedgerConnection extends connection(GeneralLedgerAccountType, 'GeneralLedgerAccount') {}

const enumOf = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, name]));
export const IssuedReportEnum = enumOf(issuedKinds);
export const ReportFormatEnum = enumOf(Object.keys(tableFormats));
registerEnumType(IssuedReportEnum, { name: 'IssuedReport' });
registerEnumType(ReportFormatEnum, { name: 'ReportFormat' });

@InputType()
export class IssueReportInput extends ReportScopeInput {
  @Field(() => IssuedReportEnum) report!: string;
  @Field(() => ReportFormatEnum) format!: string;
  @Field(() => DateScalar, { nullable: true, description: 'Left out for a balance sheet.' }) from?: string | null;
  @Field(() => DateScalar) to!: string;
  @Field(() => DateScalar, { nullable: true }) comparedFrom?: string | null;
  @Field(() => DateScalar, { nullable: true, description: 'The end of the figures beside.' }) comparedTo?:
    string | null;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@InputType()
export class ReproduceReportInput {
  @Field(() => ID) @Length(3, 64) fileId!: string;
  @Field(() => String) @Length(1, 128) idempotencyKey!: string;
}

@ObjectType('IssueReportPayload')
export class IssueReportPayload {
  @Field(() => ReportFileType, { nullable: true, description: 'Its job makes it; `state` says when it is ready.' })
  file?: ReportFileType | null;
  @Field(() => [ProblemType]) problems!: Problem[];
  @Field(() => Boolean) replayed!: boolean;
}
