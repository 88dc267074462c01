import { inspect } from 'node:util';
import { type LoggerService } from '@nestjs/common';
import { type DestinationStream, pino, type Logger as Pino } from 'pino';
import { currentContext } from './request-context.js';

/** Names that never reach a log, at the top and up to three levels down. */
const secretNames = [
  'authorization',
  'password',
  'secret',
  'token',
  'apiKey',
  'api_key',
  'cookie',
  'pepper',
  'connectionString',
  'content',
  'iban',
  'creditorIban',
  'birthDate',
  'sealedName',
];
const redactedPaths = secretNames.flatMap((name) => [name, `*.${name}`, `*.*.${name}`, `*.*.*.${name}`]);

/** Secrets also hide inside texts: URLs with a password, bearer tokens, our own API keys. */
const secretTexts: [RegExp, string][] = [
  [/(\w+:\/\/[^\s:/@]*):[^\s@]+@/g, '$1:[redacted]@'],
  [/\b(Bearer\s+)[\w.~+/=-]+/gi, '$1[redacted]'],
  [/\bngb_([a-z-]+)_[\w-]+/g, 'ngb_$1_[redacted]'],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, '[redacted]'],
];

export function redactText(text: string): string {
  return secretTexts.reduce((result, [pattern, replacement]) => result.replace(pattern, replacement), text);
}

export interface LoggerOptions {
  service: string;
  level?: string;
  destination?: DestinationStream;
}

/** One JSON object a line, with the request and trace it belongs to. */
export class Logger implements LoggerService {
  private readonly pino: Pino;

  constructor(options: LoggerOptions) {
    this.pino = pino(
      {
        level: options.level ?? process.env.LOG_LEVEL ?? 'info',
        base: { service: options.service, pid: process.pid },
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
        redact: { paths: redactedPaths, censor: '[redacted]' },
        serializers: {
          err: (error: Error) => ({
            ...pino.stdSerializers.err(error),
            message: redactText(error.message),
            stack: redactText(error.stack ?? ''),
          }),
        },
        mixin: () => {
          const context = currentContext();
          return context
            ? {
                requestId: context.requestId,
                traceparent: context.traceparent,
                ...(context.subject ? { subject: context.subject } : {}),
              }
            : {};
        },
        hooks: {
          logMethod(args, method) {
            method.apply(
              this,
              args.map((arg: unknown) => (typeof arg === 'string' ? redactText(arg) : arg)) as typeof args,
            );
          },
        },
      },
      ...(options.destination ? [options.destination] : []),
    );
  }

  log(message: unknown, ...more: unknown[]): void {
    this.write('info', message, more);
  }
  error(message: unknown, ...more: unknown[]): void {
    this.write('error', message, more);
  }
  warn(message: unknown, ...more: unknown[]): void {
    this.write('warn', message, more);
  }
  debug(message: unknown, ...more: unknown[]): void {
    this.write('debug', message, more);
  }
  verbose(message: unknown, ...more: unknown[]): void {
    this.write('trace', message, more);
  }
  fatal(message: unknown, ...more: unknown[]): void {
    this.write('fatal', message, more);
  }

  flush(): void {
    this.pino.flush();
  }

  /** Nest passes the class that logs as the last text, and a stack before it. */
  private write(
    level: 'info' | 'error' | 'warn' | 'debug' | 'trace' | 'fatal',
    message: unknown,
    more: unknown[],
  ): void {
    const fields: Record<string, unknown> = {};
    let text: string | undefined;
    const texts: string[] = [];
    for (const part of [message, ...more]) {
      if (part instanceof Error) fields.err = part;
      else if (typeof part === 'string') texts.push(part);
      else if (typeof part === 'object' && part !== null) Object.assign(fields, part);
      else if (part !== undefined) texts.push(inspect(part));
    }
    if (typeof message === 'string') text = texts.shift();
    const context = texts.pop();
    if (context !== undefined) fields.context = context;
    if (texts.length > 0) fields.stack = redactText(texts.join('\n'));
    this.pino[level](fields, text ?? (fields.err as Error | undefined)?.message ?? '');
  }
}
