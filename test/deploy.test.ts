// The Kubernetes manifest and the Dockerfile: the facts on which a deployment stands or falls.

import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { loadConfig } from '../src/config/load.ts';
import { parse, parseAllDocuments } from 'yaml';

/** As much of Kubernetes' shape as is asserted here. */
interface Probe {
  httpGet: { path: string; port: string };
}

interface Container {
  name: string;
  image: string;
  restartPolicy?: string;
  command?: string[];
  args?: string[];
  env: { name: string; value?: string; valueFrom?: { secretKeyRef: { name: string } } }[];
  ports: { name: string; containerPort: number }[];
  startupProbe?: Probe;
  readinessProbe?: Probe;
  livenessProbe?: Probe;
  securityContext: { runAsNonRoot?: boolean; readOnlyRootFilesystem?: boolean };
  volumeMounts: { name: string; mountPath: string }[];
}

interface Deployment {
  kind: 'Deployment';
  spec: {
    replicas: number;
    strategy: { type: string };
    template: {
      spec: {
        terminationGracePeriodSeconds: number;
        initContainers: Container[];
        containers: Container[];
      };
    };
  };
}

interface Service {
  kind: 'Service';
  metadata: { name: string };
  spec: { ports: { name: string; port: number; targetPort: number }[] };
}

interface ConfigMap {
  kind: 'ConfigMap';
  metadata: { name: string };
  data: Record<string, string>;
}

type Manifest = Deployment | Service | ConfigMap;

interface BouncerConfig {
  listen: { address: string };
  server: { url: string };
  limits: { server_connections: number; producer_reserve: number };
  drain_timeout: string;
  admin: { address: string };
}

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

const manifests = parseAllDocuments(read('deploy/kubernetes/sidecar.yaml')).map((document) => {
  t.strictSame(document.errors, []);
  return document.toJS() as Manifest;
});

function only<Item>(items: readonly Item[], what: string): Item {
  const [item] = items;
  if (item === undefined || items.length > 1) throw new Error(`${items.length} of ${what}`);
  return item;
}

const deployment = only(
  manifests.filter((manifest) => manifest.kind === 'Deployment'),
  'Deployment',
);
const services = manifests.filter((manifest) => manifest.kind === 'Service');
const configText =
  only(
    manifests.filter((manifest) => manifest.kind === 'ConfigMap'),
    'ConfigMap',
  ).data['config.yaml'] ?? '';
const config = parse(configText) as BouncerConfig;
const pod = deployment.spec.template.spec;
const bouncer = only(pod.initContainers, 'init container');
const faktory = only(pod.containers, 'container');
const portOf = (address: string): number => Number(address.split(':').at(-1));

t.test('Faktory never runs twice on its volume', async (t) => {
  t.equal(deployment.spec.replicas, 1);
  t.equal(deployment.spec.strategy.type, 'Recreate');
});

t.test('the bouncer is a native sidecar whose start does not wait for Faktory', async (t) => {
  t.equal(bouncer.restartPolicy, 'Always');
  t.equal(bouncer.startupProbe?.httpGet.path, '/livez');
  t.equal(bouncer.livenessProbe?.httpGet.path, '/livez');
  t.equal(bouncer.readinessProbe?.httpGet.path, '/readyz');
  const admin = bouncer.ports.find(({ name }) => name === 'admin');
  t.equal(admin?.containerPort, portOf(config.admin.address));
  for (const probe of [bouncer.startupProbe, bouncer.livenessProbe, bouncer.readinessProbe]) {
    t.equal(probe?.httpGet.port, 'admin');
  }
});

t.test('clients reach the bouncer, and only it reaches Faktory', async (t) => {
  const ports = services.flatMap(({ spec }) => spec.ports);
  t.equal(ports.find(({ port }) => port === 7419)?.targetPort, portOf(config.listen.address));
  t.equal(
    ports.some(({ targetPort }) => targetPort === 7419),
    false,
  );
  t.strictSame(faktory.command, ['/faktory']);
  const binding = faktory.args?.[faktory.args.indexOf('-b') + 1];
  t.equal(binding, '127.0.0.1:7419');
  t.equal(config.server.url, `tcp://${binding}`);
  t.equal(faktory.image, 'contribsys/faktory:1.7.0');
});

t.test('no Service has a name whose variables look like options of the bouncer', async (t) => {
  for (const { metadata } of services) t.not(metadata.name, 'faktory-bouncer');
});

t.test('the grace period is longer than the drain', async (t) => {
  const drainSeconds = Number(/^(\d+)s$/.exec(config.drain_timeout)?.[1]);
  t.ok(drainSeconds > 0);
  t.ok(pod.terminationGracePeriodSeconds >= drainSeconds + 10);
});

t.test('both containers have the password from the same Secret', async (t) => {
  for (const container of [bouncer, faktory]) {
    const password = container.env.find(({ name }) => name === 'FAKTORY_PASSWORD');
    t.equal(password?.value, undefined);
    t.equal(password?.valueFrom?.secretKeyRef.name, 'faktory');
  }
  t.notMatch(configText, /password/i);
});

t.test('the bouncer runs without privileges, with its config where it looks for it', async (t) => {
  t.match(bouncer.securityContext, { runAsNonRoot: true, readOnlyRootFilesystem: true });
  t.equal(only(bouncer.volumeMounts, 'mount').mountPath, '/etc/faktory-bouncer');
});

t.test("the caps leave Faktory's pool room, and producers theirs", async (t) => {
  t.ok(config.limits.server_connections < 1000);
  t.ok(config.limits.producer_reserve > 0);
});

t.test('the image runs without a shell, without root, and its ports agree', async (t) => {
  const dockerfile = read('Dockerfile');
  t.match(dockerfile, /^ENTRYPOINT \["/m);
  t.match(dockerfile, /^ +CMD \["node".*\/livez/m);
  t.match(dockerfile, /^USER 65532:65532$/m);
  t.match(dockerfile, /^STOPSIGNAL SIGTERM$/m);
  t.match(dockerfile, new RegExp(`LISTEN_ADDRESS=${config.listen.address}\\b`));
  t.match(dockerfile, new RegExp(`ADMIN_ADDRESS=${config.admin.address}\\b`));
});

t.test('everything that the Dockerfile copies from here is let through', async (t) => {
  const ignored = read('.dockerignore').split('\n');
  for (const [, sources = ''] of read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
    for (const source of sources.split(' ')) {
      t.ok(ignored.includes(`!${source}`), source);
      if (!source.endsWith('*')) t.ok(existsSync(new URL(`../${source}`, import.meta.url)), source);
    }
  }
});

t.test("the bouncer reads the ConfigMap, and every key of it is the project's", async (t) => {
  const sidecar = read('deploy/kubernetes/sidecar.yaml');
  t.match(sidecar, "args: ['--config', '/etc/faktory-bouncer/config.yaml']");
  const documents = parseAllDocuments(sidecar).map((document) => document.toJS() as unknown);
  const map = documents.find((one) => (one as { kind?: string }).kind === 'ConfigMap');
  const text = Object.values((map as { data: Record<string, string> }).data).join('\n');
  const loaded = loadConfig({
    file: { name: 'config.yaml', text },
    environment: {},
    flags: [],
    readFile: () => new Uint8Array(),
  });
  t.notOk('problems' in loaded, JSON.stringify(loaded));
});
