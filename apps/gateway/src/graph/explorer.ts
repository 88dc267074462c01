import { type ServerResponse } from 'node:http';
import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import { type ReadyMadeQuery, readyMadeQueries } from './ready-made.js';

const guide = `# 1. "Headers" (bottom left): { "authorization": "Bearer ngb_…" }, a key of the role that the query names.
# 2. Put the cursor into a query and press Ctrl-Enter, or choose its name at the round arrow.
# Without help while typing? Reload the schema (the circular arrows, left): that needs the key, too.`;

const commented = ({ role, about, text }: ReadyMadeQuery) => `# Role ${role}: ${about}\n${text}`;

/** GraphiQL with nothing fetched from elsewhere. Not served in production. */
export function explorerPage(): (response: ServerResponse) => void {
  const page = renderGraphiQL({
    title: 'Back office',
    endpoint: '/graphql',
    // Subscriptions would be sent by GET otherwise, which the gateway does not take.
    method: 'POST',
    defaultQuery: `${[guide, ...readyMadeQueries.map(commented)].join('\n\n')}\n`,
    headers: JSON.stringify({ authorization: 'Bearer ngb_…' }, null, 2),
    isHeadersEditorEnabled: true,
    subscriptionsProtocol: 'SSE',
  });
  return (response) => {
    response.writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
    });
    response.end(page);
  };
}
