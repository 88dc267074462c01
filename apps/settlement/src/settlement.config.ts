import { serviceEnvironment } from '#libs/config/index.js';

export const settlementEnvironment = serviceEnvironment.extend({
  PORT: serviceEnvironment.shape.PORT.default(4001),
  SERVICE_NAME: serviceEnvironment.shape.SERVICE_NAME.default('settlement'),
});
