import { createServer } from 'node:http';
import { Market } from './market.js';
import { readScript } from './script.js';
import { Simulator } from './simulator.js';

/**
 * The market as a process of its own. It is told the time over a control port, and answers files with files.
 *   POST /advance {"to":"2026-11-25T16:15"}   does what the script has timed up to then; answers {"written":[…]}
 *   GET  /books                                its own nostros and depots
 *   GET  /health
 */
const environment = (name: string): string => {
  const value = process.env[name];
  if (!value)
    throw new Error(`Set ${name}: the market simulator needs EXCHANGE_DIRECTORY, SCRIPT_FILE and STATE_DIRECTORY`);
  return value;
};

const script = readScript(environment('SCRIPT_FILE'));
const market = new Market(script);
const simulator = Simulator.open(script, market, environment('EXCHANGE_DIRECTORY'), environment('STATE_DIRECTORY'));

const server = createServer((request, response) => {
  const answer = (status: number, body: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  if (request.method === 'GET' && request.url === '/health') {
    answer(200, { status: 'ok' });
  } else if (request.method === 'GET' && request.url === '/books') {
    answer(200, market.books());
  } else if (request.method === 'POST' && request.url === '/advance') {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      try {
        const { to } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { to?: string };
        if (!to || !/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/.test(to)) {
          answer(400, { code: 'INVALID_TIME', message: 'Send {"to":"YYYY-MM-DDTHH:MM"}' });
          return;
        }
        answer(200, { written: simulator.advance(to) });
      } catch (error) {
        answer(500, { code: 'SIMULATOR_FAULT', message: error instanceof Error ? error.message : String(error) });
      }
    });
  } else {
    answer(404, { code: 'NOT_FOUND' });
  }
});

const timer = setInterval(() => {
  try {
    simulator.poll();
  } catch (error) {
    console.error(error); // a half-written file is read again at the next turn
  }
}, 50);

const stop = () => {
  clearInterval(timer);
  server.close(() => process.exit(0));
  server.closeAllConnections();
};
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
process.on('disconnect', stop);
// What started it may have gone while its modules were loaded.
if (process.send && !process.connected) process.exit(0);

server.listen(Number(process.env.PORT ?? 4010), '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ type: 'ready', port: typeof address === 'object' && address ? address.port : 0 });
});
