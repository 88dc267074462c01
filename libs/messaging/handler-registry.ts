import { Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { handledMessages, type Handler, type LongHandler } from './handles.js';
import { MessageCatalogue } from './message-catalogue.js';
import { MessagingOptions } from './messaging.options.js';

/** A service that misses a handler, or has two for one message, must not start. */
export class HandlersWrong extends Error {
  constructor(
    service: string,
    readonly faults: readonly string[],
  ) {
    super(
      `The handlers of ${service} do not fit the message catalogue:\n${faults.map((fault) => `- ${fault}`).join('\n')}`,
    );
  }
}

interface Registered {
  readonly isLong: boolean;
  readonly run: Handler & LongHandler;
}

/** Finds the methods that carry @Handles or @HandlesLong. */
@Injectable()
export class HandlerRegistry {
  private readonly handlers = new Map<string, Registered>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly catalogue: MessageCatalogue,
    private readonly options: MessagingOptions,
  ) {}

  /** Throws HandlersWrong with every fault at once. */
  discover(): void {
    this.handlers.clear();
    const service = this.options.service;
    const faults: string[] = [];
    const places = new Map<string, string[]>();
    const scanner = new MetadataScanner();
    const seen = new Set<unknown>();
    for (const wrapper of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      const instance = wrapper.instance as Record<string, unknown> | null | undefined;
      if (instance === null || instance === undefined || typeof instance !== 'object' || seen.has(instance)) continue;
      seen.add(instance);
      for (const method of scanner.getAllMethodNames(Object.getPrototypeOf(instance) as object)) {
        const body = instance[method];
        if (typeof body !== 'function') continue;
        for (const { name, isLong } of handledMessages(body)) {
          const place = `${instance.constructor.name}.${method}`;
          places.set(name, [...(places.get(name) ?? []), place]);
          const definition = this.catalogue.find(name);
          if (definition === undefined) faults.push(`${place} handles ${name}, which is in no catalogue`);
          else if (!definition.consumers.includes(service))
            faults.push(`${place} handles ${name}, which ${service} does not consume`);
          else if (definition.longRunning !== isLong) {
            faults.push(`${place} must carry @${definition.longRunning ? 'HandlesLong' : 'Handles'} for ${name}`);
          }
          this.handlers.set(name, { isLong, run: body.bind(instance) as Registered['run'] });
        }
      }
    }
    for (const [name, found] of places) {
      if (found.length > 1) faults.push(`${name} has ${found.length} handlers: ${found.join(', ')}`);
    }
    for (const [name] of this.catalogue.consumedBy(service)) {
      if (!places.has(name)) faults.push(`${name} has no handler`);
    }
    if (faults.length > 0) throw new HandlersWrong(service, faults);
  }

  short(name: string): Handler | undefined {
    const handler = this.handlers.get(name);
    return handler?.isLong === false ? handler.run : undefined;
  }

  long(name: string): LongHandler | undefined {
    const handler = this.handlers.get(name);
    return handler?.isLong === true ? handler.run : undefined;
  }
}
