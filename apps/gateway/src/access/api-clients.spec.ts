import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { hashApiKey, newApiKey } from '#libs/auth/index.js';
import { ApiClients, askCompliance, ClientsUnavailable } from './api-clients.js';

const secret = 'a secret of this test alone with thirty-two characters';
const somebody = { subject: 'erin', kind: 'PERSON', roles: ['operations'], books: ['NGEU'] };

/** Compliance, as it answers over HTTP. */
describe('who a key belongs to', () => {
  let server: Server;
  let says: object = {};
  let asked = 0;
  const key = newApiKey('operations');
  let clients: ApiClients;

  beforeAll(async () => {
    server = createServer((_, response) => {
      asked += 1;
      response.setHeader('content-type', 'application/json').end(JSON.stringify(says));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    await new Promise((resolve) => server.close(resolve));
  });
  beforeEach(() => {
    const { port } = server.address() as AddressInfo;
    clients = new ApiClients(askCompliance(`http://127.0.0.1:${port}`, secret), { pepper: '' });
    asked = 0;
  });

  it('is what compliance says, for a while', async () => {
    says = { data: { apiClientByKeyHash: somebody } };
    for (let n = 0; n < 2; n += 1)
      expect(await clients.identify(key, 'source')).toMatchObject({ subject: 'erin', books: ['NGEU'] });
    expect(asked).toBe(1);
  });

  it('is nobody when compliance knows no such key', async () => {
    says = { data: { apiClientByKeyHash: null } };
    expect(await clients.identify(key, 'source')).toBeUndefined();
  });

  it('is not known while compliance cannot look it up: that is no refusal, and it is asked again', async () => {
    says = { data: { apiClientByKeyHash: null }, errors: [{ message: 'the database does not answer' }] };
    await expect(clients.identify(key, 'source')).rejects.toThrow(ClientsUnavailable);
    says = { data: { apiClientByKeyHash: somebody } };
    expect(await clients.identify(key, 'source')).toMatchObject({ subject: 'erin' });
  });

  it('is the one of the keys file when compliance cannot look it up', async () => {
    says = { data: { apiClientByKeyHash: null }, errors: [{ message: 'the database does not answer' }] };
    const { port } = server.address() as AddressInfo;
    const withFile = new ApiClients(askCompliance(`http://127.0.0.1:${port}`, secret), {
      pepper: '',
      fallback: new Map([[hashApiKey(key, ''), { ...somebody, kind: 'PERSON' as const }]]),
    });
    expect(await withFile.identify(key, 'source')).toMatchObject({ subject: 'erin' });
  });
});
