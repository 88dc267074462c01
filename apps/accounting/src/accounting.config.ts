import { z } from 'zod';
import { serviceEnvironment } from '#libs/config/index.js';

export const accountingEnvironment = serviceEnvironment.extend({
  PORT: serviceEnvironment.shape.PORT.default(4002),
  SERVICE_NAME: serviceEnvironment.shape.SERVICE_NAME.default('accounting'),
  BOOK_TERMS: z
    .string()
    .optional()
    .describe('calendar and zone of further books, as JSON: {"BOOK": {"calendar": "TARGET", "zone": "Europe/Berlin"}}'),
});
