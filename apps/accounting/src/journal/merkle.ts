import { sha256 } from '#libs/kernel/index.js';

const nodeMark = Uint8Array.of(1);
const node = (left: Uint8Array, right: Uint8Array) => sha256(Buffer.concat([nodeMark, left, right]));

/** The Merkle tree hash of RFC 6962, 2.1, over leaf hashes given one by one; keeps one hash per level. */
export class MerkleRoot {
  private readonly complete: (Uint8Array | undefined)[] = [];
  private leaves = 0;

  add(leafHash: string): void {
    let carried: Uint8Array = Buffer.from(leafHash, 'hex');
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
    let root: Uint8Array | undefined;
    for (const left of this.complete) {
      if (left !== undefined) root = root === undefined ? left : node(left, root);
    }
    return Buffer.from(root ?? sha256('')).toString('hex');
  }
}

export function merkleRootOf(leafHashes: readonly string[]): string {
  const tree = new MerkleRoot();
  for (const hash of leafHashes) tree.add(hash);
  return tree.hex();
}
