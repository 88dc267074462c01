import { Directive, Field, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import { connection, DateScalar, DateTimeScalar, RequiresScopes } from '#libs/graphql/index.js';
import { enumOf } from '../graphql.js';
import {
  legalForms,
  type Party,
  type PartyFilter,
  type PartyKind,
  partyKinds,
  type PartyRow,
} from './parties.repository.js';

const PartyKindEnum = enumOf('PartyKind', partyKinds);
const LegalFormEnum = enumOf('LegalForm', legalForms);
const PartyStatusEnum = enumOf('PartyStatus', ['ACTIVE', 'INACTIVE', 'WITHDRAWN']);

@ObjectType('Party', { description: 'A person or institution we deal with. Names are kept by compliance alone.' })
@Directive('@key(fields: "id")')
@RequiresScopes('parties:read')
export class PartyType {
  @Field(() => ID) id!: string;
  @Field(() => Int, { description: 'Counts from 1; every change makes a version.' }) version!: number;
  @Field(() => PartyKindEnum) kind!: PartyKind;
  @Field(() => LegalFormEnum) legalForm!: Party['legalForm'];
  @Field(() => String) name!: string;
  @Field(() => String, { nullable: true, description: 'ISO 3166, two letters.' }) country!: string | null;
  @Field(() => DateScalar, { nullable: true }) birthDate!: string | null;
  @Field(() => String, { nullable: true }) lei!: string | null;
  @Field(() => String, { description: 'The book it belongs to; * for the whole institution.' }) book!: string;
  @Field(() => PartyStatusEnum) status!: Party['status'];
  @Field(() => Boolean, { description: 'True while a sanctions hit on the party is undecided or confirmed.' })
  isHeld!: boolean;
  @Field(() => DateTimeScalar) changedAt!: Date;
}

@ObjectType('PartyConnection')
@RequiresScopes('parties:read')
export class PartyConnection extends connection(PartyType, 'Party') {}

@InputType('PartyFilter')
export class PartyFilterInput implements PartyFilter {
  @Field(() => PartyKindEnum, { nullable: true }) kind?: PartyKind | null;
  @Field(() => PartyStatusEnum, { nullable: true }) status?: Party['status'] | null;
  @Field(() => String, { nullable: true }) book?: string | null;
  @Field(() => Boolean, { nullable: true }) isHeld?: boolean | null;
}

export const toPartyType = ({ partyId, ...row }: PartyRow): PartyType => ({ ...row, id: partyId });
