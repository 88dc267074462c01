/** Does something again and again: after a pause, or at once when rung; later each time while it fails. */
export class Loop {
  private isStopped = false;
  private isRung = false;
  private wake: (() => void) | undefined;
  private running: Promise<void> | undefined;

  constructor(
    /** Answers true when there is more to do at once. */
    private readonly work: () => Promise<boolean>,
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
    while (!this.isStopped) {
      this.isRung = false;
      let hasMore = false;
      try {
        hasMore = await this.work();
        failures = 0;
      } catch (error) {
        failures += 1;
        this.onFailure(error, failures);
      }
      if (this.hasStopped() || (hasMore && failures === 0)) continue;
      // While it fails, the bell does not shorten the pause: whatever is broken is left in peace.
      await this.pause(
        failures === 0 ? this.pauseMs : Math.min(this.pauseMs * 2 ** failures, this.longestPauseMs),
        failures === 0,
      );
    }
  }

  private hasStopped(): boolean {
    return this.isStopped;
  }

  private pause(ms: number, canBeRung: boolean): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.wake = undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.wake = () => {
        if (this.isStopped || canBeRung) end();
      };
      if (this.isStopped || (canBeRung && this.isRung)) end();
    });
  }
}
