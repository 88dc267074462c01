/** `more`: there is more to do at once; `some`: more may come soon; `nothing`: the longer, the longer the pauses. */
export type Found = 'more' | 'some' | 'nothing';

/** While nothing is found the pause doubles, up to this many times its length: an idle installation rests. */
const restfulness = 10;

/** Does something again and again: after a pause, or at once when rung; later each time while it fails or finds nothing. */
export class Loop {
  private isStopped = false;
  private isRung = false;
  private wake: (() => void) | undefined;
  private running: Promise<void> | undefined;

  constructor(
    private readonly work: () => Promise<Found>,
    private readonly pauseMs: number,
    private readonly onFailure: (error: unknown, failures: number) => void,
    private readonly longestPauseMs = 2_000,
  ) {}

  start(): void {
    this.running ??= this.run();
  }

  ring(): void {
    this.isRung = true;
    this.wake?.();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.wake?.();
    await this.running;
  }

  private async run(): Promise<void> {
    let failures = 0;
    let idle = 0;
    while (!this.isStopped) {
      this.isRung = false;
      let found: Found = 'nothing';
      try {
        found = await this.work();
        failures = 0;
      } catch (error) {
        failures += 1;
        this.onFailure(error, failures);
      }
      idle = found === 'nothing' && failures === 0 ? idle + 1 : 0;
      if (this.hasStopped() || found === 'more') continue;
      // While it fails, the bell does not shorten the pause: whatever is broken is left in peace.
      const wasRung = await this.pause(
        failures === 0
          ? this.pauseMs * Math.min(2 ** Math.max(0, idle - 1), restfulness)
          : Math.min(this.pauseMs * 2 ** failures, this.longestPauseMs),
        failures === 0,
      );
      if (wasRung) idle = 0;
    }
  }

  private hasStopped(): boolean {
    return this.isStopped;
  }

  /** Answers whether it was rung. */
  private pause(ms: number, canBeRung: boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.wake = undefined;
        resolve(this.isRung);
      };
      const timer = setTimeout(end, ms);
      this.wake = () => {
        if (this.isStopped || canBeRung) end();
      };
      if (this.isStopped || (canBeRung && this.isRung)) end();
    });
  }
}
