// Where TLS and PROXY headers of clients enter. Promise: a client connection goes through the stages that
// the settings ask for when it is accepted; a reload concerns later connections only.

import type { Live } from '../base/live.ts';
import type { WireStage } from '../base/wire-socket.ts';
import { type ProxySettings, ProxyStage } from './proxy-stage.ts';
import { TlsContext } from './tls-context.ts';
import type { ListenTls } from './tls-files.ts';
import { TlsStage } from './tls-stage.ts';
import type { TransportCounts } from './transport-counts.ts';

export class ClientStages {
  readonly #proxy: Live<ProxySettings>;
  readonly #tls: TlsContext;

  constructor(proxy: Live<ProxySettings>, counts: TransportCounts) {
    this.#proxy = proxy;
    this.#tls = new TlsContext(counts);
  }

  /** From now on TLS handshakes are as `files` say; null: there are none. Throws OpenSSL's error. */
  replaceTls(files: ListenTls | null): void {
    this.#tls.replace(files);
  }

  /** The stages of a connection that is being accepted; null: the protocol begins at once. */
  next(): WireStage | null {
    const proxy = this.#proxy.current;
    const header = proxy.proxyProtocol === 'off' ? null : new ProxyStage(proxy);
    return this.#tls.isOn ? new TlsStage(this.#tls, header) : header;
  }
}
