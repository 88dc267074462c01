import 'reflect-metadata';
import { jest } from '@jest/globals';

process.env.TZ = 'UTC';
process.env.NODE_ENV = 'test';

// Tests end by a condition, not by the clock; this is for a machine that does other things besides.
jest.setTimeout(60_000);
