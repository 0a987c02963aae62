// What a bouncer cannot do is said, and nothing happens.

import t from 'tap';
import { act, startAdmin } from './support/admin-house.ts';

t.test('what a bouncer cannot do is answered with 501', async (t) => {
  const { address } = await startAdmin(t);
  for (const path of ['/api/reload', '/api/pause', '/api/resume']) {
    t.match(await act(address, path), { status: 501, body: /^\{"error":"Cannot do this: / }, path);
  }
});
