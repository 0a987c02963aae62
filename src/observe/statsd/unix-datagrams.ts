// Datagrams to a Unix socket as a stream, which hot-shots writes packets to. Promise: a packet that is
// not taken at once is dropped and told, whether the receiver is gone or only slow; one that comes back
// is found. Node has no such sockets, so this calls the C library through koffi, which is optional.

import { closeSync, writeSync } from 'node:fs';
import { Writable } from 'node:stream';
import { getSystemErrorName } from 'node:util';

const PACKAGE = 'koffi';

/** Linux's numbers: sys/socket.h, bits/socket_type.h. */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;

/** What is used of koffi. */
interface Koffi {
  load(path: null): { func(prototype: string): (...args: readonly unknown[]) => number };
  errno(): number;
}

/** A connected socket's file descriptor; throws with the system's word. */
type Connect = (path: string) => number;

export interface UnixDatagramParts {
  readonly path: string;
  /** For each packet that could not be sent. */
  readonly onError: (error: Error) => void;
}

/** Rejects with an Error that says what is missing. */
export async function openUnixDatagrams(parts: UnixDatagramParts): Promise<Writable> {
  return new UnixDatagrams(await connector(), parts);
}

class UnixDatagrams extends Writable {
  readonly #connect: Connect;
  readonly #parts: UnixDatagramParts;
  #fd: number | null = null;

  constructor(connect: Connect, parts: UnixDatagramParts) {
    super();
    this.#connect = connect;
    this.#parts = parts;
  }

  override _write(packet: Buffer, _encoding: string, done: () => void): void {
    try {
      this.#fd ??= this.#connect(this.#parts.path);
      // It does not block: the socket is non-blocking, and a datagram is taken whole or not at all.
      writeSync(this.#fd, packet);
    } catch (error) {
      this.#letGo();
      // A failed packet must not end the stream, so `done` does not hear of it.
      this.#parts.onError(error instanceof Error ? error : new Error(String(error)));
    }
    done();
  }

  override _destroy(_error: Error | null, done: () => void): void {
    this.#letGo();
    done();
  }

  #letGo(): void {
    const fd = this.#fd;
    this.#fd = null;
    if (fd !== null) closeSync(fd);
  }
}

async function connector(): Promise<Connect> {
  if (process.platform !== 'linux') {
    throw new Error('Unix sockets to statsd work on Linux only; use udp://host:port');
  }
  const koffi = await findKoffi();
  const library = koffi.load(null);
  const socket = library.func('int socket(int, int, int)');
  const connect = library.func('int connect(int, const void *, unsigned int)');
  const failed = (what: string): Error =>
    new Error(`${what}: ${getSystemErrorName(-koffi.errno())}`);
  return (path) => {
    const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) throw failed('socket');
    const address = addressOf(path);
    if (connect(fd, address, address.length) === 0) return fd;
    const error = failed(`connect ${path}`);
    closeSync(fd);
    throw error;
  };
}

/** struct sockaddr_un: the family in the machine's byte order, the path, and a zero byte. */
function addressOf(path: string): Buffer {
  const family = Buffer.from(new Uint16Array([AF_UNIX]).buffer);
  return Buffer.concat([family, Buffer.from(path), Buffer.alloc(1)]);
}

async function findKoffi(): Promise<Koffi> {
  try {
    // Not an import that the compiler follows: the package may be absent.
    const found = (await import(PACKAGE)) as { readonly default: Koffi };
    return found.default;
  } catch {
    throw new Error(
      `the optional package ${PACKAGE} is not installed for this machine; install it with npm, or use udp://host:port`,
    );
  }
}
