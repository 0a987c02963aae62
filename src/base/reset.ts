// How a connection is reset. Promise: the peer is sent RST, and the socket is closed whatever else happens
// to it meanwhile.

/** What a reset needs of a socket. */
interface Resettable {
  end(sent: () => void): unknown;
  destroy(): unknown;
  resetAndDestroy(): unknown;
}

/**
 * Sends RST as soon as what was written has been taken; so does Node. But a socket that is destroyed between its
 * `resetAndDestroy()` and that moment, by an error for example, is never closed (v24): libuv does not reset a
 * connection that is being shut down (uv_tcp_close_reset), and Node has forgotten its handle by then. So
 * `resetAndDestroy()` is called when the shutdown is over.
 */
export function reset(socket: Resettable): void {
  socket.end(() => {
    try {
      socket.resetAndDestroy();
    } catch {
      // There is no TCP right below.
      socket.destroy();
    }
  });
}
