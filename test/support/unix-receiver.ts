// A receiver of Unix datagrams of a test's own, which reads only when it is asked to. Promise: its socket
// is closed when its test ends.

import { closeSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Test } from 'tap';

interface Koffi {
  load(path: null): { func(prototype: string): (...args: readonly unknown[]) => number };
}

const AF_UNIX = 1;
const SOCK_DGRAM_NONBLOCK = 2 | 0o4000;

function findKoffi(): Koffi | null {
  try {
    return createRequire(import.meta.url)('koffi') as Koffi;
  } catch {
    return null;
  }
}

const koffi = process.platform === 'linux' ? findKoffi() : null;

/** Why tests that need it are left out; false where they are not. In CI a missing one fails. */
export const koffiIsMissing: string | false =
  koffi !== null || process.env['CI'] === 'true' ? false : 'koffi is not installed';

export class UnixReceiver {
  readonly #fd: number;

  static async bind(t: Pick<Test, 'teardown'>, path: string): Promise<UnixReceiver> {
    if (koffi === null) throw new Error('Cannot find koffi');
    const library = koffi.load(null);
    const fd = library.func('int socket(int, int, int)')(AF_UNIX, SOCK_DGRAM_NONBLOCK, 0);
    const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(`${path}\0`)]);
    const bind = library.func('int bind(int, const void *, unsigned int)');
    if (bind(fd, address, address.length) !== 0) throw new Error(`Cannot bind ${path}`);
    t.teardown(() => closeSync(fd));
    return new UnixReceiver(fd);
  }

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** What has come since the last call. */
  take(): readonly Buffer[] {
    const packets: Buffer[] = [];
    for (;;) {
      const packet = Buffer.alloc(65_536);
      try {
        packets.push(packet.subarray(0, readSync(this.#fd, packet)));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return packets;
        throw error;
      }
    }
  }
}
