// The configuration: any text gives a Config or problems; a Config that is written out is read as itself;
// no problem repeats a password.

import { deepEqual, equal, ok } from 'node:assert/strict';
import { renderEffective } from '../../../src/config/effective.ts';
import { loadConfig, type Loaded } from '../../../src/config/load.ts';
import { formatProblem } from '../../../src/config/problems.ts';
import type { Target } from '../target.ts';

const SECRET = 'hunter2hunter2';

function load(text: string): Loaded {
  return loadConfig({
    file: { name: 'x.yaml', text },
    environment: { FAKTORY_PASSWORD: SECRET },
    flags: [],
    readFile: () => Buffer.from(SECRET),
  });
}

/** Only as the password of a URL is it a secret. */
function holdsSecretElsewhere(text: string): boolean {
  return text.replaceAll(`://:${SECRET}@`, '').includes(SECRET);
}

function run(input: Buffer): void {
  const written = input.toString();
  const loaded = load(written);
  if ('problems' in loaded) {
    ok(loaded.problems.length > 0);
    if (holdsSecretElsewhere(written)) return;
    for (const problem of loaded.problems) ok(!formatProblem(problem).includes(SECRET));
    return;
  }
  const text = renderEffective(loaded.config);
  ok(holdsSecretElsewhere(written) || !text.includes(SECRET));
  // A hidden password cannot be read back.
  if (text.includes('****')) return;
  const again = load(text);
  ok('config' in again, text);
  deepEqual(again.config, loaded.config);
  equal(renderEffective(again.config), text);
}

export const configs: Target = {
  name: 'config',
  seeds: [
    'listen: { address: 0.0.0.0:7519 }\nserver: { url: tcp://10.0.0.5:7419 }\nmode: pooled\n',
    `server:\n  url: "tcp://:${SECRET}@h:1"\n`,
    'listen:\n  allow: [10.0.0.0/8, "::1"]\n  deny: "10.0.0.5, fd00::/8"\n',
    'limits: { clients: 5, server_connections: 20, producer_reserve: 2 }\ndrain_timeout: 5m\nmax_command_bytes: 64KiB\n',
    'guard: { flush: block, trusted_usernames: ops }\nlog: { level: debug }\n',
  ],
  dictionary: [
    'listen:',
    'server:',
    'limits:',
    'guard:',
    'pool:',
    'mode:',
    'clients: ',
    'address: ',
    'url: ',
    'allow: ',
    '\n',
    '\n  ',
    ': ',
    '{',
    '}',
    '[',
    ']',
    ',',
    '"',
    "'",
    '&a ',
    '*a',
    '!!str ',
    '---\n',
    '|',
    '10.0.0.0/8',
    '::/0',
    '::1',
    `tcp://:${SECRET}@h:1`,
    '127.0.0.1:0',
    '5s',
    '64KiB',
    'pooled',
    'session',
    'off',
    'log',
    'block',
    'true',
    '#',
    '~',
    '1',
    '0',
    '-1',
  ],
  run,
};
