// Facts as they are made of what a bouncer or a Prometheus told, and advice as it is printed.

import t from 'tap';
import { crowdsOf } from '../../src/advise/crowds.ts';
import { findingsFor } from '../../src/advise/findings.ts';
import { factsOfBouncer } from '../../src/advise/from-bouncer.ts';
import {
  type Answers,
  factsOfPrometheus,
  queriesOver,
  type Series,
} from '../../src/advise/from-prometheus.ts';
import { renderJson, renderText } from '../../src/advise/render.ts';
import { samplesOf } from '../../src/advise/samples.ts';
import { fullUpdate } from '../support/full-update.ts';
import { client, crowd, facts } from './support/facts.ts';

t.test('at one look, what is old and sends little does nothing', async (t) => {
  const idleOf = (changes: Parameters<typeof client>[1]): number | undefined =>
    crowdsOf([client(1, changes)], null)[0]?.idle;
  t.equal(idleOf({}), 1);
  t.equal(idleOf({ commands: 59 }), 1);
  t.equal(idleOf({ commands: 60 }), 0, 'one a minute');
  t.equal(idleOf({ connected_seconds: 59 }), 0, 'a young one');
  t.equal(idleOf({ connected_seconds: 60 }), 1);
  t.equal(idleOf({ outstanding: { verb: 'FETCH', count: 1, seconds: 1 } }), 0);
  t.equal(idleOf({ state: 'waiting' }), 0);
});

t.test('in a watch, what was there and sent nothing does nothing', async (t) => {
  const before = [client(1), client(2, { commands: 7 }), client(3)];
  const now = [client(1), client(2, { commands: 8 }), client(4), client(5)];
  t.match(crowdsOf(now, before), [{ name: 'w1', connections: 4, idle: 1, grown: 1 }]);
  t.match(crowdsOf(now, null), [{ grown: null }]);
});

t.test('clients of one wid are a crowd, those without by their address', async (t) => {
  const found = crowdsOf(
    [
      client(1, { outstanding: { verb: 'FETCH', count: 1, seconds: 1 } }),
      client(2, { role: 'producer', address: '10.0.0.2' }),
      client(3, { role: 'producer', wid: '', host: '', pid: 0, labels: [] }),
      client(4, { role: 'unknown', wid: '' }),
    ],
    null,
  );
  t.match(found, [
    { kind: 'worker', name: 'w1', connections: 2, fetching: 1 },
    { kind: 'address', name: '10.0.0.1', connections: 1, whereabouts: '10.0.0.1' },
  ]);
  t.equal(found.length, 2);
  t.equal(found[0]?.whereabouts, '10.0.0.1, host-1, pid 7, go');
});

t.test('facts of a bouncer: limits as configured, and the least of several looks', async (t) => {
  const { state } = fullUpdate();
  const { shared_limit } = state;
  if (shared_limit === null) throw new Error('the state has no shared limit');
  const samples = samplesOf(
    [
      '# HELP x',
      'faktory_bouncer_process_start_time_seconds 100.5',
      'faktory_bouncer_server_places_taken{role="producer"} 12',
      'faktory_bouncer_faktory_connections_past_bouncer 4',
      'faktory_bouncer_redis_max_clients NaN',
      'other_metric 3',
    ].join('\n'),
  );
  t.strictSame([...samples.values()], [100.5, 12, 4]);
  const alone = { ...state, at: 200_500, shared_limit: null };
  const quiet = { ...alone, fetches: { ...alone.fetches, waiting: 1 } };
  const options = new Map<string, unknown>([
    ['limits.fetches_in_flight', 700],
    ['limits.server_connections', 850],
    ['observe_only', true],
  ]);
  const looks = { source: 'http://h:1', options, clients: [], clientsBefore: null };
  const found = factsOfBouncer({
    ...looks,
    looks: [
      { state: quiet, samples },
      { state: alone, samples: new Map([...samples, ['faktory_connections_past_bouncer', 2]]) },
    ],
  });
  t.match(found, {
    seconds: 100,
    fetches: { peak: 650, limit: 700 },
    serverConnections: { peak: 700, limit: 850 },
    atFaktory: 850,
    fetchesWaiting: 1,
    producerPlacesPeak: 12,
    past: 2,
    observeOnly: true,
    redisMaxClients: null,
    isShared: false,
  });
  const shared = factsOfBouncer({ ...looks, looks: [{ state, samples: new Map() }] });
  t.match(shared, { isShared: true, past: null, serverConnections: { limit: 900 } });
  const lent = { ...state, shared_limit: { ...shared_limit, lender: 'parent' as const } };
  const processes = factsOfBouncer({ ...looks, looks: [{ state: lent, samples: new Map() }] });
  t.match(
    processes,
    { isShared: false, serverConnections: { limit: 850 }, fetches: { limit: 700 } },
    'the processes of one bouncer share nothing with others',
  );
});

t.test('facts of Prometheus: one bouncer for each instance', async (t) => {
  const labels = (instance: string) => ({ job: 'b', instance });
  const answers: Record<string, Series[]> = Object.fromEntries(
    Object.keys(queriesOver(3600)).map((name) => [name, []]),
  );
  answers['mode'] = [
    { labels: { ...labels('h2:1'), mode: 'session' }, value: 1 },
    { labels: { ...labels('h1:1'), mode: 'pooled' }, value: 1 },
  ];
  answers['serverConnections'] = [{ labels: labels('h1:1'), value: 33 }];
  answers['refused'] = [{ labels: { ...labels('h1:1'), reason: 'clients' }, value: 3.04 }];
  answers['past'] = [{ labels: labels('h1:1'), value: 2 }];
  answers['covered'] = [
    { labels: labels('h1:1'), value: 20.4 },
    { labels: labels('h2:1'), value: 3840 },
  ];
  answers['shared'] = [{ labels: labels('h2:1'), value: 1 }];
  const found = factsOfPrometheus(answers as unknown as Answers, 'http://p:9090', 3600);
  t.match(found, [
    {
      source: 'http://p:9090, b h1:1',
      seconds: 20.4,
      mode: 'pooled',
      serverConnections: { peak: 33 },
      refused: { clients: 3 },
      past: 2,
      isShared: false,
      producerReserve: null,
      crowds: null,
    },
    { source: 'http://p:9090, b h2:1', seconds: 3600, mode: 'session', past: null, isShared: true },
  ]);
});

t.test('advice as text', async (t) => {
  const full = facts({ refused: { server_connections: 7 }, crowds: [crowd()] });
  const text = renderText([{ facts: full, findings: findingsFor(full) }], []);
  t.match(text, /^a bouncer: session mode, over 28 h\n\n/);
  t.match(text, /^limits\.server_connections +500 +900 +7$/m);
  t.match(
    text,
    /^warning: limits\.server_connections \(900\) refused 7 clients\. \[server-connec/m,
  );
  t.match(text, /^ {2}Seen: peak 500, limit 900, refused 7, would_have_refused 0, most 900$/m);
  t.match(text, /^ {2}Change: mode: pooled$/m);
  t.match(text, /^ {2}Change: limits: \{ per_worker: 20 \}$/m);
  const sound = facts();
  t.match(renderText([{ facts: sound, findings: [] }], []), /No advice: the limits fit/);
  const after = (seconds: number): string =>
    renderText([{ facts: facts({ seconds }), findings: [] }], []);
  t.match(after(20), /, over 20 s\n/);
  t.match(
    after(20),
    /^20 s of data prove little: look again after a day of usual load\.\n\nNo adv/m,
  );
  t.match(after(3599), /prove little/);
  t.notMatch(after(3600), /prove little/);
});

t.test('what a client chose cannot control the terminal', async (t) => {
  const hostile = '\u001b[2J\u009b31m\n';
  const found = facts({ crowds: [crowd({ name: hostile, whereabouts: hostile })] });
  const advice = [{ facts: found, findings: findingsFor(found) }];
  // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
  t.match(renderText(advice, []), /^[\x20-\x7e\n]*$/);
  // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
  t.match(renderJson(advice, []), /^[\x20-\x7e\n]*$/);
  t.match(JSON.parse(renderJson(advice, [])), {
    bouncers: [{ source: 'a bouncer', findings: [{ subject: hostile }] }],
    findings: [],
  });
});
