import { Injectable } from '@nestjs/common';
import { HealthCheck, type HealthState } from '#libs/observability/index.js';

export class SubgraphUrls {
  constructor(readonly urls: Readonly<Record<string, string>>) {}
}

/** A service that is away makes the gateway degraded, never down: the others are still served. */
abstract class SubgraphHealth extends HealthCheck {
  protected abstract readonly urls: SubgraphUrls;

  async check(): Promise<HealthState> {
    try {
      const response = await fetch(`${this.urls.urls[this.name] ?? ''}/health/ready`, {
        signal: AbortSignal.timeout(1_500),
      });
      await response.arrayBuffer();
      return response.ok ? 'up' : 'degraded';
    } catch {
      return 'degraded';
    }
  }
}

@Injectable()
export class SettlementHealth extends SubgraphHealth {
  readonly name = 'settlement';
  constructor(protected readonly urls: SubgraphUrls) {
    super();
  }
}

@Injectable()
export class AccountingHealth extends SubgraphHealth {
  readonly name = 'accounting';
  constructor(protected readonly urls: SubgraphUrls) {
    super();
  }
}

@Injectable()
export class ComplianceHealth extends SubgraphHealth {
  readonly name = 'compliance';
  constructor(protected readonly urls: SubgraphUrls) {
    super();
  }
}
