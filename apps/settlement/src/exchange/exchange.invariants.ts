import { type Invariant, proof } from '../invariant.js';

/** What must always hold of what places and agents send us. */
export const exchangeInvariants: readonly Invariant[] = [
  {
    number: 13,
    name: 'Every file and every message that was refused is a work item with owner and due time, or closed with a reason',
    check: proof(
      `exchange_message WHERE direction = 'INBOUND'`,
      `
      SELECT f.channel || '/' || f.name AS "where", 'the file was refused, and nobody has it' AS detail
        FROM settlement.exchange_file f
       WHERE f.direction = 'INBOUND' AND f.state = 'REFUSED'
         AND NOT EXISTS (SELECT 1 FROM settlement.work_item w WHERE w.key = 'exchange:' || f.channel || ':' || f.name)
      UNION ALL
      SELECT m.channel || '/' || m.message_id, format('the message was refused (%s), and nobody has it', m.problems->0->>'code')
        FROM settlement.exchange_message m
       WHERE m.direction = 'INBOUND' AND m.state = 'REFUSED'
         AND NOT EXISTS (SELECT 1 FROM settlement.work_item w WHERE w.key = 'exchange:' || m.channel || ':' || m.message_id)`,
    ),
  },
];
