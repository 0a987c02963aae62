// Payloads of HELLO, and whether Faktory 1.7 takes them: one list for the unit test and for the test
// that asks a real Faktory.

export interface HelloVariant {
  /** What stands behind `HELLO `. */
  readonly payload: string;
  /** Its bytes, where they are no UTF-8. */
  readonly bytes?: Buffer;
  readonly accepted: boolean;
}

const ACCEPTED: readonly string[] = [
  '{}',
  '{"v":2}',
  '{ "v" :\t2 } ',
  '{"v":0}',
  '{"v":255}',
  '{"v":null}',
  '{"v":1,"v":null}',
  '{"v":2,"v":1}',
  '{"V":2}',
  '{"pid":-7}',
  '{"pid":-0}',
  '{"pid":9007199254740993}',
  '{"pid":9223372036854775807}',
  '{"pid":-9223372036854775808}',
  '{"PID":1,"Pid":2,"pid":3}',
  '{"rss_kb":54176}',
  '{"RSS_KB":1}',
  '{"r\u017fs_kb":1}',
  '{"rs\u017f_\u212ab":1}',
  '{"rss_kb":null}',
  '{"rss_kb":-1}',
  '{"wid":""}',
  '{"wid":null}',
  '{"wid":"a","WID":null}',
  '{"w\\u0069d":"escaped key"}',
  '{"wid":"\\ud800 alone"}',
  '{"wid":"\\ud83d\\ude00"}',
  '{"hostname":"h","hostname":"\\u0000"}',
  '{"ho\u017ftname":"h"}',
  '{"labels":null}',
  '{"labels":[]}',
  '{"labels":["a",null,"c"]}',
  '{"labels":["a","b"],"labels":[null,"c"]}',
  '{"Labels":["a"],"LABELS":["b"]}',
  '{"username":"u"}',
  '{"pwdhash":"not asked for"}',
  '{"StartedAt":null}',
  '{"StartedAt":"2026-11-26T12:00:00Z"}',
  '{"startedat":"2026-11-26T12:00:00.123456789+01:00"}',
  '{"STARTEDAT":"2024-02-29T23:59:59-23:59"}',
  '{"StartedAt":"0000-01-01T00:00:00.1Z"}',
  '{"started_at":"x"}',
  '{"lastHeartbeat":1,"state":"x","connections":[]}',
  '{"x":1e999,"y":-0.0,"z":1E+2}',
  '{"":1}',
  '{"__proto__":{"wid":5},"constructor":1}',
  '{"x":{"v":"2","pid":"1"},"y":[{"wid":5}]}',
  '{"x":"\u2028\u2029\ufeff\u007f"}',
  `{"x":${'['.repeat(9999)}${']'.repeat(9999)}}`,
  `{"x":"${'[{'.repeat(12_000)}"}`,
  `{"labels":["a"],"x":[${'[],'.repeat(10_001)}[]]}`,
];

const REFUSED: readonly string[] = [
  '{"v":2.0}',
  '{"v":2e0}',
  '{"v":"2"}',
  '{"v":256}',
  '{"v":-1}',
  '{"v":-0}',
  '{"v":true}',
  '{"v":[2]}',
  '{"v":1.5,"v":2}',
  '{"pid":1.0}',
  '{"pid":1e3}',
  '{"pid":1E0}',
  '{"pid":"1"}',
  '{"pid":01}',
  '{"pid":+1}',
  '{"pid":9223372036854775808}',
  '{"pid":-9223372036854775809}',
  '{"pid":99999999999999999999999}',
  '{"pid":{}}',
  '{"PID":"x","pid":1}',
  '{"rss_kb":"x"}',
  '{"rss_kb":1.5}',
  '{"rss_kb":1e3}',
  '{"r\u017fs_\u212ab":1.5}',
  '{"wid":5}',
  '{"wid":5,"wid":"a"}',
  '{"wid":["a"]}',
  '{"hostname":[]}',
  '{"username":{}}',
  '{"pwdhash":false}',
  '{"labels":"a"}',
  '{"labels":[1]}',
  '{"labels":{"0":"a"}}',
  '{"labels":[["a"]]}',
  '{"StartedAt":"x"}',
  '{"StartedAt":""}',
  '{"StartedAt":1}',
  '{"StartedAt":{}}',
  '{"StartedAt":[]}',
  '{"StartedAt":"2026-11-26"}',
  '{"StartedAt":"2026-11-26 12:00:00Z"}',
  '{"StartedAt":"2026-11-26T12:00:00"}',
  '{"StartedAt":"2026-11-26T12:00:00z"}',
  '{"StartedAt":"2026-11-26T24:00:00Z"}',
  '{"StartedAt":"2026-11-26T12:60:00Z"}',
  '{"StartedAt":"2026-11-26T12:00:60Z"}',
  '{"StartedAt":"2026-13-26T12:00:00Z"}',
  '{"StartedAt":"2026-00-26T12:00:00Z"}',
  '{"StartedAt":"2026-02-29T12:00:00Z"}',
  '{"StartedAt":"1900-02-29T12:00:00Z"}',
  '{"StartedAt":"2026-11-31T12:00:00Z"}',
  '{"StartedAt":"2026-11-00T12:00:00Z"}',
  '{"StartedAt":"2026-11-26T12:00:00.Z"}',
  '{"StartedAt":"2026-11-26T12:00:00+0100"}',
  '{"StartedAt":"2026\\u002d11-26T12:00:00Z"}',
  '{"startedAT":"x","StartedAt":null}',
  '{"StartedAt":"x","StartedAt":"2026-11-26T12:00:00Z"}',
  `{"x":${'['.repeat(10_000)}${']'.repeat(10_000)}}`,
  `{"x":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`,
  '{',
  '{"v":2',
  '{"v":2}}',
  '{"v":2} x',
  '{"v":2,}',
  '{v:2}',
  "{'v':2}",
  '{"v":2 "pid":1}',
  '{"x":"\t"}',
  '{"x":"\\x41"}',
  '{"x":NaN}',
  '{"x":1.}',
  '{"x":.5}',
  '{"x":tru}',
  '{/**/}',
  '{\u00a0}',
];

function bytesOf(text: string, ...bytes: readonly number[]): HelloVariant {
  const [before = '', after = ''] = text.split('*');
  return {
    payload: `${text} with ${Buffer.from(bytes).toString('hex')} for *`,
    bytes: Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]),
    accepted: true,
  };
}

/** Go reads a byte that is no UTF-8 as U+FFFD, each by itself. */
const NO_UTF8: readonly HelloVariant[] = [
  bytesOf('{"wid":"cut *"}', 0xe2, 0x82),
  bytesOf('{"wid":"cut * and more"}', 0xf0, 0x9f, 0x98),
  bytesOf('{"wid":"overlong *"}', 0xc0, 0xaf),
  bytesOf('{"wid":"surrogate *"}', 0xed, 0xa0, 0x80),
  bytesOf('{"wid":"good * bad"}', 0xc3, 0xa9, 0xff, 0xc3),
  bytesOf('{"x*":1}', 0xff),
];

export const HELLO_VARIANTS: readonly HelloVariant[] = [
  ...ACCEPTED.map((payload) => ({ payload, accepted: true })),
  ...REFUSED.map((payload) => ({ payload, accepted: false })),
  ...NO_UTF8,
];

/** The whole line. */
export function helloVariantLine({ payload, bytes }: HelloVariant): Buffer {
  return Buffer.concat([Buffer.from('HELLO '), bytes ?? Buffer.from(payload), Buffer.from('\r\n')]);
}

/** Its name in a test's output, which takes U+2028 for a line's end and a last brace for a subtest. */
export function helloVariantName({ payload }: HelloVariant): string {
  const shown = JSON.stringify(payload.slice(0, 100));
  return shown.replaceAll(/[^ -~]/g, (found) => `<${found.charCodeAt(0).toString(16)}>`);
}
