// The Compose file: every file that it mounts is there, and what it says of ports and options holds.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { OPTION_KEYS, variableOf } from '../../src/config/options.ts';

interface Service {
  readonly build?: string;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

const file = join(import.meta.dirname, '../../deploy/compose/compose.yaml');
const { services } = parse(readFileSync(file, 'utf8')) as {
  readonly services: Readonly<Record<'faktory' | 'bouncer' | 'prometheus' | 'grafana', Service>>;
};
const near = (path: string): string => join(dirname(file), path);

t.test('every file that a service mounts is there', async (t) => {
  const mounts = Object.values(services)
    .flatMap(({ volumes = [] }) => volumes)
    .filter((volume) => volume.startsWith('.'));
  t.ok(mounts.length >= 5);
  for (const mount of mounts) t.ok(existsSync(near(mount.split(':')[0] ?? '')), mount);
  t.ok(existsSync(near(`${services.bouncer.build}/Dockerfile`)));
});

t.test(
  'clients reach Faktory through the bouncer only, and nothing leaves the machine',
  async (t) => {
    for (const { ports = [] } of Object.values(services)) {
      for (const port of ports) t.match(port, /^127\.0\.0\.1:/);
    }
    t.same(services.bouncer.ports, ['127.0.0.1:7419:7519']);
    t.notOk(services.faktory.ports?.some((port) => port.endsWith(':7419')));
  },
);

t.test('the variables of the bouncer are options', async (t) => {
  const known = new Set<string>([...OPTION_KEYS.map(variableOf), 'FAKTORY_PASSWORD']);
  for (const name of Object.keys(services.bouncer.environment ?? {})) t.ok(known.has(name), name);
});

t.test('Prometheus scrapes the admin port, with the alerts', async (t) => {
  const { scrape_configs: scrapes, rule_files: rules } = parse(
    readFileSync(near('prometheus.yml'), 'utf8'),
  ) as {
    readonly scrape_configs: readonly [
      { readonly static_configs: readonly [{ readonly targets: readonly string[] }] },
    ];
    readonly rule_files: readonly string[];
  };
  t.same(scrapes[0].static_configs[0].targets, ['bouncer:7421']);
  for (const rule of rules) {
    t.ok(
      services.prometheus.volumes?.some((volume) => volume.includes(`:${rule}:`)),
      rule,
    );
  }
});
