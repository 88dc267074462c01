import { messageCatalogue, type MessageDefinition, type Service } from '#libs/contracts/index.js';

export type Lane = MessageDefinition['lane'];

/** A row of `messaging.route`: who consumes a message, through which queue, and who may send it. */
export interface Route {
  readonly name: string;
  readonly consumer: Service;
  readonly lane: Lane;
  readonly isLongRunning: boolean;
  readonly isOrdered: boolean;
  readonly producers: readonly Service[];
}

/** The messages a process knows. The product's own unless a test brings its own. */
export class MessageCatalogue {
  constructor(private readonly definitions: Readonly<Record<string, MessageDefinition>> = messageCatalogue as never) {}

  find(name: string): MessageDefinition | undefined {
    return Object.hasOwn(this.definitions, name) ? this.definitions[name] : undefined;
  }

  get(name: string): MessageDefinition {
    const definition = this.find(name);
    if (definition === undefined) throw new Error(`No message is called ${name}`);
    return definition;
  }

  consumedBy(service: Service): [string, MessageDefinition][] {
    return Object.entries(this.definitions).filter(([, definition]) => definition.consumers.includes(service));
  }

  routes(): Route[] {
    return Object.entries(this.definitions).flatMap(([name, definition]) =>
      definition.consumers.map((consumer) => ({
        name,
        consumer,
        lane: definition.lane,
        isLongRunning: definition.longRunning,
        isOrdered: definition.orderedBy !== undefined,
        producers: definition.producers,
      })),
    );
  }
}
