// Loaded into a bouncer before its own code (node --import). Promise: says, once a second and in the file
// that SOAK_TIMERS names, how many timers are set; it changes nothing else. Node tells only of those that
// keep a process alive, and the bouncer's do not.

import { writeFileSync } from 'node:fs';

const EVERY_MS = 1000;

const path = process.env['SOAK_TIMERS'];
const set = new Set<NodeJS.Timeout>();
const { setTimeout: systemSetTimeout, clearTimeout: systemClearTimeout } = globalThis;

function counted(act: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) {
  const timer = systemSetTimeout(() => {
    set.delete(timer);
    act(...args);
  }, ms);
  set.add(timer);
  return timer;
}

const counting: unknown = Object.assign(counted, systemSetTimeout);
globalThis.setTimeout = counting as typeof setTimeout;
globalThis.clearTimeout = (timer) => {
  set.delete(timer as NodeJS.Timeout);
  systemClearTimeout(timer);
};

if (path !== undefined) setInterval(() => writeFileSync(path, String(set.size)), EVERY_MS).unref();
