import { z } from 'zod';
import { asset, units } from './fields.js';

/** What a fact of an event is; the posting rules name facts and know from here what each may stand for. */
export type FactType = 'account' | 'currency' | 'instrument' | 'asset' | 'amount' | 'text';
/** A type, the values that a fact can have, or the facts of each member of a list. */
export type FactShape = FactType | readonly string[] | { readonly [fact: string]: FactType };
type Shape = { readonly [fact: string]: FactShape };

const settled = {
  direction: ['RECEIVED', 'DELIVERED'],
  execution: 'text',
  place: 'text',
  depot: 'account',
  instrument: 'instrument',
  quantity: 'amount',
} as const;
const inTheHouse = {
  execution: 'text',
  buyerSafe: 'account',
  sellerSafe: 'account',
  instrument: 'instrument',
  quantity: 'amount',
} as const;
const payment = {
  client: 'account',
  nostro: 'account',
  currency: 'currency',
  amount: 'amount',
  endToEnd: 'text',
} as const;
const atTheCounter = {
  client: 'account',
  nostro: 'account',
  currency: 'currency',
  amount: 'amount',
  description: 'text',
} as const;

/**
 * What happens in the house and leads to postings, each kind with its facts. Which postings it leads to is said by the
 * rules of the ledger, which are data. Quantities and amounts of a settlement are told client by client, and in all: what
 * stands beside a list under the name of a fact of its members is their total.
 */
export const postingEvents = {
  DEPOSIT: atTheCounter,
  WITHDRAWAL: atTheCounter,
  TRANSFER: { debtor: 'account', creditor: 'account', asset: 'asset', amount: 'amount', description: 'text' },
  FEE: { client: 'account', income: 'account', currency: 'currency', amount: 'amount', description: 'text' },
  PAYMENT: payment,
  PAYMENT_RETURN: { ...payment, reason: 'text' },
  /** A place confirmed a delivery against payment: what each client gets or gives, and pays or is paid. */
  SETTLEMENT: {
    ...settled,
    nostro: 'account',
    currency: 'currency',
    amount: 'amount',
    shares: { safe: 'account', cash: 'account', quantity: 'amount', amount: 'amount' },
  },
  FREE_SETTLEMENT: { ...settled, shares: { safe: 'account', quantity: 'amount' } },
  /** What a place confirmed beyond the instruction: nobody's yet. */
  SETTLEMENT_EXCESS: { ...settled, nostro: 'account', currency: 'currency', amount: 'amount' },
  FREE_SETTLEMENT_EXCESS: settled,
  /** Between two clients of the house. */
  INTERNAL_SETTLEMENT: {
    ...inTheHouse,
    buyerCash: 'account',
    sellerCash: 'account',
    currency: 'currency',
    amount: 'amount',
  },
  FREE_INTERNAL_SETTLEMENT: inTheHouse,
} as const satisfies Record<string, Shape>;

export type PostingEventKind = keyof typeof postingEvents;
export const postingEventKinds = Object.keys(postingEvents) as readonly PostingEventKind[];

type FactOf<S> = S extends FactType
  ? string
  : S extends readonly string[]
    ? S[number]
    : readonly { readonly [F in keyof S]: string }[];
export type FactsOf<Kind extends PostingEventKind> = {
  readonly [F in keyof (typeof postingEvents)[Kind]]: FactOf<(typeof postingEvents)[Kind][F]>;
};
export type PostingEvent = {
  [Kind in PostingEventKind]: { readonly kind: Kind; readonly facts: FactsOf<Kind> };
}[PostingEventKind];

/** Two postings and two for each client are as many as an entry has. */
export const sharesMax = 199;

export const factSchemas = {
  account: z.string().min(1).max(64),
  currency: z.string().regex(/^[A-Z]{3}$/),
  instrument: z.string().regex(/^[A-Z]{2}[A-Z0-9]{9}\d$/),
  asset,
  amount: units,
  text: z.string().max(140),
} as const satisfies Record<FactType, z.ZodType<string>>;

function schemaOf(shape: FactShape): z.ZodType {
  if (typeof shape === 'string') return factSchemas[shape];
  if (isChoice(shape)) return z.enum(shape as readonly [string, ...string[]]);
  return z
    .array(z.strictObject(schemasOf(shape)))
    .min(1)
    .max(sharesMax);
}

const schemasOf = (shapes: Shape) =>
  Object.fromEntries(Object.entries(shapes).map(([fact, shape]) => [fact, schemaOf(shape)]));

export const isChoice = (shape: FactShape): shape is readonly string[] => Array.isArray(shape);
export const isFactList = (shape: FactShape): shape is { readonly [fact: string]: FactType } =>
  typeof shape === 'object' && !isChoice(shape);

export const postingEvent = z.discriminatedUnion(
  'kind',
  postingEventKinds.map((kind) =>
    z.strictObject({ kind: z.literal(kind), facts: z.strictObject(schemasOf(postingEvents[kind])) }),
  ) as never,
) as unknown as z.ZodType<PostingEvent>;
