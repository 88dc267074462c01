import { Directive, Field, type FieldMiddleware, Int, ObjectType } from '@nestjs/graphql';
import { CurrencyCodeScalar, DecimalScalar } from './scalars.js';

@ObjectType('Money', { description: 'An exact amount in one currency, at most at the scale of the currency.' })
@Directive('@shareable')
export class MoneyType {
  @Field(() => DecimalScalar)
  amount!: string;

  @Field(() => CurrencyCodeScalar)
  currency!: string;
}

/** Rules name a place by its steps; on the wire it is one text. */
const dotted: FieldMiddleware = async (_, next) => {
  const path: unknown = await next();
  return Array.isArray(path) ? path.join('.') || null : path || null;
};

@ObjectType('Problem', {
  description: 'Why something was refused. `code` is stable, `message` is for people, `path` names the input.',
})
@Directive('@shareable')
export class ProblemType {
  @Field(() => String)
  code!: string;

  @Field(() => String)
  message!: string;

  @Field(() => String, {
    nullable: true,
    middleware: [dotted],
    description: 'Where in the input, e.g. "items.3.quantity"; null when it is not about one field.',
  })
  path!: readonly (string | number)[];

  @Field(() => Boolean, { description: 'True when the same request may succeed later.' })
  retryable!: boolean;
}

@ObjectType('PageInfo')
@Directive('@shareable')
export class PageInfo {
  @Field(() => Boolean)
  hasNextPage!: boolean;

  @Field(() => Boolean)
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true })
  startCursor!: string | null;

  @Field(() => String, { nullable: true })
  endCursor!: string | null;
}

@ObjectType('DayFigure', { description: 'One count of a business day, with the business references behind it.' })
@Directive('@shareable')
export class DayFigureType {
  @Field(() => String)
  row!: string;

  @Field(() => String)
  part!: string;

  @Field(() => String, { nullable: true })
  currency!: string | null;

  @Field(() => Int)
  count!: number;

  @Field(() => DecimalScalar, { nullable: true })
  value!: string | null;

  @Field(() => [String])
  references!: string[];
}
