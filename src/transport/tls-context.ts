// TLS towards clients: the certificate in force, and the handshakes. Promise: each handshake that was
// begun has one outcome, or its socket closes; replacing the files concerns later handshakes only, and
// one that fails changes nothing.
//
// Node offers handshakes on accepted sockets through a tls.Server alone, which here never listens: it
// is handed the sockets as 'connection' events. It tells the outcome without saying for which socket,
// so that they are told apart by their two ends.

import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { sessionContext, ticketKeys } from './ticket-keys.ts';
import type { ListenTls } from './tls-files.ts';
import type { TransportCounts } from './transport-counts.ts';

export type HandshakeOutcome =
  | { readonly kind: 'secure'; readonly socket: TLSSocket }
  /** It has no certificate of the client CA; `socket` can tell it so. */
  | { readonly kind: 'unauthorized'; readonly socket: TLSSocket; readonly code: string }
  /** The socket is being destroyed. `code`: OpenSSL's or the system's word. */
  | { readonly kind: 'failed'; readonly code: string };

type Done = (outcome: HandshakeOutcome) => void;

const PROCESS_SECRET_BYTES = 48;

export class TlsContext {
  readonly #counts: TransportCounts;
  readonly #processSecret = randomBytes(PROCESS_SECRET_BYTES);
  readonly #pending = new Map<string, Done>();
  #server: Server | null = null;

  constructor(counts: TransportCounts) {
    this.#counts = counts;
  }

  /** Whether clients have to speak TLS. */
  get isOn(): boolean {
    return this.#server !== null;
  }

  /** From now on handshakes are as `files` say; null: there are none. Throws OpenSSL's error. */
  replace(files: ListenTls | null): void {
    this.#server = files === null ? null : this.#serverFor(files);
  }

  /** Begins a handshake on `socket`, which has no reader; `done` is called once, unless it closes first. */
  begin(socket: Socket, done: Done): void {
    const ends = endsOf(socket);
    if (this.#server === null || ends === null) {
      this.#ended(done, { kind: 'failed', code: 'ECONNRESET' });
      return;
    }
    this.#pending.set(ends, done);
    socket.once('close', () => {
      if (this.#pending.get(ends) === done) this.#pending.delete(ends);
    });
    this.#server.emit('connection', socket);
  }

  #serverFor(files: ListenTls): Server {
    const { certificate, key, clientCa, minVersion, ticketSecret } = files;
    const ca = clientCa?.pem ?? null;
    const server = createServer({
      cert: certificate.pem,
      key,
      minVersion,
      requestCert: ca !== null,
      ...(ca !== null && { ca }),
      // Judged here: a client that is refused in the handshake is not told why.
      rejectUnauthorized: false,
      ticketKeys: ticketKeys(ticketSecret ?? this.#processSecret, ca),
      sessionIdContext: sessionContext(ca),
    });
    server.on('secureConnection', (socket) => this.#finished(socket, ca !== null));
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      this.#take(socket, { kind: 'failed', code: error.code ?? error.message });
    });
    return server;
  }

  #finished(socket: TLSSocket, needsCertificate: boolean): void {
    // What was proved once must not change meanwhile.
    socket.disableRenegotiation();
    if (needsCertificate && !socket.authorized) {
      // Node declares an Error, and sets its code.
      const code = String(socket.authorizationError);
      this.#take(socket, { kind: 'unauthorized', socket, code });
    } else {
      this.#take(socket, { kind: 'secure', socket });
    }
  }

  #take(socket: TLSSocket, outcome: HandshakeOutcome): void {
    const ends = endsOf(socket);
    const done = ends === null ? undefined : this.#pending.get(ends);
    if (ends === null || done === undefined) {
      socket.destroy();
      return;
    }
    this.#pending.delete(ends);
    if (outcome.kind === 'secure') {
      this.#counts.handshakes.add(socket.isSessionReused() ? 'resumed' : 'full');
      done(outcome);
    } else {
      this.#ended(done, outcome);
    }
  }

  #ended(done: Done, outcome: HandshakeOutcome): void {
    this.#counts.handshakes.add('failed');
    done(outcome);
  }
}

/** Both ends of a TCP connection; null if it is closed already. */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string | null {
  if (remoteAddress === undefined || remotePort === undefined) return null;
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
