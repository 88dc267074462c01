import { type Role } from '#libs/auth/index.js';

/** A query that the explorer offers. */
export interface ReadyMadeQuery {
  /** Of the operation. */
  name: string;
  /** Whose key it is meant for; others may run it too when they have the scopes. */
  role: Role;
  about: string;
  text: string;
}

/** They say something on the sample's first business day, and are run by the end-to-end tests as they stand. */
export const readyMadeQueries: readonly ReadyMadeQuery[] = [
  {
    name: 'OneTradeThroughAllServices',
    role: 'operations',
    about:
      'settlement: the trade; compliance: the names; accounting: what was booked, and where that left the accounts',
    text: `query OneTradeThroughAllServices {
  trades(first: 1, filter: { state: SETTLED }) {
    edges {
      node {
        executionId
        side
        isin
        quantity
        amount { amount currency }
        clientParty { name screenings { outcome } }
        counterpartyParty { name screenings { outcome score screenedAt } }
        instruction {
          place
          settlementStatus
          settledAt
          journalEntry {
            id
            businessDate
            postings { accountNumber asset side amount balanceAfter account { state party { name } } }
          }
        }
      }
    }
  }
}`,
  },
  {
    name: 'WhatNeedsMe',
    role: 'operations',
    about: 'the open work of all services, the most urgent first',
    text: `query WhatNeedsMe {
  workItems(first: 20) {
    edges { node { service category reference reasonCode ownerTeam dueAt ageSeconds isOverdue nextAction } }
    pageInfo { hasNextPage endCursor }
  }
}`,
  },
  {
    name: 'WhatFails',
    role: 'operations',
    about: 'deliveries of today that did not settle, with the reason of ISO 20022',
    text: `query WhatFails {
  instructions(first: 20, filter: { settlementStatus: "FAILING" }) {
    edges { node { executionId place direction isin quantity settledQuantity reasonCode holds trade { counterparty } } }
  }
}`,
  },
  {
    name: 'TheDay',
    role: 'operations',
    about: 'how far the business day of the book in Frankfurt is',
    text: `query TheDay {
  businessDay(book: "NGEU") {
    businessDate
    state
    nextBusinessDate
    phaseRuns { phase cycle state requestedBy completedAt counts }
  }
}`,
  },
  {
    name: 'Jobs',
    role: 'operations',
    about: 'background jobs of all services, newest first; also by name, businessKey, from, to and errorText',
    text: `query Jobs {
  jobRuns(first: 20, filter: { states: [WAITING, RUNNING, SUCCEEDED, FAILED] }) {
    edges { node { id service name businessKey requestedBy state done total counts error { code message } attempts { attempt outcome } } }
  }
}`,
  },
  {
    name: 'FollowAJob',
    role: 'operations',
    about: 'the job whenever it changes, until it has ended; put the id of a job of settlement into the variables',
    text: `subscription FollowAJob($id: ID!) {
  settlementJobProgress(id: $id) { state done total counts }
}`,
  },
  {
    name: 'Queues',
    role: 'operations',
    about: 'what waits in each service, and who paused it and why',
    text: `query Queues {
  settlement: settlementJobQueues { name isPaused pausedBy pauseReason waiting deadLetters oldestSeconds }
  accounting: accountingJobQueues { name isPaused pausedBy pauseReason waiting deadLetters oldestSeconds }
  compliance: complianceJobQueues { name isPaused pausedBy pauseReason waiting deadLetters oldestSeconds }
}`,
  },
  {
    name: 'WhatToDecide',
    role: 'operations-approver',
    about: 'what waits for a second person, and what was decided',
    text: `query WhatToDecide {
  waiting: approvals(first: 20, filter: { state: OPEN }) { edges { node { kind summary requestedBy expiresAt } } }
  decided: approvals(first: 20, filter: { state: APPROVED }) { edges { node { kind summary requestedBy decidedBy decisionReason } } }
}`,
  },
  {
    name: 'MyClient',
    role: 'front-office',
    about: 'what a client has, and what is on its way',
    text: `query MyClient {
  cash: account(book: "NGEU", number: "C000001-CASH") {
    state
    party { name isHeld }
    balances { asset balance available }
  }
  positions(first: 20, account: "C000001") {
    edges { node { isin traded pending settled available } }
  }
}`,
  },
  {
    name: 'PaymentsOnHold',
    role: 'front-office',
    about: 'payment orders that wait for compliance',
    text: `query PaymentsOnHold {
  payments(first: 10, filter: { status: "HELD" }) {
    edges { node { endToEndId debtorAccount creditorName amount { amount currency } status history { toStatus reasonCode at } } }
  }
}`,
  },
  {
    name: 'NamesToJudge',
    role: 'compliance',
    about: 'who resembles whom on the sanctions list',
    text: `query NamesToJudge {
  alerts(first: 10, filter: { state: OPEN }) {
    edges { node { objectKind reference entryName score reasonCode dueAt party { name country } payment { amount { amount currency } } } }
  }
  listVersions(first: 5) {
    edges { node { source name state entryCount addedCount changedCount removedCount partyHitCount } }
  }
}`,
  },
  {
    name: 'WhatWasApproved',
    role: 'compliance-approver',
    about: 'who asked, who decided, and whose attempts were refused',
    text: `query WhatWasApproved {
  approvals(first: 20) {
    edges { node { kind summary requestedBy state decidedBy decisionReason attempts { attemptedBy decision code attemptedAt } } }
  }
}`,
  },
  {
    name: 'TheBooks',
    role: 'controller',
    about: 'debits and credits of the first day, and the sums of the whole ledger, zero in each asset',
    text: `query TheBooks($businessDate: Date! = "2026-11-25") {
  trialBalance(book: "NGEU", businessDate: $businessDate) {
    assets { asset debit credit accounts }
    sealedEntries
    lines(asset: "EUR") { account kind debit credit }
  }
  ledgerSummary { entries postings sums }
}`,
  },
  {
    name: 'WhoPausedTheQueue',
    role: 'auditor',
    about: 'the audit log of one object: what was done to it, by whom and why',
    text: `query WhoPausedTheQueue {
  settlementAuditEntries(first: 20, objectKind: "QUEUE", objectId: "settlement-bulk") {
    edges { node { at action principal reason leafHash } }
  }
}`,
  },
  {
    name: 'MyTrades',
    role: 'partner',
    about: 'how the trades stand that were handed in',
    text: `query MyTrades {
  trades(first: 10) {
    edges { node { executionId state repairReason holdState settlementDate history { fromState toState reason at } } }
  }
}`,
  },
  {
    name: 'WhoMayAsk',
    role: 'admin',
    about: 'the people and machines that have a key',
    text: `query WhoMayAsk {
  apiClients(first: 20) {
    edges { node { subject kind roles books createdAt lastUsedAt revokedAt } }
  }
}`,
  },
];
