import { type Tx } from '#libs/database/index.js';
import { MessageCatalogue, Outbox } from '#libs/messaging/index.js';
import { Accounts } from '../accounts/accounts.service.js';
import { BusinessDaysRepository } from '../business-days/business-days.repository.js';
import { type BusinessDays } from '../business-days/business-days.service.js';
import { type Bench } from '../testing/bench.js';
import { AgentStatementsRepository } from './agent-statements.repository.js';
import { ClientAssetsRepository } from './client-assets.repository.js';
import { ClientAssets } from './client-assets.service.js';
import { ShortfallCoversRepository } from './shortfall-covers.repository.js';
import { ShortfallCovers } from './shortfall-covers.service.js';
import { ShortfallsRepository } from './shortfalls.repository.js';

/** The feature wired by hand around the bench of the ledger. */
export function clientAssetsOf(bench: Bench) {
  const shortfalls = new ShortfallsRepository();
  const days = new BusinessDaysRepository();
  const accounts = new Accounts(bench.accounts, bench.blocks);
  const covers = new ShortfallCovers(
    new ShortfallCoversRepository(),
    shortfalls,
    accounts,
    { worked: (tx: Tx, book: string) => days.worked(tx, book) } as BusinessDays,
    bench.posting,
    new Outbox(new MessageCatalogue(), { ring: () => undefined } as never),
    bench.audit,
  );
  return {
    statements: new AgentStatementsRepository(),
    shortfalls,
    covers,
    accounts,
    clientAssets: new ClientAssets(new ClientAssetsRepository(), shortfalls, bench.workItems, bench.audit, covers),
  };
}
