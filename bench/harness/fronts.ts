// What stands between clients and Faktory: nothing, another proxy, or a bouncer. The bouncer is known
// by its command line, its configuration file and its admin address only, so that any version of it
// can be measured.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Settings } from './arguments.ts';
import { haproxyPlan, nginxPlan } from './peers.ts';
import { Proxy } from './proxy.ts';
import type { Address } from './proxy.ts';

export const THIS_CHECKOUT = join(import.meta.dirname, '..', '..');

export interface Front {
  /** As the tables call it. */
  readonly name: string;
  readonly kind: 'direct' | 'haproxy' | 'nginx' | 'session' | 'pooled';
  /** Whose bouncer runs. Default: this one. */
  readonly checkout?: string;
  readonly settings?: Settings;
  /** The bouncer gets the address of Faktory's Redis. */
  readonly withRedisUrl?: boolean;
}

/** Makes the bouncer as it is installed: one that strips types itself takes 30 MB more. */
export function buildBouncer(checkout: string): void {
  const built = spawnSync('npm', ['run', '--silent', 'build'], { cwd: checkout, encoding: 'utf8' });
  if (built.status === 0) return;
  throw new Error(`Cannot build the bouncer in ${checkout}:\n${built.stdout}${built.stderr}`);
}

/** Starts one in front of the Faktory at `server`; null where nothing is to be started. */
export async function startFront(
  front: Front,
  server: Address,
  redisSocket: string,
): Promise<Proxy | null> {
  switch (front.kind) {
    case 'direct':
      return null;
    case 'haproxy':
      return Proxy.start(haproxyPlan(server));
    case 'nginx':
      return Proxy.start(nginxPlan(server));
    case 'session':
    case 'pooled':
      return startBouncer(server, join(front.checkout ?? THIS_CHECKOUT, 'dist', 'main.js'), {
        ...front.settings,
        mode: front.kind,
        ...(front.withRedisUrl === true && { redis: { url: redisSocket } }),
      });
  }
}

/** Runs it as its first line has it run, but by this Node. Resolves when its /readyz answers 200. */
export function startBouncer(server: Address, program: string, settings: Settings): Promise<Proxy> {
  const section = (name: string): object => settings[name] ?? {};
  return Proxy.start({
    name: 'bouncer',
    program: process.execPath,
    config: ({ port, adminPort }) =>
      stringify({
        ...settings,
        listen: { ...section('listen'), address: `127.0.0.1:${port}` },
        server: { ...section('server'), url: `tcp://${server.host}:${server.port}` },
        admin: { ...section('admin'), address: `127.0.0.1:${adminPort}` },
      }),
    args: (file) => [...nodeFlags(program), program, '--config', file],
    readyPath: '/readyz',
  });
}

/** What the installed command gives Node: `#!/usr/bin/env -S node --flag …`. */
function nodeFlags(program: string): string[] {
  const [first = ''] = readFileSync(program, 'utf8').split('\n', 1);
  return first.split(' ').filter((word) => word.startsWith('--'));
}
