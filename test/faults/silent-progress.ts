import { Progress } from '#tools/launcher/progress.js';

/** For tests: the seconds are kept, nothing is said. */
export class SilentProgress extends Progress {
  constructor() {
    super(true);
  }
  override step(): void {
    return;
  }
  override note(): void {
    return;
  }
  override print(): void {
    return;
  }
  override begin(name: string): void {
    super.begin(name);
  }
}
