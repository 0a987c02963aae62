// The queues that a PUSH or PUSHB names, as Faktory reads them.

import t from 'tap';
import { pushedQueues } from '../../src/protocol/pushed-queues.ts';

for (const [line, queues] of [
  ['PUSH {"jid":"12345678","queue":"q"}', ['q']],
  ['PUSH {"jid":"12345678","Queue":"q"}', ['q']],
  ['PUSH {"jid":"12345678","queue":"q\\u0031"}', ['q1']],
  ['PUSH {"jid":"12345678"}', ['default']],
  ['PUSH {"queue":"","args":[{"queue":"other"}]}', ['default']],
  ['PUSHB [{"queue":"a"},{"queue":"b"},{}]', ['a', 'b', 'default']],
  ['PUSHB []', []],
  ['PUSHB [{"queue":"a b"},{"queue":"a.b_c-9"},{"queue":"\\u00fc"}]', ['a.b_c-9']],
  ['PUSH {"queue":"a","QUEUE":"b"}', null],
  ['PUSH {"queue":"a","queue":"b"}', ['b']],
  ['PUSH {"queue":null}', null],
  ['PUSH {"queue":1}', null],
  ['PUSH 1', null],
  ['PUSHB [1]', null],
  ['PUSH {"queue":"a"', null],
] as const) {
  t.test(`${line} names ${JSON.stringify(queues)}`, async (t) => {
    t.same(pushedQueues(Buffer.from(`${line}\r\n`)), queues);
    t.same(pushedQueues(Buffer.from(`${line}\n`)), queues);
  });
}
