/** Where a rule gets its time from, so that a run can be replayed. */
export abstract class Clock {
  abstract now(): Date;
}

export class SystemClock extends Clock {
  now(): Date {
    return new Date();
  }
}

/** A clock that stands still until it is advanced; it never goes back. */
export class FixedClock extends Clock {
  private current: Date;

  constructor(iso: string) {
    super();
    this.current = new Date(iso);
  }

  now(): Date {
    return new Date(this.current);
  }

  advanceTo(iso: string): void {
    const next = new Date(iso);
    if (next < this.current)
      throw new Error(`The clock stands at ${this.current.toISOString()} and does not go back to ${iso}`);
    this.current = next;
  }
}
