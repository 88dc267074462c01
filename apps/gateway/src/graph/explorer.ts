import { type ServerResponse } from 'node:http';
import { renderGraphiQL } from '@graphql-yoga/render-graphiql';

const readyMade = `# Put a key under "Headers" (bottom left): { "authorization": "Bearer ngb_…" }
# Ctrl-Space completes; the arrow runs the query under the cursor.

query WhatNeedsMe {
  workItems(first: 20) {
    edges { node { service category reference reasonCode ownerTeam dueAt ageSeconds isOverdue nextAction } }
  }
}

query Jobs {
  jobRuns(first: 20) { edges { node { __typename } } }
}

query OneTradeAcrossAllServices($id: ID!) {
  trade(id: $id) {
    id
    counterpartyParty { id }
    screenings { id }
  }
}
`;

/** GraphiQL with nothing fetched from elsewhere. Not served in production. */
export function explorerPage(): (response: ServerResponse) => void {
  const page = renderGraphiQL({
    title: 'Back office',
    endpoint: '/graphql',
    defaultQuery: readyMade,
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
