import { type EntryKind, type PostingEventKind } from '#libs/contracts/index.js';
import { type PostingRule, type RulePosting, type RuleSet } from './posting-rules.js';

/** The two postings that move an amount from one account to another: the first is debited. */
function moves(
  [debit, credit]: readonly [RulePosting['account'], RulePosting['account']],
  asset: string,
  amount: string,
  rest: Pick<RulePosting, 'when'> = {},
): RulePosting[] {
  return [
    { side: 'DEBIT', account: debit, asset, amount, ...rest },
    { side: 'CREDIT', account: credit, asset, amount, ...rest },
  ];
}

const ruleOf = (
  event: PostingEventKind,
  entryKind: EntryKind,
  description: string,
  postings: readonly RulePosting[],
): PostingRule => ({ event, entryKind, description, postings });

const received = { when: { fact: 'direction', is: 'RECEIVED' } } as const;
const delivered = { when: { fact: 'direction', is: 'DELIVERED' } } as const;
const suspense = { number: 'SUSPENSE' } as const;

/** The depot moves, the clients' safes follow; against payment their cash moves the other way, through the nostro. */
const delivery = (isPaid: boolean): RulePosting[] =>
  (
    [
      [received, 'DEBIT', 'CREDIT'],
      [delivered, 'CREDIT', 'DEBIT'],
    ] as const
  ).flatMap(([when, ours, theirs]): RulePosting[] => [
    { side: ours, account: 'depot', asset: 'instrument', amount: 'shares.quantity', ...when },
    { side: theirs, account: 'shares.safe', asset: 'instrument', amount: 'shares.quantity', each: 'shares', ...when },
    ...(isPaid
      ? ([
          { side: ours, account: 'shares.cash', asset: 'currency', amount: 'shares.amount', each: 'shares', ...when },
          { side: theirs, account: 'nostro', asset: 'currency', amount: 'shares.amount', ...when },
        ] as const)
      : []),
  ]);

/** Nobody's yet, so it waits in suspense. */
const excess = (isPaid: boolean): RulePosting[] => [
  ...moves(['depot', suspense], 'instrument', 'quantity', received),
  ...(isPaid ? moves([suspense, 'nostro'], 'currency', 'amount', received) : []),
  ...moves([suspense, 'depot'], 'instrument', 'quantity', delivered).reverse(),
  ...(isPaid ? moves(['nostro', suspense], 'currency', 'amount', delivered).reverse() : []),
];

/** The rules a book begins with: its version 1. They are stored with the book, so a change here reaches new books only. */
export const builtInRules: RuleSet = [
  ruleOf('DEPOSIT', 'DEPOSIT', '{description}', moves(['nostro', 'client'], 'currency', 'amount')),
  ruleOf('WITHDRAWAL', 'WITHDRAWAL', '{description}', moves(['client', 'nostro'], 'currency', 'amount')),
  ruleOf('TRANSFER', 'TRANSFER', '{description}', moves(['debtor', 'creditor'], 'asset', 'amount')),
  ruleOf('FEE', 'FEE', '{description}', moves(['client', 'income'], 'currency', 'amount')),
  ruleOf('PAYMENT', 'PAYMENT', 'Payment {endToEnd}', moves(['client', 'nostro'], 'currency', 'amount')),
  ruleOf(
    'PAYMENT_RETURN',
    'PAYMENT_RETURN',
    'Return of {endToEnd} ({reason})',
    moves(['nostro', 'client'], 'currency', 'amount'),
  ),
  ruleOf('SETTLEMENT', 'TRADE_SETTLEMENT', 'Settlement of {execution} at {place}', delivery(true)),
  ruleOf('FREE_SETTLEMENT', 'FREE_DELIVERY', 'Settlement of {execution} at {place}', delivery(false)),
  ruleOf('SETTLEMENT_EXCESS', 'TRADE_SETTLEMENT', 'Confirmed above {execution} at {place}', excess(true)),
  ruleOf('FREE_SETTLEMENT_EXCESS', 'FREE_DELIVERY', 'Confirmed above {execution} at {place}', excess(false)),
  ruleOf('INTERNAL_SETTLEMENT', 'TRADE_SETTLEMENT', 'Internal settlement of {execution}', [
    ...moves(['sellerSafe', 'buyerSafe'], 'instrument', 'quantity'),
    ...moves(['buyerCash', 'sellerCash'], 'currency', 'amount'),
  ]),
  ruleOf(
    'FREE_INTERNAL_SETTLEMENT',
    'FREE_DELIVERY',
    'Internal settlement of {execution}',
    moves(['sellerSafe', 'buyerSafe'], 'instrument', 'quantity'),
  ),
];
