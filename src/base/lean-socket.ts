// Hot path. Sockets that read without allocating. Promise: what arrives is told as a 'data' event, as
// by any socket, but its bytes are borrowed: they are overwritten after the handler returns, so
// a handler that needs them for longer copies them.
//
// Node's sockets allocate 64 KiB for each read, cut it to size and collect it later. Reading into one
// buffer for all connections instead (net.Socket's `onread`), a server that does nothing but answer
// 200 clients spends 7.8 µs of CPU on a command, not 11.9.

import {
  connect as netConnect,
  createServer,
  isIP,
  type ListenOptions as NetListenOptions,
  Socket,
  type SocketConstructorOpts,
} from 'node:net';
import { checkServerIdentity, connect as tlsConnect, type ConnectionOptions } from 'node:tls';
import type { Address } from './address.ts';
import { LocalPorts } from './local-ports.ts';
import type { Dial, Listen, Listening, SecureDial } from './network.ts';

/** One for all: libuv hands each read over before it begins the next. */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

/** Dials for one process: its sockets read leanly, and no two of them leave from one port of a range. */
export function systemDial(): Dial {
  const localPorts = new LocalPorts();
  return (address, { host, ports }, secure) => {
    if (ports === null) return connect(address, { host, port: 0 }, secure);
    const port = localPorts.take(ports);
    if (port === null) return withoutPort();
    return connect(address, { host, port }, secure).once('close', () => localPorts.free(port));
  };
}

/** `local`: with an empty host or port 0 the system picks. */
function connect(address: Address, local: Address, secure: SecureDial | null): Socket {
  const options = {
    ...address,
    ...(local.host !== '' && { localAddress: local.host }),
    ...(local.port !== 0 && { localPort: local.port }),
    noDelay: true,
    onread: { buffer: READ_BUFFER, callback: (length: number) => tell(socket, length) },
  };
  const socket: Socket =
    secure === null ? netConnect(options) : tlsConnect({ ...options, ...tlsOptions(secure) });
  return socket;
}

function tlsOptions({ context, serverName }: SecureDial): ConnectionOptions {
  return {
    secureContext: context,
    rejectUnauthorized: true,
    // An IP address must not be told as a server name (RFC 6066).
    ...(isIP(serverName) === 0 && { servername: serverName }),
    checkServerIdentity: (_host, certificate) => checkServerIdentity(serverName, certificate),
  };
}

/** A dial that fails as the system's own do. */
function withoutPort(): Socket {
  const text = 'Cannot dial: every port of the range is in use';
  return new Socket().destroy(Object.assign(new Error(text), { code: 'EADDRNOTAVAIL' }));
}

/** Listens at an address of its own; the sockets accepted read leanly. */
export const listen: Listen = ({ address, backlog, reusePort }, accepted) =>
  listenOn({ ...address, backlog, reusePort }, address, accepted);

/** Listens on a socket that the process was given, whatever address and backlog that has. */
export function listenOnGiven(fd: number): Listen {
  return ({ address }, accepted) => listenOn({ fd }, address, accepted);
}

function listenOn(
  where: NetListenOptions & { readonly fd?: number },
  address: Address,
  accepted: (socket: Socket) => void,
): Promise<Listening> {
  // Half-open: a client that has sent its last command may still read the replies.
  const options = { allowHalfOpen: true, noDelay: true, pauseOnConnect: true };
  const server = createServer(options, (socket) => accepted(leanSocket(socket)));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      // An accept that fails (no file left) loses that connection only; the listener goes on.
      server.on('error', () => {});
      const bound = server.address();
      const isPort = typeof bound === 'object' && bound !== null;
      const host = isPort && where.fd !== undefined ? bound.address : address.host;
      const port = isPort ? bound.port : address.port;
      resolve({ address: { host, port }, close: () => void server.close() });
    });
  });
}

/**
 * A socket that takes over the connection of `accepted`, which a server with `pauseOnConnect` and
 * `allowHalfOpen` has just accepted, and reads leanly. Node offers `onread` to dialled sockets only:
 * the way there for accepted ones, the `_handle` that both kinds have, is not documented. Where a
 * later Node has it no more, `accepted` itself serves, and each command costs more.
 */
function leanSocket(accepted: Socket): Socket {
  const holder = accepted as unknown as {
    _handle?: SocketConstructorOpts['handle'] | null;
  };
  const handle = holder._handle;
  if (handle === undefined || handle === null) return accepted;
  holder._handle = null;
  // Without its handle this closes nothing; it makes the server forget the socket.
  accepted.destroy();
  const socket: Socket = new Socket({
    handle,
    allowHalfOpen: true,
    onread: { buffer: READ_BUFFER, callback: (length) => tell(socket, length) },
  });
  return socket;
}

/** True: read on. */
function tell(socket: Socket, length: number): true {
  socket.emit('data', READ_BUFFER.subarray(0, length));
  return true;
}
