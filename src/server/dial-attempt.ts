// One attempt to dial Faktory and shake hands. Promise: it has exactly one outcome: a wire that is open,
// a failure with its reason and errno, that its place was taken back before HELLO, or that it was called
// off and Faktory has closed; within the time for a dial unless Faktory itself takes longer to close.

import type { Timer } from '../base/clock.ts';
import { FAREWELL_BYTES_MAX, Wire } from '../base/wire.ts';
import type { WireEnd, WireOwner } from '../base/wire-owner.ts';
import { END_LINE } from '../protocol/command.ts';
import { type Hello, helloLine } from '../protocol/hello.ts';
import type { Challenge } from '../protocol/hi.ts';
import type { DialTicket } from './dial-permits.ts';
import { ServerHandshake } from './server-handshake.ts';
import type { ServerParts } from './server-parts.ts';
import type { DialFailure, ServerEndReason } from './server-states.ts';
import { tlsFailure } from './tls-failures.ts';

export type DialOutcome =
  | { readonly kind: 'open'; readonly wire: Wire }
  | { readonly kind: 'failed'; readonly failure: DialFailure }
  /** The shared limit has become smaller since the dial began: nothing is wrong with Faktory. */
  | { readonly kind: 'not_permitted' }
  | { readonly kind: 'called_off' };

/** Who wants to know how the attempt ends. */
export interface DialListener {
  dialEnded(outcome: DialOutcome): void;
}

type AttemptParts = Pick<
  ServerParts,
  'clock' | 'counts' | 'dial' | 'events' | 'hasher' | 'settings' | 'wiring'
>;

/**
 * connecting -> greeting -> answering -> over       HI has come: the hash is made, HELLO is said
 * any of them -> called_off -> over
 */
type AttemptState = 'connecting' | 'greeting' | 'answering' | 'called_off' | 'over';

export class DialAttempt implements WireOwner {
  readonly #parts: AttemptParts;
  readonly #hello: Hello;
  readonly #listener: DialListener;
  readonly #ticket: DialTicket;
  readonly #handshake = new ServerHandshake();
  readonly #wire: Wire;
  readonly #deadline: Timer;
  #state: AttemptState = 'connecting';
  /** HELLO has been said: what follows it is read as a command. */
  #saidHello = false;

  /** Begins at once; `listener` hears later, never within the constructor. */
  constructor(parts: AttemptParts, hello: Hello, ticket: DialTicket, listener: DialListener) {
    this.#parts = parts;
    this.#hello = hello;
    this.#ticket = ticket;
    this.#listener = listener;
    const { address, local, secure, connectTimeoutMs, keepaliveMs } = parts.settings.current;
    const socket = parts.dial(address, local, secure);
    this.#wire = new Wire(parts.wiring, parts.counts.bytes, socket, this);
    this.#wire.keepAlive(keepaliveMs);
    this.#wire.openDialled(secure === null ? 'connect' : 'secureConnect');
    this.#deadline = parts.clock.after(connectTimeoutMs, () => this.#tookTooLong());
  }

  /** Whether TCP has connected, and TLS where it is spoken. */
  get isConnected(): boolean {
    return this.#state !== 'connecting';
  }

  /** Nobody needs the connection any more; the outcome comes when Faktory has closed. */
  callOff(): void {
    if (this.#state === 'called_off' || this.#state === 'over') return;
    this.#state = 'called_off';
    // Not destroyed: that would free the place before Faktory has closed.
    if (this.#saidHello) this.#wire.close(END_LINE, 'await_fin', FAREWELL_BYTES_MAX);
    else this.#wire.close(null, 'fin', FAREWELL_BYTES_MAX);
  }

  /** The same, without waiting for Faktory. */
  destroy(): void {
    this.callOff();
    this.#wire.destroy();
  }

  /** A defect was met on its behalf: it fails at once. */
  broke(error: unknown): void {
    this.#wire.broke(error);
  }

  onReady(): void {
    if (this.#state === 'connecting') this.#state = 'greeting';
  }

  onData(chunk: Buffer): void {
    const step = this.#handshake.read(chunk);
    switch (step.kind) {
      case 'more':
        return;
      case 'hello':
        this.#state = 'answering';
        void this.#answer(step.challenge);
        return;
      case 'open':
        this.#end({ kind: 'open', wire: this.#wire });
        return;
      case 'failed':
        this.#parts.events.handshakeRefused(step.what);
        this.#fail('handshake_failed', null);
    }
  }

  onDrain(): void {}

  /** Faktory says why before it closes, or nothing; the close itself is what counts. */
  onEnd(): void {}

  onClose(end: WireEnd): void {
    switch (end.kind) {
      case 'closed':
        this.#fail('server_closed', null);
        return;
      case 'failed':
        this.#fail(tlsFailure(end.code) ?? this.#failure(end.code), end.code);
        return;
      case 'stalled':
        this.#fail('write_stalled', null);
        return;
      case 'bug':
        this.#fail('bug', null);
    }
  }

  #failure(code: string): ServerEndReason {
    return this.isConnected ? 'server_reset' : connectFailure(code);
  }

  #tookTooLong(): void {
    if (this.#state === 'called_off') this.#wire.destroy();
    else this.#fail(this.isConnected ? 'handshake_timeout' : 'connect_timeout', null);
  }

  /** Says HELLO. */
  async #answer(challenge: Challenge | null): Promise<void> {
    try {
      const hash = challenge === null ? '' : await this.#hashFor(challenge);
      if (this.#state !== 'answering') return;
      if (!this.#ticket.mayGoOn) {
        this.#end({ kind: 'not_permitted' });
        return;
      }
      this.#saidHello = true;
      this.#wire.write(Buffer.from(helloLine(this.#hello, hash)));
    } catch (error) {
      this.#wire.broke(error);
    }
  }

  async #hashFor({ salt, rounds }: Challenge): Promise<string> {
    const { password } = this.#parts.settings.current;
    if (password === '') return '';
    return this.#parts.hasher.iteratedSha256(password + salt, rounds);
  }

  #fail(reason: ServerEndReason, errno: string | null): void {
    this.#end({ kind: 'failed', failure: { reason, errno } });
  }

  #end(outcome: DialOutcome): void {
    if (this.#state === 'over') return;
    const wasCalledOff = this.#state === 'called_off';
    this.#state = 'over';
    this.#deadline.cancel();
    if (outcome.kind !== 'open') this.#wire.destroy();
    this.#listener.dialEnded(wasCalledOff ? { kind: 'called_off' } : outcome);
  }
}

function connectFailure(code: string): ServerEndReason {
  switch (code) {
    case 'EADDRNOTAVAIL':
    case 'EADDRINUSE':
      return 'out_of_local_ports';
    case 'EMFILE':
    case 'ENFILE':
      return 'out_of_open_files';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_FAIL':
    case 'EAI_NODATA':
      return 'name_not_resolved';
    default:
      return 'connect_failed';
  }
}
