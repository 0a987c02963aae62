// Why the bouncer may close a client. Promise: a closing that has no reason which the documentation
// names is found.

import type { ModelClient, SentCommand } from '../../support/model-client.ts';
import type { Drain } from './drain.ts';
import type { Scene } from './scene.ts';

/** Faktory gives up on its Redis after 3 s: a later `+OK` may be false, and is no outcome. */
const DOUBTED_AFTER_MS = 3000;

const REFUSALS = [
  'ERR too many connections: ',
  'ERR Faktory is unreachable',
  'ERR faktory-bouncer could not open a connection to Faktory in time',
  'ERR faktory-bouncer is stopping',
] as const;

export interface Circumstances {
  readonly scene: Scene;
  readonly drain: Drain;
  /** Commands that Faktory may or may not have executed. */
  readonly unknown: ReadonlySet<string>;
}

export function isClosedRightly(client: ModelClient, circumstances: Circumstances): boolean {
  const { scene } = circumstances;
  if (!client.wasClosed) return true;
  if (scene.sinksThrown > 0) return true;
  return client.wasAdmitted
    ? mayCloseAdmitted(client, circumstances)
    : mayRefuse(client, circumstances);
}

function mayRefuse(client: ModelClient, { scene, drain }: Circumstances): boolean {
  const { refusal } = client;
  if (refusal === 'ERR Invalid password') return client.options.password === 'wrong';
  if (refusal !== null) return REFUSALS.some((text) => refusal.startsWith(text));
  // One that has said all that it had to say has left, unless it has left whole commands.
  const isForNothing = client.sent.every(({ verb }) => verb === 'FETCH');
  if ((client.hasEnded || client.saidEnd) && (isForNothing || scene.delaysRefusals)) return true;
  const { handshakeTimeoutMs } = scene.plan.config;
  const isLate = client.closedAt - scene.acceptedAt(client) >= handshakeTimeoutMs;
  return isLate || drain.wasCutShort || isExpired(client, scene);
}

function mayCloseAdmitted(client: ModelClient, circumstances: Circumstances): boolean {
  const { scene, drain, unknown } = circumstances;
  const [first] = client.outstanding;
  if (scene.isSession && scene.house.faktory.lostHosts.has(client.name)) return true;
  // A slow Faktory may be taken for one that has lost the connection.
  if (scene.isSession && scene.house.counts.server.ends.values.unanswered > 0) return true;
  if (isExpired(client, scene)) return true;
  if (wasRefused(client)) return true;
  if (mayBeIdle(client, scene) && (first === undefined || !wasTaken(first, scene))) return true;
  // It was being refused when it said FIN.
  if (client.hasEnded && scene.delaysRefusals && first !== undefined && !wasTaken(first, scene))
    return true;
  if (first === undefined) return client.hasEnded || client.saidEnd || drain.hasBegun;
  if (client.hasEnded && first.verb === 'FETCH') return true;
  if (drain.hasBegun && (drain.wasCutShort || !wasTaken(first, scene))) return true;
  if (isDoubted(client, first)) return true;
  if (scene.isSession || !unknown.has(first.id)) return false;
  // ACK and BEAT are sent again. So is INFO, unless part of its reply has been passed on.
  return first.verb !== 'ACK' && first.verb !== 'BEAT';
}

/** Its first command that needs a place was refused: what is behind it goes with it. */
function wasRefused({ sent }: ModelClient): boolean {
  const last = sent.findLast(({ reply }) => reply !== null);
  return REFUSALS.some((text) => last?.reply?.startsWith(`-${text}`));
}

/** Producers that say nothing give their place to who waits, or are closed after idle_timeout. */
function mayBeIdle(client: ModelClient, { house }: Scene): boolean {
  const { reclaimed, idle_timeout: timedOut } = house.counts.client.ends.values;
  const wasWorker = client.sent.some(
    ({ verb, reply }) => reply !== null && (verb === 'FETCH' || verb === 'BEAT'),
  );
  return !wasWorker && reclaimed + timedOut > 0;
}

function isExpired({ wid }: ModelClient, scene: Scene): boolean {
  return wid !== null && !scene.isSession && scene.mayHaveExpired(wid);
}

function wasTaken({ id }: SentCommand, { house }: Scene): boolean {
  return id !== '' && house.faktory.commands.executed.has(id);
}

function isDoubted({ closedAt }: ModelClient, { verb, sentAt }: SentCommand): boolean {
  return verb === 'PUSH' && closedAt - sentAt >= DOUBTED_AFTER_MS;
}
