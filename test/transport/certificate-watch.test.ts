// When the expiry of a certificate is told.

import t from 'tap';
import { CertificateWatch } from '../../src/transport/certificate-watch.ts';
import { FakeClock } from '../support/fake-clock.ts';

const DAY_MS = 86_400_000;

t.test('a certificate is told from 14 days before its expiry on, once a day', async (t) => {
  const clock = new FakeClock();
  const told: string[] = [];
  const watch = new CertificateWatch(clock, (option, days) => told.push(`${option} ${days}`));
  const expiresAtMs = clock.wallMs() + 15.5 * DAY_MS;
  watch.replace([{ option: 'a', expiresAtMs }]);
  t.strictSame(told, []);
  clock.advance(DAY_MS);
  t.strictSame(told, []);
  clock.advance(DAY_MS);
  t.strictSame(told, ['a 13']);
  clock.advance(DAY_MS);
  t.strictSame(told, ['a 13', 'a 12']);
  clock.advance(13 * DAY_MS);
  t.equal(told.at(-1), 'a -1', 'it has expired');
  watch.replace([{ option: 'a', expiresAtMs: clock.wallMs() + 14 * DAY_MS }]);
  told.length = 0;
  clock.advance(DAY_MS);
  t.strictSame(told, ['a 13'], 'a new one is watched from its own day on');
  watch.stop();
  clock.advance(DAY_MS);
  t.strictSame(told, ['a 13']);
});
