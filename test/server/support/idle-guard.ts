// A guard that has nothing against INFO.

import type { InfoGuard } from '../../../src/server/info-poll.ts';

export const IDLE_GUARD: InfoGuard = { mayAsk: () => true, asked: () => {}, over: () => {} };
