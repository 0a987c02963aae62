// When an acknowledgement of Faktory means something, by what was seen.

import t from 'tap';
import { Live } from '../../src/base/live.ts';
import {
  SUSPECT_AFTER_MS,
  WriteHealth,
  type WriteSettings,
  type WriteState,
} from '../../src/server/write-health.ts';

const ALL_ON: WriteSettings = { lateReply: 'on', hang: 'on', refused: 'on', probeIntervalMs: 1000 };
const REFUSED = { kind: 'refused', reason: 'OOM command not allowed' } as const;
const SILENT = { kind: 'silent', reason: 'i/o timeout' } as const;

function healthWith(settings: Partial<WriteSettings> = {}): {
  readonly health: WriteHealth;
  readonly changes: WriteState['kind'][];
} {
  const health = new WriteHealth(new Live({ ...ALL_ON, ...settings }));
  const changes: WriteState['kind'][] = [];
  health.onChange({ onWriteState: ({ kind }) => void changes.push(kind) });
  return { health, changes };
}

t.test('suspect when a command has gone unanswered for 1.5 s, not before', async (t) => {
  const { health, changes } = healthWith();
  health.sawUnanswered(100, SUSPECT_AFTER_MS - 1);
  t.ok(health.mayWrite);
  health.sawUnanswered(101, SUSPECT_AFTER_MS);
  t.notOk(health.mayWrite);
  t.same(changes, ['suspect']);
});

t.test('slow is not suspect: while others are answered, one may take long', async (t) => {
  const { health } = healthWith();
  for (let now = 250; now <= 3000; now += 250) {
    if (now <= 2000) health.sawAnswer();
    health.sawUnanswered(now, now);
    t.equal(health.state.kind, now < 3000 ? 'sound' : 'suspect', `${now} ms`);
  }
});

t.test('sound again only by a write that was sent after that', async (t) => {
  const { health } = healthWith();
  health.sawUnanswered(2000, SUSPECT_AFTER_MS);
  health.sawUnanswered(2500, 0);
  health.sawRedisAccept(2600);
  t.notOk(health.mayWrite, 'answers alone, or Redis alone, prove nothing');
  health.sawWrite(3000, 1999);
  t.notOk(health.mayWrite, 'nor does a write of before');
  health.sawWrite(3001, 2000);
  t.ok(health.mayWrite);
});

t.test('refusing as soon as a refusal is seen, also out of suspicion', async (t) => {
  const { health, changes } = healthWith();
  health.sawTrouble(1, SILENT);
  health.sawTrouble(2, REFUSED);
  health.sawTrouble(3, SILENT);
  t.same(health.state, { kind: 'refusing', since: 2, reason: REFUSED.reason });
  health.sawRedisAccept(4);
  t.ok(health.mayWrite);
  t.same(changes, ['suspect', 'refusing', 'sound']);
});

t.test('log tells and lets writes pass; off does not even tell', async (t) => {
  const logged = healthWith({ hang: 'log', refused: 'log' });
  logged.health.sawTrouble(1, SILENT);
  t.ok(logged.health.mayWrite);
  logged.health.sawTrouble(2, REFUSED);
  t.ok(logged.health.mayWrite);
  t.same(logged.changes, ['suspect', 'refusing']);
  const off = healthWith({ hang: 'off', refused: 'off' });
  off.health.sawUnanswered(1, 10_000);
  off.health.sawTrouble(1, SILENT);
  off.health.sawTrouble(2, REFUSED);
  t.same(off.changes, []);
});
