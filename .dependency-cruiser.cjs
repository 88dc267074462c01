/** The directions of docs/architecture.md as rules; tools/check/boundaries.spec.ts breaks each on purpose. */
const pureLibs =
  '^libs/(kernel|money|calendar|interest|identifiers|sanctions-list|iso20022|tabular|plain-text-journal)/';
const platformLibs =
  '^libs/(config|database|messaging|graphql|auth|audit|observability|service|idempotency|work-items|testing)/';
const frameworks = '(^|node_modules/)(@nestjs|typeorm|bullmq|graphql|@apollo|pg|ioredis)(/|$)';
const roles =
  '\\.(service|repository|resolver|graphql|processor|module|entity|config|controller|loader|figures|migrations|invariants|plugin)\\.ts$';
const tests = '(\\.|-)(spec)\\.ts$';
/** Not a test itself, but there for tests alone; nothing else may use it. */
const testSupport = '^libs/(testing|messaging/probe)/|/src/testing/|/testing\\.ts$|for-tests\\.ts$';
const buildTools = '^apps/gateway/(compose\\.ts$|composition/)';

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'A cycle between decorated classes is an error at run time in ESM; types alone may point both ways.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'everything-resolves',
      comment: 'What cannot be resolved cannot be checked.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'apps-are-islands',
      comment: 'Services speak through messages and GraphQL.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/([^/]+)/', pathNot: '^apps/$1/' },
    },
    { name: 'libs-never-import-apps', severity: 'error', from: { path: '^libs/' }, to: { path: '^apps/' } },
    {
      name: 'libs-are-entered-through-their-index',
      comment: 'Or through testing.ts, where a library offers something to tests and build tools alone.',
      severity: 'error',
      from: { path: '^(libs/[^/]+|apps|tools|test|bench|conformance)/' },
      to: { path: '^libs/', pathNot: '^$1/|^libs/[^/]+/(index|testing)\\.ts$' },
    },
    {
      name: 'product-imports-no-tools',
      comment:
        'The other way round is what tools are for. Only the libraries for tests start a Postgres and migrate it.',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: `${tests}|${testSupport}` },
      to: { path: '^(tools|test|bench|conformance)/' },
    },
    {
      name: 'pure-libs-import-no-framework',
      severity: 'error',
      from: { path: pureLibs, pathNot: tests },
      to: { path: frameworks },
    },
    {
      name: 'pure-libs-import-no-platform',
      severity: 'error',
      from: { path: `(${pureLibs})|^libs/contracts/`, pathNot: tests },
      to: { path: platformLibs },
    },
    {
      name: 'pure-libs-import-no-contracts',
      severity: 'error',
      from: { path: pureLibs },
      to: { path: '^libs/contracts/' },
    },
    {
      name: 'rules-are-pure',
      comment: 'A file without a role suffix in a feature folder is the rule itself.',
      severity: 'error',
      from: {
        path: '^apps/(settlement|accounting|compliance)/src/[^/]+/[^/]+\\.ts$',
        pathNot: `${roles}|${tests}|${testSupport}|/database/`,
      },
      to: { path: frameworks, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'repositories-stay-in-their-feature',
      comment: 'Another feature is reached through its service.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/src/([^/]+)/', pathNot: `${tests}|${testSupport}` },
      to: {
        path: '^apps/[^/]+/src/[^/]+/.*\\.repository\\.ts$',
        pathNot: '^apps/$1/src/$2/',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'test-support-only-in-tests',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: `${tests}|${testSupport}|${buildTools}` },
      to: { path: testSupport },
    },
    {
      name: 'no-development-dependency-at-run-time',
      comment: 'npm ci --omit=dev must be enough to run.',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: `${tests}|${testSupport}|${buildTools}` },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'oracle-and-market-are-independent',
      comment: 'They prove the product, so they share no rule with it.',
      severity: 'error',
      from: { path: '^(test/oracle|tools/market-simulator)/', pathNot: tests },
      to: { path: '^(apps|libs)/', pathNot: '^libs/(money|identifiers)/' },
    },
    {
      name: 'queue-only-in-messaging',
      comment: 'The outbox is the only way to enqueue; the gateway shows the queues and changes nothing.',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: '^(libs/messaging|apps/gateway)/' },
      to: { path: '(^|node_modules/)bullmq(/|$)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { conditionNames: ['source', 'import', 'node', 'default'], exportsFields: ['exports'] },
  },
};
