/** Which invariants of a list a test has seen broken by what it planted: one that never was might be unable to fail. */
export class PlantedBreaches {
  private readonly seen = new Set<string>();

  constructor(private readonly invariants: readonly { readonly number: number; readonly name: string }[]) {}

  /** To be called where a planted breach was looked for, with what each invariant said of it. */
  noticed({ number, name }: { readonly number: number; readonly name: string }, broken: readonly unknown[]): void {
    if (broken.length > 0) this.seen.add(`${number}. ${name}`);
  }

  /** Those that nothing broke; a name that stands twice in the list is told too, as one of them would hide the other. */
  neverBroken(): string[] {
    const names = this.invariants.map(({ number, name }) => `${number}. ${name}`);
    return [
      ...names.filter((name) => !this.seen.has(name)),
      ...names.filter((name, index) => names.indexOf(name) < index).map((name) => `${name}: stands twice`),
    ];
  }
}
