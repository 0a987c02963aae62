// The PROXY header that a connection begins with. Promise: a header is taken from trusted addresses
// alone, once, and then it must be there; what is behind it is the owner's, byte for byte.

import { type AddressList, canonicalAddress } from '../base/address-list.ts';
import type { StageFault, WireSocket, WireStage, WireStageResult } from '../base/wire-socket.ts';
import { readProxyHeader } from './proxy-header.ts';

/** Whom a header is taken from. */
export interface ProxySettings {
  /** `on`: other addresses are clients of their own. `required`: they may not connect. */
  readonly proxyProtocol: 'off' | 'on' | 'required';
  readonly proxyTrusted: AddressList;
}

type Done = (result: WireStageResult) => void;

/** Trusted, and its header is being read. */
interface Reading {
  readonly socket: WireSocket;
  readonly address: string;
  readonly done: Done;
  bytes: Buffer;
}

export class ProxyStage implements WireStage {
  readonly #settings: ProxySettings;
  /** Null before it begins, and when it is done. */
  #reading: Reading | null = null;
  readonly #onData = (chunk: Buffer): void => this.#read(chunk);
  readonly #onEnd = (): void => this.#ended();

  constructor(settings: ProxySettings) {
    this.#settings = settings;
  }

  /** Whether a header is due from `address`, so that the client may be another; also if it is not known. */
  mayNameAnother(address: string): boolean {
    const { proxyProtocol, proxyTrusted } = this.#settings;
    return proxyProtocol === 'required' || address === '' || proxyTrusted.has(address);
  }

  begin(socket: WireSocket, done: Done): void {
    const { proxyProtocol, proxyTrusted } = this.#settings;
    const address = canonicalAddress(socket.remoteAddress ?? '');
    if (address === '') {
      // It has been reset already, as HAProxy ends its checks: whose it was cannot be known.
      done({
        kind: 'refused',
        fault: 'client_closed',
        detail: null,
        remoteAddress: '',
        socket: null,
      });
    } else if (proxyTrusted.has(address)) {
      this.#reading = { socket, address, done, bytes: Buffer.alloc(0) };
      socket.on('data', this.#onData);
      socket.on('end', this.#onEnd);
      socket.resume();
    } else if (proxyProtocol === 'required') {
      done({
        kind: 'refused',
        fault: 'proxy_untrusted',
        detail: null,
        remoteAddress: address,
        socket,
      });
    } else {
      done({ kind: 'ready', socket, remoteAddress: address, rest: null });
    }
  }

  expire(): void {
    this.#refuse('proxy_header_missing');
  }

  #read(chunk: Buffer): void {
    const reading = this.#reading;
    if (reading === null) return;
    // The chunk is borrowed. The header's bound is also that of what is gathered before the last chunk.
    reading.bytes = Buffer.concat([reading.bytes, chunk]);
    const { bytes, socket, address } = reading;
    const header = readProxyHeader(bytes);
    if (header.kind === 'wrong') this.#refuse('proxy_header_invalid');
    if (header.kind !== 'header') return;
    const rest = bytes.length > header.used ? bytes.subarray(header.used) : null;
    const remoteAddress = header.source ?? address;
    this.#finish({ kind: 'ready', socket, remoteAddress, rest });
  }

  /** A check of the proxy that only connects is not worth a warning. */
  #ended(): void {
    const hasBegun = this.#reading !== null && this.#reading.bytes.length > 0;
    this.#refuse(hasBegun ? 'proxy_header_invalid' : 'client_closed');
  }

  #refuse(fault: StageFault): void {
    if (this.#reading === null) return;
    const { socket, address } = this.#reading;
    this.#finish({ kind: 'refused', fault, detail: null, remoteAddress: address, socket });
  }

  #finish(result: WireStageResult): void {
    if (this.#reading === null) return;
    const { socket, done } = this.#reading;
    this.#reading = null;
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    done(result);
  }
}
