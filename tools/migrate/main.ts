import { migrateCommand } from './command.js';

/** `node dist/tools/migrate/main.js` */
process.exit(
  await migrateCommand(process.env, (text) => {
    console.error(text);
  }),
);
