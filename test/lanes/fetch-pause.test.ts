// When FETCHes are held back.

import t from 'tap';
import { Limit } from '../../src/base/limit.ts';
import { Live } from '../../src/base/live.ts';
import { FetchPause } from '../../src/lanes/fetch-pause.ts';
import { Pause } from '../../src/server/pause.ts';
import { WriteHealth, type WriteSettings } from '../../src/server/write-health.ts';

const ON: WriteSettings = { lateReply: 'on', hang: 'on', refused: 'on', probeIntervalMs: 0 };

t.test('FETCHes are held while Redis refuses writes, as the rule of the moment says', async (t) => {
  const settings = new Live(ON);
  const health = new WriteHealth(settings);
  const limit = new Limit(3);
  const pause = new FetchPause(limit, health, new Pause());
  health.onChange(pause);
  health.sawTrouble(0, { kind: 'refused', reason: 'MISCONF' });
  t.notOk(limit.hasRoom(0));
  settings.replace({ ...ON, refused: 'log' });
  pause.reconsider();
  t.ok(limit.hasRoom(0), 'a reload has turned the rule off');
  settings.replace(ON);
  pause.reconsider();
  t.notOk(limit.hasRoom(0));
  health.sawWrite(2, 1);
  t.ok(limit.hasRoom(0));
});
