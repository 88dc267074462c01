/** The directions of docs/architecture.md as rules; tools/check/boundaries.spec.ts breaks each on purpose. */
const pureLibs = '^libs/(kernel|money|calendar|identifiers|sanctions-list|iso20022)/';
const platformLibs = '^libs/(config|database|messaging|graphql|auth|audit|observability|service|idempotency|work-items)/';
const frameworks = '^(@nestjs|typeorm|bullmq|graphql|@apollo|pg|ioredis)';
const roles = '\\.(service|repository|resolver|graphql|processor|module|entity|config|controller|spec|int-spec|e2e-spec|loader|figures|migrations|invariants)\\.ts$';

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'apps-are-islands', severity: 'error', from: { path: '^apps/([^/]+)/', pathNot: '^apps/gateway/compose' }, to: { path: '^apps/([^/]+)/', pathNot: '^apps/$1/' } },
    { name: 'libs-never-import-apps', severity: 'error', from: { path: '^libs/' }, to: { path: '^apps/' } },
    { name: 'pure-libs-import-no-framework', severity: 'error', from: { path: pureLibs, pathNot: '\\.spec\\.ts$' }, to: { path: `(${frameworks})|node_modules/(${frameworks.slice(2, -1)})` } },
    { name: 'pure-libs-import-no-platform', severity: 'error', from: { path: `(${pureLibs})|^libs/contracts/` }, to: { path: platformLibs } },
    {
      name: 'rules-are-pure',
      comment: 'A file without a role suffix in a feature folder is the rule itself.',
      severity: 'error',
      from: { path: '^apps/(settlement|accounting|compliance)/src/[^/]+/[^/]+\\.ts$', pathNot: `(${roles})|/database/` },
      to: { path: '^(@nestjs|typeorm|bullmq|graphql|@apollo|pg|ioredis)(/|$)|node_modules/(@nestjs|typeorm|bullmq|graphql|@apollo|pg|ioredis)/', dependencyTypesNot: ['type-only'] },
    },
    { name: 'repositories-stay-in-their-feature', severity: 'error', from: { path: '^apps/([^/]+)/src/([^/]+)/' }, to: { path: '^apps/[^/]+/src/[^/]+/.*\\.repository\\.ts$', pathNot: '^apps/$1/src/$2/' } },
    { name: 'testing-only-in-tests', severity: 'error', from: { path: '^(apps|libs)/', pathNot: '(spec\\.ts$|^libs/testing/|testing\\.ts$)' }, to: { path: '^libs/testing/' } },
    {
      name: 'oracle-and-market-are-independent',
      comment: 'They prove the product, so they share no rule with it.',
      severity: 'error',
      from: { path: '^(test/oracle|tools/market-simulator)/', pathNot: 'spec\\.ts$' },
      to: { path: '^(apps|libs)/', pathNot: '^libs/(money|identifiers)/' },
    },
    { name: 'queue-only-in-messaging', severity: 'error', from: { path: '^(apps|libs)/', pathNot: '^(libs/messaging|apps/gateway)/' }, to: { path: 'node_modules/bullmq/|^bullmq' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { conditionNames: ['source', 'import', 'node', 'default'], exportsFields: ['exports'] },
  },
};
