import { createHash } from 'node:crypto';

const node = (left: Buffer, right: Buffer) =>
  createHash('sha256').update(Uint8Array.of(1)).update(left).update(right).digest();

/** The Merkle tree hash of RFC 6962, 2.1, over leaf hashes given one by one; keeps one hash per level. */
export class MerkleRoot {
  private readonly complete: (Buffer | undefined)[] = [];
  private leaves = 0;

  add(leafHash: string): void {
    let carried = Buffer.from(leafHash, 'hex');
    let level = 0;
    for (let left = this.complete[level]; left !== undefined; left = this.complete[level]) {
      carried = node(left, carried);
      this.complete[level] = undefined;
      level += 1;
    }
    this.complete[level] = carried;
    this.leaves += 1;
  }

  get count(): number {
    return this.leaves;
  }

  /** Of no leaves: the hash of nothing. */
  hex(): string {
    let root: Buffer | undefined;
    for (const left of this.complete) {
      if (left !== undefined) root = root === undefined ? left : node(left, root);
    }
    return (root ?? createHash('sha256').digest()).toString('hex');
  }
}

export function merkleRootOf(leafHashes: readonly string[]): string {
  const tree = new MerkleRoot();
  for (const hash of leafHashes) tree.add(hash);
  return tree.hex();
}
