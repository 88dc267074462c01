import { Args, Query, Resolver } from '@nestjs/graphql';
import { type Tx } from '#libs/database/index.js';
import { DateScalar, DayFigureType, ReadTx, RequiresScopes } from '#libs/graphql/index.js';
import { type ApprovalState, type RefusalCode } from '../approvals/approvals.js';
import { dayFigures } from './figures.js';

@Resolver(() => DayFigureType)
export class FiguresResolver {
  @Query(() => [DayFigureType], {
    description:
      'What was stopped at the close of this business date, whenever it was, and how the approvals asked for on it ended. What covers a shortfall of client assets is told with it.',
  })
  @RequiresScopes('days:read')
  async complianceDayFigures(
    @Args('businessDate', { type: () => DateScalar }) businessDate: string,
    @ReadTx() tx: Tx,
  ): Promise<DayFigureType[]> {
    const held = await tx.rows<{ objectKind: string; reference: string }>(
      `SELECT object_kind AS "objectKind", reference FROM compliance.alert
        WHERE business_date <= $1 AND object_kind <> 'PARTY' AND (state <> 'RELEASED' OR decided_on > $1)`,
      [businessDate],
    );
    const approvals = await tx.rows<{ approvalId: string; state: ApprovalState; lastRefusal: RefusalCode | null }>(
      `SELECT approval_id AS "approvalId", state,
              (SELECT code FROM compliance.approval_attempt a WHERE a.approval_id = approval.approval_id ORDER BY attempt_id DESC LIMIT 1)
                AS "lastRefusal"
         FROM compliance.approval WHERE business_date = $1 AND kind <> 'SHORTFALL_COVER'`,
      [businessDate],
    );
    return dayFigures(held, approvals);
  }
}
