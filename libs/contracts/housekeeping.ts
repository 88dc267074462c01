import { z } from 'zod';
import { command } from './catalogue.js';

const nothing = z.object({});
const own = { lane: 'bulk', longRunning: true } as const;

/** Each service removes what it sent and what every consumer has long finished. */
export const housekeepingMessages = {
  'settlement.prune-messages.v1': command(['settlement'], 'settlement', nothing, own),
  'accounting.prune-messages.v1': command(['accounting'], 'accounting', nothing, own),
  'compliance.prune-messages.v1': command(['compliance'], 'compliance', nothing, own),
} as const;
