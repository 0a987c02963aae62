import t from 'tap';
import { statusLine } from '../../src/observe/status-line.ts';
import { fullSnapshot } from '../support/full-snapshot.ts';

t.test('each count stands beside its limit, and what is wrong comes last', async (t) => {
  const line = statusLine(fullSnapshot());
  t.match(line, /^\d+ of 20000 clients, \d+ of 900 server connections, 7 clients wait$/);
  const down = { ...fullSnapshot(), faktory: { up: false, info: null } };
  t.equal(statusLine(down), `${line}, Faktory is unreachable`);
  const processes = { listening: 3, silent: 1, restarts: 0 };
  t.equal(
    statusLine({ ...down, processes }),
    `${line}, Faktory is unreachable, 1 of 3 processes do not answer`,
  );
  t.equal(statusLine({ ...down, draining: true }), `${line}, draining`);
});
