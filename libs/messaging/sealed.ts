import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/** Text that may travel and rest in a queue: names and addresses are readable only with the message key. */
const prefix = 'sealed:';
const nonceBytes = 12;
const tagBytes = 16;

/** 32 bytes in base64 are the key itself; any other secret of 32 characters or more is stretched to one. */
function messageKey(): Buffer {
  const text = process.env.MESSAGE_SEAL_KEY ?? '';
  if (text.length < 32)
    throw new Error(
      'MESSAGE_SEAL_KEY is not set or shorter than 32 characters: give 32 random bytes in base64, the same for every service',
    );
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === 32 && bytes.toString('base64') === text) return bytes;
  return Buffer.from(hkdfSync('sha256', text, '', 'northgate message seal', 32));
}

/** AES-256-GCM under MESSAGE_SEAL_KEY: `sealed:` and base64 of nonce, tag and cipher text. */
export function sealText(plain: string): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', messageKey(), nonce);
  const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
  return prefix + Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64');
}

/** Throws when the text was changed or sealed under another key. */
export function unsealText(sealed: string): string {
  if (!sealed.startsWith(prefix)) throw new Error('not a sealed text');
  const bytes = Buffer.from(sealed.slice(prefix.length), 'base64');
  if (bytes.length < nonceBytes + tagBytes) throw new Error('a sealed text is cut short');
  const decipher = createDecipheriv('aes-256-gcm', messageKey(), bytes.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
  return Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()]).toString('utf8');
}
