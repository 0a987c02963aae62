// The Kubernetes overlays, as Kustomize renders them: the facts on which a deployment stands or falls.

import { readFileSync } from 'node:fs';
import t from 'tap';
import { parseAllDocuments } from 'yaml';
import type { Config } from '../../src/config/config.ts';
import { formatPlace } from '../../src/config/units.ts';
import { loadConfig } from '../../src/config/load.ts';
import { rendered, type Rendering, requireKubernetesCheck } from '../support/kubernetes-check.ts';

/** As much of Kubernetes' shape as is asserted here. */
interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Container {
  readonly name: string;
  readonly image: string;
  readonly restartPolicy?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly secretKeyRef: { readonly name: string } };
  }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly replicas: number;
    readonly strategy: { readonly type: string };
    readonly sessionAffinity?: string;
    readonly ports: readonly { readonly port: number; readonly targetPort: number }[];
    readonly template: {
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly initContainers: readonly Container[];
        readonly containers: readonly Container[];
      };
    };
  };
}

const SIDECAR = 'deploy/kubernetes/overlays/sidecar';
const STANDALONE = 'deploy/kubernetes/overlays/standalone';
const WITH_OPERATOR = 'test/deploy/with-operator';
/** What Faktory 1.7 serves. */
const FAKTORY_CONNECTIONS = 1000;

const canRender = requireKubernetesCheck(t);
const renderings = canRender ? rendered([SIDECAR, STANDALONE, WITH_OPERATOR]) : new Map();

function rendering(directory: string): Rendering {
  const found: unknown = renderings.get(directory);
  if (found === undefined) throw new Error(`${directory} was not rendered`);
  return found as Rendering;
}

function manifests(directory: string): readonly Manifest[] {
  return parseAllDocuments(rendering(directory).yaml).map((one) => one.toJS() as Manifest);
}

function only<Item>(items: readonly Item[], what: string): Item {
  const [item] = items;
  if (item === undefined || items.length > 1) throw new Error(`${items.length} of ${what}`);
  return item;
}

function ofKind(directory: string, kind: string): Manifest {
  return only(
    manifests(directory).filter((one) => one.kind === kind),
    kind,
  );
}

function configOf(directory: string): { readonly text: string; readonly config: Config } {
  const text = ofKind(directory, 'ConfigMap').data?.['config.yaml'] ?? '';
  const loaded = loadConfig({
    file: { name: 'config.yaml', text },
    environment: {},
    flags: [],
    readFile: () => new Uint8Array(),
  });
  if ('problems' in loaded) throw new Error(JSON.stringify(loaded.problems));
  return { text, config: loaded.config };
}

const options = canRender ? {} : { skip: 'not built' };

t.test('every object has known fields only', options, async (t) => {
  for (const directory of [SIDECAR, STANDALONE, WITH_OPERATOR]) {
    t.strictSame(rendering(directory).problems, [], directory);
  }
  t.equal(ofKind(WITH_OPERATOR, 'ServiceMonitor').metadata.name, 'faktory-bouncer');
});

t.test("Pod Security: the bouncer is restricted, Faktory's pod baseline", options, async (t) => {
  const [sidecar] = rendering(SIDECAR).pods;
  t.strictSame(sidecar?.bouncerRestricted, []);
  t.strictSame(sidecar?.baseline, []);
  t.strictSame(
    rendering(STANDALONE).pods.map(({ restricted }) => restricted),
    [[]],
  );
});

t.test('Faktory never runs twice on its volume', options, async (t) => {
  const { spec } = ofKind(SIDECAR, 'Deployment');
  t.equal(spec.replicas, 1);
  t.equal(spec.strategy.type, 'Recreate');
});

t.test('the bouncer is a native sidecar, and nothing waits for Faktory', options, async (t) => {
  const { initContainers } = ofKind(SIDECAR, 'Deployment').spec.template.spec;
  const sidecar = only(initContainers, 'init container');
  const standalone = only(
    ofKind(STANDALONE, 'StatefulSet').spec.template.spec.containers,
    'container',
  );
  for (const { startupProbe, livenessProbe, readinessProbe, ports } of [sidecar, standalone]) {
    t.equal(startupProbe?.httpGet.path, '/livez');
    t.equal(livenessProbe?.httpGet.path, '/livez');
    t.equal(readinessProbe?.httpGet.path, '/readyz');
    t.strictSame(
      ports.map(({ name, containerPort }) => [name, containerPort]),
      [
        ['bouncer', 7519],
        ['admin', 7421],
      ],
    );
  }
  // Alike in all else.
  t.strictSame(sidecar, { ...standalone, restartPolicy: 'Always' });
});

t.test('clients reach the bouncer, and only it reaches Faktory', options, async (t) => {
  const faktory = only(ofKind(SIDECAR, 'Deployment').spec.template.spec.containers, 'container');
  const { config } = configOf(SIDECAR);
  for (const directory of [SIDECAR, STANDALONE]) {
    const services = manifests(directory).filter(({ kind }) => kind === 'Service');
    const ports = services.flatMap(({ spec }) => spec.ports);
    t.equal(ports.find(({ port }) => port === 7419)?.targetPort, config.listen.address.port);
    t.notOk(ports.some(({ targetPort }) => targetPort === 7419));
    // Kubernetes makes variables of it that look like options of the bouncer.
    for (const { metadata } of services) t.not(metadata.name, 'faktory-bouncer');
  }
  t.strictSame(faktory.command, ['/faktory']);
  t.equal(faktory.args?.[faktory.args.indexOf('-b') + 1], '127.0.0.1:7419');
  t.match(config.server.address, { host: '127.0.0.1', port: 7419 });
  t.equal(faktory.image, 'contribsys/faktory:1.7.0');
});

t.test('with several bouncers a worker stays with one of them', options, async (t) => {
  const services = manifests(STANDALONE).filter(({ kind }) => kind === 'Service');
  t.equal(
    services.find(({ metadata }) => metadata.name === 'faktory')?.spec.sessionAffinity,
    'ClientIP',
  );
});

t.test('the grace period is longer than the drain', options, async (t) => {
  for (const [directory, kind] of [
    [SIDECAR, 'Deployment'],
    [STANDALONE, 'StatefulSet'],
  ] as const) {
    const { terminationGracePeriodSeconds } = ofKind(directory, kind).spec.template.spec;
    const { drainDelayMs, drainTimeoutMs } = configOf(directory).config;
    const drainSeconds = (drainDelayMs + drainTimeoutMs) / 1000;
    t.ok(terminationGracePeriodSeconds >= drainSeconds + 10, directory);
  }
});

t.test('a changed ConfigMap, whose name stays, is read by the bouncer', options, async (t) => {
  for (const directory of [SIDECAR, STANDALONE]) {
    t.ok(configOf(directory).config.reloadOnChange, directory);
  }
});

t.test('the password comes from a Secret, and is nowhere else', options, async (t) => {
  const { initContainers, containers } = ofKind(SIDECAR, 'Deployment').spec.template.spec;
  for (const { env } of [...initContainers, ...containers]) {
    const password = env.find(({ name }) => name === 'FAKTORY_PASSWORD');
    t.equal(password?.value, undefined);
    t.equal(password?.valueFrom?.secretKeyRef.name, 'faktory');
  }
  for (const directory of [SIDECAR, STANDALONE]) {
    t.notMatch(configOf(directory).text, /password/i);
  }
});

t.test("the bouncers together leave Faktory's pool room", options, async (t) => {
  t.ok(configOf(SIDECAR).config.limits.serverConnections < FAKTORY_CONNECTIONS);
  const { replicas } = ofKind(STANDALONE, 'StatefulSet').spec;
  const each = configOf(STANDALONE).config.limits;
  t.ok(replicas * each.serverConnections < FAKTORY_CONNECTIONS);
  t.ok(each.producerReserve > 0);
});

t.test("the image's addresses are the manifests'", options, async (t) => {
  const dockerfile = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8');
  for (const directory of [SIDECAR, STANDALONE]) {
    const { listen, admin } = configOf(directory).config;
    t.match(dockerfile, `LISTEN_ADDRESS=${listen.address.host}:${listen.address.port}`);
    t.match(dockerfile, `ADMIN_ADDRESS=${formatPlace(admin.address)}`);
  }
});
