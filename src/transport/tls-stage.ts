// The TLS handshake that a connection begins with, maybe behind a PROXY header. Promise: a peer that does
// not speak TLS is recognised by its first byte, or by its silence, and can still be told so in clear.

import { Socket } from 'node:net';
import { canonicalAddress } from '../base/address-list.ts';
import { check } from '../base/check.ts';
import type { StageFault, WireSocket, WireStage, WireStageResult } from '../base/wire-socket.ts';
import type { HandshakeOutcome, TlsContext } from './tls-context.ts';

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
  #state: State = { kind: 'new' };
  readonly #onData = (chunk: Buffer): void => this.#first(chunk);
  readonly #onEnd = (): void => this.#refuse('client_closed');

  /** `before`: what is read first; null: nothing. */
  constructor(context: TlsContext, before: WireStage | null) {
    this.#context = context;
    this.#before = before;
  }

  begin(socket: WireSocket, done: Done): void {
    if (this.#before === null) {
      const remoteAddress = canonicalAddress(socket.remoteAddress ?? '');
      this.#beginBehind({ kind: 'ready', socket, remoteAddress, rest: null }, done);
      return;
    }
    this.#before.begin(socket, (result) => {
      if (result.kind === 'ready') this.#beginBehind(result, done);
      else done(result);
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
