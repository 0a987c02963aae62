// Acts: what a bouncer cannot do is said, and nothing happens; what is asked of other processes.

import t from 'tap';
import { act, ask, startAdmin } from './support/admin-house.ts';

t.test('what a bouncer cannot do is answered with 501', async (t) => {
  const { address } = await startAdmin(t);
  for (const path of ['/api/reload', '/api/pause', '/api/resume']) {
    t.match(await act(address, path), { status: 501, body: /^\{"error":"Cannot do this: / }, path);
  }
});

t.test('other processes are asked once for an answer, and by an act itself', async (t) => {
  const brought: string[] = [];
  const operated = { bring: async (what: string) => void brought.push(what) };
  const { address } = await startAdmin(t, { operated });
  for (const path of ['/api/reload', '/api/pause', '/api/resume', '/api/disconnect?id=1']) {
    await act(address, path);
  }
  t.strictSame(brought, []);
  await ask(address, '/metrics');
  await ask(address, '/api/state');
  t.strictSame(brought, ['figures', 'figures']);
});
