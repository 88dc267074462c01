import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { MessageCatalogue } from '../message-catalogue.js';

/** The routes of the first release; every migrate run brings them up to its own release (declareMessageRoutes). */
export class MessageRoutes20261101000250 implements MigrationInterface {
  name = 'MessageRoutes20261101000250';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('SELECT messaging.declare_routes($1::jsonb)', [JSON.stringify(new MessageCatalogue().routes())]);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DELETE FROM messaging.route');
  }
}
