/** Letters count 10 (A) to 35 (Z), as in ISO 6166, ISO 7064 and ISO 13616. */
export const lettersToDigits = (text: string): string =>
  text.replace(/[A-Z]/g, (letter) => String(letter.charCodeAt(0) - 55));

/** Remainder of a long number by 97 (ISO 7064 MOD 97-10), without leaving integers. */
export const remainderBy97 = (digits: string): number => Number(BigInt(digits) % 97n);
