import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** The two time axes of every kind of static data: when it is true, and when we knew it. */
const twoAxes = `
        valid_from    date NOT NULL,
        valid_to      date,
        recorded_at   timestamptz NOT NULL DEFAULT kernel.now(),
        superseded_at timestamptz,
        source        text NOT NULL,
        origin_id     text,
        version_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        CHECK (valid_to IS NULL OR valid_to > valid_from)`;

const tables: readonly { name: string; key: string; columns: string }[] = [
  {
    name: 'place',
    key: 'place_id',
    columns: `
        place_id      text NOT NULL,
        kind          text NOT NULL CHECK (kind IN ('EXTERNAL','INTERNAL')),
        bic           text,
        name          text NOT NULL,
        zone          text NOT NULL,
        calendar_id   text NOT NULL,
        dvp_cut_off   text NOT NULL CHECK (dvp_cut_off ~ '^[0-2][0-9]:[0-5][0-9]$'),
        fop_cut_off   text NOT NULL CHECK (fop_cut_off ~ '^[0-2][0-9]:[0-5][0-9]$'),
        depot_account text,
        cash_account  text,
        book_id       text NOT NULL`,
  },
  {
    name: 'instrument',
    key: 'isin',
    columns: `
        isin                  text NOT NULL,
        name                  text NOT NULL,
        asset_class           text NOT NULL,
        market                text NOT NULL,
        currency              text NOT NULL,
        quantity_scale        int NOT NULL CHECK (quantity_scale BETWEEN 0 AND 12),
        price_factor          numeric NOT NULL CHECK (price_factor > 0),
        cfi                   text,
        place_id              text NOT NULL,
        status                text NOT NULL,
        trading_calendar      text,
        settlement_cycle_days int NOT NULL CHECK (settlement_cycle_days BETWEEN 0 AND 30)`,
  },
  {
    name: 'counterparty',
    key: 'counterparty_id',
    columns: `
        counterparty_id text NOT NULL,
        party_id        text NOT NULL,
        name            text NOT NULL,
        bic             text NOT NULL,
        kind            text NOT NULL`,
  },
  {
    name: 'ssi',
    key: 'ssi_id',
    columns: `
        ssi_id              text NOT NULL,
        counterparty_id     text NOT NULL,
        market              text NOT NULL,
        place_id            text NOT NULL,
        agent_bic           text NOT NULL,
        safekeeping_account text NOT NULL,
        cash_account        text`,
  },
  {
    name: 'client_account',
    key: 'account',
    columns: `
        account  text NOT NULL,
        party_id text NOT NULL,
        book_id  text NOT NULL,
        kind     text NOT NULL,
        currency text,
        state    text NOT NULL`,
  },
];

/**
 * Static data is never changed in place: a new version closes the old one's \`superseded_at\` and a
 * trigger refuses any other update, so that every past figure can name the version it used.
 */
export class StaticData20261123000101 implements MigrationInterface {
  name = 'StaticData20261123000101';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE FUNCTION settlement.only_supersede() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF OLD.superseded_at IS NOT NULL OR NEW.superseded_at IS NULL
           OR to_jsonb(NEW) - 'superseded_at' IS DISTINCT FROM to_jsonb(OLD) - 'superseded_at' THEN
          RAISE EXCEPTION 'static data is superseded by a new version, never changed' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END $$;`);
    for (const { name, key, columns } of tables) {
      // A client's account has one line per currency, so the currency is part of its key.
      const keyColumns =
        name === 'client_account' ? `account, (coalesce(currency, '')), valid_from` : `${key}, valid_from`;
      await runner.query(`
      CREATE TABLE settlement.${name} (${columns},${twoAxes}
      );
      CREATE UNIQUE INDEX ${name}_current ON settlement.${name} (${keyColumns}) WHERE superseded_at IS NULL;
      CREATE INDEX ${name}_origin ON settlement.${name} (origin_id);
      CREATE TRIGGER only_supersede BEFORE UPDATE ON settlement.${name} FOR EACH ROW EXECUTE FUNCTION settlement.only_supersede();
      GRANT SELECT, INSERT, UPDATE (superseded_at) ON settlement.${name} TO settlement;`);
    }
    await runner.query(`
      CREATE INDEX ssi_scope ON settlement.ssi (counterparty_id, market, place_id) WHERE superseded_at IS NULL;
      ALTER TABLE settlement.client_account ENABLE ROW LEVEL SECURITY;
      ALTER TABLE settlement.client_account FORCE ROW LEVEL SECURITY;
      CREATE POLICY by_book ON settlement.client_account USING (kernel.sees_book(book_id));

      CREATE TABLE settlement.price (
        isin          text NOT NULL,
        price_date    date NOT NULL,
        price         numeric NOT NULL CHECK (price > 0),
        currency      text NOT NULL,
        source        text NOT NULL,
        origin_id     text,
        recorded_at   timestamptz NOT NULL DEFAULT kernel.now(),
        superseded_at timestamptz,
        version_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
      );
      CREATE UNIQUE INDEX price_current ON settlement.price (isin, price_date, source) WHERE superseded_at IS NULL;
      CREATE INDEX price_latest ON settlement.price (isin, price_date DESC) WHERE superseded_at IS NULL;
      CREATE INDEX price_origin ON settlement.price (origin_id);

      CREATE TABLE settlement.rate (
        base          text NOT NULL,
        quote         text NOT NULL,
        rate_date     date NOT NULL,
        rate          numeric NOT NULL CHECK (rate > 0),
        source        text NOT NULL,
        origin_id     text,
        recorded_at   timestamptz NOT NULL DEFAULT kernel.now(),
        superseded_at timestamptz,
        version_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
      );
      CREATE UNIQUE INDEX rate_current ON settlement.rate (base, quote, rate_date, source) WHERE superseded_at IS NULL;
      CREATE INDEX rate_origin ON settlement.rate (origin_id);

      CREATE TRIGGER only_supersede BEFORE UPDATE ON settlement.price FOR EACH ROW EXECUTE FUNCTION settlement.only_supersede();
      CREATE TRIGGER only_supersede BEFORE UPDATE ON settlement.rate FOR EACH ROW EXECUTE FUNCTION settlement.only_supersede();
      GRANT SELECT, INSERT, UPDATE (superseded_at) ON settlement.price, settlement.rate TO settlement;

      -- How many business days after the trade a market settles, from when: a rule of law, so it is data.
      CREATE TABLE settlement.settlement_cycle (
        market      text NOT NULL,
        asset_class text NOT NULL,
        cycle_days  int NOT NULL CHECK (cycle_days BETWEEN 0 AND 30),
        valid_from  date NOT NULL,
        rule        text NOT NULL,
        PRIMARY KEY (market, asset_class, valid_from)
      );
      INSERT INTO settlement.settlement_cycle (market, asset_class, cycle_days, valid_from, rule) VALUES
        ('EU', '*', 2, '2014-10-06', 'CSDR article 5'),
        ('EU', '*', 1, '2027-10-11', 'CSDR article 5 as amended: T+1'),
        ('UK', '*', 2, '2014-10-06', 'UK CSDR article 5'),
        ('UK', '*', 1, '2027-10-11', 'UK T+1'),
        ('US', '*', 2, '2017-09-05', 'SEC rule 15c6-1'),
        ('US', '*', 1, '2024-05-28', 'SEC rule 15c6-1 as amended: T+1'),
        ('JP', '*', 2, '2019-07-16', 'JSCC T+2');
      GRANT SELECT ON settlement.settlement_cycle TO settlement;

      -- Calendars as they were known: closed days of each, in versions.
      CREATE TABLE settlement.calendar_version (
        calendar_id  text NOT NULL,
        version      int NOT NULL,
        data_from    date NOT NULL,
        data_to      date NOT NULL,
        content_hash text NOT NULL,
        recorded_at  timestamptz NOT NULL DEFAULT kernel.now(),
        PRIMARY KEY (calendar_id, version)
      );
      CREATE TABLE settlement.calendar_closed_day (
        calendar_id text NOT NULL,
        version     int NOT NULL,
        day         date NOT NULL,
        PRIMARY KEY (calendar_id, version, day),
        FOREIGN KEY (calendar_id, version) REFERENCES settlement.calendar_version
      );
      GRANT SELECT, INSERT ON settlement.calendar_version, settlement.calendar_closed_day TO settlement;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE settlement.calendar_closed_day, settlement.calendar_version, settlement.settlement_cycle,
        settlement.rate, settlement.price, settlement.client_account, settlement.ssi, settlement.counterparty,
        settlement.instrument, settlement.place;
      DROP FUNCTION settlement.only_supersede();`);
  }
}
