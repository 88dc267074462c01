# One image for every process; the command chooses which (docker-compose.yml).
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --include=dev
COPY tsconfig.json tsconfig.build.json ./
COPY apps apps
COPY libs libs
COPY tools tools
COPY test test
COPY bench bench
COPY conformance conformance
RUN npx tsc -p tsconfig.build.json

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY apps/gateway/supergraph.graphql apps/gateway/supergraph.graphql
COPY package.json ./
RUN mkdir -p /exchange && chown node:node /exchange
USER node
CMD ["node", "dist/apps/gateway/src/main.js"]
