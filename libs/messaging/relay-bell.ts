import { Injectable } from '@nestjs/common';

/** Rung after a commit that left something to publish; the relay of the same process listens. */
@Injectable()
export class RelayBell {
  private listener: (() => void) | undefined;

  listen(listener: () => void): void {
    this.listener = listener;
  }

  ring(): void {
    this.listener?.();
  }
}
