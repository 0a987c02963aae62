// The TLS handshake that a connection begins with, maybe behind a PROXY header. Promise: a peer that does
// not speak TLS is recognised by its first byte, or by its silence, and can still be told so in clear.

import { Socket } from 'node:net';
import { canonicalAddress } from '../base/address-list.ts';
import { check } from '../base/check.ts';
import type { StageFault, WireSocket, WireStage, WireStageResult } from '../base/wire-socket.ts';
import type { HandshakeOutcome, TlsContext } from './tls-context.ts';

/**
 * A fatal alert in clear, `access_denied` (RFC 8446, 6): what a client is told that is refused before its
 * handshake. It may be sent before anything has come.
 */
export const ACCESS_DENIED = Buffer.of(0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x31);

/** The first byte of a TLS handshake, and of nothing that a Faktory client sends. */
const TLS_HANDSHAKE_BYTE = 0x16;

type Done = (result: WireStageResult) => void;
type Ready = Extract<WireStageResult, { readonly kind: 'ready' }>;

/** The socket, whose address is known. */
interface Peer {
  readonly socket: Socket;
  readonly address: string;
  readonly done: Done;
}

type State =
  | { readonly kind: 'new' | 'over' }
  /** Nothing has come yet. */
  | { readonly kind: 'silent'; readonly peer: Peer }
  | { readonly kind: 'shaking'; readonly peer: Peer };

export class TlsStage implements WireStage {
  readonly #context: TlsContext;
  readonly #before: WireStage | null;
  readonly #isWanted: (address: string) => boolean;
  #state: State = { kind: 'new' };
  readonly #onData = (chunk: Buffer): void => this.#first(chunk);
  readonly #onEnd = (): void => this.#refuse('client_closed');

  /**
   * `before`: what is read first; null: nothing. `isWanted`: whether the address that it has found may have
   * a handshake.
   */
  constructor(
    context: TlsContext,
    before: WireStage | null,
    isWanted: (address: string) => boolean = () => true,
  ) {
    this.#context = context;
    this.#before = before;
    this.#isWanted = isWanted;
  }

  begin(socket: WireSocket, done: Done): void {
    if (this.#before === null) {
      const remoteAddress = canonicalAddress(socket.remoteAddress ?? '');
      this.#beginBehind({ kind: 'ready', socket, remoteAddress, rest: null }, done);
      return;
    }
    this.#before.begin(socket, (result) => {
      if (result.kind !== 'ready') done(result);
      else if (this.#isWanted(result.remoteAddress)) this.#beginBehind(result, done);
      else done({ ...result, kind: 'refused', fault: 'not_wanted', detail: null });
    });
  }

  expire(): void {
    switch (this.#state.kind) {
      case 'new':
        this.#before?.expire();
        return;
      case 'silent':
        // A plain client waits to be greeted first.
        this.#refuse('tls_required');
        return;
      case 'shaking':
        this.#refuse('handshake_timeout');
        return;
      case 'over':
    }
  }

  #beginBehind({ socket, remoteAddress, rest }: Ready, done: Done): void {
    check(socket instanceof Socket, 'TLS needs a socket of the system');
    this.#state = { kind: 'silent', peer: { socket, address: remoteAddress, done } };
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    if (rest === null) socket.resume();
    else this.#first(rest);
  }

  #first(chunk: Buffer): void {
    if (this.#state.kind !== 'silent') return;
    const { peer } = this.#state;
    if (chunk[0] !== TLS_HANDSHAKE_BYTE) {
      this.#refuse('tls_required');
      return;
    }
    const { socket } = peer;
    this.#letGo(socket);
    this.#state = { kind: 'shaking', peer };
    socket.pause();
    // The chunk is borrowed.
    socket.unshift(Buffer.from(chunk));
    this.#context.begin(socket, (outcome) => this.#shaken(peer, outcome));
  }

  #shaken({ socket: raw, address, done }: Peer, outcome: HandshakeOutcome): void {
    if (this.#state.kind !== 'shaking') return;
    this.#state = { kind: 'over' };
    switch (outcome.kind) {
      case 'secure':
        resettable(outcome.socket, raw);
        done({ kind: 'ready', socket: outcome.socket, remoteAddress: address, rest: null });
        return;
      case 'unauthorized':
        resettable(outcome.socket, raw);
        done({
          kind: 'refused',
          fault: 'tls_certificate_refused',
          detail: outcome.code,
          remoteAddress: address,
          socket: outcome.socket,
        });
        return;
      case 'failed':
        done({
          kind: 'refused',
          fault: 'tls_failed',
          detail: outcome.code,
          remoteAddress: address,
          socket: null,
        });
    }
  }

  #refuse(fault: StageFault): void {
    const state = this.#state;
    if (state.kind !== 'silent' && state.kind !== 'shaking') return;
    this.#state = { kind: 'over' };
    const { socket, address, done } = state.peer;
    this.#letGo(socket);
    const wayBack = state.kind === 'silent' ? socket : null;
    done({ kind: 'refused', fault, detail: null, remoteAddress: address, socket: wayBack });
  }

  #letGo(socket: Socket): void {
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
  }
}

/** A TLS socket cannot send RST by itself; the one below can. */
function resettable(socket: Socket, raw: Socket): void {
  socket.resetAndDestroy = () => {
    raw.resetAndDestroy();
    return socket;
  };
}
