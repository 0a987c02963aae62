// Where TLS and PROXY headers of clients enter. Promise: a client connection goes through the stages that
// the settings ask for when it is accepted; a reload concerns later connections only.

import type { Live } from '../base/live.ts';
import type { Approach } from '../base/wire-socket.ts';
import { type ProxySettings, ProxyStage } from './proxy-stage.ts';
import { TlsContext } from './tls-context.ts';
import type { ListenTls } from './tls-files.ts';
import { ACCESS_DENIED, TlsStage } from './tls-stage.ts';
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

  /**
   * What a connection from `address` is read through first; null: the protocol begins at once. `isWanted` is
   * asked about the address that a header names, before anything is spent on TLS.
   */
  approach(address: string, isWanted: (address: string) => boolean): Approach | null {
    const proxy = this.#proxy.current;
    const header = proxy.proxyProtocol === 'off' ? null : new ProxyStage(proxy);
    // Without an address nobody knows who it is.
    const isAddressKnown = header === null || !header.mayNameAnother(address);
    if (this.#tls.isOn) {
      // One whose address is known is asked about before the stage.
      const stage = new TlsStage(this.#tls, header, isAddressKnown ? undefined : isWanted);
      return { stage, isAddressKnown, refusal: ACCESS_DENIED };
    }
    return header === null ? null : { stage: header, isAddressKnown, refusal: null };
  }
}
