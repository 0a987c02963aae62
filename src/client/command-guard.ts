// Hot path. Whether a command may pass. Promise: what the guard blocks is named by its rule, counted and
// logged at a bounded rate; a rule in `log` only counts and logs; rates are kept for each worker and
// each address in tables of bounded size, and ACK, FAIL and BEAT, which end what was begun, always pass
// them.

import { RateTable } from '../admission/rate-table.ts';
import type { AddressList } from '../base/address-list.ts';
import type { Live } from '../base/live.ts';
import type { ActiveRule, Guard, GuardRule } from '../protocol/guard.ts';
import type { Verb } from '../protocol/verbs.ts';
import type { ClientCounts } from './client-counts.ts';
import type { ClientEvents } from './client-events.ts';

/** Keys whose rate is remembered, of each kind. */
const KEYS_MAX = 10_000;

/** Who sends a command. */
export interface ClientIdentity {
  readonly address: string;
  /** Empty for a producer. */
  readonly wid: string;
  /** What HELLO says; empty for none. */
  readonly username: string;
}

export interface GuardingSettings {
  readonly guard: Guard;
  /** The rules flush, mutate and queue_remove do not apply to these. */
  readonly trustedAddresses: AddressList;
  readonly trustedUsernames: ReadonlySet<string>;
  /** Commands per second; 0: any number. */
  readonly workerCommands: number;
  readonly addressCommands: number;
}

export interface CommandGuardParts {
  readonly settings: Live<GuardingSettings>;
  readonly counts: Pick<ClientCounts, 'guardHits' | 'guardLogged'>;
  readonly events: Pick<ClientEvents, 'guarded'>;
}

export class CommandGuard {
  readonly #parts: CommandGuardParts;
  readonly #byWorker = new RateTable(KEYS_MAX);
  readonly #byAddress = new RateTable(KEYS_MAX);

  constructor(parts: CommandGuardParts) {
    this.#parts = parts;
  }

  /** The rule that blocks `line` at `now` (monotonic ms), or null; to be asked once for each command. */
  blockedBy(verb: Verb, line: Buffer, identity: ClientIdentity, now: number): GuardRule | null {
    const { guard } = this.#parts.settings.current;
    for (const rule of guard.rules[verb]) {
      if (!rule.isBroken(line)) continue;
      if (rule.sparesTrusted && this.#trusts(identity)) continue;
      if (this.#hits(rule, identity)) return rule.name;
    }
    if (guard.commandRate === 'off' || this.#isWithinRate(verb, identity, now)) return null;
    const rate = { name: 'command_rate', action: guard.commandRate } as const;
    return this.#hits(rate, identity) ? rate.name : null;
  }

  /** Whether a hit of `rule` blocks the line. */
  #hits({ name, action }: Pick<ActiveRule, 'name' | 'action'>, identity: ClientIdentity): boolean {
    const { counts, events } = this.#parts;
    const isBlocked = action === 'block';
    if (isBlocked) counts.guardHits.add(name);
    else counts.guardLogged.add(name);
    events.guarded({ rule: name, action, address: identity.address });
    return isBlocked;
  }

  #trusts({ address, username }: ClientIdentity): boolean {
    const { trustedAddresses, trustedUsernames } = this.#parts.settings.current;
    return trustedAddresses.has(address) || trustedUsernames.has(username);
  }

  #isWithinRate(verb: Verb, { address, wid }: ClientIdentity, now: number): boolean {
    const { workerCommands, addressCommands } = this.#parts.settings.current;
    const perWorker = wid === '' ? 0 : workerCommands;
    const isWithin =
      this.#byAddress.has(address, now, addressCommands) && this.#byWorker.has(wid, now, perWorker);
    if (isWithin) {
      this.#byAddress.take(address, now, addressCommands);
      this.#byWorker.take(wid, now, perWorker);
    }
    return isWithin || ENDS_WORK.has(verb);
  }
}

/** A client that may not say that a job is done would get it again. */
const ENDS_WORK: ReadonlySet<Verb> = new Set(['ACK', 'FAIL', 'BEAT', 'END']);
