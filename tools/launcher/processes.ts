import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ProcessPlan {
  name: string;
  /** Compiled entry, e.g. `dist/apps/settlement/src/main.js`. */
  entry: string;
  environment: Record<string, string>;
}

interface ReadyMessage {
  type: 'ready';
  port: number;
}

const stopTimeoutMs = 15_000;

/** The processes of one installation: started together, stopped together, none outlives the launcher. */
export class Processes {
  private readonly children = new Map<string, ChildProcess>();
  /** How each can be started again where the others look for it. */
  private readonly plans = new Map<string, ProcessPlan>();
  /** Those that were started and are not ready yet: what ends their waiting. */
  private readonly starting = new Map<string, (error: Error) => void>();
  private stopping = false;
  /** Peak resident memory of those that ended, in kilobytes. */
  private endedPeakKilobytes = 0;

  constructor(
    private readonly logDirectory: string,
    private readonly onUnexpectedExit: (name: string, how: string) => void,
  ) {
    mkdirSync(logDirectory, { recursive: true });
  }

  /** Starts one process and resolves with its port once it says that it is ready. */
  start(plan: ProcessPlan, timeoutMs = 90_000): Promise<number> {
    const log = createWriteStream(join(this.logDirectory, `${plan.name}.log`), { flags: 'a' });
    const child = fork(plan.entry, [], {
      env: { ...inherited(), ...plan.environment, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // A process group of its own: Ctrl-C reaches the launcher only, which stops the others in order.
      detached: true,
    });
    child.stdout?.pipe(log);
    child.stderr?.pipe(log);
    this.children.set(plan.name, child);
    return new Promise<number>((resolve, reject) => {
      this.starting.set(plan.name, reject);
      const timer = setTimeout(() => {
        reject(
          new Error(
            `${plan.name} was not ready after ${timeoutMs / 1000} s. Its log: ${join(this.logDirectory, `${plan.name}.log`)}`,
          ),
        );
      }, timeoutMs);
      child.on('message', (message: Partial<ReadyMessage>) => {
        if (message.type !== 'ready' || message.port === undefined) return;
        clearTimeout(timer);
        this.starting.delete(plan.name);
        this.plans.set(plan.name, { ...plan, environment: { ...plan.environment, PORT: String(message.port) } });
        resolve(message.port);
      });
      child.on('exit', (code, signal) => {
        clearTimeout(timer);
        this.children.delete(plan.name);
        const how = signal ?? `exit code ${code ?? '?'}`;
        if (this.starting.delete(plan.name))
          reject(new Error(`${plan.name} ended while starting (${how}).\n${this.lastLines(plan.name)}`));
        else if (!this.stopping) this.onUnexpectedExit(plan.name, how);
      });
    });
  }

  /** Ends a running process without warning (SIGKILL) and starts it again on the same port: what a fault test does. */
  async replace(name: string): Promise<void> {
    const [child, plan] = [this.children.get(name), this.plans.get(name)];
    if (!child || !plan) throw new Error(`${name} is not running`);
    this.endedPeakKilobytes += this.peakKilobytes([name]);
    child.removeAllListeners('exit');
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    this.children.delete(name);
    if (!this.stopping) await this.start(plan);
  }

  /** How a process was started, with the port it got: so it can be started again, or another beside it. */
  planOf(name: string): ProcessPlan {
    const plan = this.plans.get(name);
    if (!plan) throw new Error(`${name} was never started`);
    return plan;
  }

  /** Stops the given processes (all, when none is named): a polite signal first, the hard one after a while. */
  async stop(...names: string[]): Promise<void> {
    const chosen = names.length > 0 ? names : [...this.children.keys()];
    if (names.length === 0) this.stopping = true;
    this.endedPeakKilobytes += this.peakKilobytes(chosen);
    await Promise.all(
      chosen.map(async (name) => {
        const child = this.children.get(name);
        if (!child || child.exitCode !== null) return;
        child.removeAllListeners('exit');
        this.starting.get(name)?.(new Error(`${name} was stopped while starting`));
        this.starting.delete(name);
        const ended = new Promise<void>((resolve) =>
          child.once('exit', () => {
            resolve();
          }),
        );
        child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
        await ended;
        clearTimeout(timer);
        this.children.delete(name);
      }),
    );
  }

  /** Sum of the peak resident sets of our Node processes, this one included, in MB. */
  peakMemoryMb(): number {
    const own = peakOf(process.pid);
    return Math.round((own + this.endedPeakKilobytes + this.peakKilobytes([...this.children.keys()])) / 1024);
  }

  private peakKilobytes(names: readonly string[]): number {
    return names.reduce((sum, name) => sum + peakOf(this.children.get(name)?.pid), 0);
  }

  private lastLines(name: string): string {
    try {
      const log = join(this.logDirectory, `${name}.log`);
      const lines = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-15);
      return [...lines, `Its log: ${log}`].join('\n');
    } catch {
      return '';
    }
  }
}

/** Secrets of the whole installation, and what decides for one process only, are handed out by the plan alone. */
function inherited(): NodeJS.ProcessEnv {
  const environment = { ...process.env };
  for (const name of ['DATABASE_URL', 'QUEUE_URL', 'ROLE_PASSWORDS_FILE', 'PORT', 'HOST', 'WORKER', 'SERVICE_NAME'])
    Reflect.deleteProperty(environment, name);
  return environment;
}

function peakOf(pid: number | undefined): number {
  if (!pid) return 0;
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0; // not Linux, or it just ended
  }
}
