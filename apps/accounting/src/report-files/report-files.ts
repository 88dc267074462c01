/** Kept in pieces of this size; one piece is what a download asks for at a time. */
export const chunkBytes = 256 * 1024;

/** Beyond this a report is asked for in parts. */
export const fileBytesMax = 256 * 1024 * 1024;

/** Bytes as they come, in pieces of one size and a rest. */
export async function* inChunks(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  size: number = chunkBytes,
): AsyncGenerator<Buffer, void, undefined> {
  let waiting: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces) {
    waiting.push(piece);
    length += piece.length;
    if (length < size) continue;
    const whole = Buffer.concat(waiting);
    let at = 0;
    for (; length - at >= size; at += size) yield whole.subarray(at, at + size);
    waiting = [whole.subarray(at)];
    length -= at;
  }
  if (length > 0) yield Buffer.concat(waiting);
}

/** `Trial balance 2026-11-27.xlsx`: a name that every file system takes. */
export function fileName(title: string, extension: string): string {
  const plain = title.replace(/[^\p{L}\p{N} ._()-]+/gu, '-').slice(0, 120);
  return `${plain}.${extension}`;
}
