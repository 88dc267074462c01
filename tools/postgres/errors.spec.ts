import { describe, expect, it } from '@jest/globals';
import { installedBinaries } from './binaries.js';
import { EmbeddedPostgresError, faultIn, faultOf } from './errors.js';

const where = { dataDirectory: '/data/postgres', port: 5544 };

describe('what Postgres says at a failed start', () => {
  it.each([
    ['initdb: error: could not write to file "PG_VERSION": No space left on device', 'DISK_FULL'],
    ['FATAL:  could not extend file "base/5/2619": No space left on device', 'DISK_FULL'],
    ['LOG:  could not bind IPv4 address "127.0.0.1": Address already in use', 'PORT_IN_USE'],
    ['FATAL:  database files are incompatible with server', 'DATA_OF_ANOTHER_VERSION'],
    ['FATAL:  data directory "/data/postgres/cluster" has wrong ownership', 'DATA_OF_ANOTHER_USER'],
    [
      'postgres: error while loading shared libraries: libicuuc.so.60: cannot open shared object file',
      'BINARY_DOES_NOT_RUN',
    ],
  ])('%s', (said, code) => {
    expect(faultIn(said, where)?.code).toBe(code);
  });

  it('names the folder, or the port, that the reader has to look at', () => {
    expect(faultIn('No space left on device', where)?.message).toContain('/data/postgres');
    expect(faultIn('could not create any TCP/IP sockets', where)?.message).toContain('5544');
    expect(faultIn('FATAL:  something new', where)).toBeUndefined();
  });

  it('takes a full disk met by Node for the same fault, and leaves other errors alone', () => {
    expect(faultOf(Object.assign(new Error('write'), { code: 'ENOSPC' }), where)).toMatchObject({ code: 'DISK_FULL' });
    const other = new Error('other');
    expect(faultOf(other, where)).toBe(other);
  });

  it('says what to do where there are no binaries for the platform', () => {
    expect(() => installedBinaries({ platform: 'aix', arch: 'ppc64' })).toThrow(EmbeddedPostgresError);
    expect(() => installedBinaries({ platform: 'aix', arch: 'ppc64' })).toThrow(/aix-ppc64.*DATABASE_URL/s);
  });
});
