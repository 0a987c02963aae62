// What a wire reads and writes, and what may stand in front of it at first. Promise: nothing here but
// types: a plain socket, TLS and a test's socket in memory fit alike.

import type { Resettable } from './reset.ts';

/** What a wire needs of a socket. `net.Socket` and `tls.TLSSocket` have it, and so has a test's. */
export interface WireSocket extends Resettable {
  readonly remoteAddress?: string | undefined;
  /** Bytes written that the network has not taken. */
  readonly writableLength: number;
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown;
  on(event: 'connect' | 'secureConnect' | 'drain' | 'end' | 'close', listener: () => void): unknown;
  off(event: 'data', listener: (chunk: Buffer) => void): unknown;
  off(event: 'end', listener: () => void): unknown;
  write(bytes: Buffer): boolean;
  cork(): void;
  uncork(): void;
  /** FIN behind what was written; `sent` is called when all of it has been taken, or never will be. */
  end(sent: () => void): unknown;
  pause(): unknown;
  resume(): unknown;
  setKeepAlive(enable: boolean, idleMs: number): unknown;
}

/** What stands between the socket and the owner at first: a PROXY header, or a TLS handshake. */
export interface WireStage {
  /**
   * Begins with `socket`, which is paused, and which it may read, write and destroy. Calls `done` once, at once or
   * later; from then on the socket is the wire's. What ends the socket meanwhile ends the wire.
   */
  begin(socket: WireSocket, done: (result: WireStageResult) => void): void;
  /** The time for it is over: it is done, with the fault that this amounts to. */
  expire(): void;
}

/** How a connection begins. */
export interface Approach {
  readonly stage: WireStage;
  /** Whether the peer's address is known before the stage begins: no header can name another one. */
  readonly isAddressKnown: boolean;
  /** What a peer is told that is refused before the stage is over; null: what it would read without a stage. */
  readonly refusal: Buffer | null;
}

/** Why a stage did not let a peer through. */
export const STAGE_FAULTS = [
  /** The owner does not want a peer of this address, which the stage has found out. */
  'not_wanted',
  /** The peer closed, and had sent nothing. */
  'client_closed',
  /** A trusted peer sent something else than a PROXY header. */
  'proxy_header_invalid',
  /** A trusted peer sent no whole PROXY header in time. */
  'proxy_header_missing',
  /** Only trusted peers may connect, and this is not one. */
  'proxy_untrusted',
  /** The peer does not speak TLS, or said nothing: plain clients wait to be greeted. */
  'tls_required',
  /** The peer has no certificate, or one that is not accepted. */
  'tls_certificate_refused',
  'tls_failed',
  /** The peer began, and did not finish in time. */
  'handshake_timeout',
] as const;
export type StageFault = (typeof STAGE_FAULTS)[number];

export type WireStageResult =
  | {
      readonly kind: 'ready';
      /** What to read from now on: the same socket, or one on top of it. */
      readonly socket: WireSocket;
      readonly remoteAddress: string;
      /** Bytes that the stage has read and that are the owner's; null for none. */
      readonly rest: Buffer | null;
    }
  | {
      readonly kind: 'refused';
      readonly fault: StageFault;
      /** A library's word for it; null for none. */
      readonly detail: string | null;
      readonly remoteAddress: string;
      /** On which the peer can still be told why; null: it cannot. */
      readonly socket: WireSocket | null;
    };
