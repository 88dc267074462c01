import { type DemoRole } from './access.js';
import { type Api, until } from './api.js';

/** What the sample's day 1 asks of a second person; see `days/<date>/approvals.json`. */
interface ApprovalCase {
  kind: 'PAYMENT_RELEASE' | 'SSI_CHANGE' | 'PRICE_OVERRIDE' | 'LIMIT_CHANGE' | 'MANUAL_REVERSAL';
  outcome: 'approved' | 'rejected' | 'expired' | 'ownApprovalRefused' | 'changedPayloadRefused';
  ssi?: Record<string, string>;
  priceOverride?: Record<string, string>;
  limit?: { account: string; book: string; currency: string; overdraftLimit: string };
  fee?: { account: string; book: string; currency: string; amount: string };
}

interface Proposal {
  approvalId: string;
  /** The maker's own object, which a changed payload names. */
  changeId: string;
  maker: DemoRole;
}

interface ApprovalState {
  id: string;
  payloadHash: string;
  state: string;
}

/** A compliance analyst proposes to release the held payment, a second person approves. */
export async function releasePayment(api: Api, endToEndId: string): Promise<void> {
  const alert = await until(`the alert on ${endToEndId}`, async () => {
    const data = await api.send<{ alerts: { edges: { node: { id: string; state: string } }[] } }>(
      'compliance',
      'query Alerts($reference: String!) { alerts(filter: { reference: $reference }, first: 1) { edges { node { id state } } } }',
      { reference: endToEndId },
    );
    return data.alerts.edges[0]?.node;
  });
  // An earlier start of this day may have come as far as this.
  if (alert.state !== 'OPEN') return;
  const { approval } = await api.mutate<{ approval: { id: string }; problems: [] }>(
    'compliance',
    'proposeRelease',
    {
      alertId: alert.id,
      reason: 'The date of birth differs from the listed person',
      idempotencyKey: `release-${endToEndId}`,
    },
    'approval { id }',
    'ProposeReleaseInput',
  );
  await decide(api, 'compliance-approver', await approvalById(api, approval.id), 'APPROVE');
}

/** The other approvals of the day, each to its scripted end. */
export async function runApprovals(
  api: Api,
  cases: readonly ApprovalCase[],
  setClock: (localTime: string) => Promise<void>,
  date: string,
  once: (name: string, text: string) => string,
): Promise<string> {
  const expiring: { one: ApprovalCase; proposal: Proposal }[] = [];
  for (const [index, one] of cases.entries()) {
    if (one.kind === 'PAYMENT_RELEASE') continue;
    const proposal = await propose(api, one, `${date}-${index}`, date);
    const approval = await until(`the approval of ${one.kind}`, () =>
      approvalById(api, proposal.approvalId).catch(() => undefined),
    );
    switch (one.outcome) {
      case 'approved':
        await decide(api, 'operations-approver', approval, 'APPROVE');
        break;
      case 'rejected':
        await decide(api, 'operations-approver', approval, 'REJECT');
        break;
      case 'expired':
        expiring.push({ one, proposal });
        break;
      case 'ownApprovalRefused':
        await mustBeRefused(api, proposal.maker, approval, 'OWN_APPROVAL');
        break;
      case 'changedPayloadRefused': {
        const seen = { ...approval, payloadHash: once(`hash seen by the approver of ${index}`, approval.payloadHash) };
        await api.mutate(
          proposal.maker,
          'changeLimitProposal',
          {
            changeId: proposal.changeId,
            overdraftLimit: '99999.00',
            reason: 'A higher limit after all',
            idempotencyKey: `change-${date}-${index}`,
          },
          'change { approvalId }',
          'ChangeLimitProposalInput',
        );
        await until('the changed payload', async () => {
          const now = await approvalById(api, proposal.approvalId);
          return now.payloadHash === seen.payloadHash ? undefined : true;
        });
        await mustBeRefused(api, 'operations-approver', seen, 'PAYLOAD_CHANGED');
        break;
      }
    }
  }
  if (expiring.length > 0) {
    await setClock(`${date}T15:30`);
    for (const { proposal } of expiring)
      await mustBeRefused(api, 'operations-approver', await approvalById(api, proposal.approvalId), 'APPROVAL_EXPIRED');
  }
  return `${cases.length - 1} approvals decided, expired or refused as they must be`;
}

async function propose(api: Api, one: ApprovalCase, key: string, date: string): Promise<Proposal> {
  const reason = 'Asked by the client';
  const idempotencyKey = `propose-${key}`;
  const expiresAt = one.outcome === 'expired' ? { expiresAt: `${date}T14:00:00Z` } : {};
  const start = async (maker: DemoRole, mutation: string, input: Record<string, unknown>): Promise<Proposal> => {
    const { change } = await api.mutate<{ change: { id: string; approvalId: string }; problems: [] }>(
      maker,
      mutation,
      { ...input, ...expiresAt, reason, idempotencyKey },
      'change { id approvalId }',
      `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input`,
    );
    return { approvalId: change.approvalId, changeId: change.id, maker };
  };
  switch (one.kind) {
    case 'SSI_CHANGE':
      return start('operations', 'proposeSsiChange', { ssi: one.ssi });
    case 'PRICE_OVERRIDE':
      return start('operations', 'proposePriceOverride', { priceOverride: one.priceOverride });
    case 'LIMIT_CHANGE':
      return start('controller', 'proposeLimitChange', { ...one.limit });
    case 'MANUAL_REVERSAL': {
      const { account, book, currency, amount } = one.fee ?? { account: '', book: '', currency: '', amount: '' };
      const { entry } = await api.mutate<{ entry: { id: string }; problems: [] }>(
        'controller',
        'postTransfer',
        {
          book,
          debitAccount: account,
          creditAccount: 'FEES',
          amount: { amount, currency },
          description: 'Custody fee, charged by mistake',
          idempotencyKey: `fee-${key}`,
        },
        'entry { id }',
        'PostTransferInput',
      );
      return start('controller', 'proposeReversal', { entryId: entry.id });
    }
    case 'PAYMENT_RELEASE':
      throw new Error('The payment release has its own step');
  }
}

interface OpenShortfall {
  id: string;
  asset: string;
  uncovered: { amount: string; currency: string } | null;
}

/** The controller sets own money aside for whatever clients are short of, a second person agrees. Tells how many there were. */
export async function coverShortfalls(api: Api): Promise<number> {
  const open = async () => {
    const { shortfalls } = await api.send<{ shortfalls: { edges: { node: OpenShortfall }[] } }>(
      'controller',
      'query Shortfalls { shortfalls(state: OPEN, first: 100) { edges { node { id asset uncovered { amount currency } } } } }',
    );
    return shortfalls.edges.map(({ node }) => node);
  };
  const isCovered = ({ uncovered }: OpenShortfall) => uncovered !== null && /^0(\.0+)?$/.test(uncovered.amount);
  const found = await open();
  for (const { id, asset, uncovered } of found.filter((one) => !isCovered(one))) {
    const { cover } = await api.mutate<{ cover: { approvalId: string }; problems: [] }>(
      'controller',
      'proposeShortfallCover',
      {
        shortfallId: id,
        amount: uncovered?.amount ?? '0',
        reason: `Own money until the difference in ${asset} is put right`,
        idempotencyKey: `cover-${id}`,
      },
      'cover { approvalId }',
      'ProposeShortfallCoverInput',
    );
    const approval = await until(`the approval of the cover of ${asset}`, () =>
      approvalById(api, cover.approvalId).catch(() => undefined),
    );
    await decide(api, 'operations-approver', approval, 'APPROVE');
  }
  await until('the cover of the shortfalls', async () => ((await open()).every(isCovered) ? true : undefined));
  return found.length;
}

async function approvalById(api: Api, id: string): Promise<ApprovalState> {
  const { approval } = await api.send<{ approval: ApprovalState | null }>(
    'operations-approver',
    'query Approval($id: ID!) { approval(id: $id) { id payloadHash state } }',
    { id },
  );
  if (!approval) throw new Error(`There is no approval ${id}`);
  return approval;
}

const decisionInput = (approval: ApprovalState, decision: 'APPROVE' | 'REJECT', role: DemoRole) => ({
  approvalId: approval.id,
  payloadHash: approval.payloadHash,
  decision,
  reason: decision === 'APPROVE' ? 'Checked against the documents' : 'The documents do not support it',
  idempotencyKey: `decide-${approval.id}-${role}`,
});

async function decide(
  api: Api,
  role: DemoRole,
  approval: ApprovalState,
  decision: 'APPROVE' | 'REJECT',
): Promise<void> {
  await api.mutate(
    role,
    'decideApproval',
    decisionInput(approval, decision, role),
    'approval { id state }',
    'DecideApprovalInput',
  );
}

async function mustBeRefused(api: Api, role: DemoRole, approval: ApprovalState, code: string): Promise<void> {
  const { problems } = await api.tryMutate<{ problems: { code: string }[] }>(
    role,
    'decideApproval',
    decisionInput(approval, 'APPROVE', role),
    'approval { id }',
    'DecideApprovalInput',
  );
  if (!problems.some((one) => one.code === code))
    throw new Error(`The approval ${approval.id} was not refused with ${code}`);
}
