import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type GraphQLSchema } from 'graphql';
import {
  assertExpectedPermissions,
  permissionMatrix,
  type PermissionMatrix,
  subgraphSchemaOf,
} from '#libs/graphql/testing.js';
import { ComplianceModule } from './compliance.module.js';

describe('the schema of compliance', () => {
  let schema: GraphQLSchema;
  let matrix: PermissionMatrix;
  beforeAll(async () => {
    schema = await subgraphSchemaOf('compliance', ComplianceModule);
    matrix = permissionMatrix(schema);
  });
  const rolesOf = (field: string) =>
    matrix.cells
      .filter((cell) => cell.field === field && cell.allowed)
      .map(({ role }) => role)
      .sort();

  it('names a scope on every field, and the walker decides as declared for every role', () => {
    assertExpectedPermissions(schema, join(import.meta.dirname, 'compliance.permissions.json'));
    expect(matrix.cells.length).toBeGreaterThan(200);
  });

  it.each<[string, string[]]>([
    ['Query.apiClientByKeyHash', []],
    ['Query.apiClients', ['admin']],
    ['Mutation.receiveSanctionsList', ['compliance']],
    ['Mutation.proposeRelease', ['compliance', 'compliance-approver']],
    ['Mutation.decideApproval', ['compliance-approver', 'controller', 'operations-approver']],
    ['Query.complianceAuditEntries', ['auditor']],
    [
      'Query.complianceDayFigures',
      ['admin', 'auditor', 'compliance', 'compliance-approver', 'controller', 'operations', 'operations-approver'],
    ],
  ])('%s is for %j', (field, roles) => {
    expect(rolesOf(field)).toEqual(roles);
  });

  it('has what other parts of the system ask for', () => {
    const names = (type: 'Query' | 'Mutation') =>
      Object.keys((type === 'Query' ? schema.getQueryType() : schema.getMutationType())!.getFields());
    expect(names('Query')).toEqual(
      expect.arrayContaining([
        'party',
        'parties',
        'screening',
        'screenings',
        'alert',
        'alerts',
        'approval',
        'approvals',
        'listVersion',
        'listVersions',
        'complianceWorkItems',
      ]),
    );
    expect(names('Mutation')).toEqual(
      expect.arrayContaining([
        'receiveSanctionsList',
        'proposeRelease',
        'confirmHit',
        'decideApproval',
        'withdrawApproval',
        'createApiClient',
        'rotateApiClientSecret',
      ]),
    );
  });
});
