import { type NextFunction, type Request, type Response } from 'express';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import { type NestExpressApplication } from '@nestjs/platform-express';
// Only looks: nothing is ever added to a queue here.
// eslint-disable-next-line no-restricted-imports
import { createPostgresBackend, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { hasScope } from '#libs/auth/index.js';
import { openLastingPool } from '#libs/database/index.js';
import { answerError, answerSignInError, type Entrance, principalOfRequest } from '../access/http-policy.js';
import { services } from '../graph/merged-lists.js';

export const boardPath = '/ops/queues';

/** As libs/messaging names them. */
const queueNames = services.flatMap((service) => [`${service}-fast`, `${service}-bulk`]);
const prefixOf = (name: string) => `{northgate-${name}}`;

export interface QueueBoard {
  close(): Promise<void>;
}

/**
 * The engineers' view of the raw queues, read-only. Operations steer jobs over GraphQL, where each act has
 * a reason and leaves an audit entry. A browser logs in with any name and the API key as password.
 */
export async function mountQueueBoard(
  app: NestExpressApplication,
  entrance: Entrance,
  config: { queueUrl?: string | undefined; queueDatabaseUrl?: string | undefined },
): Promise<QueueBoard> {
  const { queues, close } = openQueues(config);
  const adapter = new ExpressAdapter();
  adapter.setBasePath(boardPath);
  createBullBoard({
    queues: queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: true, allowRetries: false })),
    // The two packages are one patch apart and their types with them.
    serverAdapter: adapter as never,
    options: { uiConfig: { boardTitle: 'Queues' } },
  });
  app.use(boardPath, onlyFor(entrance), adapter.getRouter());
  return Promise.resolve({ close });
}

function onlyFor(entrance: Entrance) {
  return async (request: Request, response: Response, next: NextFunction): Promise<void> => {
    try {
      const principal = await principalOfRequest(request, entrance);
      if (!principal) {
        answerError(response, 401, 'UNAUTHENTICATED', 'log in with an API key as the password', {
          'www-authenticate': 'Basic realm="back office"',
        });
      } else if (!hasScope(principal, 'jobs:operate')) {
        answerError(response, 403, 'FORBIDDEN', 'this needs the scope jobs:operate');
      } else if (request.method !== 'GET') {
        answerError(response, 405, 'METHOD_NOT_ALLOWED', 'the board only shows', { allow: 'GET' });
      } else {
        next();
      }
    } catch (error) {
      if (!answerSignInError(response, error)) next(error);
    }
  };
}

/** Opens nothing yet: the gateway starts while the queue is away. */
function openQueues(config: { queueUrl?: string | undefined; queueDatabaseUrl?: string | undefined }): {
  queues: Queue[];
  close: () => Promise<void>;
} {
  if (config.queueUrl !== undefined) {
    const redis = new Redis(config.queueUrl, {
      maxRetriesPerRequest: 1,
      enableOfflineQueue: true,
      connectTimeout: 5_000,
      commandTimeout: 5_000,
    });
    redis.on('error', () => undefined);
    const queues = queueNames.map((name) =>
      quiet(new Queue(name, { connection: redis, prefix: prefixOf(name), skipVersionCheck: true })),
    );
    return {
      queues,
      close: async () => {
        await closeAll(queues);
        redis.disconnect();
      },
    };
  }
  const pool = openLastingPool({
    connectionString: config.queueDatabaseUrl,
    max: 2,
    options: '-c search_path=bullmq',
    application_name: 'gateway-queues',
    connectionTimeoutMillis: 5_000,
  });
  const queues = queueNames.map((name) => quiet(new Queue(name, { connection: pool }, createPostgresBackend as never)));
  return {
    queues,
    close: async () => {
      await closeAll(queues);
      await pool.end();
    },
  };
}

function quiet(queue: Queue): Queue {
  queue.on('error', () => undefined);
  return queue;
}

async function closeAll(queues: readonly Queue[]): Promise<void> {
  await Promise.all(queues.map((queue) => queue.close().catch(() => undefined)));
}
