import { createHash, randomBytes } from 'node:crypto';

/** Crockford's base 32: no I, L, O, U, so that nobody misreads an id. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const idLength = 26;

function base32(bytes: Uint8Array): string {
  let bits = 0n;
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte);
  bits <<= 2n; // 16 bytes are 128 bits; 26 characters hold 130
  let text = '';
  for (let index = 0; index < idLength; index += 1) {
    text = (alphabet[Number(bits & 31n)] ?? '') + text;
    bits >>= 5n;
  }
  return text;
}

/** A new id such as `trd_01hz…`: 48 bits of milliseconds, then random bits (the layout of UUID version 7, RFC 9562). */
export function newId(prefix: string): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return `${prefix}_${base32(bytes)}`;
}

/** The id of a business key: the same parts always give the same id, so that a repeated fact cannot make a second row. */
export function idFrom(prefix: string, ...parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return `${prefix}_${base32(hash.digest().subarray(0, 16))}`;
}
