// What the admin API does to a bouncer. Promise: each act is one call of Operated; what this bouncer
// cannot do is answered with 501, and changes nothing.

import type { ClientChoice } from '../client/client-facts.ts';
import { json, type Answer } from './answers.ts';
import type { Operated } from './operated.ts';

/** 200 if the new configuration is in force, 422 if it cannot be used. */
export async function reload({ reloading }: Operated): Promise<Answer> {
  if (reloading === null) return missing('reload its configuration');
  const outcome = await reloading.reload();
  switch (outcome.kind) {
    case 'applied':
      return json(200, {
        applied: true,
        changed: outcome.changed,
        need_restart: outcome.needRestart,
        problems: [],
        warnings: outcome.warnings,
      });
    case 'refused':
      return json(422, {
        applied: false,
        changed: [],
        need_restart: [],
        problems: outcome.problems,
        warnings: outcome.warnings,
      });
  }
}

export async function pause({ pausing }: Operated): Promise<Answer> {
  if (pausing === null) return missing('pause');
  await pausing.pause();
  return json(200, { paused: pausing.isPaused });
}

export async function resume({ pausing }: Operated): Promise<Answer> {
  if (pausing === null) return missing('pause');
  await pausing.resume();
  return json(200, { paused: pausing.isPaused });
}

/** The answer goes first: the admin address closes at the end of the drain. */
export function drain(operated: Operated): Answer {
  return {
    ...json(202, { draining: true }),
    afterwards: () => void operated.drain('POST /api/drain'),
  };
}

export async function disconnect(operated: Operated, choice: ClientChoice): Promise<Answer> {
  if (Object.keys(choice).length === 0) {
    return json(400, { error: 'Cannot disconnect: give wid, address or id' });
  }
  return json(200, { disconnected: await operated.disconnect(choice) });
}

function missing(what: string): Answer {
  return json(501, { error: `Cannot do this: this version of faktory-bouncer cannot ${what}` });
}
