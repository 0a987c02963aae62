// A job's jid, queue and type, read without parsing it.

import * as fc from 'fast-check';
import t from 'tap';
import { bulkJobFields, jobFields } from '../../src/protocol/job-fields.ts';

const NONE = { jid: '', queue: '', jobtype: '' };

function read(json: string): object {
  return jobFields(Buffer.from(`PUSH ${json}\r\n`), 4);
}

t.test(
  'the fields are found wherever they stand, and nothing in the arguments is one',
  async (t) => {
    const job = { jid: 'j1', queue: 'low', jobtype: 'mail' };
    t.strictSame(read(JSON.stringify(job)), job);
    const args = [{ jid: 'x', queue: 'x' }, 'queue', '"jobtype":"x"', [{ jobtype: 'x' }]];
    t.strictSame(read(JSON.stringify({ args, custom: { queue: 'x' }, ...job })), job);
    t.strictSame(read('{ "jid" : "j1" , "args":[], "queue" :"low","jobtype": "mail" }'), job);
    t.strictSame(read('{"jid"\t:\t"j1","queue":\r"low","jobtype":"mail"}'), job);
  },
);

t.test('what is absent, not a string, or too long is empty', async (t) => {
  t.strictSame(read('{"jid":"j1","args":[]}'), { ...NONE, jid: 'j1' });
  t.strictSame(read('{"jid":1,"queue":null,"jobtype":["a"]}'), NONE);
  t.strictSame(read(`{"queue":"${'q'.repeat(128)}","jobtype":"${'t'.repeat(129)}"}`), {
    ...NONE,
    queue: 'q'.repeat(128),
  });
});

t.test('no text makes it throw, and a job that was cut gives what was there', async (t) => {
  const job = '{"jid":"j1","queue":"low","jobtype":"mail"}';
  for (let length = 0; length <= job.length; length += 1) {
    const cut = jobFields(Buffer.from(job.slice(0, length)), 0);
    t.ok(['', 'j1'].includes(cut.jid) && ['', 'low'].includes(cut.queue));
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      jobFields(Buffer.from(bytes), 0);
      bulkJobFields(Buffer.from(bytes));
    }),
  );
});

const text = fc.stringMatching(/^[a-z0-9 _.-]{0,20}$/);
const jobs = fc.record(
  { args: fc.array(fc.jsonValue()), jid: text, custom: fc.jsonValue(), queue: text, jobtype: text },
  { requiredKeys: [] },
);

t.test('the fields of every job, alone and in a PUSHB, are those that JSON has', async (t) => {
  fc.assert(
    fc.property(fc.array(jobs, { maxLength: 5 }), (all) => {
      const wanted = all.map(({ jid = '', queue = '', jobtype = '' }) => ({ jid, queue, jobtype }));
      t.strictSame(bulkJobFields(Buffer.from(`PUSHB ${JSON.stringify(all)}\r\n`)), wanted);
      all.forEach((job, index) => t.strictSame(read(JSON.stringify(job)), wanted[index]));
    }),
  );
});
