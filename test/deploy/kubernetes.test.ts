// The Kubernetes overlays, as Kustomize renders them: the facts on which a deployment stands or falls.

import { readFileSync } from 'node:fs';
import t from 'tap';
import { parseAllDocuments } from 'yaml';
import { renderDashboard } from '../../deploy/grafana/dashboard.ts';
import { renderPrometheusRule } from '../../deploy/prometheus/prometheus-rule.ts';
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
  readonly resources: { readonly requests: object; readonly limits: object };
  readonly securityContext: {
    readonly readOnlyRootFilesystem: boolean;
    readonly runAsUser: number;
    readonly runAsGroup: number;
  };
}

type Labels = Readonly<Record<string, string>>;

interface Selector {
  readonly matchLabels: Labels;
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly replicas: number;
    readonly strategy: { readonly type: string };
    readonly sessionAffinity?: string;
    readonly serviceName?: string;
    /** A Service's has the labels alone. */
    readonly selector: Selector;
    readonly podSelector: Selector;
    readonly ports: readonly { readonly port: number; readonly targetPort: number }[];
    readonly template: {
      readonly metadata: { readonly labels: Labels };
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly initContainers?: readonly Container[];
        readonly containers: readonly Container[];
      };
    };
  };
}

const SIDECAR = 'deploy/kubernetes/overlays/sidecar';
const STANDALONE = 'deploy/kubernetes/overlays/standalone';
const WITH_OPERATOR = 'test/deploy/with-operator';
const WORKLOADS = [
  [SIDECAR, 'Deployment'],
  [STANDALONE, 'StatefulSet'],
] as const;
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

function bouncerOf(directory: string, kind: string): Container {
  const { initContainers = [], containers } = ofKind(directory, kind).spec.template.spec;
  return only(
    [...initContainers, ...containers].filter(({ name }) => name === 'bouncer'),
    'bouncer',
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

t.test('the components bring the alerts and the dashboard', options, async (t) => {
  t.equal(
    readFileSync(
      new URL(
        '../../deploy/kubernetes/components/prometheus-operator/alerts.yaml',
        import.meta.url,
      ),
      'utf8',
    ),
    renderPrometheusRule(),
    'run npm run generate',
  );
  t.equal(ofKind(WITH_OPERATOR, 'PrometheusRule').metadata.name, 'faktory-bouncer');
  const dashboard = manifests(WITH_OPERATOR).find(
    ({ metadata }) => metadata.name === 'faktory-bouncer-dashboard',
  );
  t.equal(dashboard?.data?.['faktory-bouncer.json'], renderDashboard());
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

t.test('the bouncer asks for memory, and for CPU without a limit', options, async (t) => {
  for (const [directory, kind] of WORKLOADS) {
    const { image, resources, securityContext } = bouncerOf(directory, kind);
    t.match(image, /:\d+\.\d+\.\d+$/, directory);
    t.same(Object.keys(resources.requests).toSorted(), ['cpu', 'ephemeral-storage', 'memory']);
    t.same(Object.keys(resources.limits).toSorted(), ['ephemeral-storage', 'memory']);
    t.ok(securityContext.readOnlyRootFilesystem);
    // Not a user of the node.
    t.ok(securityContext.runAsUser > 10_000 && securityContext.runAsGroup > 10_000);
  }
});

t.test('every selector finds the pods that it is for', options, async (t) => {
  for (const [directory, kind] of WORKLOADS) {
    const { selector, serviceName, template } = ofKind(directory, kind).spec;
    const { labels } = template.metadata;
    const finds = (wanted: Labels | undefined): boolean =>
      Object.entries(wanted ?? { none: '' }).every(([key, value]) => labels[key] === value);
    t.ok(finds(selector.matchLabels), directory);
    const all = manifests(directory);
    for (const { kind, metadata, spec } of all) {
      const what = `${directory}: ${kind} ${metadata.name}`;
      if (kind === 'Service') t.ok(finds(spec.selector as unknown as Labels), what);
      if (kind === 'NetworkPolicy') t.ok(finds(spec.podSelector.matchLabels), what);
      if (kind === 'PodDisruptionBudget') t.ok(finds(spec.selector.matchLabels), what);
    }
    t.ok(
      all.some((one) => one.kind === 'NetworkPolicy'),
      directory,
    );
    if (serviceName === undefined) continue;
    const service = all.find(({ metadata }) => metadata.name === serviceName);
    t.match(service, { kind: 'Service', spec: { clusterIP: 'None' } }, 'it is headless');
  }
});

t.test('Faktory never runs twice on its volume', options, async (t) => {
  const { spec } = ofKind(SIDECAR, 'Deployment');
  t.equal(spec.replicas, 1);
  t.equal(spec.strategy.type, 'Recreate');
});

t.test('the bouncer is a native sidecar, and nothing waits for Faktory', options, async (t) => {
  const { initContainers = [] } = ofKind(SIDECAR, 'Deployment').spec.template.spec;
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
  for (const [directory, kind] of WORKLOADS) {
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
  const { initContainers = [], containers } = ofKind(SIDECAR, 'Deployment').spec.template.spec;
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
