import { z } from 'zod';

export const book = z.string().regex(/^[A-Z0-9]{2,12}$/);
export const plainDate = z.iso.date();
export const instant = z.iso.datetime({ offset: true });
/** A whole number of units at the asset's own scale, as text: cents, shares, ten-thousandths of a fund unit. */
export const units = z.string().regex(/^(0|[1-9]\d{0,38})$/);
/** `EUR` or an ISIN. */
export const asset = z.string().regex(/^([A-Z]{3}|[A-Z]{2}[A-Z0-9]{9}\d)$/);
export const currency = z.string().regex(/^[A-Z]{3}$/);
/** A rate or a price as text, to any number of places. */
export const signedDecimal = z.string().regex(/^-?\d{1,30}(\.\d{1,30})?$/);
export const id = z.string().min(3).max(64);
export const reference = z.string().min(1).max(64);
export const counts = z.record(z.string(), z.number().int());
/** Text sealed with the message key: names and addresses never travel readable (see libs/messaging/sealed.ts). */
export const sealed = z.string().startsWith('sealed:');
