// The PROXY protocol's header, versions 1 and 2. Promise: pure; any split of the bytes gives the same
// answer, what stands behind the header is left alone, and nothing is believed but a whole, correct
// header of bounded length.

import { isIPv4, isIPv6 } from 'node:net';
import { canonicalAddress } from '../base/address-list.ts';

export type ProxyHeaderRead =
  | { readonly kind: 'more' }
  | {
      readonly kind: 'header';
      /** Bytes of the header; what is behind them is the client's. */
      readonly used: number;
      /** The client's IP address; null if the connection's own address counts. */
      readonly source: string | null;
    }
  | { readonly kind: 'wrong' };

/** With its CRLF; the protocol's own bound. */
export const V1_BYTES_MAX = 107;
/** Behind the 16 bytes that say how many; the protocol allows 65535, senders stay below 600. */
export const V2_PAYLOAD_BYTES_MAX = 1024;

const V1_START = Buffer.from('PROXY ');
const V2_START = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const V2_FIXED_BYTES = 16;

const MORE: ProxyHeaderRead = { kind: 'more' };
const WRONG: ProxyHeaderRead = { kind: 'wrong' };

/** Reads the header at the start of `bytes`. */
export function readProxyHeader(bytes: Buffer): ProxyHeaderRead {
  if (beginsAs(bytes, V2_START)) return bytes.length < V2_FIXED_BYTES ? MORE : readV2(bytes);
  return beginsAs(bytes, V1_START) ? readV1(bytes) : WRONG;
}

/** Whether `bytes` and `start` are equal as far as both go. */
function beginsAs(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.subarray(0, length).equals(start.subarray(0, length));
}

/** `PROXY TCP4 192.0.2.1 192.0.2.2 56324 7419\r\n` */
function readV1(bytes: Buffer): ProxyHeaderRead {
  const end = bytes.subarray(0, V1_BYTES_MAX).indexOf('\n');
  if (end === -1) return bytes.length < V1_BYTES_MAX ? MORE : WRONG;
  const line = bytes.toString('latin1', V1_START.length, end);
  if (!line.endsWith('\r')) return WRONG;
  const [family, source = '', target = '', ...ports] = line.slice(0, -1).split(' ');
  const used = end + 1;
  // What follows UNKNOWN is to be ignored.
  if (family === 'UNKNOWN') return { kind: 'header', used, source: null };
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isPlainIPv6 : never;
  const isRight =
    isAddress(source) && isAddress(target) && ports.length === 2 && ports.every(isPort);
  return isRight ? { kind: 'header', used, source: canonicalAddress(source) } : WRONG;
}

function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%');
}

function never(): boolean {
  return false;
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

/** What byte 13 says of the addresses: their bytes, and how to read the first of them. */
const V2_FAMILIES: Readonly<
  Record<number, { bytes: number; source: (at: Buffer) => string | null }>
> = {
  0x00: { bytes: 0, source: () => null },
  0x11: { bytes: 12, source: (at) => at.subarray(0, 4).join('.') },
  0x21: { bytes: 36, source: (at) => canonicalAddress(ipv6Text(at.subarray(0, 16))) },
  // A Unix socket: the client is on the proxy's own machine.
  0x31: { bytes: 216, source: () => null },
};

function readV2(bytes: Buffer): ProxyHeaderRead {
  const command = bytes.readUInt8(12);
  const payloadBytes = bytes.readUInt16BE(14);
  if (payloadBytes > V2_PAYLOAD_BYTES_MAX) return WRONG;
  const used = V2_FIXED_BYTES + payloadBytes;
  // LOCAL: the proxy connects for itself, its health checks say; whatever address is there is void.
  if (command === 0x20) {
    return bytes.length < used ? MORE : { kind: 'header', used, source: null };
  }
  const family = V2_FAMILIES[bytes.readUInt8(13)];
  if (command !== 0x21 || family === undefined || payloadBytes < family.bytes) return WRONG;
  if (bytes.length < used) return MORE;
  // Behind the addresses come TLVs, which are part of the header.
  return { kind: 'header', used, source: family.source(bytes.subarray(V2_FIXED_BYTES, used)) };
}

function ipv6Text(bytes: Buffer): string {
  const groups: string[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(bytes.readUInt16BE(at).toString(16));
  return groups.join(':');
}
