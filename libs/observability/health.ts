import { Controller, Get, Module, type OnModuleInit, Res } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService } from '@nestjs/core';

export type HealthState = 'up' | 'degraded' | 'down';

/**
 * Something the process needs. Provide a class that extends this one in any module and it is asked.
 * Answer `degraded` for what heals by itself while work goes on (the queue is away: the outbox keeps
 * accepting), `down` only when the process can serve nothing.
 */
export abstract class HealthCheck {
  abstract readonly name: string;
  abstract check(): Promise<HealthState>;
}

const checkTimeoutMs = 2_000;

export interface HealthReport {
  state: HealthState;
  checks: Record<string, HealthState>;
}

async function ask(check: HealthCheck): Promise<HealthState> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<HealthState>((resolve) => {
    timer = setTimeout(() => {
      resolve('down');
    }, checkTimeoutMs);
  });
  try {
    return await Promise.race([check.check().catch((): HealthState => 'down'), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

export async function reportHealth(checks: readonly HealthCheck[]): Promise<HealthReport> {
  const states = await Promise.all(checks.map(async (check) => [check.name, await ask(check)] as const));
  const has = (state: HealthState) => states.some(([, found]) => found === state);
  return { state: has('down') ? 'down' : has('degraded') ? 'degraded' : 'up', checks: Object.fromEntries(states) };
}

interface Answer {
  status(code: number): { json(body: unknown): void };
}

/** `live`: the process answers. `ready`: 200 while it can serve, degraded or not; 503 when it cannot or is draining. */
@Controller('health')
export class HealthController implements OnModuleInit {
  private checks: HealthCheck[] = [];
  private draining = false;

  constructor(private readonly discovery: DiscoveryService) {}

  onModuleInit(): void {
    this.checks = this.discovery
      .getProviders()
      .map((wrapper): unknown => wrapper.instance)
      .filter((instance): instance is HealthCheck => instance instanceof HealthCheck);
  }

  /** From now on the process asks to be taken out of rotation, while it finishes what it has. */
  drain(): void {
    this.draining = true;
  }

  @Get('live')
  live(): { state: 'up' } {
    return { state: 'up' };
  }

  @Get('ready')
  async ready(@Res() response: Answer): Promise<void> {
    const report = this.draining
      ? { state: 'down' as const, checks: { draining: 'down' as const } }
      : await reportHealth(this.checks);
    response.status(report.state === 'down' ? 503 : 200).json(report);
  }
}

@Module({ imports: [DiscoveryModule], controllers: [HealthController] })
export class HealthModule {}
