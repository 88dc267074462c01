import { type DynamicModule, Module } from '@nestjs/common';
import { type Service } from '#libs/contracts/index.js';
import { jobRunResolver } from './job-run.resolver.js';

@Module({})
export class JobRunsModule {
  /** The job monitor of a service in GraphQL. Needs MessagingModule and AuditModule. */
  static forService(service: Service): DynamicModule {
    return { module: JobRunsModule, providers: [jobRunResolver(service)] };
  }
}
