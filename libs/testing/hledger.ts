import { spawn, spawnSync } from 'node:child_process';

/** The outside tool, where it is installed (Debian's package `hledger`; .ci/run installs it). */
export const hasHledger = spawnSync('hledger', ['--version']).status === 0;

/** What it answers of a journal; throws with its words when it refuses. */
export function askHledger(journal: string, ...words: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('hledger', ['-f', '-', ...words], { env: { ...process.env, LC_ALL: 'C.UTF-8' } });
    const [out, said]: Buffer[][] = [[], []];
    child.stdout.on('data', (piece: Buffer) => out?.push(piece));
    child.stderr.on('data', (piece: Buffer) => said?.push(piece));
    child.once('error', reject);
    child.once('close', (code) => {
      const text = (pieces: Buffer[] | undefined) => Buffer.concat(pieces ?? []).toString('utf8');
      if (code === 0) resolve(text(out));
      else reject(new Error(`hledger ${words.join(' ')}: ${text(said)}`));
    });
    child.stdin.end(journal);
  });
}

interface HledgerAmount {
  acommodity: string;
  /** The mantissa is left out where a number of JSON could not carry it. */
  aquantity: { decimalMantissa: number; decimalPlaces: number };
}

/** `account commodity` → quantity without zeros at its end, of all that is not zero; by hledger. */
export async function hledgerBalances(journal: string, ...words: string[]): Promise<Map<string, string>> {
  const [rows] = JSON.parse(await askHledger(journal, 'balance', '--flat', '-O', 'json', ...words)) as [
    [string, string, number, HledgerAmount[]][],
  ];
  return new Map(
    rows.flatMap(([account, , , amounts]) =>
      amounts
        .filter(({ aquantity }) => aquantity.decimalMantissa !== 0)
        .map(({ acommodity, aquantity: { decimalMantissa, decimalPlaces } }): [string, string] => {
          if (!Number.isSafeInteger(decimalMantissa)) throw new Error(`${account}: beyond what JSON tells exactly`);
          const digits = String(Math.abs(decimalMantissa)).padStart(decimalPlaces + 1, '0');
          const text =
            decimalPlaces === 0 ? digits : `${digits.slice(0, -decimalPlaces)}.${digits.slice(-decimalPlaces)}`;
          return [`${account} ${acommodity}`, `${decimalMantissa < 0 ? '-' : ''}${withoutEndingZeros(text)}`];
        }),
    ),
  );
}

export const withoutEndingZeros = (decimal: string): string =>
  decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal;
