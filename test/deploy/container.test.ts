// The image that the Dockerfile makes, built and run. Skipped, with the reason, where the machine cannot
// build or run containers; also with CI=true, since many machines of a CI are containers themselves.

import { join } from 'node:path';
import t from 'tap';
import { Container } from '../support/image/container.ts';
import { ImageBuilder, MachineCannot } from '../support/image/image.ts';
import { VERSION } from '../../src/version.ts';

// It installs and copies some hundred megabytes, on whatever machine that is.
t.setTimeout(15 * 60_000);

const builder = new ImageBuilder();
t.teardown(() => builder.remove());

/** Why it cannot be tried here; undefined: the base is there. */
function obstacle(): string | undefined {
  try {
    builder.makeBase();
    return undefined;
  } catch (error) {
    if (error instanceof MachineCannot) return error.message;
    throw error;
  }
}

const skip = obstacle();

t.test(
  'the image runs as its own user on a read-only root, is healthy, and ends at its signal',
  skip === undefined ? {} : { skip: `Cannot build an image here: ${skip}` },
  async (t) => {
    const { rootfs, config } = builder.build();
    const start = (name: string, args?: readonly string[]): Container => {
      const container = new Container(join(builder.directory, name), rootfs, config, args);
      t.teardown(() => container.remove());
      return container;
    };

    const probe = start('probe', ['node', '--version']);
    if ((await probe.ended()) !== 0) {
      t.pass('', { skip: `Cannot run a container here: ${probe.log}` });
      return;
    }

    const container = start('run');
    await container.said(/"msg":"listening"/);
    const [kind, ...healthy] = config.Healthcheck.Test;
    t.equal(kind, 'CMD');
    t.same(container.exec(healthy), { status: 0, output: '' }, 'the health check');

    const facts = container.exec(['node', '-e', TELL_FACTS]);
    t.equal(facts.status, 0, facts.output);
    t.same(JSON.parse(facts.output), {
      uid: 65532,
      capabilities: '0000000000000000',
      noNewPrivileges: '1',
      writes: ['EROFS', 'EROFS'],
      hi: '+HI {"v":2}\r\n',
      readyz: 503,
    });
    const version = container.exec(['node', '/app/dist/main.js', '--version']);
    t.same(version, { status: 0, output: VERSION });

    container.signal(config.StopSignal);
    t.equal(await container.ended(), 0);
    t.match(container.log, /"msg":"draining".*"reason":"SIGTERM"|"reason":"SIGTERM".*"draining"/);
    t.match(container.log, /"msg":"stopped"/);
  },
);

/** Runs in the container: what process 1 is, where it can write, and what it answers. */
const TELL_FACTS = `
  const { readFileSync, writeFileSync } = require('node:fs');
  const { connect } = require('node:net');
  const status = readFileSync('/proc/1/status', 'utf8');
  const field = (name) => new RegExp('^' + name + ':\\\\s+(\\\\S+)', 'm').exec(status)[1];
  const write = (path) => { try { writeFileSync(path, ''); return 'written'; } catch (e) { return e.code; } };
  const hi = new Promise((resolve, reject) => {
    const socket = connect(7519, '127.0.0.1');
    socket.once('data', (bytes) => { socket.destroy(); resolve(String(bytes)); });
    socket.once('error', reject);
  });
  const readyz = fetch('http://127.0.0.1:7421/readyz').then(({ status }) => status);
  Promise.all([hi, readyz]).then(([hi, readyz]) => console.log(JSON.stringify({
    uid: Number(field('Uid')),
    capabilities: field('CapEff'),
    noNewPrivileges: field('NoNewPrivs'),
    writes: [write('/app/x'), write('/tmp/x')],
    hi,
    readyz,
  })));
`;
