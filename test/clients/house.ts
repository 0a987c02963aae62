// What the tests of real clients begin with: the real Faktory with a password, and a bouncer in front
// of it in either mode.

import type { Test } from 'tap';
import { type RunningBouncer, startBouncer } from '../support/bouncer.ts';
import type { Place } from '../support/go-client.ts';
import { RawClient } from '../support/raw-client.ts';
import { RealFaktory } from '../support/real-faktory.ts';
import { replyText } from '../support/reply.ts';

export const MODES = ['session', 'pooled'] as const;

export interface House {
  readonly bouncer: RunningBouncer;
  /** Where clients find the bouncer. */
  readonly place: Place;
  /** What Faktory says of its jobs, asked past the bouncer. */
  info(): Promise<unknown>;
}

export async function openWithPassword(t: Test, mode: (typeof MODES)[number]): Promise<House> {
  const password = 'sesame';
  const faktory = await RealFaktory.start({ password });
  t.teardown(() => faktory.stop());
  t.comment(`Faktory ${faktory.version}`);
  const bouncer = await startBouncer(t, { port: faktory.port, overrides: { mode }, password });
  await bouncer.isUp();
  return {
    bouncer,
    place: { host: '127.0.0.1', port: bouncer.port, password },
    info: async () => {
      const client = await RawClient.connect({ port: faktory.port, password });
      const text = replyText(await client.command('INFO')) ?? '{}';
      client.end();
      return (JSON.parse(text) as { faktory: unknown }).faktory;
    },
  };
}
