// The PROXY header: each row is read whole, byte by byte, and with bytes behind it. Rows that name
// another program keep a defect that it once had.

import t from 'tap';
import { assert, constantFrom, property, uint8Array } from 'fast-check';
import { readProxyHeader, V2_PAYLOAD_BYTES_MAX } from '../../src/transport/proxy-header.ts';

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const IPV4 = [192, 0, 2, 1, 192, 0, 2, 2, 0xdc, 0x04, 0x1c, 0xfb];
const IPV6 = [...ipv6(1), ...ipv6(2), 0xdc, 0x04, 0x1c, 0xfb];
/** ALPN, and a unique id, as HAProxy sends them. */
const TLVS = [0x01, 0x00, 0x02, 0x68, 0x32, 0x05, 0x00, 0x03, 0x61, 0x62, 0x63];

function ipv6(last: number): number[] {
  return [0x20, 0x01, 0x0d, 0xb8, ...Array<number>(11).fill(0), last];
}

function v2(command: number, family: number, payload: readonly number[]): Buffer {
  const head = Buffer.from([command, family, payload.length >> 8, payload.length & 255]);
  return Buffer.concat([SIGNATURE, head, Buffer.from(payload)]);
}

function v1(text: string): Buffer {
  return Buffer.from(`PROXY ${text}\r\n`, 'latin1');
}

const zeros = (length: number): number[] => Array<number>(length).fill(0);

const HEADERS: readonly (readonly [what: string, header: Buffer, source: string | null])[] = [
  ['v1 TCP4', v1('TCP4 192.0.2.1 192.0.2.2 56324 7419'), '192.0.2.1'],
  ['v1 TCP6', v1('TCP6 2001:db8::1 2001:db8::2 0 65535'), '2001:db8::1'],
  ['v1 TCP6, spelled out', v1('TCP6 2001:0DB8:0:0:0:0:0:1 ::1 1 2'), '2001:db8::1'],
  ['v1 TCP6 with an IPv4 address', v1('TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 1 2'), '192.0.2.1'],
  ['v1 UNKNOWN (proxy-protocol-js throws)', v1('UNKNOWN'), null],
  ['v1 UNKNOWN with addresses', v1('UNKNOWN ffff::1 ffff::2 65535 65535'), null],
  ['v1, 107 bytes', v1(`UNKNOWN ${'x'.repeat(107 - 16)}`), null],
  ['v2 TCP4', v2(0x21, 0x11, IPV4), '192.0.2.1'],
  ['v2 TCP6', v2(0x21, 0x21, IPV6), '2001:db8::1'],
  [
    'v2 TCP6 with an IPv4 address',
    v2(0x21, 0x21, [...zeros(10), 255, 255, ...IPV4.slice(0, 4), ...ipv6(2), 0, 1, 0, 2]),
    '192.0.2.1',
  ],
  ['v2 with TLVs (p2pool #399)', v2(0x21, 0x11, [...IPV4, ...TLVS]), '192.0.2.1'],
  ['v2 TCP6 with TLVs', v2(0x21, 0x21, [...IPV6, ...TLVS]), '2001:db8::1'],
  ['v2 LOCAL', v2(0x20, 0x00, []), null],
  ['v2 LOCAL with an address (sozu #1334)', v2(0x20, 0x11, IPV4), null],
  ['v2 LOCAL of an unknown family', v2(0x20, 0x77, TLVS), null],
  ['v2 without addresses, zero length (caddy-proxyprotocol #8)', v2(0x21, 0x00, []), null],
  ['v2 without addresses, with TLVs', v2(0x21, 0x00, TLVS), null],
  ['v2 of a Unix socket', v2(0x21, 0x31, zeros(216)), null],
  [
    'v2 as long as allowed',
    v2(0x21, 0x11, [...IPV4, ...zeros(V2_PAYLOAD_BYTES_MAX - 12)]),
    '192.0.2.1',
  ],
];

t.test('a header is read, whatever its pieces, and nothing behind it', async (t) => {
  for (const [what, header, source] of HEADERS) {
    const expected = { kind: 'header', used: header.length, source };
    t.strictSame(readProxyHeader(header), expected, what);
    const behind = Buffer.concat([header, Buffer.from('HELLO {}\r\n')]);
    t.strictSame(readProxyHeader(behind), expected, `${what}, with a HELLO behind it`);
    const twice = Buffer.concat([header, header]);
    t.strictSame(readProxyHeader(twice), expected, `${what}, twice (uWebSockets #1927)`);
    for (let length = 0; length < header.length; length += 1) {
      const { kind } = readProxyHeader(header.subarray(0, length));
      if (kind !== 'more') t.fail(`${what}: ${kind} after ${length} bytes (harper #1947)`);
    }
  }
});

const WRONG: readonly (readonly [what: string, bytes: Buffer])[] = [
  ['a HELLO', Buffer.from('HELLO {}\r\n')],
  ['a TLS ClientHello', Buffer.from([0x16, 0x03, 0x01])],
  ['v1 in lower case', Buffer.from('proxy TCP4')],
  ['v1, an octet too large (proxy-protocol-js)', v1('TCP4 999.1.1.1 192.0.2.2 1 2')],
  ['v1, a port too large (proxy-protocol-js)', v1('TCP4 192.0.2.1 192.0.2.2 99999 2')],
  ['v1, a port with a zero in front', v1('TCP4 192.0.2.1 192.0.2.2 01 2')],
  ['v1, no port', v1('TCP4 192.0.2.1 192.0.2.2')],
  ['v1, one port', v1('TCP4 192.0.2.1 192.0.2.2 1')],
  ['v1, three ports', v1('TCP4 192.0.2.1 192.0.2.2 1 2 3')],
  ['v1, two spaces', v1('TCP4  192.0.2.1 192.0.2.2 1 2')],
  ['v1, IPv6 for TCP4', v1('TCP4 ::1 ::2 1 2')],
  ['v1, IPv4 for TCP6', v1('TCP6 192.0.2.1 192.0.2.2 1 2')],
  ['v1, an address with a zone', v1('TCP6 fe80::1%eth0 ::1 1 2')],
  ['v1, UDP', v1('UDP4 192.0.2.1 192.0.2.2 1 2')],
  ['v1 without CR', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n')],
  ['v1, 108 bytes', v1(`UNKNOWN ${'x'.repeat(108 - 16)}`)],
  ['v1 that does not end', Buffer.from(`PROXY TCP4 ${'1'.repeat(107)}`)],
  ['v2, a byte of the signature wrong', Buffer.from('\r\n\r\n\0\r\nQUIT\r', 'latin1')],
  ['v2 of version 1', v2(0x11, 0x11, IPV4)],
  ['v2 of version 3', v2(0x31, 0x11, IPV4)],
  ['v2, an unknown command', v2(0x22, 0x11, IPV4)],
  ['v2, an unknown family', v2(0x21, 0x41, IPV4)],
  ['v2, UDP', v2(0x21, 0x12, IPV4)],
  ['v2 TCP4, zero length', v2(0x21, 0x11, [])],
  ['v2 TCP4, short address (uWebSockets #1927)', v2(0x21, 0x11, IPV4.slice(0, 11))],
  ['v2 TCP6, with an IPv4 address', v2(0x21, 0x21, IPV4)],
  ['v2 of a Unix socket, short', v2(0x21, 0x31, zeros(215))],
  ['v2, one byte too long', v2(0x21, 0x11, zeros(V2_PAYLOAD_BYTES_MAX + 1))],
  ['v2 LOCAL, one byte too long', v2(0x20, 0x00, zeros(V2_PAYLOAD_BYTES_MAX + 1))],
];

t.test('what is no header is wrong, at the latest at its bound', async (t) => {
  for (const [what, bytes] of WRONG) t.strictSame(readProxyHeader(bytes), { kind: 'wrong' }, what);
});

t.test('a v2 header that is too long is wrong before it has come', async (t) => {
  const head = v2(0x21, 0x11, zeros(V2_PAYLOAD_BYTES_MAX + 1)).subarray(0, 16);
  t.strictSame(readProxyHeader(head), { kind: 'wrong' });
});

t.test('any bytes are a header, wrong, or few', async () => {
  const start = constantFrom(Buffer.alloc(0), Buffer.from('PROXY '), SIGNATURE);
  assert(
    property(start, uint8Array({ maxLength: 2000 }), (first, more) => {
      const bytes = Buffer.concat([first, more]);
      const read = readProxyHeader(bytes);
      if (read.kind === 'more') return bytes.length < 16 + V2_PAYLOAD_BYTES_MAX;
      return read.kind === 'wrong' || read.used <= bytes.length;
    }),
    { numRuns: 2000 },
  );
});
