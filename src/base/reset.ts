// How a connection is reset. Promise: the peer is sent RST, and the socket is closed whatever else happens
// to it meanwhile.

/** What a reset needs of a socket. */
export interface Resettable {
  /** end() was called. */
  readonly writableEnded: boolean;
  /** What was written, and FIN, have been taken. */
  readonly writableFinished: boolean;
  end(sent: () => void): unknown;
  destroy(): unknown;
  /** RST instead of FIN; throws if there is no TCP right below, as under TLS. */
  resetAndDestroy(): unknown;
}

/**
 * Sends RST: at once, or, where FIN is on its way, as soon as that has been sent. Before that libuv refuses
 * (uv_tcp_close_reset), and Node (v24) forgets the handle all the same: the socket would never be closed.
 */
export function reset(socket: Resettable): void {
  if (!socket.writableEnded || socket.writableFinished) resetNow(socket);
  else socket.end(() => resetNow(socket));
}

function resetNow(socket: Resettable): void {
  try {
    socket.resetAndDestroy();
  } catch {
    socket.destroy();
  }
}
