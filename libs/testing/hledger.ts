import { spawnSync } from 'node:child_process';

/** The outside tool, where it is installed (Debian's package `hledger`; .ci/run installs it). */
export const hasHledger = spawnSync('hledger', ['--version']).status === 0;

/** What it answers of a journal; throws with its words when it refuses. */
export function askHledger(journal: string, ...words: string[]): string {
  const { status, stdout, stderr } = spawnSync('hledger', ['-f', '-', ...words], {
    input: journal,
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  if (status !== 0) throw new Error(`hledger ${words.join(' ')}: ${stderr}`);
  return stdout;
}

interface HledgerAmount {
  acommodity: string;
  /** The mantissa is left out where a number of JSON could not carry it. */
  aquantity: { decimalMantissa: number; decimalPlaces: number };
}

/** `account commodity` → quantity without zeros at its end, of all that is not zero; by hledger. */
export function hledgerBalances(journal: string, ...words: string[]): Map<string, string> {
  const [rows] = JSON.parse(askHledger(journal, 'balance', '--flat', '-O', 'json', ...words)) as [
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
