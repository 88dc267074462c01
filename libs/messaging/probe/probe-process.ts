import { Outbox } from '../outbox.js';
import { Queues } from '../queues.js';
import { Transactions } from '#libs/database/index.js';
import { bootProbe, ProbeScript } from './probe.js';

// A process of its own, to be killed. It tells its parent where it is.

interface Orders {
  service: 'settlement' | 'accounting';
  databaseUrl: string;
  queueUrl?: string;
  queueDatabaseUrl?: string;
  /** Stands still inside the handler of this number, its effect written and not acknowledged. */
  hangAt?: number;
  /** Stands still after this step of a long job. */
  hangAfterStep?: number;
  /** Adds so many messages, and ends by its own hand when the first of them are published and not yet marked. */
  addAndDie?: number;
}

const orders = JSON.parse(process.env.PROBE_ORDERS ?? '{}') as Orders;
const tell = (message: string) => process.send?.(message);
const standStill = (where: string) => {
  tell(where);
  return new Promise<void>(() => undefined);
};

const script = new ProbeScript();
script.beforeAcknowledging = (_name, n) => (n === orders.hangAt ? standStill('hanging') : undefined);
script.afterStep = (step) => (step === orders.hangAfterStep ? standStill('hanging') : undefined);

const app = await bootProbe({
  service: orders.service,
  databaseUrl: orders.databaseUrl,
  settings: { queueUrl: orders.queueUrl, queueDatabaseUrl: orders.queueDatabaseUrl },
  script,
});

if (orders.addAndDie !== undefined) {
  const queues = app.get(Queues, { strict: false });
  const publish = queues.publish.bind(queues);
  queues.publish = async (deliveries) => {
    await publish(deliveries);
    process.kill(process.pid, 'SIGKILL');
    await standStill('dying');
  };
  const messages = Array.from({ length: orders.addAndDie }, (_, n) => ({ name: 'probe.count.v1', payload: { n } }));
  const outbox = app.get(Outbox, { strict: false });
  await app.get(Transactions, { strict: false }).run((tx) => outbox.addAll(tx, messages as never));
}
tell('ready');
