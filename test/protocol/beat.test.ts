// The worker that a BEAT is for, as Faktory reads it.

import t from 'tap';
import { beatWid } from '../../src/protocol/beat.ts';

for (const [payload, wid] of [
  ['{"wid":"w1"}', 'w1'],
  ['{"wid":"w1","rss_kb":12}', 'w1'],
  ['{ "WiD" : "w1" }', 'w1'],
  ['{"wid":"w1","Wid":"w2"}', 'w2'],
  ['{"Wid":"w2","wid":"w1"}', 'w1'],
  ['{"wid":"w1","wid":null}', 'w1'],
  ['{"wid":"w\\u0031"}', 'w1'],
  ['{"w\\u0069d":"w1"}', 'w1'],
  ['{"nested":{"wid":"w2"},"wid":"w1"}', 'w1'],
  ['{"wid":"\\ud800"}', '\ufffd'],
  ['{"current_state":"quiet"}', ''],
  ['{"wid":1}', null],
  ['["w1"]', null],
  ['{"wid":"w1"', null],
] as const) {
  t.test(`BEAT ${payload} is for ${String(wid)}`, async (t) => {
    t.equal(beatWid(Buffer.from(`BEAT ${payload}\r\n`)), wid);
    t.equal(beatWid(Buffer.from(`BEAT ${payload}\n`)), wid);
  });
}
