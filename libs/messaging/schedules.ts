import { Injectable } from '@nestjs/common';
import { type MessageName, type PayloadOf } from '#libs/contracts/index.js';

export type CatchUp = 'none' | 'last' | 'all';

interface Common<Name extends MessageName> {
  /** Unique in the service. */
  readonly name: string;
  readonly message: { readonly name: Name; readonly payload: PayloadOf<Name> };
  /** What becomes of slots missed while nothing ran; `last` unless given. */
  readonly catchUp?: CatchUp;
}

/** By the clock on the wall of a named zone, in business time, or every so many seconds, in real time. */
export type Schedule<Name extends MessageName = MessageName> = Common<Name> &
  (
    | { readonly everySeconds: number; readonly at?: undefined }
    | { readonly at: { readonly time: string; readonly zone: string }; readonly everySeconds?: undefined }
  );

/** Schedules are declared in code, while modules are built; the database keeps one row for each slot that fired. */
@Injectable()
export class Schedules {
  private readonly declared = new Map<string, Schedule>();

  declare<Name extends MessageName>(schedule: Schedule<Name>): void {
    if (this.declared.has(schedule.name)) throw new Error(`Two schedules are called ${schedule.name}`);
    if (schedule.everySeconds !== undefined && !(schedule.everySeconds >= 1))
      throw new Error(`${schedule.name}: everySeconds must be at least 1`);
    if (schedule.at !== undefined && !/^([01]\d|2[0-3]):[0-5]\d$/.test(schedule.at.time))
      throw new Error(`${schedule.name}: time must be HH:MM`);
    this.declared.set(schedule.name, schedule as unknown as Schedule);
  }

  all(): Schedule[] {
    return [...this.declared.values()];
  }
}
