// Where statsd is: the option, and Datadog's variables where it is not set.

import t from 'tap';
import type { StatsdTarget } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { formatStatsdTarget, parseStatsdUrl } from '../../src/config/statsd-target.ts';

const URLS: readonly (readonly [url: string, target: StatsdTarget, shown?: string])[] = [
  ['udp://10.0.0.5:9125', { kind: 'udp', host: '10.0.0.5', port: 9125 }],
  ['udp://agent', { kind: 'udp', host: 'agent', port: 8125 }, 'udp://agent:8125'],
  ['udp://[fd00::5]:8125', { kind: 'udp', host: 'fd00::5', port: 8125 }],
  ['unix:///run/dsd.sock', { kind: 'unix', path: '/run/dsd.sock' }],
  ['unixgram:///run/dsd.sock', { kind: 'unix', path: '/run/dsd.sock' }, 'unix:///run/dsd.sock'],
];

t.test(
  'every form of the URL is read, and written back as one that is read the same',
  async (t) => {
    for (const [url, target, shown = url] of URLS) {
      t.strictSame(parseStatsdUrl(url), target, url);
      t.equal(formatStatsdTarget(target), shown);
      t.strictSame(parseStatsdUrl(shown), target, shown);
    }
  },
);

t.test('a path may be as long as Linux takes, and no longer', async (t) => {
  t.match(parseStatsdUrl(`unix:///${'a'.repeat(106)}`), { kind: 'unix' });
  t.match(parseStatsdUrl(`unix:///${'a'.repeat(107)}`), { refused: /more than 107 bytes/ });
});

function load(environment: Record<string, string>, yaml = '{}'): ReturnType<typeof loadConfig> {
  const file = { name: 'x.yaml', text: yaml };
  return loadConfig({ file, environment, flags: [], readFile: () => Buffer.alloc(0) });
}

t.test("Datadog's variables name the receiver, DD_DOGSTATSD_URL first", async (t) => {
  const socket = { DD_DOGSTATSD_SOCKET: '/run/dsd.sock' };
  const url = { DD_DOGSTATSD_URL: 'udp://agent:9125' };
  const unix = { kind: 'unix', path: '/run/dsd.sock' };
  t.match(load(socket), { config: { statsd: { target: unix } } });
  t.match(load({ ...socket, ...url }), { config: { statsd: { target: { host: 'agent' } } } });
});

t.test('statsd.url wins over them, also where it is empty', async (t) => {
  const url = { DD_DOGSTATSD_URL: 'udp://agent:9125' };
  const target = { kind: 'udp', host: 'own', port: 1 };
  t.match(load(url, 'statsd: { url: "udp://own:1" }\n'), { config: { statsd: { target } } });
  t.match(load(url, 'statsd: { url: "" }\n'), { config: { statsd: { target: null } } });
});

t.test('DD_AGENT_HOST alone turns nothing on', async (t) => {
  t.match(load({ DD_AGENT_HOST: '10.0.0.1' }), { config: { statsd: { target: null } } });
});

t.test('a variable that cannot be used is a warning, and the next one is tried', async (t) => {
  const wrong = load({ DD_DOGSTATSD_URL: 'unixstream:///x', DD_DOGSTATSD_SOCKET: '/run/dsd.sock' });
  t.match(wrong, { config: { statsd: { target: { kind: 'unix' } } } });
  t.match(wrong.warnings, [/address in DD_DOGSTATSD_URL: not a statsd URL/]);
});
