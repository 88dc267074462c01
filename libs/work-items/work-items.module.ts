import { type DynamicModule, Module } from '@nestjs/common';
import { type Service } from '#libs/contracts/index.js';
import { IdempotencyModule } from '#libs/idempotency/index.js';
import { workItemResolver } from './work-item.resolver.js';
import { WorkItems } from './work-items.js';

@Module({})
export class WorkItemsModule {
  /** The service's work items and their GraphQL: `<service>WorkItems` and the mutations on one of them. */
  static forService(service: Service): DynamicModule {
    return {
      module: WorkItemsModule,
      global: true,
      imports: [IdempotencyModule],
      providers: [WorkItems, workItemResolver(service)],
      exports: [WorkItems],
    };
  }
}
