/**
 * Live progress for a person, on stderr when stdout is kept for the JSON line.
 * On a terminal the current line is rewritten in place; elsewhere each step is one line.
 */
export class Progress {
  readonly seconds: Record<string, number> = {};
  private readonly stream: NodeJS.WriteStream;
  private phase: { name: string; since: number } | undefined;
  private onLine = false;

  constructor(json: boolean) {
    this.stream = json ? process.stderr : process.stdout;
  }

  /** Starts a phase and ends the one before; its seconds are kept. Without a text it has no heading of its own. */
  begin(name: string, text?: string): void {
    this.end();
    this.phase = { name, since: performance.now() };
    if (text !== undefined) this.write(`\n${text}\n`);
  }

  end(): void {
    if (!this.phase) return;
    this.clearLine();
    const { name, since } = this.phase;
    this.seconds[name] = round((this.seconds[name] ?? 0) + (performance.now() - since) / 1000);
    this.phase = undefined;
  }

  /** One thing done. */
  step(text: string): void {
    this.clearLine();
    this.write(`  ✓ ${text}\n`);
  }

  /** One thing that is not as it must be. */
  fault(text: string): void {
    this.clearLine();
    this.write(`  ✗ ${text}\n`);
  }

  /** Where the current thing stands; only shown on a terminal. */
  note(text: string): void {
    if (!this.stream.isTTY) return;
    this.clearLine();
    this.stream.write(`  … ${text}`);
    this.onLine = true;
  }

  print(text: string): void {
    this.clearLine();
    this.write(`${text}\n`);
  }

  private clearLine(): void {
    if (!this.onLine) return;
    this.stream.write('\r\u001b[2K');
    this.onLine = false;
  }

  private write(text: string): void {
    this.stream.write(text);
  }
}

const round = (seconds: number) => Math.round(seconds * 1000) / 1000;
