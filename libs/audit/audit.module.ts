import { type DynamicModule, Module } from '@nestjs/common';
import { type Service } from '#libs/contracts/index.js';
import { auditResolver } from './audit.resolver.js';
import { AuditOwner, AuditTrail } from './audit-trail.js';

@Module({})
export class AuditModule {
  /** Every service keeps its own log in its own schema, and shows it as `<service>AuditEntries`. */
  static forService(service: Service): DynamicModule {
    return {
      module: AuditModule,
      global: true,
      providers: [{ provide: AuditOwner, useValue: new AuditOwner(service) }, AuditTrail, auditResolver(service)],
      exports: [AuditTrail],
    };
  }
}
