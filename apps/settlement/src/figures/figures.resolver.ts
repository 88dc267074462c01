import { Args, Query, Resolver } from '@nestjs/graphql';
import { type Tx } from '#libs/database/index.js';
import { DateScalar, DayFigureType, ReadTx, RequiresScopes } from '#libs/graphql/index.js';
import { InstructionFigures } from '../instructions/instruction.figures.js';
import { PaymentFigures } from '../payments/payment.figures.js';
import { TradeFigures } from './trade.figures.js';

@Resolver()
export class FiguresResolver {
  constructor(
    private readonly trades: TradeFigures,
    private readonly instructions: InstructionFigures,
    private readonly payments: PaymentFigures,
  ) {}

  @Query(() => [DayFigureType], {
    description: 'What settlement counted on a business date, each figure with the references behind it.',
  })
  @RequiresScopes('days:read')
  async settlementDayFigures(
    @Args('businessDate', { type: () => DateScalar }) businessDate: string,
    @ReadTx() tx: Tx,
  ): Promise<DayFigureType[]> {
    const figures = [
      ...(await this.trades.rows(tx, businessDate)),
      ...(await this.instructions.rows(tx, businessDate)),
      ...(await this.payments.rows(tx, businessDate)),
    ];
    return figures.map((figure) => ({ ...figure, references: [...figure.references] }));
  }
}
